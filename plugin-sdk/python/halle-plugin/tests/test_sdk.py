"""The SDK as authors use it, on a host in memory."""

import doctest
import importlib
import unittest
from datetime import date, datetime, timezone

import halle_plugin as sdk
from halle_plugin.testing import FakeHost

FIELDS = [sdk.field(kind.replace("-", "_"), kind) for kind in sdk.KINDS]


class Examples(unittest.TestCase):
    def test_examples_of_the_documentation_hold(self):
        for name in ("columns", "http", "problem", "testing"):
            found = doctest.testmod(importlib.import_module(f"halle_plugin.{name}"))
            self.assertGreater(found.attempted, 0, name)
            self.assertEqual(found.failed, 0, name)


class Columns(unittest.TestCase):
    def test_rows_survive_the_way_there_and_back(self):
        rows = [
            {
                "text": "é",
                "integer": 2**62,
                "number": 1.5,
                "boolean": True,
                "date": "2024-02-29",
                "date_time": "2024-02-29T12:00:00.250Z",
                "object": '{"a":1}',
            },
            {"boolean": False, "date": "0001-01-01", "text": "abc"},
            {},
        ]
        self.assertEqual(list(sdk.Rows(FIELDS, sdk.batch_of(FIELDS, rows))), rows)

    def test_objects_of_python_are_taken(self):
        builder = sdk.BatchBuilder(FIELDS)
        noon = datetime(2024, 2, 29, 12, tzinfo=timezone.utc)
        self.assertEqual(builder.push([1, "2", "2.5", "true", date(2024, 2, 29), noon, [1]]), [])
        row = {"text": "1", "integer": 2, "number": 2.5, "boolean": True, "date": "2024-02-29"}
        row |= {"date_time": "2024-02-29T12:00:00Z", "object": "[1]"}
        self.assertEqual(list(sdk.Rows(FIELDS, builder.finish())), [row])

    def test_what_a_column_cannot_hold_is_left_out_and_told(self):
        builder = sdk.BatchBuilder(FIELDS)
        problems = builder.push(["a", 2.5, float("nan"), "yes", "2023-02-29", "noon", ""])
        self.assertEqual([problem.code for problem in problems], ["value/kind"] * 5)
        self.assertEqual(list(sdk.Rows(FIELDS, builder.finish())), [{"text": "a"}])
        with self.assertRaisesRegex(sdk.Problem, "1 valeurs pour 7"):
            builder.push([1])

    def test_a_batch_has_the_shape_of_the_contract(self):
        batch = sdk.batch_of([sdk.field("b", "boolean"), sdk.field("t", "text")], [[True, "a"], [None, "é"], [True, ""]])
        flags, texts = batch.columns
        self.assertEqual((batch.rows, flags.valid, flags.data.value), (3, b"\x05", b"\x05"))
        self.assertEqual((texts.valid, texts.data.value.offsets, texts.data.value.data), (b"\x03", [0, 1, 3, 3], "aé".encode()))

    def test_columns_are_found_by_key_and_by_concept(self):
        fields = [sdk.field("n", "number", concept="urn:n")]
        rows = sdk.Rows(fields, sdk.batch_of(fields, [[2]]))
        self.assertEqual(rows.column_about("urn:n").number(0), 2)
        self.assertIsNone(rows.column("n").text(0))
        with self.assertRaisesRegex(sdk.Problem, "nope"):
            rows.column("nope")


class Http(unittest.TestCase):
    def test_pages_follow_their_links_to_the_end_and_no_further_than_allowed(self):
        host = FakeHost().on("GET", "https://a.b/1", "x", headers={"Link": "<https://a.b/2>; rel=next"})
        host.on("GET", "https://a.b/2", "y").on("GET", "https://a.b/o", "z", headers={"link": '<https://a.b/o>; rel="next"'})
        with host:
            self.assertEqual([page.text() for page in sdk.pages("https://a.b/1")], ["x", "y"])
            with self.assertRaises(sdk.Problem) as raised:
                list(sdk.pages("https://a.b/o", pages_max=3))
        self.assertEqual(raised.exception.code, "remote/pages")
        self.assertEqual(len(host.requests), 2 + 3)

    def test_patience_ends_after_the_tries_that_were_given(self):
        url = "https://a.b/"
        with FakeHost().on("GET", url, status=503).on("GET", url, "ok"):
            self.assertEqual(sdk.send_patiently(sdk.request("GET", url), 2).text(), "ok")
        with FakeHost().on("GET", url, status=503) as down:
            self.assertEqual(sdk.send_patiently(sdk.request("GET", url), 3).status, 503)
        self.assertEqual(len(down.requests), 3)

    def test_answers_that_are_no_success_or_no_json_are_problems(self):
        host = FakeHost().on("GET", "https://a.b/busy", status=429, headers={"retry-after": "7"})
        with host.on("GET", "https://a.b/html", "<p>"):
            for url, code, retry in [("busy", "remote/status", 7000), ("html", "remote/json", None), ("no", "denied/http", None)]:
                with self.assertRaises(sdk.Problem) as raised:
                    sdk.get_json(f"https://a.b/{url}")
                self.assertEqual((raised.exception.code, raised.exception.retry_after_ms), (code, retry))


    def test_each_status_has_one_meaning_and_what_may_pass_says_when_to_ask_again(self):
        url = "https://a.b/"

        def answered(ask, status, headers=None):
            with FakeHost().on("GET", url, status=status, headers=headers or {}):
                with self.assertRaises(sdk.Problem) as raised:
                    ask(url)
            return raised.exception

        for statuses, fault, retry in [
            ((401, 403), "unauthorized", None),
            ((404, 410), "not-found", None),
            ((429, 503), "busy", 30_000),
            ((500, 502, 504), "failing", 30_000),
            ((304, 400, 422), "refused", None),
        ]:
            for status in statuses:
                for ask in (sdk.get_json, sdk.download):
                    problem = answered(ask, status)
                    self.assertEqual((problem.status, problem.fault, problem.retry_after_ms), (status, fault, retry))
                    self.assertEqual(problem.is_transient, retry is not None)
        self.assertIsNone(sdk.fault_of(204))
        for said, retry in [("5", 5000), ("5 minutes", 30_000), ("٥", 30_000)]:
            self.assertEqual(answered(sdk.download, 503, {"retry-after": said}).retry_after_ms, retry)

    def test_problems_that_are_about_no_answer_have_no_status_and_some_of_them_pass(self):
        problem = sdk.Problem("mine", "", details={"status": 503})
        self.assertEqual((problem.status, problem.fault, problem.is_transient), (None, None, False))
        self.assertTrue(sdk.Problem("remote/timeout", "").is_transient)

    def test_a_page_that_is_not_there_is_asked_for_once(self):
        with FakeHost().on("GET", "https://a.b/", status=404) as host:
            with self.assertRaises(sdk.Problem):
                list(sdk.pages("https://a.b/"))
        self.assertEqual(len(host.requests), 1)


class DataTest(unittest.TestCase):
    def test_nothing_is_written_before_it_is_committed(self):
        fields = [sdk.field("a", "integer")]
        with FakeHost() as host:
            writer = sdk.open_write("output", "append", fields)
            self.assertEqual(writer.write([{"a": a} for a in range(5000)]), [])
            self.assertEqual(host.written, [])
            self.assertEqual(writer.commit(), 5000)
        self.assertEqual(host.written[0]["rows"][-1], {"a": 4999})

    def test_files_are_read_by_lines_by_rows_and_made_of_parts(self):
        with FakeHost(source="a,b\n1,é\n".encode()):
            file = sdk.source_file()
            self.assertEqual(list(sdk.lines(file)), ["a,b", "1,é"])
            self.assertEqual([row for rows in sdk.csv_rows(file) for row in rows], [{"a": "1", "b": "é"}])
            self.assertEqual(sdk.read_bytes(sdk.blob_of("<", file, b">")).decode(), "<a,b\n1,é\n>")

    def test_a_download_becomes_a_dataset_without_being_read(self):
        with FakeHost().on("GET", "https://a.b/f.csv", "a\n1\n") as host:
            writer = sdk.open_write("output", "replace")
            writer.replace_file("f.csv", sdk.download("https://a.b/f.csv"))
            writer.commit()
        self.assertEqual((host.written[0]["file"], host.written[0]["body"]), ("f.csv", "a\n1\n"))

    def test_datasets_are_read_by_slot(self):
        fields = [sdk.field("n", "number")]
        with FakeHost(tables={"input": (fields, [{"n": 1}, {}])}):
            self.assertEqual([row for rows in sdk.read_dataset("input") for row in rows], [{"n": 1}, {}])
            with self.assertRaisesRegex(sdk.Problem, "other"):
                list(sdk.read_reference("other"))

    def test_state_keeps_revisions(self):
        with FakeHost():
            self.assertIsNone(sdk.state_get("a"))
            self.assertEqual(sdk.state_put("a", {"n": 1}, 0), 1)
            with self.assertRaises(sdk.Problem):
                sdk.state_put("a", {}, 0)
            self.assertEqual(sdk.state_get("a"), ({"n": 1}, 1))
            sdk.state_put("b", 2)
            self.assertEqual(list(sdk.state_keys()), ["a", "b"])
            sdk.state_delete("a")
            self.assertEqual(list(sdk.state_keys()), ["b"])

    def test_who_watches_is_told(self):
        with FakeHost(config={"url": "x"}, cancel_after=1) as host:
            self.assertEqual(sdk.config(), {"url": "x"})
            sdk.warn("attention", page=2)
            sdk.task("Lecture", 3)
            sdk.advance(2)
            sdk.check_cancelled()
            with self.assertRaisesRegex(sdk.Problem, "Arrêt"):
                sdk.check_cancelled()
        self.assertEqual(host.log, [("warn", "attention", {"page": "2"})])
        self.assertEqual((host.tasks, host.advanced), ([("Lecture", 3)], 2))

    def test_what_the_manifest_does_not_ask_says_how_to_ask(self):
        with self.assertRaises(sdk.Problem) as raised:
            sdk.state_get("a")
        self.assertEqual(raised.exception.code, "denied/state")
        self.assertIn("[state]", raised.exception.message)
