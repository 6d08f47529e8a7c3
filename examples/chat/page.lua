-- The page: plain HTML, CSS and JavaScript, for phones too.
return [==[
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Chat</title>
<style>
  :root { color-scheme: light dark; --line: #8884; --own: #2f6fde; }
  * { box-sizing: border-box; }
  body { margin: 0; height: 100dvh; display: flex; flex-direction: column;
         font: 16px/1.45 system-ui, sans-serif; }
  header, form { display: flex; gap: .6rem; align-items: center; padding: .7rem 1rem; }
  header { border-bottom: 1px solid var(--line); }
  h1 { font-size: 1rem; margin: 0; }
  #people { flex: 1; opacity: .7; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
  #state { width: .7rem; height: .7rem; border-radius: 50%; background: #b33; }
  #state.on { background: #3a5; }
  ol { flex: 1; overflow-y: auto; margin: 0; padding: 1rem; list-style: none; }
  li { margin: 0 0 .6rem; overflow-wrap: anywhere; }
  li b { margin-right: .4rem; }
  li.own b { color: var(--own); }
  li time { opacity: .55; font-size: .8em; margin-left: .5rem; }
  li.error { color: #c33; }
  form { border-top: 1px solid var(--line); }
  input { flex: 1; min-width: 0; font: inherit; padding: .5rem .7rem; border: 1px solid var(--line);
          border-radius: .5rem; background: transparent; color: inherit; }
  button { font: inherit; padding: .5rem 1rem; border: 0; border-radius: .5rem;
           background: var(--own); color: white; }
  dialog { border: 1px solid var(--line); border-radius: .8rem; max-width: 22rem; }
  dialog form { border: 0; padding: .4rem 0 0; }
</style>
<header>
  <span id="state" role="status" aria-label="not connected"></span>
  <h1 id="room"></h1><span id="people"></span>
</header>
<ol id="messages" aria-live="polite"></ol>
<form id="form"><input id="text" maxlength="500" autocomplete="off" placeholder="Message"
  aria-label="Message" required><button>Send</button></form>
<dialog id="ask"><form method="dialog" id="askForm">
  <input id="name" maxlength="16" placeholder="Your name" aria-label="Your name" required>
  <button>Enter</button></form></dialog>
<script>
"use strict";
const $ = id => document.getElementById(id);
const query = new URLSearchParams(location.search);
const room = query.get("room") || "lobby";
let name = query.get("name"), socket, last = 0, pause = 500;

function add(message) {
  if (message.id <= last) return;                 // seen before a reconnect
  last = message.id;
  const item = document.createElement("li"), who = document.createElement("b"),
        when = document.createElement("time");
  who.textContent = message.name;
  when.textContent = new Date(message.time).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  item.className = message.name === name ? "own" : "";
  item.append(who, message.text, when);
  $("messages").append(item);
  item.scrollIntoView({ block: "end" });
}

function complain(text) {
  const item = document.createElement("li");
  item.className = "error";
  item.textContent = text;
  $("messages").append(item);
}

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
  $("state").classList.toggle("on", isOn);
  $("state").setAttribute("aria-label", isOn ? "connected" : "not connected");
}

$("form").onsubmit = event => {
  event.preventDefault();
  if (socket.readyState !== WebSocket.OPEN) return complain("not connected");
  socket.send($("text").value);
  $("text").value = "";
};
setInterval(() => { if (socket && socket.readyState === WebSocket.OPEN) socket.send("ping"); }, 30000);

$("room").textContent = "#" + room;
if (name) connect();
else {
  $("ask").showModal();
  $("askForm").onsubmit = () => { name = $("name").value; connect(); };
}
</script>
</html>
]==]
