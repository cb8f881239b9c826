"""Schemas of configurations, as manifests have them."""

import doctest
import pathlib
import unittest

from halle_plugin import schema
from halle_plugin.schema import Schema

# The SDKs in Rust and in JavaScript are compared with the same file.
FILE = pathlib.Path(__file__).parents[3] / "rust/halle-plugin/tests/schema.toml"
EXPECTED = FILE.read_text(encoding="utf-8")


def config() -> Schema:
    auth = (
        Schema()
        .optional("user", schema.text("Compte", "User"))
        .optional("token", schema.secret("Jeton", "Token"))
    )
    formats = [("csv", "Tableau", "Table"), ("json", "Liste", "List")]
    return (
        Schema()
        .required("url", schema.egress("Adresse", "Address").pattern("^https://\\S+$"))
        .optional("auth", schema.group('Accès "privé"', "Access", auth))
        .optional("rows", schema.integer("Lignes", "Rows").range(1, 1000).default(100))
        .optional("share", schema.number("Part", "Share").range(0, 0.5))
        .optional("all", schema.boolean("Tout", "All").description("Même le reste", "The rest too"))
        .optional("format", schema.choice("Format", "Format", formats))
        .optional("steps", schema.list_of("Bornes", "Steps", schema.number("Borne", "Step")))
        .optional("a b", schema.dataset("Données", "Data"))
    )


class Schemas(unittest.TestCase):
    def test_examples_of_the_documentation_hold(self):
        found = doctest.testmod(schema, optionflags=doctest.ELLIPSIS)
        self.assertEqual((found.failed, found.attempted > 0), (0, True))

    def test_schemas_are_written_as_manifests_have_them(self):
        self.assertEqual(config().to_toml(), EXPECTED)
        properties = config().to_json()["properties"]
        self.assertIs(properties["auth"]["properties"]["token"]["x-secret"], True)
        self.assertEqual(config().to_json()["required"], ["url"])

    def test_a_manifest_that_differs_is_told_with_what_should_stand_there(self):
        def manifest(table: str) -> str:
            return f"schema = 1\n\n[http.api]\nx = 1\n\n{table}\n[slots.output]\ny = 2\n"

        config().check_manifest(manifest(EXPECTED))
        config().check_manifest(manifest(EXPECTED).replace("\n", "\r\n"))
        for other in (EXPECTED.replace("maximum = 1000", "maximum = 10"), "", EXPECTED.replace("x-secret", "x")):
            with self.assertRaises(AssertionError) as told:
                config().check_manifest(manifest(other))
            self.assertTrue(str(told.exception).endswith(EXPECTED))
