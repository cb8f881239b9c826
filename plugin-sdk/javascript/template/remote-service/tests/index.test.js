import assert from "node:assert/strict";
import { test } from "node:test";

import { batchOf, decodeUtf8, encodeUtf8, Response, Rows } from "halle-plugin";

import plugin from "../src/index.js";

const [operation] = plugin.operations({});
const service = { server: "https://service.test", operation, inputs: operation.input, rows: 3 };

function answered(status, body) {
  const rows = new Rows(operation.input, batchOf(operation.input, [{ text: "abc" }, {}, { text: "é" }]));
  const calls = plugin.build(service, rows);
  const response = new Response({ status, headers: [], body: encodeUtf8(body), truncated: false }, "https://service.test");
  return { calls, ...plugin.parse(service, calls, [response]) };
}

test("rows that have a text are sent, and their answers come back in place", () => {
  const { calls, columns, problems } = answered(200, "[3, 1]");
  assert.deepEqual(calls[0].rows, [0, 2]);
  assert.equal(decodeUtf8(calls[0].request.body), '["abc","é"]');
  assert.deepEqual([...new Rows(operation.output, columns)], [{ length: 3 }, {}, { length: 1 }]);
  assert.deepEqual(problems, []);
});

test("a service that fails is told for each row it was asked for", () => {
  const { problems } = answered(503, "");
  assert.deepEqual(problems.map(({ row, problem }) => [row, problem.code]), [[0, "remote/status"], [2, "remote/status"]]);
});
