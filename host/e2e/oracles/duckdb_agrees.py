"""Asks the server and DuckDB the same questions about a random table, and compares the answers.

Usage: duckdb_agrees.py BASE_URL API_KEY FOLDER SEED

Writes a CSV file of seeded random rows, uploads it, and checks that DuckDB reads back the same rows from the Parquet and
the GeoJSON exports, and computes the same groups and metrics as the API does, under random filters.
"""

import csv
import json
import math
import random
import struct
import sys
import time
import urllib.parse
import urllib.request

import duckdb

ROWS = 3000
QUESTIONS = 60
SETTLE_WITHIN_S = 120
GEOJSON_BYTES_MAX = 100_000_000
DATASET = "hasard"
METRICS = {"avg": "avg", "sum": "sum", "min": "min", "max": "max", "value_count": "count"}


class Api:
    def __init__(self, base, key):
        self.base = f"{base}/data-fair/api/v1/datasets/{DATASET}"
        self.key = key

    def send(self, path="", method="GET", body=None, headers=None):
        headers = {"x-apiKey": self.key, **(headers or {})}
        request = urllib.request.Request(self.base + path, data=body, method=method, headers=headers)
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.read()

    def json(self, path=""):
        return json.loads(self.send(path))

    def upload(self, name, content):
        boundary = "limite-des-parties"
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
        body = head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
        kind = {"content-type": f"multipart/form-data; boundary={boundary}"}
        self.send("", "PUT", body, kind)
        self.settled("")

    def settled(self, since):
        deadline = time.monotonic() + SETTLE_WITHIN_S
        while time.monotonic() < deadline:
            dataset = self.json()
            if dataset["status"] == "error":
                raise SystemExit(f"the upload ended in an error: {self.json('/journal')[:1]}")
            if dataset["status"] == "finalized" and dataset["finalizedAt"] > since:
                return dataset
            time.sleep(0.1)
        raise SystemExit("the dataset was not finalized in time")

    def locate(self):
        dataset = self.json()
        own = [column for column in dataset["schema"] if not column.get("x-calculated")]
        for column in own:
            if column["key"] in ("latitude", "longitude"):
                column["x-refersTo"] = f"http://schema.org/{column['key']}"
        body = json.dumps({"schema": own}).encode()
        self.send("", "PATCH", body, {"content-type": "application/json"})
        self.settled(dataset["finalizedAt"])


def make_rows(dice):
    groups = ["eau", "voirie", "écoles", "parcs, jardins", 'le "centre"']
    for rank in range(ROWS):
        yield {
            "rang": rank,
            "groupe": dice.choice(groups),
            "entier": "" if dice.random() < 0.1 else dice.randint(-1000, 1000),
            "nombre": "" if dice.random() < 0.1 else round(dice.uniform(-50, 50), 3),
            "jour": f"20{dice.randint(10, 25)}-{dice.randint(1, 12):02}-{dice.randint(1, 28):02}",
            "latitude": round(dice.uniform(42, 51), 5),
            "longitude": round(dice.uniform(-4, 8), 5),
        }


def make_filter(dice):
    """A random filter: as parameters of the API, and as SQL."""
    parameters, conditions = [], []
    if dice.random() < 0.5:
        low = dice.randint(-1000, 500)
        parameters.append(("entier_gte", low))
        conditions.append(f"entier >= {low}")
    if dice.random() < 0.5:
        chosen = dice.sample(["eau", "voirie", "écoles"], 2)
        parameters.append(("groupe_in", ",".join(chosen)))
        conditions.append("groupe IN (" + ", ".join(f"'{name}'" for name in chosen) + ")")
    if dice.random() < 0.5:
        day = f"20{dice.randint(12, 24)}-06-15"
        parameters.append(("jour_lt", day))
        conditions.append(f"jour < DATE '{day}'")
    if dice.random() < 0.3:
        parameters.append(("nombre_exists", ""))
        conditions.append("nombre IS NOT NULL")
    return parameters, " AND ".join(conditions) or "true"


def same(ours, theirs):
    if ours is None or theirs is None:
        return ours is None and theirs is None
    if isinstance(theirs, (int, float)):
        return math.isclose(float(ours), float(theirs), rel_tol=1e-9, abs_tol=1e-9)
    return str(ours) == str(theirs)


def expect(what, ours, theirs):
    if not same(ours, theirs):
        raise SystemExit(f"{what}: the API says {ours!r}, DuckDB says {theirs!r}")


def check_exports(api, database, folder):
    parquet, geojson = f"{folder}/lignes.parquet", f"{folder}/lignes.geojson"
    columns = "rang,groupe,entier,nombre,jour,latitude,longitude"
    query = f"/lines?size=all&select={columns}"
    for path, kind in [(parquet, "parquet"), (geojson, "geojson")]:
        with open(path, "wb") as file:
            file.write(api.send(f"{query}&format={kind}"))
    names = [row[0] for row in database.sql(f"DESCRIBE SELECT * FROM read_parquet('{parquet}')").fetchall()]
    if names != columns.split(","):
        raise SystemExit(f"the Parquet file has the columns {names}")
    exported = f"SELECT rang, groupe, entier, nombre, CAST(jour AS DATE) AS jour, latitude, longitude FROM read_parquet('{parquet}')"
    for left, right in [("source", f"({exported})"), (f"({exported})", "source")]:
        lost = database.sql(f"SELECT * FROM {left} EXCEPT SELECT * FROM {right}").fetchall()
        if lost:
            raise SystemExit(f"{len(lost)} rows differ in the Parquet file, first {lost[0]}")
    # DuckDB knows GeoJSON: a row a feature, its geometry as WKB.
    features = f"SELECT geometry, rang, groupe, entier, nombre, jour FROM read_json_auto('{geojson}', maximum_object_size={GEOJSON_BYTES_MAX})"
    found = database.sql(f"SELECT * FROM ({features}) ORDER BY rang").fetchall()
    wanted = database.sql(
        "SELECT longitude, latitude, rang, groupe, entier, nombre, jour FROM source ORDER BY rang"
    ).fetchall()
    expect("features of the GeoJSON file", len(found), len(wanted))
    for feature, row in zip(found, wanted):
        point = struct.unpack("<BIdd", feature[0])
        if point != (1, 1, row[0], row[1]) or feature[1:] != row[2:]:
            raise SystemExit(f"the feature {point[2:]} {feature[1:]} is not the row {row}")


def check_question(api, database, dice):
    parameters, condition = make_filter(dice)
    metric, column = dice.choice(list(METRICS)), dice.choice(["entier", "nombre"])
    total = database.sql(f"SELECT count(*) FROM source WHERE {condition}").fetchall()[0][0]
    asked = [("field", "groupe"), ("agg_size", 100), ("sort", "key"), ("metric", metric), ("metric_field", column)]
    answer = api.json("/values_agg?" + urllib.parse.urlencode(asked + parameters))
    told = f"{metric}({column}) where {condition}"
    expect(f"total, {told}", answer["total"], total)
    function = f"{METRICS[metric]}({column})"
    groups = database.sql(f"SELECT groupe, count(*), {function} FROM source WHERE {condition} GROUP BY groupe").fetchall()
    expect(f"number of groups, {told}", len(answer["aggs"]), len(groups))
    ours = {group["value"]: group for group in answer["aggs"]}
    for name, count, value in groups:
        expect(f"rows of `{name}`, {told}", ours[name]["total"], count)
        expect(f"`{name}`, {told}", ours[name].get("metric"), value)
    answer = api.json("/metric_agg?" + urllib.parse.urlencode([("metric", metric), ("field", column)] + parameters))
    expect(told, answer.get("metric"), database.sql(f"SELECT {function} FROM source WHERE {condition}").fetchall()[0][0])
    asked = [("field", "jour"), ("interval", "year"), ("agg_size", 100)]
    answer = api.json("/values_agg?" + urllib.parse.urlencode(asked + parameters))
    years = database.sql(
        f"SELECT year(jour), count(*) FROM source WHERE {condition} GROUP BY 1 ORDER BY 1"
    ).fetchall()
    ours = [(int(group["value"][:4]), group["total"]) for group in answer["aggs"] if group["total"]]
    if ours != years:
        raise SystemExit(f"years where {condition}: the API says {ours}, DuckDB says {years}")


def main():
    base, key, folder, seed = sys.argv[1:]
    dice = random.Random(int(seed))
    source = f"{folder}/hasard.csv"
    with open(source, "w", newline="", encoding="utf-8") as file:
        rows = list(make_rows(dice))
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    api = Api(base, key)
    with open(source, "rb") as file:
        api.upload("hasard.csv", file.read())
    api.locate()
    database = duckdb.connect()
    database.sql(f"CREATE TABLE source AS SELECT * FROM read_csv('{source}', nullstr='')")
    check_exports(api, database, folder)
    for _ in range(QUESTIONS):
        check_question(api, database, dice)
    print(f"{ROWS} rows read back from Parquet and GeoJSON, {3 * QUESTIONS} aggregations agree with DuckDB {duckdb.__version__}")


main()
