// The chat's page in Chromium, as its visitors use it.
//
//   node chat_browser.js URL FOLDER
//
// Prints a line of JSON for each thing that was seen; {"ask":"restart"} asks
// that the server be killed and started again.  Screenshots go to FOLDER.
"use strict";
const { chromium } = require("playwright-core");
const [url, folder] = process.argv.slice(2);

const tell = fields => process.stdout.write(JSON.stringify(fields) + "\n");
const texts = page => page.locator("#messages li .text").allTextContents();
const shot = (page, name) => page.screenshot({ path: `${folder}/${name}.png` });

// What the page shows, once it is `expected`; what it is at the end of patience.
async function until(page, read, expected) {
  for (let i = 0; ; i++) {
    const got = await read(page);
    if (JSON.stringify(got) === JSON.stringify(expected) || i === 400) return got;
    await page.waitForTimeout(25);
  }
}

const people = page => page.locator("#people").textContent();
const isConnected = page => page.locator("#state").getAttribute("class");

async function enter(context, name) {
  const page = await context.newPage();
  page.on("pageerror", error => tell({ error: error.message }));
  await page.goto(`${url}/?room=lobby`);
  // By keyboard alone: the dialog has the focus.
  await page.keyboard.type(name);
  await page.keyboard.press("Enter");
  await until(page, isConnected, "on");
  return page;
}

// Into what has the focus.
async function say(page, text) {
  await page.keyboard.insertText(text);
  await page.keyboard.press("Enter");
}

async function talk(ann, ben) {
  tell({ people: await until(ann, people, "ann, ben") });
  await say(ann, "hello ben");
  await until(ben, texts, ["hello ben"]);
  await say(ben, "hello <b>ann</b>");
  tell({ ann: await until(ann, texts, ["hello ben", "hello <b>ann</b>"]), ben: await texts(ben) });
  tell({ own: await ben.locator("#messages li.own .text").allTextContents() });
}

// In a window of that width: whether all of it fits, and the last message is seen.
async function look(page, name, width, colorScheme) {
  await page.setViewportSize({ width, height: 720 });
  await page.emulateMedia({ colorScheme });
  const isEndSeen = page => page.evaluate(() => {
    const last = document.querySelector("#messages li:last-child").getBoundingClientRect();
    return last.bottom <= document.querySelector("#form").getBoundingClientRect().top;
  });
  const end = await until(page, isEndSeen, true);
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  const background = await page.evaluate(() =>
    getComputedStyle(document.body).backgroundColor === "rgb(23, 25, 29)" ? "dark" : "light");
  await shot(page, name);
  tell({ name, end, overflow, background });
}

async function main() {
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox"] });
  const first = await browser.newContext(), second = await browser.newContext();
  const asked = await first.newPage();
  await asked.goto(`${url}/?room=lobby`);
  await shot(asked, "dialog");
  const focus = () => asked.evaluate(() => document.activeElement.id);
  tell({ focus: await focus() });
  for (let i = 0; i < 3; i++) await asked.keyboard.press("Escape");
  tell({ focus: await focus() });
  await asked.keyboard.type("\u00fc".repeat(17));
  await asked.keyboard.press("Enter");
  tell({ focus: await focus() });
  await asked.close();

  const ann = await enter(first, "ann"), ben = await enter(second, "ben");
  await talk(ann, ben);

  await ben.reload();
  tell({ reloaded: await until(ben, texts, ["hello ben", "hello <b>ann</b>"]) });
  await until(ben, isConnected, "on");

  tell({ ask: "restart" });
  await Promise.all([ann, ben].map(page => until(page, isConnected, "")));
  await Promise.all([ann, ben].map(page => until(page, isConnected, "on")));
  tell({ people: await until(ann, people, "ann, ben") });
  await say(ann, "still here");
  const all = ["hello ben", "hello <b>ann</b>", "still here"];
  for (const page of [ann, ben]) tell({ after: await until(page, texts, all) });

  for (let i = 0; i < 12; i++) await say(i % 3 ? ann : ben, `line ${i}: ${"long words and ".repeat(i)}the end`);
  await until(ann, async page => (await texts(page)).length, 15);
  await look(ann, "wide", 1024, "light");
  await look(ann, "phone", 390, "light");
  await look(ann, "dark", 390, "dark");
  await look(ann, "wide-dark", 1024, "dark");
  await browser.close();
}

main().catch(error => {
  tell({ error: error.message });
  process.exit(1);
});
