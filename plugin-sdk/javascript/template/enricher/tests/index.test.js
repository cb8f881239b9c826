import assert from "node:assert/strict";
import { test } from "node:test";

import { batchOf, field, Rows } from "halle-plugin";

import plugin from "../src/index.js";

test("each name is greeted, and a row without one is told", () => {
  const fields = [field("name", "text")];
  const { outputs } = plugin.plan(fields, {});
  const { columns, problems } = plugin.open(fields, {}).run(new Rows(fields, batchOf(fields, [{ name: "Ada" }, {}])));
  assert.deepEqual([...new Rows(outputs, columns)], [{ greeting: "Bonjour Ada" }, {}]);
  assert.deepEqual(problems.map(({ row, problem }) => [row, problem.code]), [[1, "name/missing"]]);
});

test("a dataset without names is refused", () => {
  assert.throws(() => plugin.plan([field("size", "number")], {}), { code: "input/missing" });
});
