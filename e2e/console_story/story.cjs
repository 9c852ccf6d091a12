// A day of an operator, from the folder that somebody handed over to the report of what is wrong with it.
"use strict";

const assert = require("node:assert/strict");
const { readFile } = require("node:fs/promises");

const VERTICAL = "/verticals/ssgdfm_eye";

const steps = {
  async "a folder is checked before a byte is sent"({ page, goto, texts, asked }) {
    await goto("/upload?vertical=ssgdfm_eye");
    await page.setInputFiles("[data-folder]", asked.folder);
    await page.waitForFunction(() => document.querySelectorAll("#upload-files tbody tr").length >= 18);
    const rows = await texts("#upload-files tbody tr");
    const has = (name, word) => rows.some((row) => row.includes(name) && row.includes(word));
    for (const name of ["8_0.jpg", "9_0.jpg", "notes.txt", "351519_0 (1).jpg"]) assert.ok(has(name, "거부됨"), `${name}: ${rows}`);
    for (const name of [".DS_Store", "._351518_0.jpg"]) assert.ok(has(name, "무시됨"), `${name}: ${rows}`);
    assert.ok(await page.isDisabled("[data-send]"), "nothing is sent while there are faults");
  },

  async "it is handed over without them"({ page, texts }) {
    await page.check("[name=skip]");
    await page.fill("[name=note]", "패션 화보 <b>1차</b>");
    await page.click("[data-send]");
    await page.waitForURL("**/deliveries/*").catch(async (error) => { throw new Error(`${error}: ${await texts("#checked")}`); });
  },

  async "it is watched until it is live"({ page, texts, remembered }) {
    remembered.delivery = new URL(page.url()).pathname;
    await page.evaluate(() => { window.same = true; });
    await page.waitForFunction(() => document.querySelector("#progress").innerText.includes("처리가 모두 끝난"));
    assert.ok(await page.evaluate(() => window.same), "without a reload");
    const [counts] = await texts("#progress .counts");
    assert.match(counts, /✓ 13 게시 중/);
    assert.match(counts, /✕ [1-9]/);
  },

  async "what was left out is work for somebody, too"({ goto, texts, page, remembered }) {
    await goto("/");
    assert.match((await texts("#sentence h1"))[0], /건에 조치가 필요합니다/);
    await goto("/attention?q=351519_0%20(1)");
    const [row] = await texts("#work tbody tr");
    assert.ok(row.includes("351519_0 (1).jpg") && row.includes(remembered.delivery.split("/").pop()), row);
    assert.equal(await page.getAttribute("#work tbody tr a[href^='/deliveries/']", "href"), remembered.delivery);
    const english = (await texts("#work tbody td")).filter((text) => /[a-z]{3,} [a-z]{2,} [a-z]{2,}/.test(text));
    assert.deepEqual(english, [], "what was found is said in Korean");
  },

  async "a rejected file is found with its reason and who must act"({ goto, texts, page }) {
    await goto("/attention?q=351530");
    const [group] = await texts("#work section.group");
    assert.ok(group.includes("file.truncated") && group.includes("351530_0.jpg") && group.includes("끊"), group);
    assert.deepEqual(await texts("#work h2.owner"), ["사진을 전달한 담당자"]);
    const [action] = await texts("#work .action");
    assert.match(action, /^→ .*[가-힣]/);
    await page.fill(".find input", "351530_0.jpg");
    await Promise.all([page.waitForNavigation(), page.press(".find input", "Enter")]);
    assert.ok((await texts("#hits tbody tr")).join().includes("351530_0.jpg"));
  },

  async "ids are pasted as they come"({ goto, page, follow, texts }) {
    await goto("/lookup");
    await page.fill("#text", "cd_idx\n351518, 351519；３５１５３０\n4711 <b>x");
    await follow("#paste .primary");
    const rows = await texts("#ids tbody tr");
    const of = (id) => rows.find((row) => row.startsWith(id));
    assert.ok(of("351518").includes("완료") && of("351519").includes("완료"), rows.join("\n"));
    assert.ok(of("351530").includes("미완료") && of("351530").includes("file.truncated"), rows.join("\n"));
    assert.ok(of("4711").includes("알 수 없음"), rows.join("\n"));
  },

  async "a photo is replaced"({ goto, page, until, asked, remembered }) {
    const path = `${VERTICAL}/351519`;
    const shown = () => page.getAttribute("#p0 img[src*='/sq/']", "src");
    await goto(path);
    const before = await shown();
    await page.setInputFiles("#p0 .drop input", asked.newer);
    await page.waitForFunction(() => /[0-9] %|전송했습니다/.test(document.querySelector("#p0 .progress")?.innerText) || !document.querySelector("#p0 .progress")?.innerText, undefined);
    await until(path, async () => (await shown()) !== before, "the new photo is served at a new address");
    assert.ok((await page.textContent("#kept")).includes("351519_0.jpg"), "the one before can be restored");
    remembered.path = path;
  },

  async "it is taken down with a reason"({ page, goto, texts, follow, until, remembered }) {
    await goto(remembered.path);
    await page.click("#p0 details summary");
    await page.fill("#p0 [name=note]", "초상권 <i>");
    await follow("#p0 form[action$='/unpublish'] button");
    assert.match((await texts(".notice"))[0], /게시를 내렸습니다/);
    assert.ok(!page.url().includes("?"), "the address says nothing of it");
    await until(remembered.path, async () => (await page.$$("#p0 img[src*='/sq/']")).length === 0, "it is down");
    assert.deepEqual(await texts(".notice"), [], "it was said once");
    assert.ok((await page.textContent("#kept")).includes("초상권 <i>"));
  },

  async "and brought back"({ page, texts, follow, until, remembered }) {
    await follow("#kept tbody tr:first-child button");
    assert.match((await texts(".notice"))[0], /복원했습니다/);
    await until(remembered.path, async () => (await page.$$("#p0 img[src*='/sq/']")).length === 1, "it is live again");
  },

  async "the list is filtered by date, reason and delivery"({ goto, page, texts, follow, remembered }) {
    await goto(VERTICAL);
    const today = new Date(Date.now() + 9 * 3600_000).toISOString().slice(0, 10);
    await page.fill("[name=from]", today);
    await page.fill("[name=to]", today);
    await page.fill("[name=delivery]", remembered.delivery.split("/").pop());
    await follow("#dates button");
    assert.ok((await texts("#entities tbody strong")).includes("351518"));
    await follow(".facets .chip:has-text('file.truncated')");
    assert.deepEqual(await texts("#entities tbody strong"), ["351530"]);
    assert.equal((await page.$$(".facets [aria-current]")).length, 3, "reason, delivery and dates");
    await goto(`${VERTICAL}?to=2001-01-01`);
    assert.deepEqual(await texts("#entities"), []);
  },

  async "the table is taken along"({ goto, page, remembered }) {
    await goto(remembered.delivery);
    const [download] = await Promise.all([page.waitForEvent("download"), page.click("a[href$='/failed.csv']")]);
    const csv = await readFile(await download.path(), "utf8");
    assert.ok(csv.startsWith("\ufeffcd_idx,") && csv.includes("351530") && csv.includes("file.truncated"), csv);
  },

  async "the report is copied for whoever must act"({ page }) {
    await page.click("[data-copy-from]");
    await page.waitForFunction(() => document.querySelector("#said").textContent.includes("복사"));
    const report = await page.evaluate(() => navigator.clipboard.readText());
    assert.ok(report.includes("351530") && report.includes("사진을 전달한 담당자"), report);
  },

  async "a session elsewhere is ended by its owner"({ console_, goto, texts, follow }) {
    const other = await console_.newContext();
    const page = await other.newPage();
    await console_.logIn(page, "kim");
    await goto("/account");
    assert.equal((await texts("#sessions tbody tr")).length, 2);
    await follow("#sessions form button");
    assert.match((await texts(".notice"))[0], /세션을 종료했습니다/);
    await console_.goto("/attention", page);
    assert.equal(new URL(page.url()).pathname, "/login");
    await other.close();
  },
};

async function story(console_, asked) {
  const { page } = console_;
  const tools = { console_, page, asked, remembered: {} };
  for (const name of ["goto", "texts", "follow", "until"]) tools[name] = console_[name].bind(console_);
  for (const [name, step] of Object.entries(steps)) {
    await step(tools).catch((error) => { throw new Error(`${name}: ${error.stack}`); });
    console.log(`story: ${name}`);
  }
  return Object.keys(steps).length;
}

module.exports = { story };
