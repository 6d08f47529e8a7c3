// The console in Chromium, as an operator uses it.
//
//   node console_browser.js CONSOLE APP FOLDER [TOKEN]
//
// With a token it only signs in and out.
// Prints a line of JSON for each thing that was seen.  Screenshots go to FOLDER,
// which may be empty: none.
"use strict";
const { chromium } = require("playwright-core");
const [url, app, folder, token] = process.argv.slice(2);

const tell = fields => process.stdout.write(JSON.stringify(fields) + "\n");
const texts = (page, what) => page.locator(what).allTextContents();
const background = page => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
const overflow = page => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);

// Every pair of text and what is behind it, with less contrast than WCAG AA asks.
const lowContrast = page => page.evaluate(() => {
  const parse = c => (c.match(/[\d.]+/g) || []).map(Number);
  const light = c => c.slice(0, 3).map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = e => {
    for (; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] === 1) return c;
    }
    return [255, 255, 255];
  };
  const low = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode());) {
    const e = node.parentElement;
    if (!node.data.trim() || !e.checkVisibility() || e.disabled || e.matches(".skip, script, title, option")) continue;
    const style = getComputedStyle(e);
    const [a, b] = [light(parse(e.closest("svg") ? style.fill : style.color)), light(behind(e))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) low.push(`${node.data.trim().slice(0, 30)}: ${ratio.toFixed(2)}`);
  }
  return low;
});

// Things that can be used, but have no name for who does not see them.
const nameless = page => page.evaluate(() =>
  [...document.querySelectorAll("input, select, textarea, button, a, summary, [role=region], [role=slider]")]
    .filter(e => !(e.labels?.length || e.textContent.trim() || e.getAttribute("aria-label")))
    .map(e => e.outerHTML.slice(0, 80)));

async function open(page, hash, ready) {
  await page.goto(`${url}/#/${hash}`);
  await page.locator(ready).first().waitFor({ state: "attached" });
}

// In both widths and schemes: nothing sticks out, all can be read and is named.
async function look(page, name) {
  const seen = { look: name, overflow: 0, low: [], nameless: await nameless(page) };
  for (const [width, size] of [[1280, "desktop"], [390, "phone"]]) {
    for (const colorScheme of ["light", "dark"]) {
      await page.setViewportSize({ width, height: size === "phone" ? 844 : 860 });
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      seen.overflow = Math.max(seen.overflow, await overflow(page));
      seen.low.push(...await lowContrast(page));
      if (folder) await page.screenshot({ path: `${folder}/${name}-${size}-${colorScheme}.png`, fullPage: true });
    }
  }
  await page.setViewportSize({ width: 1280, height: 860 });
  await page.emulateMedia({ colorScheme: "light" });
  tell(seen);
}

// A chart that is read stays as it is, by keys and as a table, while the others
// go on.
async function charts(page) {
  const figure = page.locator("figure").first(), plot = figure.locator(".plot");
  const said = () => plot.getAttribute("aria-valuetext");
  const legend = () => figure.locator(".legend").innerText();
  const drawnAnew = async () => {
    await page.locator("figure").last().evaluate(e => { e.dataset.old = "1"; });
    await page.locator("figure[data-old]").waitFor({ state: "detached" });
  };
  await page.locator("#theme").focus();
  await page.keyboard.press("Tab");
  const now = await said();
  await page.keyboard.press("Home");
  await page.keyboard.press("ArrowRight");
  const second = { at: await plot.getAttribute("aria-valuenow"), text: await said() };
  const [time, ...values] = second.text.replace(/: /, ", ").split(", ");
  const seen = await legend();
  await look(page, "chart");
  await drawnAnew();
  tell({ plot: await page.evaluate(() => document.activeElement.getAttribute("aria-label")), now: /^now: all /.test(now),
    at: second.at, shown: [time, ...values].every(v => seen.includes(v)), kept: second.text === await said() });
  await page.keyboard.press("End");
  await page.keyboard.press("ArrowRight");
  const count = Number(await plot.getAttribute("aria-valuemax")) + 1;
  const newest = Number(await plot.getAttribute("aria-valuenow")) + 1 === count;
  await page.keyboard.press("Tab");
  tell({ newest, left: (await said()).startsWith("now: ") });
  await page.keyboard.press("Enter");
  await figure.locator("td").first().waitFor();
  await look(page, "chart-table");
  await drawnAnew();
  const row = await texts(page, "figure tbody tr:nth-last-child(2) td");
  tell({ rows: await figure.locator("tbody tr").count() - count, head: await texts(page, "figure th"),
    same: second.text === `${row[0]}: all ${row[1]}, failed ${row[2]}` });
}

async function overview(page) {
  await open(page, "", "svg path.line");
  tell({ page: "overview", charts: await texts(page, "figcaption h3") });
  await look(page, "overview");
  await charts(page);
}

// From the keyboard alone: to the field, typing, to the first link, along it.
async function search(page) {
  await open(page, "objects/Counter", "#list td.name");
  tell({ page: "objects", rows: (await texts(page, "#list td.name")).length });
  await page.locator(".skip").focus();
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  tell({ skipped: await page.evaluate(() => [location.hash, document.activeElement.textContent.slice(0, 10)]) });
  await page.locator("#search").focus();
  await page.keyboard.type("ann");
  await page.waitForFunction(() => document.querySelectorAll("#list td.name").length === 1);
  tell({ found: await texts(page, "#list td.name") });
  await page.locator("#search").fill("");
  await page.getByRole("button", { name: "Next page" }).click();
  await page.waitForFunction(() => document.querySelectorAll("#list td.name").length === 12);
  tell({ second: (await texts(page, "#list td.name")).length });
  await page.locator("#search").fill("ann");
  await page.waitForFunction(() => document.querySelectorAll("#list td.name").length === 1);
  const id = (await page.locator("#list td.name a").getAttribute("href")).split("/").pop();
  await page.locator("#search").fill(id);
  await page.keyboard.press("Enter");
  await page.locator("dl.facts").waitFor();
  tell({ byId: await page.locator("h1").textContent() });
  await open(page, "objects/Counter", "#list td.name");
  await page.locator("#search").fill("ann");
  await page.waitForFunction(() => document.querySelectorAll("#list td.name").length === 1);
  await look(page, "objects");
  await page.locator("#search").focus();
  for (let i = 0; i < 6; i++) {
    await page.keyboard.press("Tab");
    if (await page.evaluate(() => document.activeElement.closest("td.name") !== null)) break;
  }
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  await page.keyboard.press("Enter");
  await page.locator("dl.facts").waitFor();
  tell({ opened: await page.locator("h1").textContent(), outline });
}

async function keys(page) {
  tell({ keys: await texts(page, "section[aria-labelledby=s-keys] td.code"),
    markup: await page.locator("main b, main script").count() });
  await look(page, "object");
}

async function run(page, sql) {
  await page.locator("#query").fill(sql);
  await page.locator("#query").press("Control+Enter");
  await page.waitForFunction(s => document.querySelector("#query-result").dataset.seen !== s &&
    document.querySelector("#query-done, #query-result .bad"), "x");
}

async function query(page) {
  await open(page, "objects/Order", "#list td.name a");
  await page.locator("#list td.name a").click();
  await page.locator("#query").waitFor();
  await page.getByRole("button", { name: "Run" }).click();
  await page.locator("#query-result td").first().waitFor();
  tell({ columns: await texts(page, "#query-result th"), rows: await page.locator("#query-result tbody tr").count(),
    first: await texts(page, "#query-result tbody tr:nth-child(3) td") });
  tell({ alarm: await texts(page, "section[aria-labelledby=s-alarms] td:first-child") });
  await look(page, "query");
  await run(page, "DELETE FROM lines WHERE id > 5");
  await page.locator("#query-result .bad").waitFor();
  tell({ refused: await page.locator("#query-result .bad").textContent() });
  await page.locator("#unlock").check();
  await run(page, "DELETE FROM lines WHERE id > 5");
  await page.locator("#query-done").waitFor();
  await run(page, "SELECT count(*) AS n FROM lines");
  await page.getByRole("cell", { name: "5", exact: true }).waitFor();
  tell({ left: await texts(page, "#query-result td") });
}

async function log(page) {
  await open(page, "log", "#log");
  await page.getByText("Live:").waitFor();
  await fetch(`${app}/Counter/ann?by=console`);
  await fetch(`${app}/Room/hot?fail=1`);
  await page.locator("#log li.error, #log li.bad").first().waitFor();
  await page.locator("#log li .what", { hasText: "counted" }).first().waitFor();
  tell({ log: await page.locator("#log li .what", { hasText: "counted" }).first().textContent() });
  await look(page, "log");
  await page.locator("#log-kind").selectOption("bad");
  const shown = await page.locator("#log li .what", { hasText: "counted" }).count();
  await page.locator("#log-kind").selectOption("all");
  await page.locator("#log-text").fill("counted");
  tell({ filtered: shown, found: await page.locator("#log li:not(:has-text('counted'))").count() });
  await page.locator("#log-text").fill("");
  await page.getByRole("button", { name: "Pause" }).click();
  const before = await page.locator("#log li").count();
  await fetch(`${app}/Counter/ann`);
  await page.getByRole("button", { name: /Go on \(/ }).waitFor();
  tell({ paused: await page.locator("#log li").count() - before });
  await page.getByRole("button", { name: /Go on/ }).click();
  await page.waitForFunction(n => document.querySelectorAll("#log li").length > n, before);
  tell({ goesOn: true });
  await open(page, "objects/Counter", "#list td.name");
  await page.locator("#list td.name a", { hasText: "ann" }).click();
  await page.getByRole("link", { name: "Live log of this object" }).click();
  await page.getByText("what happens to the object").waitFor();
  await fetch(`${app}/Counter/other`);
  await fetch(`${app}/Counter/ann`);
  await page.locator("#log li").first().waitFor();
  tell({ ofOne: [...new Set(await texts(page, "#log li a"))] });
}

async function schemes(page) {
  const light = await background(page);
  await page.locator("#theme").selectOption("dark");
  const dark = await background(page);
  await page.reload();
  await page.locator("#log").waitFor();
  tell({ dark: light !== dark, kept: await background(page) === dark });
  await page.locator("#theme").selectOption("auto");
}

async function signIn(page) {
  await page.goto(url);
  await page.locator("#token").waitFor();
  tell({ focus: await page.evaluate(() => document.activeElement.id) });
  await look(page, "sign-in");
  await page.locator("#token").focus();
  await page.keyboard.type("a wrong one");
  await page.keyboard.press("Enter");
  await page.getByText("this is not the token").waitFor();
  await page.keyboard.type(token);
  await page.keyboard.press("Enter");
  await page.locator("dl.tiles").waitFor();
  await page.reload();
  await page.locator("dl.tiles").waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.locator("#token").waitFor();
  tell({ out: (await page.request.get(`${url}/api/info`)).status() });
}

async function main() {
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
  const page = await browser.newPage({ viewport: { width: 1280, height: 860 } });
  page.setDefaultTimeout(40000);
  page.on("pageerror", error => tell({ error: error.message }));
  page.on("console", m => m.type() === "error" && !/ 40[01] /.test(m.text()) && tell({ console: m.text() }));
  for (const step of token ? [signIn] : [overview, search, keys, query, log, schemes]) await step(page);
  await browser.close();
}

main().catch(error => {
  tell({ error: error.message });
  process.exit(1);
});
