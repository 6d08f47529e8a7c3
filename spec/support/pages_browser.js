// The pages of small examples in Chromium, as their visitors use them.
//
//   node pages_browser.js todo|game|session URL FOLDER
//
// Prints a line of JSON for each thing that was seen.  Screenshots go to FOLDER.
"use strict";
const { chromium } = require("playwright-core");
const [example, url, folder] = process.argv.slice(2);

const tell = fields => process.stdout.write(JSON.stringify(fields) + "\n");

// What `read` finds, once it is as `wanted` says; what it is at the end of patience.
async function until(page, read, wanted) {
  for (let i = 0; ; i++) {
    const got = await read(page);
    if (wanted(got) || i === 400) return got;
    await page.waitForTimeout(25);
  }
}

async function look(page, name) {
  for (const [suffix, width, colorScheme] of [["wide", 1024, "light"], ["phone", 360, "dark"]]) {
    await page.setViewportSize({ width, height: 720 });
    await page.emulateMedia({ colorScheme });
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    await page.screenshot({ path: `${folder}/${name}-${suffix}.png` });
    tell({ name: suffix, overflow });
  }
}

const visits = {
  async todo(open) {
    const page = await open("/?list=home");
    const items = () => page.locator("#items li").allTextContents();
    for (const text of ["buy crème fraîche", "<b>bold</b>"]) {
      await page.locator("#text").fill(text);
      await page.keyboard.press("Enter");
      await until(page, items, got => got.some(item => item.includes(text)));
    }
    tell({ items: await items() });
    await page.locator("#search").fill("creme");
    tell({ found: await until(page, items, got => got.length === 1) });
    await page.locator("#items input").check();
    await page.locator("#search").fill("");
    await until(page, items, got => got.length === 2);
    tell({ done: await page.locator("#items li.done").allTextContents() });
    await look(page, "todo");
    await page.getByRole("button", { name: "delete <b>bold</b>" }).click();
    tell({ left: await until(page, items, got => got.length === 1) });
  },

  async game(open) {
    const ann = await open("/?name=ann"), ben = await open("/?name=ben");
    const scores = page => page.locator("#scores li").allTextContents();
    const both = JSON.stringify(["ann: 0", "ben: 0"]);
    for (const page of [ann, ben]) {
      tell({ scores: await until(page, scores, got => JSON.stringify(got) === both) });
    }
    // What the canvas shows differs when somebody has moved.
    const picture = () => ben.locator("#canvas").evaluate(canvas => canvas.toDataURL());
    const before = await picture();
    await ann.keyboard.down("ArrowLeft");
    await ann.keyboard.down("ArrowUp");
    tell({ moved: await until(ben, picture, got => got !== before) !== before });
    await ann.keyboard.up("ArrowLeft");
    await ann.keyboard.up("ArrowUp");
    await ann.reload();
    tell({ players: (await until(ann, scores, got => got.length > 0)).length });
    await look(ben, "game");
    await ann.close();
    tell({ away: await until(ben, page => page.locator("#scores .away").count(), got => got === 1) });
  },

  async session(open) {
    const page = await open("/");
    const said = () => page.locator("[role=status]").textContent();
    const enter = async (name, button) => {
      await page.locator("[name=name]").fill(name);
      await page.locator("[name=password]").fill("correct-horse");
      await page.getByRole("button", { name: button }).click();
    };
    await enter("ann", "Register");
    tell({ said: await until(page, said, got => got === "You are ann.") });
    tell({ cookie: await page.evaluate(() => document.cookie) });
    await page.getByRole("button", { name: "Log out", exact: true }).click();
    tell({ said: await until(page, said, got => got === "You are not logged in.") });
    await enter("eve", "Log in");
    tell({ said: await until(page, said, got => got.includes("wrong")) });
    await look(page, "session");
  },
};

async function main() {
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
  await visits[example](async path => {
    const page = await (await browser.newContext()).newPage();
    page.on("pageerror", error => tell({ error: error.message }));
    await page.goto(url + path);
    return page;
  });
  await browser.close();
}

main().catch(error => {
  tell({ error: error.message });
  process.exit(1);
});
