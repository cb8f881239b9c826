import assert from "node:assert/strict";
import { test } from "node:test";

import { FakeHost } from "halle-plugin/testing";

import plugin from "../src/index.js";

test("a list becomes rows", () => {
  const url = "https://api.test/list";
  const host = new FakeHost().on("GET", url, [{ name: "a", size: 1.5 }, { name: "b" }]);
  const outcome = host.run(() => plugin.run({ url }, { reason: "manual" }));
  assert.equal(outcome, "2 lignes écrites");
  assert.deepEqual(host.written, [{ slot: "output", mode: "replace", rows: [{ name: "a", size: 1.5 }, { name: "b" }] }]);
});

test("an answer that is no success fails the run", () => {
  const url = "https://api.test/list";
  const host = new FakeHost().on("GET", url, "en panne", { status: 500 });
  assert.throws(() => host.run(() => plugin.run({ url }, {})), { code: "remote/status" });
  assert.deepEqual(host.written, []);
});
