import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import * as plugin from "../src/index.js";
import * as schema from "../src/schema.js";
import * as testing from "../src/testing.js";

test("everything that is exported has a type, and every type a thing", () => {
  for (const [name, module] of [["index", plugin], ["testing", testing], ["schema", schema]]) {
    const types = readFileSync(new URL(`../src/${name}.d.ts`, import.meta.url), "utf8");
    const declared = [...types.matchAll(/^export (?:function|class|const) (\w+)/gm)].map(([, declaredName]) => declaredName);
    assert.deepEqual(declared.sort(), Object.keys(module).sort());
  }
});
