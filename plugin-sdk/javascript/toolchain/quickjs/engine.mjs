// QuickJS: small components, quick to build and to begin.

import { componentize } from "componentize-qjs";

/** What an import of an interface binds: the interface is the default export of its module. */
export const importOf = (name) => name;

/** Whether whole numbers of 64 bits cross as `BigInt`s only. */
export const isWide = false;

/** The component of a module. */
export async function component(source, { wit, world }) {
  // Answers are synchronous, and the platform offers no system interface: calls of one stop the plugin.
  const made = await componentize({ witPath: wit, world, jsSource: source, sync: true, stubWasi: true });
  return made.component;
}
