import assert from "node:assert/strict";
import { test } from "node:test";

import {
  blobOf, checkCancelled, config, csvRows, download, field, lines, log, openWrite, progress, readDataset, readText, sourceFile, state,
} from "../src/index.js";
import { FakeHost } from "../src/testing.js";

test("nothing is written before it is committed", () => {
  const host = new FakeHost();
  host.run(() => openWrite("output", "append", [field("a", "integer")]).write([{ a: 1 }]));
  assert.deepEqual(host.written, []);
  const report = host.run(() => {
    const writer = openWrite("output", "append", [field("a", "integer")]);
    const rows = Array.from({ length: 5000 }, (_, a) => ({ a }));
    return [writer.write(rows), writer.commit()];
  });
  assert.deepEqual(report, [{ accepted: 5000, problems: [] }, 5000]);
  assert.deepEqual(host.written[0].rows.at(-1), { a: 4999 });
});

test("a download becomes a dataset without being read", () => {
  const host = new FakeHost().on("GET", "https://a.b/f.csv", "a;b\n1;2\n");
  host.run(() => {
    const { body } = download("https://a.b/f.csv");
    const writer = openWrite("output", "replace");
    writer.replaceFile("f.csv", body);
    writer.commit();
  });
  assert.deepEqual(host.written, [{ slot: "output", mode: "replace", file: "f.csv", body: "a;b\n1;2\n" }]);
});

test("files are read by lines, by rows, and made of parts", () => {
  const host = new FakeHost({ source: "a,b\n1,é\n" });
  host.run(() => {
    const file = sourceFile();
    assert.deepEqual([...lines(file)], ["a,b", "1,é"]);
    assert.deepEqual([...csvRows(file)].flatMap((rows) => [...rows]), [{ a: "1", b: "é" }]);
    assert.equal(readText(blobOf("<", file, Uint8Array.of(62))), "<a,b\n1,é\n>");
  });
});

test("datasets are read by slot", () => {
  const table = { fields: [field("n", "number")], rows: [{ n: 1 }, {}] };
  const host = new FakeHost({ tables: { input: table } });
  assert.deepEqual(host.run(() => [...readDataset("input")].flatMap((rows) => [...rows])), [{ n: 1 }, {}]);
  assert.throws(() => host.run(() => [...readDataset("other")]), { code: "dataset/unbound" });
});

test("state keeps revisions", () => {
  new FakeHost().run(() => {
    assert.equal(state.get("a"), null);
    assert.equal(state.put("a", { n: 1 }, 0), 1);
    assert.throws(() => state.put("a", {}, 0), { code: "state/conflict" });
    assert.deepEqual(state.get("a"), { value: { n: 1 }, revision: 1 });
    state.put("b", 2);
    assert.deepEqual([...state.keys()], ["a", "b"]);
    state.delete("a");
    assert.deepEqual([...state.keys()], ["b"]);
  });
});

test("who watches is told", () => {
  const host = new FakeHost({ config: { url: "x" }, cancelAfter: 1 });
  host.run(() => {
    assert.deepEqual(config(), { url: "x" });
    log.warn("attention", { page: 2 });
    progress.task("Lecture", 3);
    progress.advance(2);
    checkCancelled();
    assert.throws(checkCancelled, { code: "cancelled" });
  });
  assert.deepEqual(host.log, [{ level: "warn", message: "attention", fields: { page: "2" } }]);
  assert.deepEqual(host.tasks, [{ name: "Lecture", total: 3, done: 2 }]);
});

test("what the manifest does not ask is a problem that says how to ask", () => {
  assert.throws(() => state.get("a"), { code: "denied/state", message: /\[state\]/ });
});
