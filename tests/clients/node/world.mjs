// What the scenarios of the JavaScript clients share; see ../world.py, whose scenarios have the same
// names and the same arguments: CLIENT.mjs SCENARIO,... BASE_URL KEY PROVIDER...
//
// The packages are where `.ci/setup` puts them, outside of the sources: ALFRED_CLIENTS_NODE.

import { createRequire } from "node:module";

const from = process.env.ALFRED_CLIENTS_NODE;
if (!from) throw new Error("ALFRED_CLIENTS_NODE must name the folder with node_modules");

/** Loads a package. */
export const load = createRequire(`${from}/package.json`);

export const TEXT = "one two three";
export const HELLO = [{ role: "user", content: TEXT }];
export const SCHEMA = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
};
export const WEATHER = {
  type: "function",
  function: { name: "get_weather", description: "Current weather", parameters: SCHEMA },
};

/** Where the server is, and what its models are called. */
export class World {
  constructor(baseUrl, key, prefix) {
    Object.assign(this, { baseUrl, key, prefix });
    this.root = baseUrl.replace(/\/v1$/, "");
    this.direct = prefix === "mock";
  }

  model(name) {
    return `${this.prefix}/${name}`;
  }
}

/** The same scenario as a model of its own: see `apart` of ../world.py. */
export function apart(name, mark) {
  return `${name}${name.includes("?") ? "&" : "?"}tokens_in=${10 + mark}`;
}

/** All that a stream gives. */
export async function all(stream) {
  const items = [];
  for await (const item of stream) items.push(item);
  return items;
}

/** A fetch that counts what is asked. */
export function counting() {
  const sent = [];
  const counted = (...args) => {
    sent.push(args[0]);
    return fetch(...args);
  };
  return [counted, sent];
}

/** Plays the scenarios that the command line names. */
export async function play(scenarios) {
  const [names, baseUrl, key, ...providers] = process.argv.slice(2);
  const known = new Map(scenarios.map((scenario) => [scenario.name, scenario]));
  for (const name of names.split(",")) {
    for (const provider of providers) {
      console.error(`${name} before ${provider}:`);
      await known.get(name)(new World(baseUrl, key, provider));
    }
  }
  // Connections that are kept alive would keep the process.
  process.exit(0);
}
