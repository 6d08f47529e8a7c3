-- The page: a canvas, and what is needed to come back.
return [==[
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Game</title>
<style>
  :root { color-scheme: light dark; --good: #1e7d3c; --bad: #b3261e; }
  @media (prefers-color-scheme: dark) { :root { --good: #5fd38a; --bad: #ff8a80; } body { background: #17191d; } }
  * { box-sizing: border-box; }
  body { margin: 0 auto; max-width: 820px; padding: .6rem; font: 16px/1.45 system-ui, sans-serif; }
  header { display: flex; gap: 1rem; align-items: baseline; justify-content: space-between; }
  h1 { font-size: 1.2rem; margin: 0; overflow-wrap: anywhere; }
  #state { color: var(--bad); font-size: .85em; }
  #state.on { color: var(--good); }
  canvas { width: 100%; border: 1px solid #888; border-radius: .6rem; touch-action: none; display: block; }
  ol { padding-left: 1.5rem; overflow-wrap: anywhere; }
  .away { opacity: .5; }
</style>
<header><h1 id="arena"></h1><span id="state" role="status">connecting</span></header>
<canvas id="canvas" width="800" height="500" tabindex="0" aria-label="the arena: arrow keys move"></canvas>
<ol id="scores"></ol>
<script>
"use strict";
const $ = id => document.getElementById(id);
const query = new URLSearchParams(location.search);
const arena = query.get("arena") || "main";
const name = query.get("name") || "player " + Math.floor(Math.random() * 100);
const seat = "seat of " + arena; // where this tab keeps its token
const draw = $("canvas").getContext("2d");
let socket, me, retry = 250;

// ---- what comes ----

function connect() {
  const token = sessionStorage.getItem(seat) || "";
  const url = `/arenas/${encodeURIComponent(arena)}?name=${encodeURIComponent(name)}&token=${token}`;
  socket = new WebSocket(new URL(url, location.href.replace(/^http/, "ws")));
  socket.onopen = () => { retry = 250; state(true); };
  socket.onmessage = event => told[JSON.parse(event.data).type](JSON.parse(event.data));
  socket.onclose = event => {
    state(false, event.reason);
    if (event.code !== 4000) setTimeout(connect, retry = Math.min(2 * retry, 5000));
  };
}

const told = {
  welcome({ token, id }) {
    sessionStorage.setItem(seat, token);
    me = id;
    said = "";
    say();
  },
  state({ players, coins }) {
    draw.clearRect(0, 0, 800, 500);
    draw.font = "14px system-ui, sans-serif";
    draw.textAlign = "center";
    for (const { x, y } of coins) circle(x, y, 8, "#d9a400");
    for (const { id, name, x, y, here } of players) {
      draw.globalAlpha = here ? 1 : 0.4;
      circle(x, y, 14, id === me ? "#2f6fed" : "#888");
      draw.fillText(name, x, y - 20);
      draw.globalAlpha = 1;
    }
    const best = [...players].sort((a, b) => b.score - a.score || a.id - b.id);
    $("scores").replaceChildren(...best.map(({ name, score, here }) => {
      const li = document.createElement("li");
      li.textContent = `${name}: ${score}`;
      li.className = here ? "" : "away";
      return li;
    }));
  },
};

function circle(x, y, radius, color) {
  draw.fillStyle = color;
  draw.beginPath();
  draw.arc(x, y, radius, 0, 2 * Math.PI);
  draw.fill();
}

function state(isOn, reason) {
  $("state").className = isOn ? "on" : "";
  $("state").textContent = isOn ? "live" : reason || "reconnecting";
}

// ---- what goes ----

const AXES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1],
  a: [-1, 0], d: [1, 0], w: [0, -1], s: [0, 1] };
const held = new Set();
let said = ""; // a key that is held repeats; it is said once

function say(move) {
  let [dx, dy] = move || [0, 0];
  if (!move) for (const key of held) { dx += AXES[key][0]; dy += AXES[key][1]; }
  const text = JSON.stringify({ dx: Math.sign(dx), dy: Math.sign(dy) });
  if (text !== said && socket.readyState === WebSocket.OPEN) socket.send(said = text);
}

addEventListener("keydown", event => {
  if (!AXES[event.key]) return;
  event.preventDefault();
  held.add(event.key);
  say();
});
addEventListener("keyup", event => { if (held.delete(event.key)) say(); });
addEventListener("blur", () => { held.clear(); say(); });

// A finger pulls: away from the middle of the canvas is the direction.
function pull(event) {
  const box = $("canvas").getBoundingClientRect();
  const toward = value => Math.abs(value) < 0.15 ? 0 : value;
  say([toward((event.clientX - box.left) / box.width - 0.5), toward((event.clientY - box.top) / box.height - 0.5)]);
}
$("canvas").onpointerdown = pull;
$("canvas").onpointermove = event => { if (event.buttons) pull(event); };
$("canvas").onpointerup = $("canvas").onpointercancel = () => say([0, 0]);

$("arena").textContent = arena;
connect();
</script>
</html>
]==]
