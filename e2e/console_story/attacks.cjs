// What somebody hostile tries. Each attack returns what it got by it; nothing is what it should get.
"use strict";

const http = require("node:http");
const net = require("node:net");

const { NAME, PASSWORD } = require("./browser.cjs");

const OWN = "/verticals/ssgdfm_eye";
const OTHER = "/verticals/ssgdfm_nose";
// Wrong passwords, and how many of them may be looked at before somebody has to wait.
const GUESSES = 30;
const GUESSES_LOOKED_AT = 10;
const HOSTILE_HOST = "evil.example";

// Pages on which what others chose is shown.
const SHOWING = ["/", "/attention", "/entities", OWN, `${OWN}/777000`, `${OWN}/777001`, `${OWN}/777002`, `${OWN}/777003`, "/activity", "/health", "/people", "/account"];

async function broken(page) {
  return page.evaluate(() => {
    const found = [];
    if (window.__broken !== undefined) found.push(`ran ${window.__broken}`);
    if (document.querySelector("[onerror], [onload], script:not([src]), main svg:not(.bar), main iframe")) found.push("markup");
    return found;
  });
}

// Of every kind, each payload on each page.
async function* markup({ console_, asked, page, goto, follow }) {
  const complaints = [];
  page.on("console", (message) => { if (/Content Security Policy/.test(message.text())) complaints.push(message.text()); });
  const look = async (what) => {
    const got = [...await broken(page), ...complaints.splice(0)];
    return { what, got };
  };
  for (const lang of ["ko", "en"]) {
    for (const path of SHOWING) {
      await goto(`${path}?lang=${lang}`);
      yield look(`markup in keys, verticals and EXIF on ${path} in ${lang}`);
    }
  }
  await goto("/?lang=ko");
  for (const payload of asked.payloads) {
    const part = encodeURIComponent(payload);
    for (const path of [`/search?q=${part}`, `/attention?q=${part}`, `/attention?vertical=${part}`, `${OWN}?cd_idx=${part}`, `${OWN}?delivery=${part}`, `${OWN}?from=${part}`, `/activity?actor=${part}`, `/upload?vertical=${part}`, `/lookup?vertical=${part}`, `/deliveries/${part}`, `/verticals/${part}`, `/${part}`]) {
      await goto(path);
      yield look(`markup in the address ${path}`);
    }
    await goto("/lookup");
    await page.fill("#text", `1 ${payload} 2`);
    await follow("#paste .primary");
    yield look("markup among pasted ids");
  }
  await goto("/upload?vertical=ssgdfm_eye");
  await page.setInputFiles("[data-files]", asked.named);
  await page.waitForFunction((n) => document.querySelectorAll("#upload-files tbody tr").length === n, asked.named.length);
  yield look("markup in names of files that are handed over");
  const [note] = asked.payloads;
  await goto(`${OWN}/777001`);
  await page.$eval("#p0 form[action$='/unpublish']", (form) => { form.closest("details").open = true; });
  await page.fill("#p0 [name=note]", note);
  await follow("#p0 form[action$='/unpublish'] button");
  yield look("markup in a note, where it is noted");
  await goto("/activity");
  yield look("markup in a note, in the activity");
  await goto("/attention?q=onload");
  await page.check("#work input[name=item]");
  await page.fill("[name=note]", note);
  await follow("button[value=dismiss]");
  yield look("markup in a key and a note, where it is dismissed");
  await follow("form[action='/attention/undo'] button");
  yield look("markup in a key, where it is brought back");
}

// A name that shows itself as another one is written out, and changes nothing beside it.
async function* disguises({ asked, page, goto }) {
  for (const path of ["/attention", OWN, "/activity"]) {
    await goto(`${path}?lang=ko`);
    const shown = await page.evaluate((names) => {
      const text = document.body.innerText + [...document.querySelectorAll("[title], [aria-label], [value]")].map((it) => it.title + it.getAttribute("aria-label") + it.getAttribute("value")).join();
      const raw = names.flatMap((name) => [...name]).filter((sign) => sign > "\u0fff" && text.includes(sign));
      const outside = [...document.querySelectorAll("main bdi")].filter((it) => getComputedStyle(it).unicodeBidi !== "isolate");
      return { raw: raw.length, outside: outside.length, isolated: document.querySelectorAll("main bdi").length, escaped: text.includes("\\u{202e}gpj.0_1.exe") };
    }, asked.disguised);
    const got = [];
    if (shown.raw || shown.outside || !shown.isolated) got.push(JSON.stringify(shown));
    if (path === "/attention" && !shown.escaped) got.push("it is not shown as what it is");
    yield { what: `a disguised name on ${path}`, got };
  }
}

// Another site's page, in the browser of somebody who is logged in.
async function* forms({ console_, goto, context, texts, page }) {
  const forms_ = [
    ["/people/accounts", { name: "evil", role: "admin", verticals: "" }], ["/people/tokens", { name: "evil", role: "admin", verticals: "" }],
    ["/attention/act", { act: "dismiss", note: "x", item: "key:origin/ssgdfm_eye/9_0.jpg" }], ["/account/password", { current: PASSWORD, password: "evil evil evil evil", again: "evil evil evil evil" }],
    [`${OWN}/777000/unpublish`, { note: "x" }], [`${OWN}/777000/retry`, {}], ["/reconcile", { act: "apply" }], ["/lookup/retry", { ids: "777000" }], ["/logout", {}], ["/login", { name: NAME, password: PASSWORD }],
  ];
  const json = [["/api/v1/accounts", { name: "evil", role: "admin" }], ["/api/v1/tokens", { name: "evil", role: "admin" }], ["/api/v1/originals/unpublish", { vertical: "ssgdfm_eye", cd_idx: 777000, note: "x" }]];
  const server = http.createServer((request, response) => response.setHeader("content-type", "text/html").end("<!doctype html><title>another site</title>"));
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  const site = `http://127.0.0.1:${server.address().port}/`;
  const state = async () => {
    await goto("/people");
    const people = await texts("#accounts tbody th, #tokens tbody th");
    await goto(`${OWN}/777000`);
    return JSON.stringify([people, (await page.$$("#p0 img")).length, new URL(page.url()).pathname]);
  };
  const before = await state();
  const other = await context.newPage();
  for (const [path, fields] of forms_) {
    await other.goto(site);
    const [answer] = await Promise.all([
      other.waitForNavigation(),
      other.evaluate(([action, fields]) => {
        const form = Object.assign(document.createElement("form"), { method: "post", action });
        for (const [name, value] of Object.entries(fields)) form.append(Object.assign(document.createElement("input"), { name, value }));
        document.body.append(form);
        form.submit();
      }, [console_.url + path, fields]),
    ]);
    yield { what: `a form of another site to ${path}`, got: answer.status() === 403 ? [] : [`status ${answer.status()}`] };
  }
  for (const [path, body] of json) {
    for (const mode of ["no-cors", "cors"]) {
      await other.goto(site);
      const got = await other.evaluate(([url, body, mode]) => fetch(url, { method: "POST", mode, credentials: "include", headers: { "content-type": "text/plain" }, body }).then((answer) => answer.type === "opaque" ? [] : [`status ${answer.status}`], () => []), [console_.url + path, JSON.stringify(body), mode]);
      yield { what: `a request of another site's script (${mode}) to ${path}`, got };
    }
  }
  await other.close();
  server.close();
  yield { what: "what all of those changed", got: await state() === before ? [] : [await state()] };
}

async function* guessing({ console_, page, goto }) {
  const context = await console_.newContext();
  const guesser = await context.newPage();
  await console_.goto("/login", guesser);
  const statuses = await guesser.evaluate(async ([name, guesses]) => {
    const guess = (n) => fetch("/login", { method: "POST", body: new URLSearchParams({ name, password: `guess number ${n}` }), redirect: "manual" }).then((answer) => answer.status);
    return Promise.all(Array.from({ length: guesses }, (_, n) => guess(n)));
  }, [NAME, GUESSES]);
  const lookedAt = statuses.filter((status) => ![429, 503].includes(status)).length;
  yield { what: `${GUESSES} guesses of a password`, got: lookedAt > GUESSES_LOOKED_AT || statuses.includes(0) || statuses.includes(303) ? [`statuses ${statuses}`] : [] };
  await goto("/account");
  yield { what: "keeping the owner out by guessing", got: (await page.$("#sessions")) ? [] : ["the owner is logged out"] };
  await context.close();
}

async function* planting({ console_ }) {
  const context = await console_.newContext();
  const planted = "A".repeat(43);
  await context.addCookies([{ name: "cameo", value: planted, url: console_.url }]);
  const page = await context.newPage();
  const { context: own } = await console_.account("lee", "viewer", "ssgdfm_eye");
  await own.close();
  await console_.logIn(page, "lee");
  const cookie = async () => (await context.cookies()).find(({ name }) => name === "cameo");
  const first = await cookie();
  const works = async (value) => (await fetch(`${console_.url}/api/v1/session`, { headers: { cookie: `cameo=${value}` } })).status === 200;
  yield { what: "a cookie that was planted before the log-in", got: first.value === planted || await works(planted) ? ["it is a session"] : [] };
  yield { what: "reading the cookie in a page", got: first.httpOnly && first.sameSite !== "None" ? [] : [JSON.stringify(first)] };
  await console_.goto("/account", page);
  await console_.follow(".me form button", page);
  yield { what: "a cookie that was stolen, after the log-out", got: await works(first.value) ? ["it is a session"] : [] };
  await context.close();
}

// Somebody who may work with one vertical guesses what is in another one.
async function* guessingIds({ console_, asked, page, goto }) {
  const { secret, secretDelivery: delivery } = asked;
  const eyes = await console_.account("eyes", "operator", "ssgdfm_eye");
  const api = "/api/v1/verticals/ssgdfm_nose";
  const gone = [OTHER, `${OTHER}/${secret}`, `${OTHER}?state=rejected`, "/attention?vertical=ssgdfm_nose", "/attention.csv?vertical=ssgdfm_nose", "/activity?vertical=ssgdfm_nose", `/deliveries/${delivery}`, `/deliveries/${delivery}/report.txt`, `/deliveries/${delivery}/failed.csv`, `${api}/entities`, `${api}/entities/${secret}`, `${api}/entities/${secret}/history`, `${api}/entities/${secret}/quarantine`, `${api}/entities/${secret}/photos/0/original`, "/api/v1/entities?vertical=ssgdfm_nose", `/api/v1/deliveries/${delivery}`, "/api/v1/days?vertical=ssgdfm_nose", "/api/v1/search?q=1&vertical=ssgdfm_nose", "/people", "/api/v1/accounts"];
  const ask = (path, init) => eyes.page.evaluate(async ([path, init]) => {
    const answer = await fetch(path, init);
    return [answer.status, await answer.text()];
  }, [path, init]);
  await console_.goto("/", eyes.page);
  for (const path of gone) {
    const [status, text] = await ask(path);
    const sees = text.replaceAll(path, "").includes(secret) && !path.includes(secret);
    yield { what: `another vertical at ${path}`, got: [403, 404].includes(status) && !sees ? [] : [`status ${status}`] };
  }
  for (const path of ["/", "/attention", "/entities", "/activity", "/health", "/upload", "/api/v1/overview", "/api/v1/health", "/api/v1/attention", "/api/v1/attention.csv", "/api/v1/activity", "/api/v1/verticals", "/api/v1/deliveries"]) {
    const [, text] = await ask(path);
    yield { what: `another vertical on ${path}`, got: text.includes(secret) || text.includes("ssgdfm_nose") ? ["it is named"] : [] };
  }
  for (const q of [secret, secret.slice(0, 6), "nose"]) {
    const [, text] = await ask(`/search?q=${q}`);
    yield { what: `another vertical by searching for ${q}`, got: /id="hits"/.test(text) ? ["it is found"] : [] };
  }
  const form = (fields) => ({ method: "POST", headers: { "content-type": "application/x-www-form-urlencoded" }, body: new URLSearchParams(fields).toString() });
  const csrf = await eyes.page.getAttribute("meta[name=csrf]", "content");
  const [, found] = await ask("/lookup", form({ csrf, text: secret }));
  yield { what: "another vertical by pasting ids", got: found.includes(`${OTHER}/`) ? ["it is found"] : [] };
  const changes = [[`${OTHER}/${secret}/unpublish`, { note: "x" }], [`${OTHER}/${secret}/retry`, {}], ["/attention/act", { act: "retry", item: `key:origin/ssgdfm_nose/${secret}_1.jpg` }], ["/attention/act", { act: "dismiss", note: "x", item: `key:origin/ssgdfm_nose/${secret}.txt` }], ["/attention/undo", { key: `origin/ssgdfm_nose/${secret}.txt`, since: "2001-01-01T00:00:00Z" }]];
  for (const [path, fields] of changes) {
    const [status] = await ask(path, form({ csrf, ...fields }));
    yield { what: `changing another vertical at ${path}`, got: status >= 400 ? [] : [`status ${status}`] };
  }
  // What was taken down of one entity does not come back from the page of another one, nor from another vertical's.
  const kept = (await ask("/api/v1/verticals/ssgdfm_eye/entities/777001/quarantine"))[1];
  const { id } = JSON.parse(kept).items[0];
  for (const path of [`${OWN}/777000/restore`, `${OTHER}/${secret}/restore`]) {
    const [status] = await ask(path, form({ csrf, id }));
    yield { what: `restoring at ${path}`, got: status >= 400 ? [] : [`status ${status}`] };
  }
  await goto(`${OWN}/777001`);
  yield { what: "what restoring brought back", got: (await page.$$("#p0 img[src*='/sq/']")).length ? ["it is live"] : [] };
  await eyes.context.close();
}

async function* redirects({ console_ }) {
  const context = await console_.newContext();
  const page = await context.newPage();
  const foreign = (text) => text && new URL(text, console_.url).host !== new URL(console_.url).host;
  for (const next of [`//${HOSTILE_HOST}`, `https://${HOSTILE_HOST}/`, `/\\${HOSTILE_HOST}`, `\\\\${HOSTILE_HOST}`, `/\t/${HOSTILE_HOST}`, `///${HOSTILE_HOST}`, `/.//${HOSTILE_HOST}`, `javascript:alert(1)`, `data:text/html,x`, `//${HOSTILE_HOST}%2f..`, `/%0d%0aLocation: https://${HOSTILE_HOST}`, `${HOSTILE_HOST}`, `@${HOSTILE_HOST}`, `/a/..//${HOSTILE_HOST}`]) {
    await context.clearCookies();
    await console_.logIn(page, "lee", PASSWORD, `/login?next=${encodeURIComponent(next)}`);
    const left = context.left.splice(0);
    yield { what: `a log-in that leads to ${JSON.stringify(next)}`, got: foreign(page.url()) || left.length ? [page.url(), ...left] : [] };
  }
  for (const path of [`//${HOSTILE_HOST}/`, `//${HOSTILE_HOST}/%2e%2e`, `/\\${HOSTILE_HOST}`, "/logout", "/attention/act", `/verticals/..%2f..%2f%2f${HOSTILE_HOST}/1/verify`]) {
    const answer = await fetch(console_.url + path, { redirect: "manual" });
    const links = [...(await answer.text()).matchAll(/(?:href|action)="([^"]*)"/g)].map(([, link]) => link);
    const out = [answer.headers.get("location"), ...links].filter(foreign);
    yield { what: `an address that leads away: ${path}`, got: out };
  }
  await context.close();
}

// What an address says was done, although nothing was; and names that are taken for somebody else's.
async function* forgeries({ texts, goto, page, follow }) {
  for (const path of ["/attention?done=retry&n=999", "/attention?done=undo&n=1", `${OWN}/777000?done=unpublished`, `${OWN}/777000?done=restored`, "/account?done=password", "/account?done=ended", "/people?done=1", "/lookup?done=retry", "/webhooks?done=1"]) {
    await goto(path);
    yield { what: `a notice made by the address ${path}`, got: await texts("main .notice") };
  }
  for (const name of ["k\u0456m", "\uff4b\uff49\uff4d", "kim\u3164", "k\u0131m", "Kim", "ki\u200bm"]) {
    await goto("/people");
    await page.$eval("form[action='/people/accounts']", (form) => { form.closest("details").open = true; });
    await page.fill("form[action='/people/accounts'] [name=name]", name);
    await follow("form[action='/people/accounts'] button");
    yield { what: `an account whose name looks like another's: ${JSON.stringify(name)}`, got: (await page.$("#secret")) ? ["it was made"] : [] };
  }
}

// Addresses of this machine, of private networks, and of what clouds tell their machines, in every way in which they can be written. `PORT` is
// where something of this machine listens, to which nothing may come.
const PRIVATE_ADDRESSES = [
  "https://127.0.0.1:PORT/", "https://127.0.0.2:PORT/", "https://127.1:PORT/", "https://127.0.1:PORT/", "https://0:PORT/", "https://0.0.0.0:PORT/",
  "https://2130706433:PORT/", "https://0x7f000001:PORT/", "https://0x7f.0x0.0x0.0x1:PORT/", "https://0x7f.1:PORT/", "https://0177.0.0.1:PORT/", "https://0177.0.0.01:PORT/", "https://017700000001:PORT/",
  "https://\uff11\uff12\uff17.\uff10.\uff10.\uff11:PORT/", "https://127\u30020\u30020\u30021:PORT/", "https://%31%32%37.0.0.1:PORT/", "https://127.0.0.1.:PORT/",
  "https://10.0.0.1/", "https://10.255.255.255/", "https://172.16.0.1/", "https://172.31.255.255/", "https://192.168.0.1/", "https://100.64.0.1/", "https://198.18.0.1/", "https://167772161/", "https://0xa000001/", "https://012.0.0.1/",
  "https://169.254.169.254/latest/meta-data/", "https://169.254.170.2/", "https://2852039166/", "https://0xa9fea9fe/", "https://0251.0376.0251.0376/", "https://[fd00:ec2::254]/latest/meta-data/",
  "https://[::1]:PORT/", "https://[0:0:0:0:0:0:0:1]:PORT/", "https://[::]:PORT/", "https://[::ffff:127.0.0.1]:PORT/", "https://[::ffff:7f00:1]:PORT/", "https://[::ffff:a9fe:a9fe]/", "https://[::127.0.0.1]:PORT/", "https://[64:ff9b::7f00:1]:PORT/", "https://[2002:7f00:1::]:PORT/", "https://[fe80::1]/", "https://[fc00::1]/", "https://[fec0::1]/",
  "https://receiver.example@127.0.0.1:PORT/", "https://receiver.example:x@127.0.0.1:PORT/", "https://127.0.0.1:PORT\\@receiver.example/", "https://127.0.0.1:PORT/#@receiver.example/", "https://receiver.example%40127.0.0.1:PORT/",
  "http://127.0.0.1:PORT/", "http://receiver.example/", "file:///etc/passwd", "gopher://127.0.0.1:PORT/", "javascript:alert(1)", "https:127.0.0.1:PORT", "//127.0.0.1:PORT/", "https://127.0.0.1:PORT/\r\nx: y",
];
// Names that lead to this machine: nobody knows it before the connection is made.
const NAMES_OF_THIS_MACHINE = ["localhost", "LOCALHOST", "localhost.", "ip6-localhost", "a.localhost"];

// A webhook to an address of this machine or of a private network. That redirects are followed nowhere needs a receiver on the Internet; it is
// held by the tests of the library.
async function* webhooks({ console_, page, goto, follow, texts }) {
  let connections = 0;
  const listeners = [];
  const listen = (host, port) => new Promise((listening) => {
    const listener = net.createServer((socket) => { connections += 1; socket.destroy(); });
    listener.on("error", () => listening(0));
    listener.listen(port, host, () => { listeners.push(listener); listening(listener.address().port); });
  });
  const port = await listen("127.0.0.1", 0);
  await listen("::1", port);
  const made = async () => { await goto("/webhooks"); return page.$$("#webhooks tbody tr").then((rows) => rows.length); };
  // As a browser sends the form whose fields somebody took the checks off.
  const create = async (url) => {
    await goto("/webhooks");
    return page.evaluate(async (url) => {
      const form = document.querySelector("form[action='/webhooks']");
      const fields = new URLSearchParams(new FormData(form));
      fields.set("url", url);
      const answer = await fetch("/webhooks", { method: "POST", body: fields });
      const shown = new DOMParser().parseFromString(await answer.text(), "text/html");
      const again = shown.querySelector("form[action='/webhooks'] [name=url]");
      return { status: answer.status, secret: Boolean(shown.querySelector("#secret")), typed: again && again.value, fault: Boolean(shown.querySelector("#fault")) };
    }, url);
  };
  const before = await made();
  for (const written of PRIVATE_ADDRESSES) {
    const url = written.replace("PORT", port);
    const { status, secret, fault } = await create(url);
    const got = [];
    if (status < 400 || secret) got.push(`status ${status}`);
    else if (!fault) got.push("the page does not say what is wrong");
    if (connections) got.push(`${connections} connections`);
    connections = 0;
    yield { what: `a webhook to ${JSON.stringify(url)}`, got };
  }
  yield { what: "what all of those made", got: await made() === before ? [] : ["there are more webhooks"] };
  for (const name of NAMES_OF_THIS_MACHINE) {
    const url = `https://${name}:${port}/`;
    const { secret } = await create(url);
    const got = [];
    if (secret) {
      await goto("/webhooks");
      await follow("#webhooks tbody tr:last-child a");
      await follow("button[value=test]");
      const [tested] = await texts("#tested .badge");
      if (!/실패|failed/.test(tested)) got.push(`the test says ${tested}`);
      await follow("button[value=remove]");
    }
    if (connections) got.push(`${connections} connections`);
    connections = 0;
    yield { what: `a webhook to ${url}, which is this machine`, got };
  }
  yield { what: "what those left", got: await made() === before ? [] : ["there are more webhooks"] };
  for (const listener of listeners) listener.close();
}

async function attacks(console_, asked) {
  const { page, context } = console_;
  const tools = { console_, page, context, asked };
  for (const name of ["goto", "texts", "follow", "until"]) tools[name] = console_[name].bind(console_);
  const succeeded = [];
  let tried = 0;
  for (const kind of [markup, disguises, forgeries, forms, planting, guessingIds, redirects, webhooks, guessing]) {
    let ofKind = 0;
    for await (const { what, got } of kind(tools)) {
      ofKind += 1;
      if (got.length) {
        succeeded.push(what);
        console.log(`ATTACK SUCCEEDED: ${what}: ${got.join("; ")}`);
      }
    }
    tried += ofKind;
    console.log(`attacks: ${kind.name}: ${ofKind} tried`);
  }
  return { tried, succeeded };
}

module.exports = { attacks };
