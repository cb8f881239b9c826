#!/usr/bin/env python3
"""Writes the demo data. Needs Python 3.9 and npm; the same package version always gives the same bytes.

    python3 deploy/demo/generate.py [folder of an installed @etalab/decoupage-administratif]
"""

import csv
import gzip
import io
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

PACKAGE = "@etalab/decoupage-administratif"
VERSION = "6.0.0"
HERE = Path(__file__).resolve().parent

# Centres of large cities, rounded: the synthetic charging points are scattered around them.
CITIES = {
    "75056": (48.857, 2.352), "69123": (45.758, 4.835), "13055": (43.296, 5.370), "31555": (43.604, 1.444),
    "44109": (47.218, -1.554), "35238": (48.117, -1.678), "33063": (44.838, -0.579), "59350": (50.637, 3.063),
    "67482": (48.573, 7.752), "34172": (43.611, 3.877), "38185": (45.188, 5.724), "21231": (47.322, 5.041),
    "06088": (43.703, 7.266),
}


def install(folder):
    subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--prefix", folder, f"{PACKAGE}@{VERSION}"], check=True)
    return Path(folder) / "node_modules" / PACKAGE


def load(package, name):
    return json.loads((package / "data" / f"{name}.json").read_text(encoding="utf-8"))


def text_of(rows, delimiter=",", line_end="\n", quoting=csv.QUOTE_MINIMAL):
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, lineterminator=line_end, quoting=quoting).writerows(rows)
    return out.getvalue()


def write_gzip(name, text):
    # No name and no time in the header: the same data give the same bytes.
    with open(HERE / name, "wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as out:
        out.write(text.encode("utf-8"))


def names(package):
    departements = {d["code"]: d["nom"] for d in load(package, "departements")}
    regions = {r["code"]: r["nom"] for r in load(package, "regions")}
    epci = {m["code"]: (e["code"], e["nom"]) for e in load(package, "epci") for m in e["membres"]}
    return departements, regions, epci


def place(commune, departements, regions, epci):
    """Code and name of département, région and EPCI, blank where there is none (overseas collectivities, islands)."""
    departement, region = commune.get("departement", ""), commune.get("region", "")
    code_epci, nom_epci = epci.get(commune["code"], epci.get(commune.get("commune"), ("", "")))
    return [departement, departements.get(departement, ""), region, regions.get(region, ""), code_epci, nom_epci]


def communes_csv(package, current):
    tables = names(package)
    seats = {d["chefLieu"] for d in load(package, "departements")}
    rows = [["Code commune", "Commune", "Code département", "Département", "Code région", "Région", "Code EPCI", "EPCI",
             "Codes postaux", "Population", "Chef-lieu de département"]]
    for c in current:
        postal = ";".join(c.get("codesPostaux", []))
        seat = "oui" if c["code"] in seats else "non"
        rows.append([c["code"], c["nom"], *place(c, *tables), postal, c.get("population", ""), seat])
    write_gzip("communes.csv.gz", text_of(rows))


def territory_csv(package, communes):
    tables = names(package)
    rows = [["code", "nom", "code_departement", "departement", "code_region", "region", "code_epci", "epci"]]
    for c in communes:
        if c["type"] in ("commune-actuelle", "arrondissement-municipal"):
            rows.append([c["code"], c["nom"], *place(c, *tables)])
    write_gzip("territory.csv.gz", text_of([rows[0], *sorted(rows[1:])]))


def french(amount):
    """1234.5 as `1 234,50`, with a no-break space."""
    return f"{amount:,.2f}".replace(",", "\u00a0").replace(".", ",")


def subsidy_rows(dice, current, count):
    purposes = ["Fête de la musique", "Rénovation de l'école", "Achat d'un véhicule électrique", "Soutien à la vie associative",
                "Travaux d'accessibilité\r\n(2e tranche)", "Théâtre « hors les murs »", "Aide au cinéma \"Le Régent\"",
                "Aménagement ; voirie et réseaux", "Œuvre d'art, place de la mairie"]
    for number in range(1, count + 1):
        c = current[dice.randrange(len(current))]
        day = f"{dice.randint(1, 28):02}/{dice.randint(1, 12):02}/{dice.randint(2019, 2025)}"
        amount = dice.randint(500, 250_000) / 4
        yield [f"S{number:05}", c["code"], c["nom"], french(amount), day, purposes[dice.randrange(len(purposes))], "",
               french(amount * dice.choice([0, 0.5, 1])), dice.choice(["oui", "non", "Oui", "NON"])]


def subsidies(dice, current):
    header = ["N° dossier", "Code commune", "Bénéficiaire", "Montant (€)", "Date d'attribution", "Objet", "Observations",
              "Montant (€)", "Soldé"]
    rows = list(subsidy_rows(dice, current, 2_000))
    # Every line ends with a separator too many, and blank lines stand between the years of the export.
    lines = [text_of([[*row, ""]], ";", "\r\n") for row in [header, *rows]]
    for at in (1_500, 1_000, 500):
        lines.insert(at, ";" * len(header) + "\r\n")
    (HERE / "subventions.csv").write_bytes("".join(lines).encode("cp1252"))

    rows = list(subsidy_rows(dice, current, 60))
    text = text_of([header, *rows], ",", "\n", csv.QUOTE_ALL)
    (HERE / "subventions-utf8.csv").write_bytes(b"\xef\xbb\xbf" + text.encode("utf-8"))


def charging_points(dice, current):
    by_code = {c["code"]: c["nom"] for c in current}
    rows = [["Identifiant", "Nom", "Code commune", "Commune", "Latitude", "Longitude", "Puissance (kW)",
             "Mise en service", "Gratuit"]]
    for number in range(1, 601):
        code = dice.choice(list(CITIES))
        latitude, longitude = CITIES[code]
        day = f"{dice.randint(2018, 2025)}-{dice.randint(1, 12):02}-{dice.randint(1, 28):02}"
        rows.append([f"FICTIF-{number:04}", f"Borne fictive {number}", code, by_code[code],
                     f"{latitude + dice.uniform(-0.08, 0.08):.5f}", f"{longitude + dice.uniform(-0.1, 0.1):.5f}",
                     dice.choice(["3.7", "7.4", "22", "50", "150"]), day, dice.choice(["true", "false"])])
    (HERE / "bornes.csv").write_text(text_of(rows), encoding="utf-8", newline="")


def broken(current):
    rows = [["Code commune", "Commune", "Population"]]
    rows += [[c["code"], c["nom"], c.get("population", "")] for c in current[:20]]
    rows[6] += ["valeur en trop", "encore une"]  # Line 7 of the file.
    (HERE / "casse.csv").write_text(text_of(rows, ";"), encoding="utf-8", newline="")


def main():
    with tempfile.TemporaryDirectory() as folder:
        package = Path(sys.argv[1]) if len(sys.argv) > 1 else install(folder)
        found = json.loads((package / "package.json").read_text(encoding="utf-8"))["version"]
        if found != VERSION:
            sys.exit(f"expected {PACKAGE} {VERSION}, found {found}: change VERSION and README.md together")
        communes = load(package, "communes")
        current = sorted((c for c in communes if c["type"] == "commune-actuelle"), key=lambda c: c["code"])
        communes_csv(package, current)
        territory_csv(package, communes)
        dice = random.Random(20260101)
        subsidies(dice, current)
        charging_points(dice, current)
        broken(current)


if __name__ == "__main__":
    main()
