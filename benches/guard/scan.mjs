// Scans texts with secretlint's recommended rules. Reads the lines of `guard_table texts` from
// standard input and writes a line for each that concerns it. Usage: scan.mjs FOLDER, where
// FOLDER holds node_modules.

import { createRequire } from "node:module";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const TURNS = 3;
const PRESET = "@secretlint/secretlint-rule-preset-recommend";

const installed = createRequire(resolve(process.argv[2], "package.json"));
const load = (name) => import(pathToFileURL(installed.resolve(name)).href);
const { lintSource } = await load("@secretlint/core");
const { creator } = await load(PRESET);
const config = { rules: [{ id: PRESET, rule: creator }] };

async function scan(content) {
  const source = { filePath: "text.txt", ext: ".txt", content, contentType: "text" };
  const { messages } = await lintSource({ source, options: { config } });
  return messages.length > 0;
}

/** The best time of some turns, in microseconds. */
async function best(text) {
  let best = Infinity;
  for (let turn = 0; turn < TURNS; turn++) {
    const begun = process.hrtime.bigint();
    await scan(text);
    best = Math.min(best, Number(process.hrtime.bigint() - begun) / 1e3);
  }
  return best;
}

for await (const line of createInterface({ input: process.stdin })) {
  const { kind, text } = JSON.parse(line);
  if (kind === "timed") console.log(JSON.stringify({ kind, time: await best(text) }));
  else if (kind === "secrets" || kind === "honest") console.log(JSON.stringify({ kind, secret: await scan(text) }));
}
