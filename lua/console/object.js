// The page of one object.
import { h, get, post, table, section, empty, state, bytes, count, when, duration, notice, clock } from "/lib.js";

const plural = (n, one, many) => `${count(n)} ${n === 1 ? one : many}`;
const COUNTED = {
  queued: ["event waits in the mailbox", "events wait in the mailbox"],
  sockets: ["plain socket", "plain sockets"],
  references: ["function or table that others hold", "functions and tables that others hold"],
  tasks: ["task is to begin", "tasks are to begin"],
  alarm: ["alarm is fired", "alarms are fired"],
};

// ---- what keeps it awake ----

function reason(k) {
  if (k.kind === "timer")
    return `A timer${k.every_ms ? ` every ${duration(k.every_ms)}` : ""}, next in ${duration(k.due_ms)}`;
  if (k.kind === "disk") return "What it wrote is not on disk yet";
  if (COUNTED[k.kind]) return plural(k.count, ...COUNTED[k.kind]);
  const waits = k.waits_for ? `, waits for ${k.waits_for}` : "";
  return `${k.what || k.kind}, for ${duration(k.age_ms)}${waits}`;
}

function awake(why) {
  const o = why.object[0], keepers = why.keeper || [];
  if (keepers.length) return h("ul", { class: "plain" }, keepers.map(k => h("li", {}, reason(k))));
  if (o.state === "asleep" || o.state === "hibernating")
    return empty(o.state === "asleep" ? "It sleeps: nothing of it is in memory." :
      "It hibernates: only its sockets are in memory.");
  const left = o.sleeps_in_ms;
  return empty(left === undefined ? "It is busy." : `Nothing keeps it awake: it will sleep in ${duration(left)}.`);
}

// ---- facts ----

function facts(o) {
  const item = (name, ...value) => h("div", {}, h("dt", {}, name), h("dd", {}, ...value));
  const version = o.version ? `${o.version}${o.stale ? " (a newer one is loaded)" : ""}` : "–";
  return h("dl", { class: "facts" },
    item("State", state(o.state)),
    item("Storage", bytes(o.bytes)),
    item("Lua memory", o.memory ? bytes(o.memory) : "–"),
    item("Script version", version),
    item("Last event", when(o.last_event)),
    item("Created", when(o.created)),
    item("Next alarm", when(o.next_alarm)),
    item("Sockets", count(o.socket_count)),
    item("Under way", plural(o.events, "event", "events")),
    item("Queued", plural(o.queued, "event", "events")));
}

// ---- storage ----

function keys(shown) {
  const list = shown.key || [], o = shown.object[0];
  if (!list.length) return empty("No keys.");
  const more = o.key_count > list.length || !o.key_count_is_exact;
  return [
    table("Keys", [{ title: "Key", class: "code" }, { title: "Value", class: "code wide" }, { title: "Size", class: "number" }],
      list.map(k => [k.key, k.value ?? h("span", { class: "muted" }, "too large to show"), bytes(k.bytes)])),
    more && h("p", { class: "muted" },
      `The first ${count(list.length)} of ${o.key_count_is_exact ? "" : "more than "}${count(o.key_count)}.`),
  ].filter(Boolean);
}

function alarms(shown) {
  const alive = shown.alarm || [], dead = shown.dead || [];
  if (!alive.length && !dead.length) return empty("No alarms.");
  const name = a => a.alarm === "" ? h("span", { class: "muted" }, "(plain)") : a.alarm;
  const again = a => a.cron || (a.every ? `every ${duration(a.every)}` : "once");
  return table("Alarms", [{ title: "Name" }, { title: "Due" }, { title: "Repeats" }, { title: "Retries", class: "number" }, { title: "", class: "wide" }],
    [...alive.map(a => [name(a), when(a.due), again(a), a.retries, ""]),
      ...dead.map(a => [name(a), when(a.dead), again(a), a.retries,
        h("span", { class: "bad" }, `given up: ${a.error}`)])]);
}

function sockets(shown) {
  const list = shown.socket || [], total = shown.object[0].socket_count;
  if (!list.length) return empty("No sockets.");
  return [
    table("Sockets", [{ title: "State" }, { title: "Kind" }, { title: "Tags", class: "code wide" }],
      list.map(s => [s.readyState, s.hibernatable ? "hibernatable" : "plain", s.tags?.join?.(", ") || "–"])),
    total > list.length && h("p", { class: "muted" }, `The first ${count(list.length)} of ${count(total)}.`),
  ].filter(Boolean);
}

// ---- queries ----

function cell(value) {
  if (value === undefined || value === null) return h("span", { class: "muted" }, "NULL");
  if (value.integer) return value.integer;
  if (value.base64 !== undefined) return h("span", { class: "muted" }, `BLOB ${value.base64.slice(0, 60)}`);
  return String(value);
}

function result(answer) {
  const names = answer.columns?.[0]?.names, done = answer.done[0], list = answer.row || [];
  const columns = Array.isArray(names) ? names : [];
  const numbers = columns.map((_, i) => list.every(r => typeof r[i] === "number" || r[i]?.integer));
  const said = `${plural(done.rows, "row", "rows")}${done.has_more ? ", and there are more" : ""}; ` +
    `read ${count(done.rows_read)}, wrote ${count(done.rows_written)}, ${duration(done.us / 1000)}`;
  return h("div", {},
    columns.length ? table("Result", columns.map((title, i) => ({ title, class: numbers[i] && list.length ? "number" : "code" })),
      list.map(r => columns.map((_, i) => cell(r[i])))) : null,
    h("p", { class: "muted", id: "query-done" }, said));
}

function queryBox(o, first) {
  const out = h("div", { id: "query-result", "aria-live": "polite" });
  const text = h("textarea", { id: "query", rows: "3", spellcheck: "false", autocapitalize: "off", autocomplete: "off" });
  const unlock = h("input", { type: "checkbox", id: "unlock" });
  const form = h("form", { class: "query", onsubmit: run },
    h("label", { for: "query" }, "SQL query"), text,
    h("div", { class: "bar" },
      h("button", { class: "primary" }, "Run"),
      h("label", { class: "check" }, unlock, "Allow it to write"),
      h("span", { class: "muted hint" }, "Ctrl+Enter runs it")));

  text.value = first ? `SELECT * FROM "${first.replaceAll('"', '""')}" LIMIT 50` : "SELECT name, sql FROM sqlite_schema";
  text.addEventListener("keydown", e => {
    if (e.key === "Enter" && (e.ctrlKey || e.metaKey)) run(e);
  });
  unlock.addEventListener("change", () => form.classList.toggle("unlocked", unlock.checked));
  async function run(event) {
    event.preventDefault();
    try {
      const answer = await post("sql", { class: o.class, id: o.id, sql: text.value, write: unlock.checked });
      out.replaceChildren(result(answer));
    } catch (error) {
      const why = error.message.replace("not done without --write", "tick \u201cAllow it to write\u201d to let it");
      out.replaceChildren(h("p", { class: "bad", role: "alert" }, why));
    }
  }
  return h("div", {}, form, out);
}

function tables(shown) {
  const list = shown.table || [];
  if (!list.length) return empty("No tables of its own.");
  return table("Tables", [{ title: "Table", class: "code" }, { title: "Rows", class: "number" }],
    list.map(t => [t.name, t.rows === undefined ? "?" : count(t.rows)]));
}

// ---- the page ----

// objectPage(main, class, id, signal): shows it in `main`, and what changes in
// it every few seconds until `signal` ends that; the query stays.
export async function objectPage(main, className, id, signal) {
  const ask = async () => Promise.all([
    get("show", { class: className, id }, signal), get("why", { class: className, id }, signal)]);
  const [shown, why] = await ask();
  const o = shown.object[0], name = o.name ?? id;
  const part = {};
  const hold = (key, title) => section(title, part[key] = h("div", {}));
  const copy = h("button", { class: "small", onclick: async () => {
    await navigator.clipboard.writeText(id);
    notice("The id was copied.");
  } }, "Copy id");
  const at = h("span", { class: "muted" });

  function draw(s, w) {
    part.facts.replaceChildren(facts(s.object[0]));
    part.why.replaceChildren(awake(w));
    part.keys.replaceChildren(...[keys(s)].flat());
    part.tables.replaceChildren(tables(s));
    part.alarms.replaceChildren(alarms(s));
    part.sockets.replaceChildren(...[sockets(s)].flat());
    at.textContent = `as of ${clock(Date.now())}`;
  }

  document.title = `${name} – Moonkeep`;
  main.replaceChildren(
    h("nav", { class: "path", "aria-label": "Where this is" },
      h("a", { href: "#/objects" }, "Objects"), " / ", h("a", { href: `#/objects/${className}` }, className)),
    h("h1", {}, name),
    h("p", { class: "id" }, h("code", {}, id), copy,
      h("a", { href: `#/log/${className}/${id}` }, "Live log of this object"), at),
    o.error && h("p", { class: "bad", role: "alert" }, o.error) || "",
    part.facts = h("div", {}),
    hold("why", "What keeps it awake"),
    hold("keys", "Keys"),
    section("Tables", part.tables = h("div", {}), queryBox(o, shown.table?.[0]?.name)),
    hold("alarms", "Alarms"),
    hold("sockets", "Sockets"));
  draw(shown, why);
  const timer = setInterval(async () => {
    if (document.hidden || main.querySelector("section div table")?.contains(document.activeElement)) return;
    try {
      draw(...await ask());
    } catch (error) {
      if (error.name !== "AbortError") at.textContent = error.message;
    }
  }, 3000);
  signal.addEventListener("abort", () => clearInterval(timer));
}
