// The browser, and the pages in it as people use them.
"use strict";

const assert = require("node:assert/strict");
const { chromium } = require("playwright-core");

// A busy machine takes its time; what never comes has failed long before.
const TIMEOUT_MS = 60_000;
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage", "--no-first-run"];
const NAME = "kim";
const PASSWORD = "correct horse battery";
// How long after something was sent it is looked at again, and how often.
const LOOK_MS = 250;
const LOOKS = 240;

class Console {
  static async open(asked) {
    const browser = await chromium.launch({ executablePath: asked.chromium, headless: true, args: FLAGS });
    const console_ = new Console(browser, asked);
    console_.context = await console_.newContext();
    await console_.context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: asked.url });
    console_.page = await console_.context.newPage();
    return console_;
  }

  constructor(browser, asked) {
    Object.assign(this, { browser, asked, url: asked.url });
  }

  // Somebody's browser, which reaches nothing but this machine, and says what a page did that it should not.
  async newContext(options = {}) {
    const context = await this.browser.newContext({ locale: "ko-KR", viewport: { width: 1280, height: 900 }, acceptDownloads: true, ...options });
    context.setDefaultTimeout(TIMEOUT_MS);
    context.left = [];
    await context.route((url) => url.hostname !== "127.0.0.1", (route) => {
      context.left.push(route.request().url());
      return route.abort();
    });
    return context;
  }

  async close() {
    await this.browser.close();
  }

  async goto(path, page = this.page) {
    return page.goto(this.url + path);
  }

  texts(selector, page = this.page) {
    return page.$$eval(selector, (all) => all.map((it) => it.innerText.trim()));
  }

  // Clicks, and waits for the page that follows.
  async follow(selector, page = this.page) {
    await Promise.all([page.waitForNavigation(), page.click(selector)]);
  }

  // Loads a page again and again until it is as it should be.
  async until(path, isSo, what, page = this.page) {
    for (let look = 0; look < LOOKS; look++) {
      await this.goto(path, page);
      if (await isSo()) return;
      await page.waitForTimeout(LOOK_MS);
    }
    assert.fail(`never: ${what}`);
  }

  // The link of the first start: name and password are chosen there.
  async firstLogIn() {
    await this.useLink(this.page, this.asked.link, NAME);
    assert.equal(new URL(this.page.url()).pathname, "/");
    assert.equal(await this.page.getAttribute("html", "lang"), "ko");
  }

  async useLink(page, link, name) {
    await page.goto(link);
    await page.waitForFunction(() => document.querySelector("[data-link]").hidden);
    if (name) await page.fill("[name=name]", name);
    await page.fill("[name=password]", PASSWORD);
    await page.fill("[name=again]", PASSWORD);
    await this.follow("[data-welcome] button", page);
  }

  async logIn(page, name, password = PASSWORD, path = "/login") {
    await this.goto(path, page);
    await page.fill("[name=name]", name);
    await page.fill("[name=password]", password);
    await this.follow("main form button", page);
  }

  // Somebody with an account of their own, made on the page of people.
  async account(name, role, verticals) {
    await this.goto("/people");
    await this.page.$eval("form[action='/people/accounts']", (form) => { form.closest("details").open = true; });
    await this.page.fill("form[action='/people/accounts'] [name=name]", name);
    await this.page.selectOption("form[action='/people/accounts'] [name=role]", role);
    await this.page.fill("form[action='/people/accounts'] [name=verticals]", verticals);
    await this.follow("form[action='/people/accounts'] button");
    const link = await this.page.textContent("#secret .secret");
    const context = await this.newContext();
    const page = await context.newPage();
    await this.useLink(page, this.url + link.trim().replace(/^https?:\/\/[^/]+/, ""), null);
    return { context, page };
  }
}

module.exports = { Console, NAME, PASSWORD };
