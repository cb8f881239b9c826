import unittest

from halle_plugin import Problem, Rows, batch_of, field

from main import plugin


class EnricherTest(unittest.TestCase):
    def test_each_name_is_greeted_and_a_row_without_one_is_told(self):
        fields = [field("name", "text")]
        planned = plugin.plan(fields, {})
        answer = plugin.open(fields, {}).run(Rows(fields, batch_of(fields, [{"name": "Ada"}, {}])))
        self.assertEqual(list(Rows(planned.outputs, answer.columns)), [{"greeting": "Bonjour Ada"}, {}])
        self.assertEqual([(row, problem.code) for row, problem in answer.problems], [(1, "name/missing")])

    def test_a_dataset_without_names_is_refused(self):
        with self.assertRaises(Problem) as raised:
            plugin.plan([field("size", "number")], {})
        self.assertEqual(raised.exception.code, "input/missing")
