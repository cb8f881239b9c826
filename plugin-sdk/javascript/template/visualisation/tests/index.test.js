import assert from "node:assert/strict";
import { test } from "node:test";

import { batchOf, field, Rows } from "halle-plugin";

import plugin from "../src/index.js";

test("the count is drawn and said", () => {
  const fields = [field("metric", "integer")];
  const rows = new Rows(fields, batchOf(fields, [{ metric: 42 }]));
  const picture = plugin.render([{ name: "count", rows }], {}, { width: 600, height: 300, locale: "en" });
  assert.equal(picture.alt, "42 rows");
  assert.match(picture.svg, /viewBox="0 0 600 300"/);
  assert.deepEqual(picture.table, { columns: ["rows"], rows: [[42]] });
});
