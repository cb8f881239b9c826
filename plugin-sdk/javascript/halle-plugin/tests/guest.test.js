// The glue between what authors write and the contract, called as the host calls it.

import assert from "node:assert/strict";
import { test } from "node:test";

import { exportsOf } from "../src/guest.js";
import { batchOf, field, Problem, Rows } from "../src/index.js";
import { FakeHost } from "../src/testing.js";

const FIELDS = [field("n", "integer")];

test("an enricher answers columns and problems of rows", () => {
  const out = [field("twice", "integer")];
  const { Session, describe, plan } = exportsOf("enricher", {
    title: "x",
    inputs: [{ key: "n", kind: "integer" }],
    plan: () => ({ inputs: ["n"], outputs: out }),
    open: (_input, { times }) => ({
      run: (rows) => ({
        columns: batchOf(out, [...rows].map(({ n }) => ({ twice: n * times }))),
        problems: [{ row: 0, problem: new Problem("a/b", "c") }],
      }),
    }),
  });
  assert.deepEqual(describe().inputs, [{ key: "n", kind: "integer", nullable: true, title: null, concept: null }]);
  assert.deepEqual(plan(FIELDS, "{}").inputs, ["n"]);
  const { columns, problems } = Session.open(FIELDS, '{"times": 2}').run(batchOf(FIELDS, [{ n: 4 }]));
  assert.deepEqual([...new Rows(out, columns)], [{ twice: 8 }]);
  assert.deepEqual(problems, [[0, { code: "a/b", message: "c", field: null, retryAfterMs: null, details: null }]]);
});

test("what is thrown crosses as a problem, and bugs leave a trace", () => {
  const job = (run) => exportsOf("processing", { title: "x", run });
  const host = new FakeHost();
  const thrown = (plugin) => {
    try {
      host.run(() => plugin.run("{}"));
    } catch (problem) {
      return problem;
    }
    return assert.fail("nothing was thrown");
  };
  assert.deepEqual(thrown(job(() => { throw Problem.config("/url", "non"); })), {
    code: "config/invalid", message: "non", field: "/url", retryAfterMs: null, details: null,
  });
  const bug = thrown(job(() => null.x));
  assert.equal(bug.code, "plugin/exception");
  assert.match(bug.details, /guest\.test\.js/);
  assert.match(host.log[0].message, /TypeError/);
});

test("a configuration without a check of its own is kept as it is", () => {
  const silent = exportsOf("processing", { title: "x", run: () => "" });
  assert.deepEqual(silent.prepare('{"a":1}'), { config: '{"a":1}', notes: [] });
  const checks = exportsOf("processing", { title: "x", prepare: ({ a }) => ({ config: { a: a + 1 }, notes: [new Problem("n", "m")] }) });
  const prepared = checks.prepare('{"a":1}');
  assert.equal(prepared.config, '{"a":2}');
  assert.equal(prepared.notes[0].code, "n");
});

test("a connector that cannot publish says so", () => {
  const connector = exportsOf("catalog-connector", { title: "x", browse: () => ({ entries: [{ id: "1", title: "t", kind: "folder" }] }) });
  const listing = new FakeHost().run(() => connector.browse(null, null, 1, 10, "{}"));
  assert.equal(listing.total, null);
  assert.equal(listing.entries[0].details, null);
  const current = { target: "create", remoteId: null, url: null, state: "null" };
  assert.throws(() => connector.publish("{}", current), (problem) => problem.code === "unsupported");
});

test("pictures keep their format, and themes may be a word", () => {
  const view = exportsOf("visualisation", {
    title: "x",
    query: () => [{ name: "a", dataset: "d", operation: "lines", maxRows: 5 }],
    render: (_data, _config, { theme }) => ({ vegaLite: { dark: theme.dark }, alt: "a" }),
  });
  assert.deepEqual(view.query("{}"), [["a", { query: '{"dataset":"d","operation":"lines","params":{}}', maxRows: 5 }]]);
  assert.deepEqual(view.render([], "{}", '{"theme":"dark"}'), { output: { tag: "vega-lite", val: '{"dark":true}' }, alt: "a", table: null });
});

test("a module that exports nothing is refused when it is built", () => {
  assert.throws(() => exportsOf("enricher", undefined), /export default/);
});
