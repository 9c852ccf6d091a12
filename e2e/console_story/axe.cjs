// WCAG 2.2 AA, as far as a program can judge it, on each page in both languages and both colours.
"use strict";

const { readFile } = require("node:fs/promises");

const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const OWN = "/verticals/ssgdfm_eye";
const PAGES = ["/", "/attention", "/attention?q=none-of-this-name", "/entities", OWN, `${OWN}?state=rejected&from=2020-01-01`, `${OWN}/351523`, `${OWN}/777000`, "/search?q=351523", "/lookup", "/upload", "/activity", "/health", "/reconcile", "/people", "/account", "/nosuch"];
const WITHOUT_LOG_IN = ["/login", "/welcome"];

async function accessibility(console_, asked) {
  const axe = await readFile(asked.axe, "utf8");
  let violations = 0;
  const look = async (page, paths) => {
    for (const [lang, colorScheme] of [["ko", "light"], ["en", "dark"], ["ko", "dark"], ["en", "light"]]) {
      await page.emulateMedia({ colorScheme });
      for (const path of paths) {
        await console_.goto(`${path}${path.includes("?") ? "&" : "?"}lang=${lang}`, page);
        await page.evaluate(axe);
        const found = await page.evaluate((tags) => window.axe.run(document, { runOnly: tags }).then((ran) => ran.violations.map((it) => [it.id, ...it.nodes.map((node) => node.html).slice(0, 3)])), TAGS);
        violations += found.length;
        for (const fault of found) console.log(`axe: ${path} in ${lang}, ${colorScheme}: ${fault.join("\n    ")}`);
      }
    }
  };
  const days = await (await console_.context.request.get(`${console_.url}/api/v1/days?vertical=ssgdfm_eye`)).json();
  const pages = [...PAGES, ...days.items.slice(0, 1).map(({ delivery }) => `/deliveries/${delivery}`)];
  await look(console_.page, pages);
  const nobody = await console_.newContext();
  await look(await nobody.newPage(), WITHOUT_LOG_IN);
  await nobody.close();
  await console_.goto("/?lang=ko");
  return { pages: pages.length + WITHOUT_LOG_IN.length, violations };
}

module.exports = { accessibility };
