// What the engine inside the sandbox lacks or must not have. Imported first, by `build`, never natively.

import { attach } from "./host.js";
import { crossAsBigInts } from "./integers.js";
import { log } from "./run.js";

const NO_CLOCK = "there is no clock in a plugin: a run's time is `trigger.startedAt`, a picture's is `context.now`";

/** Dates work, but none is now. */
class ClocklessDate extends Date {
  constructor(...args) {
    if (args.length === 0) throw new Error(NO_CLOCK);
    super(...args);
  }

  static now() {
    throw new Error(NO_CLOCK);
  }
}

globalThis.Date = ClocklessDate;

// The same sequence in every instance, so that the same input gives the same output; no source of secrets.
let seed = 0x9e3779b9;
Math.random = () => {
  seed = (seed + 0x6d2b79f5) | 0;
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
};

const told = (level) => (...words) => log[level](words.map((word) => (typeof word === "string" ? word : JSON.stringify(word))).join(" "));
globalThis.console = { debug: told("debug"), log: told("info"), info: told("info"), warn: told("warn"), error: told("error") };

export { attach, crossAsBigInts };
