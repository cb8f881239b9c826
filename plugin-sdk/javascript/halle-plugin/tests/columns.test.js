import assert from "node:assert/strict";
import { test } from "node:test";

import { crossAsBigInts } from "../src/integers.js";
import { batchOf, BatchBuilder, batchOfColumns, field, formatInstant, KINDS, parseDay, parseInstant, Rows } from "../src/index.js";

const fields = [
  field("t", "text", { concept: "http://schema.org/name" }), field("i", "integer"), field("n", "number"), field("b", "boolean"),
  field("d", "date"), field("at", "date-time"), field("o", "object"),
];

test("rows survive the way there and back", () => {
  const rows = [
    { t: "é", i: 3, n: 1.5, b: true, d: "2024-02-29", at: "2024-02-29T12:00:00Z", o: '{"a":1}' },
    { b: false, d: "1969-12-31", at: "0001-01-01T00:00:00.250Z" },
    {},
  ];
  assert.deepEqual(fields.map(({ kind }) => kind), KINDS);
  assert.deepEqual([...new Rows(fields, batchOf(fields, rows))], rows);
});

test("engines that take whole numbers as BigInt get them, authors see numbers", (context) => {
  context.after(() => crossAsBigInts(false));
  crossAsBigInts();
  const rows = [{ i: -3, at: "2024-02-29T12:00:00Z" }, {}, { i: 2 ** 53 - 1 }];
  const batch = batchOf(fields, rows);
  assert.deepEqual(batch.columns[1].data.val, BigInt64Array.of(-3n, 0n, 2n ** 53n - 1n));
  assert.deepEqual([...new Rows(fields, batch)], rows);
});

test("a batch has the shape of the contract", () => {
  const batch = batchOf([field("b", "boolean"), field("t", "text")], [{ b: true, t: "a" }, { t: "é" }, { b: true, t: "" }]);
  assert.equal(batch.rows, 3);
  assert.deepEqual(batch.columns[0], { valid: Uint8Array.of(0b101), data: { tag: "bools", val: Uint8Array.of(0b101) } });
  assert.deepEqual(batch.columns[1].valid, Uint8Array.of(0b011));
  assert.deepEqual(batch.columns[1].data.val.offsets, Uint32Array.of(0, 1, 3, 3));
});

test("what a column cannot hold is left out and told", () => {
  const builder = new BatchBuilder(fields);
  const problems = builder.push({ t: { a: 1 }, i: "2.5", n: "NaN", b: "yes", d: "2023-02-29", at: "noon", o: [1] });
  assert.deepEqual(problems.map(({ code }) => code), Array(5).fill("value/kind"));
  assert.match(problems[0].message, /« i »/);
  assert.deepEqual([...new Rows(fields, builder.finish())], [{ t: '{"a":1}', o: "[1]" }]);
  assert.throws(() => builder.push([1]), { code: "batch/columns" });
});

test("a missing value is missing however it is written, and beyond the last row nothing is", () => {
  const builder = new BatchBuilder([field("t", "text"), field("n", "number")]);
  for (const row of [["a", 1], [null, null], ["", ""], [undefined, undefined], ["é", "2"]]) builder.push(row);
  const rows = new Rows(builder.fields, builder.finish());
  const [text, number] = [rows.at(0), rows.at(1)];
  assert.deepEqual([0, 1, 2, 3, 4, 5, 9].map((row) => text.text(row)), ["a", null, null, null, "é", null, null]);
  assert.deepEqual([0, 1, 4, 5].map((row) => number.number(row)), [1, null, 2, null]);
  assert.deepEqual([0, 1, 4, 5, 9].map((row) => text.value(row)), ["a", null, "é", null, null]);
});

test("columns given as lists are the same batch as rows", () => {
  const rows = [
    { t: "é", i: 3, n: 1.5, b: true, d: "2024-02-29", at: "2024-02-29T12:00:00Z", o: [1] },
    { t: 7, b: false, d: "1969-12-31", at: "0001-01-01T00:00:00.250Z" },
    { t: "" },
  ];
  const lists = fields.map(({ key }) => rows.map((row) => row[key]));
  assert.deepEqual(batchOfColumns(fields, lists), batchOf(fields, rows));
  assert.deepEqual(batchOfColumns([], []), { rows: 0, columns: [] });
  assert.throws(() => batchOfColumns(fields.slice(0, 2), [["a"], [2.5]]), { code: "value/kind" });
  assert.throws(() => batchOfColumns(fields.slice(0, 2), [["a", "b"], [2]]), { code: "batch/columns" });
  assert.throws(() => batchOfColumns(fields.slice(0, 2), [["a"]]), { code: "batch/columns" });
});

test("columns are found by key and by concept, and their absence is told", () => {
  const rows = new Rows(fields, batchOf(fields, [{ t: "x", n: 2 }]));
  assert.equal(rows.columnAbout("http://schema.org/name").text(0), "x");
  assert.equal(rows.column("n").number(0), 2);
  assert.equal(rows.column("i").number(0), null);
  assert.throws(() => rows.column("nope"), { code: "input/missing" });
  assert.throws(() => new Rows(fields, { rows: 0, columns: [] }), { code: "batch/columns" });
});

test("days and instants are civil", () => {
  assert.equal(parseDay("2024-02-29"), 19_782);
  assert.equal(parseDay("2023-02-29"), null);
  assert.equal(parseDay("0001-01-01"), -719_162);
  assert.equal(parseInstant("1970-01-01T01:00:00+01:00"), 0);
  assert.equal(parseInstant("1970-01-02"), 86_400_000);
  assert.equal(parseInstant("1970-01-01T25:00:00Z"), null);
  assert.equal(formatInstant(-1), "1969-12-31T23:59:59.999Z");
});
