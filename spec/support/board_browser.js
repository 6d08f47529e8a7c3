// The board's page in Chromium, as its visitors use it.
//
//   node board_browser.js URL FOLDER
//
// Prints a line of JSON for each thing that was seen; {"ask":"restart"} asks
// that the server be killed and started again.  Screenshots go to FOLDER.
"use strict";
const { chromium } = require("playwright-core");
const [url, folder] = process.argv.slice(2);

const tell = fields => process.stdout.write(JSON.stringify(fields) + "\n");

// What the page shows, once it is `expected`; what it is at the end of patience.
async function until(page, read, expected) {
  for (let i = 0; ; i++) {
    const got = await read(page);
    if (JSON.stringify(got) === JSON.stringify(expected) || i === 400) return got;
    await page.waitForTimeout(25);
  }
}

const places = async page => (await page.locator("#places tr").allTextContents()).join(" ");
const state = page => page.locator("#state").textContent();
const told = page => page.locator("#told").textContent();

async function open(browser) {
  const page = await (await browser.newContext()).newPage();
  page.on("pageerror", error => tell({ error: error.message }));
  await page.goto(`${url}/?game=chess`);
  await until(page, state, "live");
  return page;
}

// By keyboard alone.
async function submit(page, player, score) {
  await page.locator("#player").fill(player);
  await page.locator("#score").fill(String(score));
  await page.keyboard.press("Enter");
}

async function look(page, name, width, colorScheme) {
  await page.setViewportSize({ width, height: 720 });
  await page.emulateMedia({ colorScheme });
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  await page.screenshot({ path: `${folder}/${name}.png` });
  tell({ name, overflow });
}

async function main() {
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox"] });
  const ann = await open(browser), ben = await open(browser);
  tell({ title: await ann.title(), empty: await ann.locator("#empty").textContent() });

  await submit(ann, "ann", 5);
  tell({ told: await until(ann, told, "ann is number 1."), other: await until(ben, places, "1ann5") });
  await submit(ben, "<b>ben</b>", 7);
  const both = "1<b>ben</b>7 2ann5";
  for (const page of [ann, ben]) tell({ places: await until(page, places, both) });
  tell({ new: await ann.locator("#places tr.new").allTextContents() });
  await submit(ann, "ann", 4);
  tell({ told: await until(ann, told, "ann has 5 already.") });
  await submit(ann, "\u00fc".repeat(17), 1);
  tell({ told: await until(ann, told, "player: a name of 1 to 32 bytes expected") });

  tell({ ask: "restart" });
  for (const page of [ann, ben]) await until(page, state, "reconnecting");
  for (const page of [ann, ben]) tell({ state: await until(page, state, "live") });
  await submit(ben, "cid", 6);
  const all = "1<b>ben</b>7 2cid6 3ann5";
  for (const page of [ann, ben]) tell({ places: await until(page, places, all) });

  for (let i = 0; i < 9; i++) await submit(ann, `a player with a long name ${i}`, 1000000 * i);
  await until(ann, async page => (await page.locator("#places tr").count()), 10);
  await look(ann, "board-wide", 1024, "light");
  await look(ann, "board-phone", 360, "light");
  await look(ann, "board-dark", 360, "dark");
  await browser.close();
}

main().catch(error => {
  tell({ error: error.message });
  process.exit(1);
});
