import unittest

from halle_plugin import Entry, Page, Problem
from halle_plugin.testing import FakeHost

from main import plugin

CONFIG = {"url": "https://catalog.test"}


def catalog():
    items = [{"id": "1", "title": "Arbres", "file": "a.csv"}, {"id": "2", "title": "Bancs", "file": "b.csv"}]
    return FakeHost().on("GET", "https://catalog.test/index.json", items)


class ConnectorTest(unittest.TestCase):
    def test_a_search_finds_by_title(self):
        with catalog():
            listing = plugin.browse(CONFIG, Page(q="ARBRE"))
        self.assertEqual((listing.total, listing.entries), (1, [Entry("1", "Arbres")]))

    def test_a_resource_is_brought_as_it_is(self):
        with catalog().on("GET", "https://catalog.test/a.csv", "nom\nOrme\n"):
            fetched = plugin.fetch(CONFIG, "1", {})
        self.assertEqual(fetched.body.content, b"nom\nOrme\n")

    def test_a_resource_that_is_gone_is_told(self):
        with catalog(), self.assertRaises(Problem) as raised:
            plugin.fetch(CONFIG, "9", {})
        self.assertEqual(raised.exception.code, "remote/not-found")
