// Which page is shown: the part of the address behind `#`.
import { h, get, post, whenLocked, section, table, empty, state, bytes, count, short, when, duration, hex, notice }
  from "/lib.js";
import { chart, isRead, narrow, rate, level, quantile } from "/charts.js";
import { objectPage } from "/object.js";
import { logPage } from "/log.js";

const main = document.getElementById("main");
const MINUTES = 15, EVERY = 3000;

// ---- overview ----

// Kept over pages; the last one is thrown away when newer ones come.
let samples = [];

async function refresh(signal) {
  const settled = samples.slice(0, -1);
  const after = settled.length ? settled[settled.length - 1].time : 0;
  const fresh = await get("series", { after }, signal);
  const now = fresh[fresh.length - 1].time;
  samples = [...settled, ...fresh].filter((s, i, all) =>
    s.time > now - MINUTES * 60000 && (i === 0 || s.time > all[i - 1].time));
}

const last = points => points.length ? points[points.length - 1].value : null;

function tiles() {
  const s = samples[samples.length - 1];
  const tile = (title, value, more) => h("div", { class: "tile" },
    h("dt", {}, title), h("dd", {}, value, more && h("small", {}, more)));
  const p50 = last(quantile(samples, 0.5)), p99 = last(quantile(samples, 0.99));
  return h("dl", { class: "tiles" },
    tile("Requests a second", short(last(rate(samples, "requests")) ?? 0), `${count(s.requests)} so far`),
    tile("Latency", p50 === null ? "–" : duration(p50), p99 === null ? "no requests now" : `99 %: ${duration(p99)}`),
    tile("Commits a second", short(last(rate(samples, "commits")) ?? 0), `${count(s.commits)} so far`),
    tile("Objects in memory", count(s.objects), `${bytes(s.lua)} of Lua`),
    tile("Connections", count(s.connections + s.sockets), `${count(s.sockets)} WebSockets`),
    tile("Memory", bytes(s.memory), `${((last(rate(samples, "cpu", 100)) ?? 0)).toFixed(0)} % of a core`));
}

function charts() {
  const line = (name, cls, points) => ({ name, class: cls, points });
  return [
    chart("Requests a second", [line("all", "one", rate(samples, "requests")),
      line("failed", "four", rate(samples, "failed"))], short),
    chart("Latency", [line("50 %", "one", quantile(samples, 0.5)), line("99 %", "two", quantile(samples, 0.99))],
      duration),
    chart("Commits and fsyncs a second", [line("commits", "one", rate(samples, "commits")),
      line("fsyncs", "three", rate(samples, "syncs"))], short),
    chart("Processor", [line("percent of one core", "one", rate(samples, "cpu", 100))], n => `${short(n)} %`),
    chart("Memory", [line("process", "one", level(samples, "memory")), line("Lua states", "three", level(samples, "lua"))],
      bytes),
    chart("Events that wait", [line("queued", "two", level(samples, "queued"))], short)];
}

async function overviewPage(signal) {
  await refresh(signal);
  let top = tiles(), figures = charts();
  main.replaceChildren(h("h1", {}, "Overview"), top,
    section("The last minutes", h("div", { class: "charts" }, figures)));
  const changed = (old, fresh) => {
    old.replaceWith(fresh);
    return fresh;
  };
  const draw = () => {
    const fresh = charts();
    top = changed(top, tiles());
    figures = figures.map((old, i) => isRead(old) ? old : changed(old, fresh[i]));
  };
  narrow.addEventListener("change", draw, { signal });
  const timer = setInterval(async () => {
    if (document.hidden) return;
    try {
      await refresh(signal);
      draw();
      notice("");
    } catch (error) {
      if (error.name !== "AbortError") notice(error.message, true);
    }
  }, EVERY);
  signal.addEventListener("abort", () => clearInterval(timer));
}

// ---- objects ----

function classLinks(classes, chosen) {
  const link = c => h("li", {}, h("a", {
    href: `#/objects/${c.class}`, "aria-current": c.class === chosen ? "page" : null,
  }, c.class, " ", h("span", { class: "muted" },
    `${count(c.count)}${c.awake ? `, ${count(c.awake)} awake` : ""}${c.in_script ? "" : ", not in the script"}`)));
  return h("nav", { class: "classes", "aria-label": "Classes" }, h("ul", {}, classes.map(link)));
}

const COLUMNS = [{ title: "Name", class: "wide name" }, { title: "State" }, { title: "Storage", class: "number" },
  { title: "Sockets", class: "number" }, { title: "Next alarm" }, { title: "Last event" }];

function objectRow(o) {
  const name = o.name ?? `${o.id.slice(0, 16)}…`;
  return [h("a", { href: `#/object/${o.class}/${o.id}`, class: o.name === undefined ? "code" : "" }, name),
    state(o.state), bytes(o.bytes), count(o.socket_count), when(o.next_alarm), when(o.last_event)];
}

async function objectsPage(signal, chosen) {
  const { class: classes = [] } = await get("classes", {}, signal);
  const className = chosen ?? classes[0]?.class;
  const list = h("div", { id: "list", "aria-live": "polite" });
  const box = h("input", { type: "search", id: "search", autocomplete: "off", spellcheck: "false",
    placeholder: "how the name begins, or an id" });
  const back = h("button", { disabled: true }, "First page");
  const next = h("button", { disabled: true }, "Next page");
  let from = {}, latest = 0;

  main.replaceChildren(h("h1", {}, "Objects"));
  if (!className) {
    main.append(empty("The script has no classes, and no object has data."));
    return;
  }
  async function show(at) {
    const turn = ++latest;
    const answer = await get("objects", { class: className, prefix: hex(box.value), limit: 50, ...at }, signal);
    if (turn !== latest) return;
    const rows = answer.object || [];
    list.replaceChildren(rows.length ? table(`Objects of ${className}`, COLUMNS, rows.map(objectRow)) :
      empty(box.value ? "No object has a name that begins so." : "No object of this class has data yet."));
    from = answer.next || {};
    next.disabled = !answer.next;
    back.disabled = !at.after && !at.afterId;
  }
  // An id leads to its object, whether it has a name or not.
  function open(event) {
    event.preventDefault();
    if (/^[0-9a-f]{64}$/i.test(box.value.trim()))
      location.hash = `#/object/${className}/${box.value.trim().toLowerCase()}`;
  }
  const guarded = at => show(at).catch(failed);
  box.addEventListener("input", () => guarded({}));
  back.addEventListener("click", () => guarded({}));
  next.addEventListener("click", () => guarded(from));
  main.append(classLinks(classes, className),
    h("form", { class: "bar", role: "search", onsubmit: open },
      h("label", { for: "search" }, "Search"), box),
    list, h("div", { class: "bar" }, back, next));
  await show({});
}

// ---- the token ----

function loginPage() {
  const field = h("input", { type: "password", id: "token", autocomplete: "current-password", required: true });
  const said = h("p", { class: "bad", role: "alert" });
  main.replaceChildren(h("form", { class: "login", onsubmit: async e => {
    e.preventDefault();
    try {
      await post("login", field.value);
      start();
    } catch (error) {
      said.textContent = error.message;
      field.select();
    }
  } }, h("h1", {}, "Sign in"),
  h("label", { for: "token" }, "Token"), field,
  h("p", { class: "muted" }, "The one of admin.token in moonkeep.lua."),
  h("button", { class: "primary" }, "Sign in"), said));
  field.focus();
}

// ---- which page ----

let ending = new AbortController();

function failed(error) {
  if (error.name === "AbortError" || error.status === 401) return;
  main.replaceChildren(h("h1", {}, "This did not work"), h("p", { class: "bad", role: "alert" }, error.message),
    h("p", {}, h("button", { onclick: show }, "Try again")));
}

function mark(first) {
  for (const a of document.querySelectorAll("header nav a")) {
    const at = a.getAttribute("href").slice(2);
    const isHere = at === first || at === "objects" && first === "object";
    if (isHere) a.setAttribute("aria-current", "page");
    else a.removeAttribute("aria-current");
  }
}

async function show() {
  const [first = "", ...rest] = location.hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
  ending.abort();
  ending = new AbortController();
  const { signal } = ending;
  notice("");
  mark(first);
  document.title = `${{ objects: "Objects", log: "Live log" }[first] ?? "Overview"} – Moonkeep`;
  try {
    if (first === "objects") await objectsPage(signal, rest[0]);
    else if (first === "object") await objectPage(main, rest[0], rest[1], signal);
    else if (first === "log") await logPage(main, signal, rest);
    else await overviewPage(signal);
  } catch (error) {
    failed(error);
  }
}

async function start() {
  try {
    const info = await get("info");
    document.getElementById("app").textContent = `${info.app} · ${info.version}`;
    document.getElementById("logout").hidden = !info.hasToken;
    await show();
  } catch (error) {
    failed(error);
  }
}

document.getElementById("logout").addEventListener("click", async () => {
  ending.abort();
  await post("logout").catch(failed);
  samples = [];
  loginPage();
});
// Its address would be that of a page.
document.querySelector(".skip").addEventListener("click", event => {
  event.preventDefault();
  main.focus();
});
addEventListener("hashchange", async () => {
  await show();
  main.focus({ preventScroll: true });
  scrollTo(0, 0);
});
whenLocked(() => {
  ending.abort();
  loginPage();
});
start();
