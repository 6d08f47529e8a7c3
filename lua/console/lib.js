// Elements, questions, and how things are written for people.

// An element: `attributes` by name ("on..." are listeners, true is present,
// null and false are absent), then children; texts are texts, never markup.
export function h(tag, attributes, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) e.addEventListener(name.slice(2), value);
    else if (value === true) e.setAttribute(name, "");
    else if (value !== null && value !== false && value !== undefined) e.setAttribute(name, value);
  }
  e.append(...children.flat().filter(c => c !== null && c !== undefined && c !== false));
  return e;
}

export class Failure extends Error {}

async function failureOf(response) {
  let message = `the server answered ${response.status}`;
  try {
    message = (await response.json()).message || message;
  } catch { /* it was no JSON */ }
  const failure = new Failure(message);
  failure.status = response.status;
  return failure;
}

let onLocked = () => {};
// What happens when the token is asked for.
export function whenLocked(f) { onLocked = f; }

async function request(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Failure("the server cannot be reached");
  }
  if (response.ok) return response;
  const failure = await failureOf(response);
  if (response.status === 401 && !path.endsWith("/login")) onLocked();
  throw failure;
}

const query = fields => {
  const q = new URLSearchParams();
  for (const [k, v] of Object.entries(fields || {})) if (v !== null && v !== undefined && v !== "") q.set(k, v);
  return q.size ? "?" + q : "";
};

export const get = async (name, fields, signal) =>
  (await request(`/api/${name}${query(fields)}`, { signal })).json();

export const post = async (name, body) => {
  const text = typeof body === "string" ? body : JSON.stringify(body ?? null);
  const response = await request(`/api/${name}`, {
    method: "POST", body: text, headers: { "X-Moonkeep-Console": "1" },
  });
  return response.status === 204 ? null : response.json();
};

// Calls each(value) for every line of JSON that comes; ends with the answer.
export async function stream(name, fields, signal, each) {
  const response = await request(`/api/${name}${query(fields)}`, { signal });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) each(JSON.parse(line));
  }
}

export const hex = text => [...new TextEncoder().encode(text)].map(b => b.toString(16).padStart(2, "0")).join("");

// ---- for people ----

const units = ["B", "KB", "MB", "GB", "TB"];
export function bytes(n) {
  let i = 0;
  while (n >= 1024 && i < units.length - 1) { n /= 1024; i++; }
  return `${i === 0 || n >= 100 ? Math.round(n) : Number(n.toFixed(1))} ${units[i]}`;
}

export const count = n => n.toLocaleString("en-US");

// Three digits are enough of a rate.
export function short(n) {
  if (n >= 1e6) return `${(n / 1e6).toFixed(n < 1e7 ? 2 : 1)} M`;
  if (n >= 1e4) return `${(n / 1e3).toFixed(n < 1e5 ? 1 : 0)} k`;
  if (n >= 100 || Number.isInteger(n)) return count(Math.round(n));
  return String(Number(n.toFixed(n < 10 ? 2 : 1)));
}

export function duration(ms) {
  if (ms === 0) return "0";
  if (ms < 1) return `${Math.round(ms * 1000)} µs`;
  if (ms < 1000) return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
  const s = ms / 1000;
  if (s < 60) return `${s < 10 ? s.toFixed(1) : Math.round(s)} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  const [big, small, one, two] = s < 86400 ? [3600, 60, "h", "min"] : [86400, 3600, "d", "h"];
  const rest = Math.floor(s % big / small);
  return `${Math.floor(s / big)} ${one}${rest ? ` ${rest} ${two}` : ""}`;
}

const pad = n => String(n).padStart(2, "0");
export function clock(ms) {
  const d = new Date(ms);
  return `${pad(d.getHours())}:${pad(d.getMinutes())}:${pad(d.getSeconds())}`;
}

// "3 min ago", with the exact time at hand.
export function when(ms) {
  if (!ms) return h("span", { class: "muted" }, "–");
  const d = ms - Date.now();
  const text = Math.abs(d) < 1000 ? "now" : d < 0 ? `${duration(-d)} ago` : `in ${duration(d)}`;
  return h("time", { datetime: new Date(ms).toISOString(), title: new Date(ms).toLocaleString() }, text);
}

export const state = name => h("span", { class: `state ${name}` }, name);

// A table that may be wider than the screen: it scrolls by itself, by keyboard
// too.  `columns`: { title, class }; `rows`: arrays of children.
export function table(label, columns, rows) {
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label },
    h("table", {},
      h("thead", {}, h("tr", {}, columns.map(c => h("th", { scope: "col", class: c.class }, c.title)))),
      h("tbody", {}, rows.map(cells => h("tr", {},
        cells.map((cell, i) => h("td", { class: columns[i].class, "data-title": columns[i].title }, cell)))))));
}

export const empty = text => h("p", { class: "empty" }, text);

export function section(title, ...children) {
  const id = "s-" + title.toLowerCase().replace(/\W+/g, "-");
  return h("section", { "aria-labelledby": id }, h("h2", { id }, title), ...children);
}

export function notice(text, isBad) {
  const e = document.getElementById("notice");
  e.className = isBad ? "bad" : "";
  e.textContent = text;
}
