// Speaking to whoever watches: log, progress, cancellation.

import { ask, host } from "./host.js";
import { Problem } from "./problem.js";

function emit(level, message, fields) {
  const pairs = Object.entries(fields).map(([name, value]) => [name, String(value)]);
  ask(() => host("log").emit(level, String(message), pairs));
}

/** Writes to the log. `fields` are shown beside the message. */
export const log = {
  debug: (message, fields = {}) => emit("debug", message, fields),
  info: (message, fields = {}) => emit("info", message, fields),
  warn: (message, fields = {}) => emit("warn", message, fields),
  error: (message, fields = {}) => emit("error", message, fields),
};

/** Tells how far a run is. */
export const progress = {
  /** Begins a task, and ends the one before; `total` steps if anybody knows. */
  task: (name, total = null) => ask(() => host("progress").task(name, total)),
  /** Steps done of the task, from its beginning. */
  advance: (done) => ask(() => host("progress").advance(done)),
};

/** Throws the problem `cancelled` once somebody asked the run to stop. Call it between two pieces of work. */
export function checkCancelled() {
  if (ask(() => host("cancel").requested())) throw new Problem("cancelled", "Arrêt demandé.");
}

/** Milliseconds until the host stops the plugin. */
export function remainingMs() {
  return Number(ask(() => host("cancel").remainingMs()));
}

/** The configuration, valid against the manifest's schema; where a secret is set, its name. */
export function config() {
  return JSON.parse(ask(() => host("config").get()));
}

/** Names of the granted secrets that have a value, for `request(..., { auth })`. */
export function secretNames() {
  return ask(() => host("secrets").names());
}
