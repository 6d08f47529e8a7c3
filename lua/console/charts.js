// Lines over time, as SVG: read by pointer, by keyboard, or as a table.
import { h, bytes, clock, table } from "/lib.js";

const NS = "http://www.w3.org/2000/svg";
const HEIGHT = 170, LEFT = 54, RIGHT = 8, TOP = 10, BOTTOM = 22;
// A chart is as wide as it will be shown, so that its letters keep their size.
export const narrow = matchMedia("(max-width: 640px)");
const width = () => narrow.matches ? 330 : 560;

function s(tag, attributes, ...children) {
  const e = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attributes || {})) e.setAttribute(name, value);
  e.append(...children);
  return e;
}

// A round number at or above `n`, that halves well; of bytes a round number of
// their unit.
function ceiling(n, format) {
  if (!(n > 0)) return 2;
  if (format === bytes && n >= 1024) return 1024 * ceiling(n / 1024, format);
  const power = 10 ** Math.floor(Math.log10(n));
  for (const step of [1, 2, 4, 6, 8, 10]) if (n <= step * power) return step * power;
  return 10 * power;
}

const extent = (from, to, wide) => t => LEFT + (t - from) / Math.max(to - from, 1) * (wide - LEFT - RIGHT);

function pathOf(points, x, y) {
  let d = "", isDown = false;
  for (const p of points) {
    if (p.value === null) { isDown = false; continue; }
    d += `${isDown ? "L" : "M"}${x(p.time).toFixed(1)} ${y(p.value).toFixed(1)}`;
    isDown = true;
  }
  return d;
}

function grid(svg, wide, top, y, format) {
  for (const part of [0, 0.5, 1]) {
    const at = y(top * part);
    svg.append(s("line", { x1: LEFT, x2: wide - RIGHT, y1: at, y2: at, class: "grid" }),
      s("text", { x: LEFT - 6, y: at + 4, class: "tick end" }, format(top * part)));
  }
}

function times(svg, from, to, x) {
  for (const [t, anchor] of [[from, "start"], [(from + to) / 2, "middle"], [to, "end"]])
    svg.append(s("text", { x: x(t), y: HEIGHT - 6, class: `tick ${anchor}` }, clock(t)));
}

// What is said of a chart: the values at a point of its lines, as text.
function reader(lines, format) {
  const value = (l, i) => l.points[i].value === null ? "–" : format(l.points[i].value);
  return {
    value,
    time: i => clock(lines[0].points[i].time),
    all: i => lines.map(l => `${l.name} ${value(l, i)}`).join(", "),
  };
}

// Where the keys lead from point `at` of `n`: a tenth of the chart by pages.
function moved(key, at, n) {
  const page = Math.max(1, Math.round(n / 10));
  const to = { ArrowLeft: at - 1, ArrowDown: at - 1, ArrowRight: at + 1, ArrowUp: at + 1,
    PageDown: at - page, PageUp: at + page, Home: 0, End: n - 1 }[key];
  return to === undefined ? null : Math.min(Math.max(to, 0), n - 1);
}

// A line in `svg` where pointer or keys are; show(i, isMarked) is told.  `plot`
// is what has the focus.
function follow(plot, svg, wide, points, x, show) {
  const mark = s("line", { y1: TOP, y2: HEIGHT - BOTTOM, class: "mark", visibility: "hidden" });
  const newest = points.length - 1;
  let at = newest;
  const go = (i, isMarked) => {
    at = i;
    for (const name of ["x1", "x2"]) mark.setAttribute(name, x(points[i].time));
    mark.setAttribute("visibility", isMarked ? "visible" : "hidden");
    show(i, isMarked);
  };
  svg.append(mark);
  svg.addEventListener("pointermove", event => {
    const box = svg.getBoundingClientRect();
    const px = (event.clientX - box.left) / box.width * wide;
    const far = i => Math.abs(x(points[i].time) - px);
    go(points.reduce((best, _, i) => far(i) < far(best) ? i : best, 0), true);
  });
  svg.addEventListener("pointerleave", () => go(newest, false));
  plot.addEventListener("blur", () => go(newest, false));
  plot.addEventListener("keydown", event => {
    const to = event.altKey || event.ctrlKey || event.metaKey ? null : moved(event.key, at, points.length);
    if (to === null) return;
    event.preventDefault();
    go(to, true);
  });
  go(newest, false);
}

// The chart as a table, the newest first; made when it is opened.
function asTable(title, lines, say) {
  const columns = [{ title: "Time" }, ...lines.map(l => ({ title: l.name, class: "number" }))];
  const rows = () => lines[0].points.map((_, i) => [say.time(i), ...lines.map(l => say.value(l, i))]).reverse();
  const details = h("details", {}, h("summary", { "aria-label": `${title} as a table` }, "Table"));
  details.addEventListener("toggle", () => {
    if (details.open && details.childElementCount === 1) details.append(table(title, columns, rows()));
  });
  return details;
}

// What has a chart's focus.  Assistive technology knows a slider: it says the
// value's text at each step, and leaves the arrow keys to it.
const plotOf = (title, count, svg) => h("div", {
  class: "plot", role: "slider", tabindex: "0", "aria-label": title, "aria-readonly": "true",
  "aria-orientation": "horizontal", "aria-valuemin": 0, "aria-valuemax": count - 1,
}, svg);

// Somebody reads this figure: it is not to be drawn anew.
export const isRead = figure => figure.querySelector("svg:hover, .plot:focus-visible, details[open]") !== null;

// chart(title, lines, format): a figure.  `lines`: { name, class, points: [{ time,
// value }] }, all with the same times; value null: a gap.
export function chart(title, lines, format) {
  const points = lines[0].points;
  const figure = h("figure", { class: "chart" }, h("figcaption", {}, h("h3", {}, title)));
  if (points.length < 2) {
    figure.append(h("p", { class: "empty" }, "Collecting the first samples …"));
    return figure;
  }
  const from = points[0].time, to = points[points.length - 1].time;
  const top = ceiling(Math.max(...lines.flatMap(l => l.points.map(p => p.value ?? 0))), format);
  const wide = width(), x = extent(from, to, wide), say = reader(lines, format);
  const y = v => HEIGHT - BOTTOM - v / top * (HEIGHT - TOP - BOTTOM);
  const svg = s("svg", { viewBox: `0 0 ${wide} ${HEIGHT}`, "aria-hidden": "true" });
  const plot = plotOf(title, points.length, svg);
  const values = lines.map(() => h("span", { class: "value" })), time = h("li", { class: "at" });

  grid(svg, wide, top, y, format);
  times(svg, from, to, x);
  for (const l of lines) svg.append(s("path", { d: pathOf(l.points, x, y), class: `line ${l.class}` }));
  follow(plot, svg, wide, points, x, (i, isMarked) => {
    lines.forEach((l, k) => { values[k].textContent = say.value(l, i); });
    time.textContent = isMarked ? say.time(i) : "";
    plot.setAttribute("aria-valuenow", i);
    plot.setAttribute("aria-valuetext", `${isMarked ? say.time(i) : "now"}: ${say.all(i)}`);
  });
  figure.firstChild.append(h("ul", { class: "legend" }, time,
    lines.map((l, k) => h("li", { class: l.class }, l.name, " ", values[k]))));
  figure.append(plot, asTable(title, lines, say));
  return figure;
}

// ---- samples of the server, as lines ----

// The difference of counter `key` from sample to sample, in a second.
export const rate = (samples, key, scale = 1) => samples.slice(1).map((b, i) => {
  const a = samples[i];
  const seconds = (b.time - a.time) / 1000;
  return { time: b.time, value: seconds > 0 && b[key] >= a[key] ? (b[key] - a[key]) / seconds * scale : null };
});

export const level = (samples, key) => samples.slice(1).map(b => ({ time: b.time, value: b[key] }));

// The latency, in ms, that `part` of the requests between two samples were
// answered within: the bound of their bucket, or as far into it as they reach.
export const quantile = (samples, part) => samples.slice(1).map((b, i) => {
  const counts = b.latency.map(([, n], k) => n - samples[i].latency[k][1]);
  const total = counts.reduce((sum, n) => sum + n, 0);
  if (total <= 0 || counts.some(n => n < 0)) return { time: b.time, value: null };
  let before = 0;
  for (let k = 0; k < counts.length; k++) {
    if (before + counts[k] >= total * part && counts[k] > 0) {
      const low = k === 0 ? 0 : b.latency[k - 1][0], high = b.latency[k][0] || low * 2;
      return { time: b.time, value: (low + (high - low) * (total * part - before) / counts[k]) / 1000 };
    }
    before += counts[k];
  }
  return { time: b.time, value: null };
});
