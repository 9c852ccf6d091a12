// Plays the console in a browser: what to play comes as JSON on standard input. Ends with 0 where all is as it should be; the last line says
// in numbers what was played. Modules are found by NODE_PATH.
"use strict";

const { Console } = require("./browser.cjs");
const { story } = require("./story.cjs");
const { attacks } = require("./attacks.cjs");
const { accessibility } = require("./axe.cjs");

async function main() {
  let text = "";
  for await (const chunk of process.stdin) text += chunk;
  const asked = JSON.parse(text);
  const console_ = await Console.open(asked);
  const said = [];
  let failed = false;
  try {
    await console_.firstLogIn();
    if (asked.parts.includes("story")) said.push(`${await story(console_, asked)} steps of an operator's day done`);
    if (asked.parts.includes("attacks")) {
      const { tried, succeeded } = await attacks(console_, asked);
      failed ||= succeeded.length > 0;
      said.push(`${succeeded.length} of ${tried} attacks succeeded`);
    }
    if (asked.parts.includes("axe")) {
      const { pages, violations } = await accessibility(console_, asked);
      failed ||= violations > 0;
      said.push(`${violations} faults found by axe-core on ${pages} pages in 2 languages and 2 colours`);
    }
  } finally {
    await console_.close();
  }
  console.log(`console: ${said.join("; ")}.`);
  return failed ? 1 : 0;
}

main().then((code) => process.exit(code), (error) => {
  console.error(error);
  process.exit(1);
});
