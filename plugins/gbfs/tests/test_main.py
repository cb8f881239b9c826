import unittest

from halle_plugin import Problem
from halle_plugin.testing import FakeHost

from main import feeds, instant, plugin, text

ROOT = "https://velos.test/gbfs"
URL = f"{ROOT}/gbfs.json"


def named(*names):
    return [{"name": name, "url": f"{ROOT}/{name}.json"} for name in names]


class GbfsTest(unittest.TestCase):
    def service(self):
        both = named("station_information", "station_status")
        information = [
            {"station_id": 1, "name": "Gare", "lat": 48.39, "lon": -4.48, "capacity": 20, "post_code": "29200"},
            {"station_id": "2", "name": " Port ", "lat": 48.38, "lon": 999},
        ]
        status = [{"station_id": "1", "num_bikes_available": 7, "num_docks_available": 13, "is_renting": 1, "last_reported": 1718000000}]
        host = FakeHost().on("GET", URL, {"data": {"en": {"feeds": named("nothing")}, "fr": {"feeds": both}}})
        host.on("GET", f"{ROOT}/station_information.json", {"data": {"stations": information}})
        return host.on("GET", f"{ROOT}/station_status.json", {"data": {"stations": status}})

    def test_stations_become_rows_with_their_state(self):
        with self.service() as host:
            self.assertEqual(plugin.run({"url": URL}, {}), "2 stations écrites")
        rows = host.written[0]["rows"]
        self.assertEqual(
            rows[0],
            {
                "_id": "1", "nom": "Gare", "code_postal": "29200", "lat": 48.39, "lon": -4.48, "capacite": 20,
                "velos": 7, "places": 13, "loue": True, "releve": "2024-06-10T06:13:20Z",
            },
        )
        self.assertEqual(rows[1], {"_id": "2", "nom": "Port", "lat": 48.38}, "999 is no longitude")

    def test_versions_before_and_since_3_are_read(self):
        self.assertEqual(feeds({"data": {"feeds": named("a")}}, "fr"), {"a": f"{ROOT}/a.json"})
        self.assertEqual(feeds({"data": {"en": {"feeds": named("b")}}}, "fr"), {"b": f"{ROOT}/b.json"})
        self.assertEqual(text([{"text": "Station", "language": "en"}, {"text": "Gare", "language": "fr"}], "fr"), "Gare")
        self.assertEqual(instant("2025-01-01T00:00:00+01:00"), "2025-01-01T00:00:00+01:00")
        self.assertIsNone(instant(10**18))

    def test_what_is_no_gbfs_fails_and_writes_nothing(self):
        answers = [[], {"data": {}}, {"data": {"feeds": named("free_bike_status")}}]
        for answer, code in zip(answers, ["gbfs/format", "gbfs/format", "gbfs/no-stations"]):
            with FakeHost().on("GET", URL, answer) as host, self.assertRaises(Problem) as raised:
                plugin.run({"url": URL}, {})
            self.assertEqual((raised.exception.code, host.written), (code, []))
