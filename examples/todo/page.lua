-- The page: plain HTML, CSS and JavaScript, for phones too.
return [==[
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Todo</title>
<style>
  :root { color-scheme: light dark; --line: #8883; --soft: #5e6470; --accent: #2458c5; --bad: #b3261e; }
  @media (prefers-color-scheme: dark) {
    :root { --soft: #a3a9b5; --bad: #ff8a80; }
    body { background: #17191d; }
  }
  * { box-sizing: border-box; }
  body { margin: 0 auto; max-width: 34rem; padding: 1rem; font: 16px/1.45 system-ui, sans-serif; }
  h1 { font-size: 1.4rem; margin: 0 0 1rem; overflow-wrap: anywhere; }
  form { display: flex; gap: .6rem; margin-bottom: .6rem; }
  input, button { font: inherit; border-radius: .6rem; padding: .5rem .8rem; min-width: 0; }
  input[type=text], input[type=search] { flex: 1; width: 100%; border: 1px solid #888; background: transparent;
    color: CanvasText; }
  button { border: 0; background: var(--accent); color: white; cursor: pointer; }
  ul { list-style: none; padding: 0; }
  li { display: flex; gap: .6rem; align-items: baseline; padding: .35rem 0; border-bottom: 1px solid var(--line); }
  li label { flex: 1; overflow-wrap: anywhere; }
  li.done span { text-decoration: line-through; color: var(--soft); }
  li button { background: transparent; color: var(--soft); padding: .2rem .5rem; }
  #told { min-height: 1.5em; color: var(--bad); }
  :focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
  @media (prefers-color-scheme: dark) { :focus-visible { outline-color: #8fb0ff; } }
</style>
<h1 id="name"></h1>
<form id="form">
  <input id="text" type="text" required maxlength="500" aria-label="new item" placeholder="What is to be done?">
  <button>Add</button>
</form>
<input id="search" type="search" aria-label="search" placeholder="Search">
<ul id="items"></ul>
<p id="told" role="status"></p>
<script>
"use strict";
const $ = id => document.getElementById(id);
const list = new URLSearchParams(location.search).get("list") || "home";
const base = `/lists/${encodeURIComponent(list)}/items`;

async function ask(path, method, body) {
  const response = await fetch(base + path, { method, body: body && JSON.stringify(body) });
  const result = response.status === 204 ? null : await response.json();
  if (!response.ok) throw new Error(result.error);
  $("told").textContent = "";
  return result;
}

// Show what is wrong, if anything is, and the list as it is then.
async function act(...request) {
  try {
    if (request.length) await ask(...request);
    show(await ask("?q=" + encodeURIComponent($("search").value), "GET"));
  } catch (error) {
    $("told").textContent = error.message;
  }
}

function row({ id, text, done }) {
  const li = document.createElement("li"), label = document.createElement("label");
  const box = document.createElement("input"), span = document.createElement("span");
  const remove = document.createElement("button");
  li.className = done ? "done" : "";
  box.type = "checkbox";
  box.checked = done;
  box.onchange = () => act("/" + id, "PATCH", { done: box.checked });
  span.textContent = " " + text;
  remove.textContent = "✕";
  remove.ariaLabel = "delete " + text;
  remove.onclick = () => act("/" + id, "DELETE");
  label.append(box, span);
  li.append(label, remove);
  return li;
}

const show = items => $("items").replaceChildren(...items.map(row));

$("form").onsubmit = event => {
  event.preventDefault();
  act("", "POST", { text: $("text").value });
  $("text").value = "";
};
$("search").oninput = () => act();
$("name").textContent = document.title = list;
act();
</script>
</html>
]==]
