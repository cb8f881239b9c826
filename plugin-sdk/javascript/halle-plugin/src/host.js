// The host, as the contract's interfaces: in a plugin the platform's, in a test those of `FakeHost`.

import { Problem } from "./problem.js";

// What makes an interface part of a plugin's world; `build` links no other.
const ASKED_BY = {
  http: "[http.<nom>]",
  state: "[state]",
  datasets: "[slots.<nom>]",
  reference: "[slots.<nom>]",
  source: "[slots.source]",
};

let interfaces = {};

/** Sets who answers, and returns who did before. */
export function attach(host) {
  const before = interfaces;
  interfaces = host;
  return before;
}

/** An interface of the host; `denied/<name>` where the plugin has none. */
export function host(name) {
  const found = interfaces[name];
  if (found) return found;
  const how = ASKED_BY[name] ? ` : ajoutez ${ASKED_BY[name]} à plugin.toml` : " pour ce type d'extension";
  throw new Problem(`denied/${name}`, `« ${name} » n'est pas demandé${how}.`);
}

/** Calls the host; what it refuses is thrown as a `Problem`. */
export function ask(call) {
  try {
    return call();
  } catch (thrown) {
    throw Problem.from(thrown);
  }
}
