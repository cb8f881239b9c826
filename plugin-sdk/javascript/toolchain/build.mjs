// From the sources of a plugin to a component. `halle plugin build` runs this in its cache, beside `engine.mjs` and
// `package.json` of the plugin's engine (the folders beside this file), with one argument: a JSON object with `entry` (the plugin's module), `sdk` (folder of `halle-plugin`), `wit`
// (folder of the world), `world`, `kind`, `exports` (name of the exported interface), `interfaces` (what the world imports,
// `{name: "halle:host/name@1.0.0"}`) and `out` (file of the component).

import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";

import { build } from "esbuild";

import { component, importOf, isWide } from "./engine.mjs";

const job = JSON.parse(process.argv[2]);

/** Joins the plugin, the interfaces of its world and the exports of its kind. The engine's shims come first. */
function entry() {
  const names = Object.keys(job.interfaces);
  const imports = names.map((name) => `import ${importOf(name)} from ${JSON.stringify(job.interfaces[name])};`);
  return [
    `import { attach, crossAsBigInts } from "halle-plugin/engine";`,
    ...imports,
    `import { exportsOf } from "halle-plugin/guest";`,
    `import plugin from ${JSON.stringify(job.entry)};`,
    `attach({ ${names.join(", ")} });`,
    `crossAsBigInts(${isWide});`,
    `export const ${job.exports} = exportsOf(${JSON.stringify(job.kind)}, plugin);`,
  ].join("\n");
}

/** One copy of the SDK, wherever it is asked for. */
const sdk = {
  name: "halle-plugin",
  async setup(bundler) {
    const { exports } = JSON.parse(await readFile(path.join(job.sdk, "package.json"), "utf8"));
    bundler.onResolve({ filter: /^halle-plugin(\/|$)/ }, ({ path: asked }) => {
      const found = exports[asked.replace("halle-plugin", ".")];
      if (!found) return { errors: [{ text: `halle-plugin has no "${asked}"` }] };
      return { path: path.join(job.sdk, found.default ?? found) };
    });
  },
};

async function bundle() {
  const built = await build({
    stdin: { contents: entry(), resolveDir: path.dirname(job.entry), sourcefile: "component.js" },
    absWorkingDir: path.dirname(job.entry),
    bundle: true,
    write: false,
    format: "esm",
    // No Node and no browser: what needs either does not run in a plugin, and says so here.
    platform: "neutral",
    mainFields: ["module", "main"],
    target: "es2022",
    charset: "utf8",
    external: ["halle:*"],
    plugins: [sdk],
    logLevel: "error",
  });
  return built.outputFiles[0].text;
}

try {
  await writeFile(job.out, await component(await bundle(), job));
} catch (error) {
  // esbuild has told its errors already.
  if (!error.errors) console.error(error.message ?? error);
  process.exitCode = 1;
}
