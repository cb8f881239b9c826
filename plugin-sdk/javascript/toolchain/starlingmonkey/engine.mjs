// StarlingMonkey, which is Firefox's engine: for packages that need what QuickJS lacks, at seven times the size.

import { componentize } from "@bytecodealliance/componentize-js";

// The platform offers no system interface: what would call one is left out of the engine.
const DISABLED = ["stdio", "random", "clocks", "http", "fetch-event"];

/** What an import of an interface binds: its functions are exports of its module. */
export const importOf = (name) => `* as ${name}`;

/** Whether whole numbers of 64 bits cross as `BigInt`s only. */
export const isWide = true;

/** The component of a module. */
export async function component(source, { wit, world }) {
  const made = await componentize(source, { witPath: wit, worldName: world, disableFeatures: DISABLED });
  return made.component;
}
