import unittest

from halle_plugin import Context, Data, Rows, batch_of, field

from main import plugin


class VisualisationTest(unittest.TestCase):
    def test_the_count_is_drawn_and_said(self):
        fields = [field("metric", "integer")]
        data = [Data("count", Rows(fields, batch_of(fields, [{"metric": 42}])))]
        picture = plugin.render(data, {}, Context(width=600, height=300, locale="en"))
        self.assertEqual(picture.alt, "42 rows")
        self.assertIn('viewBox="0 0 600 300"', picture.content)
        self.assertEqual(picture.table, {"columns": ["rows"], "rows": [[42]]})
