import assert from "node:assert/strict";
import { test } from "node:test";

import { FakeHost } from "halle-plugin/testing";

import plugin from "../src/index.js";

const config = { url: "https://catalog.test" };
const catalog = () => {
  const items = [{ id: "1", title: "Arbres", file: "a.csv" }, { id: "2", title: "Bancs", file: "b.csv" }];
  return new FakeHost().on("GET", "https://catalog.test/index.json", items);
};

test("a search finds by title", () => {
  const listing = catalog().run(() => plugin.browse(config, { q: "ARBRE", page: 1, size: 10 }));
  assert.deepEqual(listing, { total: 1, entries: [{ id: "1", title: "Arbres", kind: "resource" }] });
});

test("a resource is brought as it is", () => {
  const host = catalog().on("GET", "https://catalog.test/a.csv", "nom\nOrme\n");
  const fetched = host.run(() => plugin.fetch(config, "1", {}));
  assert.equal(fetched.body.text(), "nom\nOrme\n");
});

test("a resource that is gone is told", () => {
  assert.throws(() => catalog().run(() => plugin.fetch(config, "9", {})), { code: "remote/not-found" });
});
