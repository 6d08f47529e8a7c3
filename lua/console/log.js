// The live log: events with what they cost, and what scripts log.
import { h, get, stream, bytes, count, duration, clock } from "/lib.js";

const KEPT = 1000;

const owner = r => !r.class ? "router" : `${r.class} / ${r.name ?? `${(r.id ?? "").slice(0, 12)}…`}`;
const link = r => r.class && r.id ? h("a", { href: `#/object/${r.class}/${r.id}` }, owner(r)) : h("span", {}, owner(r));

const isBad = r => r.outcome === "error" || r.level === "error" || (r.status ?? 0) >= 500;

function cost(r) {
  const sizes = [["in", r.bytes_in], ["out", r.bytes_out]].filter(([, n]) => n !== undefined)
    .map(([name, n]) => `${bytes(n)} ${name}`);
  return [duration(r.took_us / 1000), `cpu ${duration(r.cpu_us / 1000)}`,
    `${count(r.rows_read)} read`, `${count(r.rows_written)} written`, ...sizes].join(" · ");
}

function line(r) {
  const time = h("time", { datetime: new Date(r.time).toISOString() }, clock(r.time));
  if (r.kind === "event")
    return h("li", { class: isBad(r) ? "bad" : "" }, time, h("span", { class: "tag" }, r.event), link(r),
      h("span", { class: "what" }, `${r.what ?? ""} ${r.status ?? r.outcome}`),
      h("span", { class: "cost" }, cost(r)), r.error && h("pre", {}, r.error));
  return h("li", { class: `log ${r.level}` }, time, h("span", { class: "tag" }, r.level), link(r),
    h("span", { class: "what" }, r.message), r.fields && h("code", { class: "cost" }, `{${r.fields}}`),
    r.trace && h("pre", {}, r.trace));
}

const KINDS = {
  all: () => true,
  log: r => r.kind === "log",
  event: r => r.kind === "event",
  bad: isBad,
};

// logPage(main, signal, [class, id]): shows what comes until `signal` ends it.
export async function logPage(main, signal, [chosen, id]) {
  const { class: classes = [] } = await get("classes", {}, signal);
  const list = h("ol", { id: "log", class: "log", tabindex: "0", role: "log", "aria-live": "off", "aria-label": "Events and log lines" });
  const option = (value, text, isChosen) => h("option", { value, selected: isChosen }, text);
  const ofClass = h("select", { id: "log-class" }, option("", "all objects"),
    classes.map(c => option(c.class, c.class, c.class === chosen)));
  const kind = h("select", { id: "log-kind" }, option("all", "everything"), option("log", "log lines"),
    option("event", "events"), option("bad", "errors"));
  const text = h("input", { type: "search", id: "log-text", autocomplete: "off", spellcheck: "false", placeholder: "any text" });
  const pause = h("button", { type: "button", "aria-pressed": "false" }, "Pause");
  const clear = h("button", { type: "button" }, "Clear");
  const said = h("p", { class: "muted", id: "log-state" }, "Connecting …");
  let rows = [], waiting = [], isPaused = false, inner = new AbortController();

  const isOne = () => Boolean(id) && ofClass.value === chosen;
  const fits = r => KINDS[kind.value](r) && (!text.value ||
    JSON.stringify(r).toLowerCase().includes(text.value.toLowerCase()));
  function add(batch) {
    const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
    rows = rows.concat(batch).slice(-KEPT);
    list.append(...batch.filter(fits).map(line));
    while (list.childElementCount > KEPT) list.firstChild.remove();
    if (isAtEnd) list.scrollTop = list.scrollHeight;
  }
  function draw() {
    list.replaceChildren(...rows.filter(fits).map(line));
    list.scrollTop = list.scrollHeight;
  }
  // In batches: thousands of lines a second are drawn once a frame or so.
  const timer = setInterval(() => {
    if (isPaused || !waiting.length) return;
    add(waiting);
    waiting = [];
  }, 150);
  function take(r) {
    if (r.kind === "watching") said.textContent = isOne() ?
      `Live: what happens to the object ${id.slice(0, 12)}… is shown as it happens.` :
      "Live: what happens is shown as it happens.";
    else if (r.kind === "dropped") said.textContent = `${count(r.count)} lines were dropped: they came faster than they were read.`;
    else if (r.kind === "failure") said.textContent = r.message;
    else if (r.kind === "event" || r.kind === "log") waiting.push(r);
    if (waiting.length > KEPT) waiting = waiting.slice(-KEPT);
    if (isPaused) pause.textContent = `Go on (${count(waiting.length)})`;
  }
  async function watch() {
    inner.abort();
    inner = new AbortController();
    const mine = inner.signal;
    try {
      await stream("tail", { class: ofClass.value, id: isOne() ? id : "" }, mine, take);
      said.textContent = "The server has ended the log.";
    } catch (error) {
      if (!mine.aborted) said.textContent = error.message;
    }
  }

  pause.addEventListener("click", () => {
    isPaused = !isPaused;
    pause.setAttribute("aria-pressed", isPaused);
    pause.textContent = isPaused ? "Go on" : "Pause";
  });
  clear.addEventListener("click", () => { rows = []; waiting = []; draw(); });
  kind.addEventListener("change", draw);
  text.addEventListener("input", draw);
  ofClass.addEventListener("change", watch);
  main.replaceChildren(h("h1", {}, "Live log"),
    h("form", { class: "bar", onsubmit: e => e.preventDefault() },
      h("label", { for: "log-class" }, "Of"), ofClass,
      h("label", { for: "log-kind" }, "Show"), kind,
      h("label", { for: "log-text" }, "With"), text, pause, clear),
    said, list);
  signal.addEventListener("abort", () => { inner.abort(); clearInterval(timer); });
  watch();
}
