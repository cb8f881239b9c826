import unittest

from halle_plugin import Problem
from halle_plugin.testing import FakeHost

from main import plugin

URL = "https://api.test/list"


class ProcessingTest(unittest.TestCase):
    def test_a_list_becomes_rows(self):
        with FakeHost().on("GET", URL, [{"name": "a", "size": 1.5}, {"name": "b"}]) as host:
            self.assertEqual(plugin.run({"url": URL}, {"reason": "manual"}), "2 lignes écrites")
        rows = [{"name": "a", "size": 1.5}, {"name": "b"}]
        self.assertEqual(host.written, [{"slot": "output", "mode": "replace", "rows": rows}])

    def test_an_answer_that_is_no_success_fails_the_run(self):
        with FakeHost().on("GET", URL, "en panne", status=500) as host, self.assertRaises(Problem) as raised:
            plugin.run({"url": URL}, {})
        self.assertEqual(raised.exception.code, "remote/status")
        self.assertEqual(host.written, [])
