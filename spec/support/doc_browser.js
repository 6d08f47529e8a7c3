// The doc's page in Chromium: two tabs that write at once.
//
//   node doc_browser.js URL FOLDER
//
// Prints a line of JSON for each thing that was seen; {"ask":"kill"} and
// {"ask":"start"} ask that of the server.  Screenshots go to FOLDER.
"use strict";
const { chromium } = require("playwright-core");
const [url, folder] = process.argv.slice(2);

const tell = fields => process.stdout.write(JSON.stringify(fields) + "\n");

// What the page shows, once it is as `wanted` says; what it is at the end of patience.
async function until(page, read, wanted) {
  for (let i = 0; ; i++) {
    const got = await read(page);
    if (wanted(got) || i === 400) return got;
    await page.waitForTimeout(25);
  }
}

const text = page => page.locator("#text").inputValue();
const state = page => page.locator("#state").textContent();
const saved = page => until(page, state, got => got.startsWith("saved"));

async function open(browser) {
  const page = await (await browser.newContext()).newPage();
  page.on("pageerror", error => tell({ error: error.message }));
  await page.goto(`${url}/?doc=notes`);
  await page.waitForFunction(() => !document.getElementById("text").disabled);
  return page;
}

// Put the cursor at `at`.
const place = (page, at) => page.locator("#text").evaluate((field, at) => {
  field.focus();
  field.setSelectionRange(at, at);
}, at);

async function look(page, name, width, colorScheme) {
  await page.setViewportSize({ width, height: 640 });
  await page.emulateMedia({ colorScheme });
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  await page.screenshot({ path: `${folder}/${name}.png` });
  tell({ name, overflow });
}

async function main() {
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
  const ann = await open(browser), ben = await open(browser);
  await place(ann, 0);
  await ann.keyboard.type("one\ntwo\n");
  await saved(ann);
  tell({ other: await until(ben, text, got => got === "one\ntwo\n") });

  // Both at once, at both ends: what each typed stays in one piece.
  const long = "abcdefghijklmnopqrstuvwxyz".repeat(4);
  await place(ann, 0);
  await place(ben, 8);
  await Promise.all([ann.keyboard.type(long), ben.keyboard.type(long.toUpperCase())]);
  await Promise.all([saved(ann), saved(ben)]);
  const both = long + "one\ntwo\n" + long.toUpperCase();
  for (const page of [ann, ben]) tell({ whole: await until(page, text, got => got === both) === both });

  // Both at the same place, with half of an emoji's units before it.
  await ann.locator("#text").fill("\u{1F680}|");
  await saved(ann);
  await until(ben, text, got => got === "\u{1F680}|");
  await place(ann, 2);
  await place(ben, 2);
  await Promise.all([ann.keyboard.type("aaaaaaaa"), ben.keyboard.type("bbbbbbbb")]);
  await Promise.all([saved(ann), saved(ben)]);
  const mixed = await until(ann, text, got => got.length === 19);
  tell({ same: await until(ben, text, got => got === mixed) === mixed,
    letters: [...mixed].sort().join("") });

  // Without the server: each goes on, and then they are one again.
  await ann.locator("#text").fill("middle");
  await saved(ann);
  await until(ben, text, got => got === "middle");
  tell({ ask: "kill" });
  for (const page of [ann, ben]) await until(page, state, got => got.startsWith("offline"));
  await place(ann, 0);
  await ann.keyboard.type("before ");
  await place(ben, 6);
  await ben.keyboard.type(" after");
  tell({ alone: [await text(ann), await text(ben)] });
  tell({ ask: "start" });
  for (const page of [ann, ben]) {
    tell({ again: await until(page, text, got => got === "before middle after"), saved: (await saved(page)) });
  }

  await look(ann, "doc-wide", 1024, "light");
  await look(ann, "doc-phone", 360, "light");
  await look(ann, "doc-dark", 360, "dark");
  await browser.close();
}

main().catch(error => {
  tell({ error: error.message });
  process.exit(1);
});
