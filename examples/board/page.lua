-- The page: plain HTML, CSS and JavaScript, for phones too.
return [==[
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Board</title>
<style>
  :root { color-scheme: light dark; --line: #8883; --soft: #5e6470; --accent: #2458c5; --new: #ffe9a8;
          --bad: #b3261e; --good: #1e7d3c; }
  @media (prefers-color-scheme: dark) {
    :root { --soft: #a3a9b5; --new: #5a4a12; --bad: #ff8a80; --good: #5fd38a; }
    body { background: #17191d; }
  }
  * { box-sizing: border-box; }
  body { margin: 0 auto; max-width: 32rem; padding: 1rem; font: 16px/1.45 system-ui, sans-serif; }
  header { display: flex; gap: 1rem; align-items: baseline; justify-content: space-between; }
  h1 { font-size: 1.4rem; margin: 0; overflow-wrap: anywhere; }
  #state { color: var(--bad); font-size: .85em; }
  #state.on { color: var(--good); }
  table { width: 100%; border-collapse: collapse; margin: 1rem 0; }
  th { text-align: left; font-weight: 600; color: var(--soft); font-size: .85em; }
  th, td { padding: .45rem .5rem; border-bottom: 1px solid var(--line); }
  td.player { width: 100%; overflow-wrap: anywhere; }
  th.number, td.number { text-align: right; font-variant-numeric: tabular-nums; }
  tr.new { animation: fade 3s; }
  @keyframes fade { from { background: var(--new); } }
  @media (prefers-reduced-motion: reduce) { tr.new { animation: none; } }
  #empty { color: var(--soft); }
  form { display: flex; flex-wrap: wrap; gap: .6rem; align-items: end; }
  label { display: flex; flex-direction: column; gap: .2rem; font-size: .85em; color: var(--soft); flex: 1 1 8rem; }
  input, button { font: inherit; border-radius: .6rem; padding: .5rem .8rem; min-width: 0; }
  input { border: 1px solid #888; background: transparent; color: CanvasText; font-size: 16px; }
  button { border: 0; background: var(--accent); color: white; cursor: pointer; }
  :focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
  @media (prefers-color-scheme: dark) { :focus-visible { outline-color: #8fb0ff; } }
  #told { min-height: 1.5em; margin: .6rem 0; }
  #told.bad { color: var(--bad); }
</style>
<header><h1 id="game"></h1><span id="state" role="status">connecting</span></header>
<table>
  <thead><tr><th class="number">#</th><th>player</th><th class="number">score</th></tr></thead>
  <tbody id="places"></tbody>
</table>
<p id="empty" hidden>Nobody has a score yet.</p>
<form id="form">
  <label>player <input id="player" required maxlength="32" autocomplete="nickname"></label>
  <label>score <input id="score" required type="number" step="1"></label>
  <button>Submit</button>
</form>
<p id="told" role="status"></p>
<script>
"use strict";
const $ = id => document.getElementById(id);
const game = new URLSearchParams(location.search).get("game") || "main";
const base = "/games/" + encodeURIComponent(game);
let before = null; // player -> score of what was shown last

function row(place, { player, score }) {
  const tr = document.createElement("tr");
  for (const [className, text] of [["number", place], ["player", player], ["number", score]]) {
    const td = document.createElement("td");
    td.className = className;
    td.textContent = text;
    tr.append(td);
  }
  if (before && before.get(player) !== score) tr.className = "new";
  return tr;
}

function show(places) {
  $("places").replaceChildren(...places.map((entry, i) => row(i + 1, entry)));
  $("empty").hidden = places.length > 0;
  before = new Map(places.map(entry => [entry.player, entry.score]));
}

function state(isOn) {
  $("state").className = isOn ? "on" : "";
  $("state").textContent = isOn ? "live" : "reconnecting";
}

// The browser connects again by itself, and gets the places as they are then.
const events = new EventSource(base + "/events?n=10");
events.onopen = () => state(true);
events.onerror = () => state(false);
events.onmessage = event => show(JSON.parse(event.data));

function tell(text, isBad) {
  $("told").className = isBad ? "bad" : "";
  $("told").textContent = text;
}

async function submit(player, score) {
  const response = await fetch(base + "/scores", { method: "POST", body: JSON.stringify({ player, score }) });
  const result = await response.json();
  if (!response.ok) return tell(result.error, true);
  if (!result.isNew) return tell(`${player} has ${result.best} already.`);
  const { place } = await (await fetch(`${base}/players/${encodeURIComponent(player)}`)).json();
  tell(`${player} is number ${place}.`);
}

$("form").onsubmit = event => {
  event.preventDefault();
  submit($("player").value.trim(), Math.trunc($("score").valueAsNumber))
    .catch(() => tell("The server does not answer.", true));
  $("score").value = "";
  $("score").focus();
};

$("game").textContent = game;
document.title = game + " – Board";
</script>
</html>
]==]
