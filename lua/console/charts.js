// Lines over time, as SVG.
import { h, bytes, clock } from "/lib.js";

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

// What the pointer is at: a line, and the values in the legend.
function follow(svg, wide, lines, x, show) {
  const mark = s("line", { y1: TOP, y2: HEIGHT - BOTTOM, class: "mark", visibility: "hidden" });
  svg.append(mark);
  svg.addEventListener("pointermove", event => {
    const box = svg.getBoundingClientRect();
    const at = (event.clientX - box.left) / box.width * wide;
    let best = 0;
    lines[0].points.forEach((p, i) => {
      if (Math.abs(x(p.time) - at) < Math.abs(x(lines[0].points[best].time) - at)) best = i;
    });
    const px = x(lines[0].points[best].time);
    for (const name of ["x1", "x2"]) mark.setAttribute(name, px);
    mark.setAttribute("visibility", "visible");
    show(best);
  });
  svg.addEventListener("pointerleave", () => {
    mark.setAttribute("visibility", "hidden");
    show(lines[0].points.length - 1);
  });
}

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
  const wide = width(), x = extent(from, to, wide);
  const y = v => HEIGHT - BOTTOM - v / top * (HEIGHT - TOP - BOTTOM);
  const values = lines.map(l => h("output", {}));
  const last = i => l => l.points[i].value === null ? "–" : format(l.points[i].value);
  const show = i => lines.forEach((l, k) => { values[k].textContent = last(i)(l); });
  const said = lines.map(l => `${l.name} ${last(points.length - 1)(l)}`).join(", ");
  const svg = s("svg", { viewBox: `0 0 ${wide} ${HEIGHT}`, role: "img", "aria-label": `${title}, now: ${said}` });

  grid(svg, wide, top, y, format);
  times(svg, from, to, x);
  for (const l of lines) svg.append(s("path", { d: pathOf(l.points, x, y), class: `line ${l.class}` }));
  follow(svg, wide, lines, x, show);
  figure.firstChild.append(h("ul", { class: "legend" },
    lines.map((l, k) => h("li", { class: l.class }, l.name, " ", values[k]))));
  show(points.length - 1);
  figure.append(svg);
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
