// The five kinds. Each function takes what you write and gives it back: they are there for your editor, which learns the
// types from them, and for those who read.

import { Problem } from "./problem.js";

/** Adds columns to the rows of a dataset. */
export const defineEnricher = (plugin) => plugin;
/** Does work on a schedule or on demand. */
export const defineProcessing = (plugin) => plugin;
/** Exchanges datasets with another catalogue. */
export const defineCatalogConnector = (plugin) => plugin;
/** Draws pictures from data. */
export const defineVisualisation = (plugin) => plugin;
/** Turns a service into enrichments. */
export const defineRemoteService = (plugin) => plugin;

/** The outputs that are wanted of a service's operation, in its order. */
export function wantedOutputs({ operation, select = [] }) {
  return operation.output.filter(({ key }) => select.length === 0 || select.includes(key));
}

/** Says that a resource did not change since the last fetch. Throw it. */
export function notModified() {
  return new Problem("not-modified", "La ressource n'a pas changé.");
}
