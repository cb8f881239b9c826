import json
import unittest
from types import SimpleNamespace

from halle_plugin import Response, Rows, Service, batch_of

from main import plugin

[OPERATION] = plugin.operations({})


def answered(status, body):
    service = Service("https://service.test", OPERATION, OPERATION.input, rows=3)
    rows = Rows(OPERATION.input, batch_of(OPERATION.input, [{"text": "abc"}, {}, {"text": "é"}]))
    calls = plugin.build(service, rows)
    answer = SimpleNamespace(status=status, headers=[], body=body, truncated=False)
    return calls, plugin.parse(service, calls, [Response(answer, "https://service.test/length")])


class ServiceTest(unittest.TestCase):
    def test_rows_that_have_a_text_are_sent_and_their_answers_come_back_in_place(self):
        [call], answer = answered(200, b"[3, 1]")
        self.assertEqual(call.rows, [0, 2])
        self.assertEqual(json.loads(call.request.body), ["abc", "é"])
        self.assertEqual(list(Rows(OPERATION.output, answer.columns)), [{"length": 3}, {}, {"length": 1}])
        self.assertEqual(answer.problems, [])

    def test_a_service_that_fails_is_told_for_each_row_it_was_asked_for(self):
        _, answer = answered(503, b"")
        self.assertEqual([(row, problem.code) for row, problem in answer.problems], [(0, "remote/status"), (2, "remote/status")])
