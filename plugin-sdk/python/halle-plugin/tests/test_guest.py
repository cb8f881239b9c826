"""The glue between what authors write and the contract, called as the host calls it. Records are tuples: name, then values."""

import json
import sys
import unittest

import halle_plugin as sdk
from halle_plugin import guest
from halle_plugin._types import Err
from halle_plugin.testing import FakeHost

FIELDS = [sdk.field("n", "integer")]


class Twice(sdk.Enricher):
    title = "x"
    inputs = FIELDS

    def plan(self, input, config):
        return sdk.Planned(["n"], FIELDS)

    def open(self, input, config):
        class Session(sdk.Session):
            def run(self, rows):
                columns = sdk.batch_of(FIELDS, [[row["n"] * config["times"]] for row in rows])
                return sdk.Answer(columns, [(0, sdk.Problem("a/b", "c"))])

        return Session()


def job(does):
    class Job(sdk.Processing):
        title = "x"

        def run(self, config, trigger):
            return does()

    return guest.exports("processing", "job", Job())["Job"]()


class Guest(unittest.TestCase):
    def test_an_enricher_answers_columns_and_problems_of_rows(self):
        exported = guest.exports("enricher", "enrichment", Twice())["Enrichment"]()
        self.assertEqual(exported.describe(), ("Described", "x", FIELDS))
        self.assertEqual(exported.plan(FIELDS, "{}"), ("Planned", ["n"], FIELDS))
        session = sys.modules["enrichment"].Session.open(FIELDS, '{"times": 2}')
        _, columns, [(row, problem)] = session.run(sdk.batch_of(FIELDS, [[4]]))
        self.assertEqual(list(sdk.Rows(FIELDS, columns)), [{"n": 8}])
        self.assertEqual((row, problem.code), (0, "a/b"))

    def test_what_is_raised_crosses_as_a_problem_and_bugs_leave_a_trace(self):
        def refuse():
            raise sdk.Problem.config("/url", "non")

        with FakeHost(), self.assertRaises(Err) as raised:
            job(refuse).run("{}")
        self.assertEqual((raised.exception.value.code, raised.exception.value.field), ("config/invalid", "/url"))
        with FakeHost() as host, self.assertRaises(Err) as raised:
            job(lambda: 1 // 0).run("{}")
        self.assertEqual(raised.exception.value.code, "plugin/exception")
        self.assertIn("test_guest.py", json.loads(raised.exception.value.details)["stack"])
        self.assertIn("ZeroDivisionError", host.log[0][1])

    def test_a_sentence_is_an_outcome(self):
        with FakeHost():
            self.assertEqual(job(lambda: "fini").run("{}"), ("Outcome", "fini", None))
            self.assertEqual(job(lambda: "").prepare('{"a": 1}'), ("Prepared", '{"a": 1}', []))

    def test_a_connector_that_cannot_publish_says_so(self):
        class Reads(sdk.CatalogConnector):
            title = "x"

            def browse(self, config, page):
                return sdk.Listing([sdk.Entry(str(page.page), "t", "folder")])

        exported = guest.exports("catalog-connector", "connector", Reads())["Connector"]()
        with FakeHost():
            listing = exported.browse(None, None, 3, 10, "{}")
            self.assertEqual(listing[3], [("Entry", "3", "t", "folder", None, None, None, None)])
            with self.assertRaises(Err) as raised:
                exported.publish("{}", type("P", (), {"target": "create", "remote_id": None, "url": None, "state": "null"}))
        self.assertEqual(raised.exception.value.code, "unsupported")

    def test_pictures_keep_their_format_and_themes_may_be_a_word(self):
        class Draws(sdk.Visualisation):
            title = "x"

            def query(self, config):
                return [sdk.DataRequest("a", "d", "lines", rows_max=5)]

            def render(self, data, config, context):
                return sdk.Picture("vega-lite", {"dark": context.theme["dark"]}, "alt")

        view = guest.exports("visualisation", "view", Draws())["View"]()
        query = json.dumps({"dataset": "d", "operation": "lines", "params": {}})
        self.assertEqual(view.query("{}"), [("a", ("DataRequest", query, 5))])
        rendered = view.render([], "{}", '{"width": 1, "height": 1, "locale": "fr", "theme": "dark", "later": 1}')
        self.assertEqual(rendered, ("Rendered", ("Output_VegaLite", '{"dark": true}'), "alt", None))
