-- The page: plain HTML, CSS and JavaScript, for phones too.
return [==[
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Chat</title>
<style>
  :root {
    color-scheme: light dark;
    --line: #8883; --soft: #5e6470; --card: #eef0f4; --own: #2458c5; --bad: #b3261e; --good: #1e7d3c;
  }
  @media (prefers-color-scheme: dark) {
    :root { --soft: #a3a9b5; --card: #2b2e35; --bad: #ff8a80; --good: #5fd38a; }
    body, dialog { background: #17191d; }
  }
  * { box-sizing: border-box; }
  body { margin: 0 auto; max-width: 50rem; height: 100dvh; display: flex; flex-direction: column;
         font: 16px/1.45 system-ui, sans-serif; }
  header, form { display: flex; gap: .6rem; align-items: center; padding: .7rem 1rem; }
  header { border-bottom: 1px solid var(--line); }
  h1, h2 { font-size: 1rem; margin: 0; white-space: nowrap; }
  #people { flex: 1; color: var(--soft); overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
  #state { color: var(--bad); font-size: .85em; white-space: nowrap; }
  #state.on { color: var(--good); }
  ol { flex: 1; overflow-y: auto; margin: 0; padding: 1rem; list-style: none;
       display: flex; flex-direction: column; gap: .5rem; align-items: flex-start; }
  /* What is said last stands at the bottom, also in an empty room. */
  ol::before { content: ""; margin-top: auto; }
  li { max-width: 85%; padding: .4rem .8rem; border-radius: 1rem; background: var(--card);
       overflow-wrap: anywhere; }
  li.own { align-self: flex-end; background: var(--own); color: white; }
  li.error { background: none; color: var(--bad); align-self: center; }
  li div { font-size: .8em; color: var(--soft); }
  li.own div { color: #dbe5ff; }
  form { border-top: 1px solid var(--line); }
  input, button { font: inherit; border-radius: .6rem; padding: .5rem .8rem; }
  input { flex: 1; min-width: 0; border: 1px solid #888; background: transparent; color: inherit; }
  button { border: 0; background: var(--own); color: white; cursor: pointer; }
  :focus-visible { outline: 2px solid var(--own); outline-offset: 2px; }
  @media (prefers-color-scheme: dark) { :focus-visible { outline-color: #8fb0ff; } }
  dialog { border: 1px solid var(--line); border-radius: 1rem; width: min(22rem, calc(100% - 2rem)); }
  dialog form { border: 0; padding: .8rem 0 0; }
</style>
<header>
  <h1 id="room"></h1><span id="people"></span><span id="state" role="status"></span>
</header>
<ol id="messages" role="log" aria-label="Messages" tabindex="0"></ol>
<form id="form"><input id="text" maxlength="500" autocomplete="off" placeholder="Message"
  aria-label="Message" required><button>Send</button></form>
<dialog id="ask" aria-labelledby="askTitle"><h2 id="askTitle">What is your name?</h2>
  <form method="dialog" id="askForm"><input id="name" maxlength="32" autocomplete="nickname"
  aria-labelledby="askTitle" required><button>Enter</button></form></dialog>
<script>
"use strict";
const $ = id => document.getElementById(id);
const query = new URLSearchParams(location.search);
const room = query.get("room") || "lobby";
const NAME_MAX = 32;                              // bytes; the room asks for that
// Each tab is somebody of its own, who stays that over a reload.
let name = query.get("name") || sessionStorage.getItem("name"), socket, last = 0, pause = 500;

function element(tag, className, text) {
  const e = document.createElement(tag);
  e.className = className;
  e.textContent = text;
  return e;
}

// Who has scrolled up to read stays there; others see the end, also when the
// keyboard of a phone takes a half of the page.
const list = $("messages");
let isAtEnd = true, end = 0;
const endOf = () => list.scrollHeight - list.clientHeight;
function showEnd() {
  end = endOf();
  if (isAtEnd) list.scrollTop = end;
}
// What scrolls because the sizes change is nobody's wish.
list.onscroll = () => { if (endOf() === end) isAtEnd = end - list.scrollTop < 40; };
new ResizeObserver(showEnd).observe(list);

function append(item) {
  isAtEnd ||= item.className === "own";
  list.append(item);
  showEnd();
}

function add(message) {
  if (message.id <= last) return;                 // seen before a reconnect
  last = message.id;
  const isOwn = message.name === name, time = new Date(message.time);
  const clock = time.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  const item = element("li", isOwn ? "own" : "", "");
  item.append(element("div", "", isOwn ? clock : `${message.name} · ${clock}`),
    element("span", "text", message.text));
  append(item);
}

function complain(text) { append(element("li", "error", text)); }

const handlers = {
  history: data => data.messages.forEach(add),
  message: add,
  people: data => { $("people").textContent = data.people.join(", "); },
  error: data => complain(data.text),
};

function connect() {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  socket = new WebSocket(`${scheme}//${location.host}/room/${encodeURIComponent(room)}`
    + `?name=${encodeURIComponent(name)}`);
  socket.onopen = () => { pause = 500; show(true); };
  socket.onmessage = event => {
    if (event.data === "pong") return;
    const data = JSON.parse(event.data);
    handlers[data.type](data);
  };
  socket.onclose = () => { show(false); setTimeout(connect, pause); pause = Math.min(pause * 2, 10000); };
}

function show(isOn) {
  $("state").className = isOn ? "on" : "";
  $("state").textContent = isOn ? "connected" : "reconnecting";
}

$("form").onsubmit = event => {
  event.preventDefault();
  $("text").focus();
  if (!$("text").value.trim()) return;
  if (!socket || socket.readyState !== WebSocket.OPEN) return complain("not connected");
  socket.send($("text").value);
  $("text").value = "";
};
setInterval(() => { if (socket && socket.readyState === WebSocket.OPEN) socket.send("ping"); }, 30000);

function enter() {
  sessionStorage.setItem("name", name);
  $("text").focus();
  connect();
}

// Nobody is in a room without a name: Escape asks again.
$("ask").onclose = () => {
  name = $("name").value.trim();
  if (name) enter();
  else $("ask").showModal();
};
$("ask").oncancel = () => { $("name").value = ""; };
$("name").oninput = () => {
  const bytes = new TextEncoder().encode($("name").value.trim()).length;
  $("name").setCustomValidity(bytes > NAME_MAX ? "This name is too long." : "");
};

$("room").textContent = "#" + room;
document.title = `#${room} – Chat`;
if (name) enter();
else $("ask").showModal();
</script>
</html>
]==]
