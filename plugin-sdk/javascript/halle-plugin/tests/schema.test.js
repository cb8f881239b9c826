import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import * as schema from "../src/schema.js";

const { Schema } = schema;
// The SDKs in Rust and in Python are compared with the same file.
const EXPECTED = readFileSync(new URL("../../../rust/halle-plugin/tests/schema.toml", import.meta.url), "utf8");

function config() {
  const auth = new Schema()
    .optional("user", schema.text("Compte", "User"))
    .optional("token", schema.secret("Jeton", "Token"));
  return new Schema()
    .required("url", schema.egress("Adresse", "Address").pattern("^https://\\S+$"))
    .optional("auth", schema.group('Accès "privé"', "Access", auth))
    .optional("rows", schema.integer("Lignes", "Rows").range(1, 1000).default(100))
    .optional("share", schema.number("Part", "Share").range(0, 0.5))
    .optional("all", schema.boolean("Tout", "All").description("Même le reste", "The rest too"))
    .optional("format", schema.choice("Format", "Format", [["csv", "Tableau", "Table"], ["json", "Liste", "List"]]))
    .optional("steps", schema.list("Bornes", "Steps", schema.number("Borne", "Step")))
    .optional("a b", schema.dataset("Données", "Data"));
}

test("schemas are written as manifests have them", () => {
  assert.equal(config().toToml(), EXPECTED);
  assert.equal(config().toJSON().properties.auth.properties.token["x-secret"], true);
  assert.deepEqual(config().toJSON().required, ["url"]);
});

test("a manifest that differs is told with what should stand there", () => {
  const manifest = (table) => `schema = 1\n\n[http.api]\nx = 1\n\n${table}\n[slots.output]\ny = 2\n`;
  config().checkManifest(manifest(EXPECTED));
  config().checkManifest(manifest(EXPECTED).replaceAll("\n", "\r\n"));
  for (const other of [EXPECTED.replace("maximum = 1000", "maximum = 10"), "", EXPECTED.replace("x-secret", "x")]) {
    assert.throws(() => config().checkManifest(manifest(other)), (error) => error.message.endsWith(EXPECTED));
  }
});

test("a field that others are made of stays as it is", () => {
  const rows = schema.integer("Lignes", "Rows");
  rows.default(10);
  assert.deepEqual(rows.toJSON(), { type: "integer", title: "Lignes", "x-i18n-title": { fr: "Lignes", en: "Rows" } });
});
