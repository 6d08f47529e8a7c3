-- The page: a text field, and what keeps it the same as everybody else's.
return [==[
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Doc</title>
<style>
  :root { color-scheme: light dark; --good: #1e7d3c; --bad: #b3261e; }
  @media (prefers-color-scheme: dark) { :root { --good: #5fd38a; --bad: #ff8a80; } body { background: #17191d; } }
  * { box-sizing: border-box; }
  body { margin: 0 auto; max-width: 50rem; height: 100vh; height: 100dvh; padding: 1rem; display: flex;
    flex-direction: column; gap: .6rem; font: 16px/1.45 system-ui, sans-serif; }
  header { display: flex; gap: 1rem; align-items: baseline; justify-content: space-between; }
  h1 { font-size: 1.3rem; margin: 0; overflow-wrap: anywhere; }
  #state { color: var(--bad); font-size: .85em; }
  #state.on { color: var(--good); }
  textarea { flex: 1; width: 100%; font: inherit; padding: .8rem; border: 1px solid #888; border-radius: .6rem;
    background: transparent; color: CanvasText; resize: none; }
</style>
<header><h1 id="name"></h1><span id="state" role="status">connecting</span></header>
<textarea id="text" aria-label="the text" spellcheck="false" disabled></textarea>
<script>
"use strict";
const $ = id => document.getElementById(id);
const doc = new URLSearchParams(location.search).get("doc") || "notes";
const author = crypto.randomUUID ? crypto.randomUUID() : String(Math.random());

// `base` is the text at `version`, as the document has it; `mine` are changes
// that it has not confirmed, each made on top of the one before.  What is
// shown is all of them together.  Texts are arrays of characters: a character
// is what Lua's utf8 calls one, not JavaScript's half of an emoji.
let base = [], version = null, mine = [], sent = null, count = 0, people = 1, socket, retry = 250;

const apply = (chars, { at, remove, insert }) =>
  [...chars.slice(0, at), ...insert, ...chars.slice(at + remove)];
const shown = () => mine.reduce(apply, base);

// Where a place in the text is after the change; one at the very place of an
// insertion stays before it, or goes `after` it.
function move(place, { at, remove, insert }, after) {
  if (place < at || place === at && !(after && remove === 0)) return place;
  return Math.max(place - remove, at) + [...insert].length;
}

// `change`, made on the same text as `first`, as it is when `first` came first.
function rebase(change, first) {
  const at = move(change.at, first, true);
  const end = Math.max(at, move(change.at + change.remove, first, false));
  return { ...change, at, remove: end - at };
}

// The base becomes `to`, of which `other` makes it; each of mine is moved.  What
// that comes to in the text that is shown is returned.
function rebaseMine(to, other) {
  let before = base, after = base = to;
  mine = mine.map(change => {
    const moved = rebase(change, other);
    before = apply(before, change);
    after = apply(after, moved);
    other = difference(before, after);
    return moved;
  });
  return other;
}

// ---- the text field ----

// One change that makes `to` of `from`: what is between what they begin and
// end with in common.
function difference(from, to) {
  let at = 0, tail = 0;
  while (at < from.length && at < to.length && from[at] === to[at]) at++;
  while (tail < from.length - at && tail < to.length - at
    && from[from.length - 1 - tail] === to[to.length - 1 - tail]) tail++;
  return { at, remove: from.length - at - tail, insert: to.slice(at, to.length - tail).join("") };
}

const lengthOf = chars => chars.join("").length;

// Show the text after `change` came into it, the cursor where it was.
function show(change) {
  const field = $("text"), after = shown();
  const [start, end] = [field.selectionStart, field.selectionEnd].map(units => {
    const place = [...field.value.slice(0, units)].length;
    return lengthOf(after.slice(0, move(place, change, false)));
  });
  field.value = after.join("");
  field.setSelectionRange(start, end);
}

$("text").oninput = () => {
  const change = difference(shown(), [...$("text").value]);
  if (!change.remove && !change.insert) return;
  mine.push({ ...change, author, number: ++count });
  send();
};

// ---- the document ----

// One change at a time, and once for each version: the next one goes when this
// one has come back.
function send() {
  if (mine.length && socket.readyState === WebSocket.OPEN && sent !== version) {
    socket.send(JSON.stringify({ ...mine[0], base: version }));
    sent = version;
  }
  state();
}

function take(change) {
  version = change.version;
  const to = apply(base, change);
  if (change.author === author) {
    base = to;
    mine.shift();
  } else {
    show(rebaseMine(to, change));
  }
}

const told = {
  text(message) {
    const to = [...message.text];
    version = message.version;
    show(rebaseMine(to, difference(base, to)));
    $("text").disabled = false;
    send();
  },
  changes(message) {
    message.changes.forEach(take);
    $("text").disabled = false;
    send();
  },
  people(message) { people = message.count; state(); },
  full(message) {
    const change = difference(shown(), base);
    mine = [];
    show(change);
    $("state").textContent = `a text has at most ${message.limit} bytes`;
  },
};

function connect() {
  const url = `/docs/${encodeURIComponent(doc)}` + (version === null ? "" : `?version=${version}`);
  socket = new WebSocket(new URL(url, location.href.replace(/^http/, "ws")));
  socket.onopen = () => { retry = 250; sent = null; };
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    told[message.type](message);
  };
  socket.onclose = () => {
    state();
    setTimeout(connect, retry = Math.min(2 * retry, 5000));
  };
}

function state() {
  const isOn = socket.readyState === WebSocket.OPEN;
  $("state").className = isOn ? "on" : "";
  $("state").textContent = !isOn ? "offline: what you write is sent later"
    : (mine.length ? "saving" : "saved") + (people > 1 ? `, ${people} people` : "");
}

$("name").textContent = document.title = doc;
connect();
</script>
</html>
]==]
