"""Reads the stations of a shared mobility service (GBFS 1.1 to 3.0) and makes them the content of the slot `output`."""

from datetime import datetime, timedelta, timezone

from halle_plugin import Problem, Processing, advance, check_cancelled, field, get_json, info, open_write, task, warn

# Rows that are written at a time.
BATCH_ROWS = 1000

#: Columns of the dataset.
FIELDS = [
    field("_id", "text"),
    field("nom", "text", title="Nom", concept="http://www.w3.org/2000/01/rdf-schema#label"),
    field("adresse", "text", title="Adresse", concept="http://schema.org/address"),
    field("code_postal", "text", title="Code postal", concept="http://schema.org/postalCode"),
    field("lat", "number", title="Latitude", concept="http://schema.org/latitude"),
    field("lon", "number", title="Longitude", concept="http://schema.org/longitude"),
    field("capacite", "integer", title="Capacité"),
    field("velos", "integer", title="Véhicules disponibles"),
    field("places", "integer", title="Places libres"),
    field("loue", "boolean", title="Loue"),
    field("accepte", "boolean", title="Accepte les retours"),
    field("releve", "date-time", title="Relevé"),
]


def feeds(discovery, language):
    """Addresses of feeds by name. Versions before 3 have a list per language."""
    data = discovery.get("data") if isinstance(discovery, dict) else None
    if not isinstance(data, dict):
        raise Problem("gbfs/format", "Ce n'est pas un fichier gbfs.json : il n'a pas de `data`.")
    found = data.get("feeds")
    if found is None:
        languages = {name: part.get("feeds") for name, part in data.items() if isinstance(part, dict)}
        found = languages.get(language) or next((part for part in languages.values() if part), None)
    if not found:
        raise Problem("gbfs/format", "Ce fichier gbfs.json ne nomme aucun flux (`feeds`).")
    return {feed.get("name"): feed.get("url") for feed in found}


def stations(url):
    """The stations of a feed, by identifier."""
    found = get_json(url).get("data", {}).get("stations")
    if not isinstance(found, list):
        raise Problem("gbfs/format", f"{url} n'a pas de liste de stations (`data.stations`).")
    return {str(station["station_id"]): station for station in found if station.get("station_id") is not None}


def text(value, language):
    """A text; since version 3, one of those in several languages."""
    if isinstance(value, list):
        texts = {part.get("language"): part.get("text") for part in value if isinstance(part, dict)}
        value = texts.get(language) or next(iter(texts.values()), None)
    return value.strip() or None if isinstance(value, str) else None


def whole(*values):
    """The first whole number, which may not be a truth value."""
    return next((value for value in values if isinstance(value, int) and not isinstance(value, bool)), None)


def number(value, limit):
    """Degrees, within the limits of the globe."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_number and abs(value) <= limit else None


def truth(value):
    """A truth value; some services write 0 and 1."""
    return bool(value) if isinstance(value, (bool, int)) else None


def instant(value):
    """An instant, from seconds since 1970 (before version 3) or RFC 3339."""
    if isinstance(value, str):
        return value or None
    if not isinstance(value, int) or value <= 0:
        return None
    try:
        moment = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=value)
    except OverflowError:
        return None
    return moment.replace(tzinfo=None).isoformat() + "Z"


def row(identifier, station, status, language):
    """A station and its state as a row, without what is not known."""
    values = {
        "_id": identifier,
        "nom": text(station.get("name"), language),
        "adresse": text(station.get("address"), language),
        "code_postal": text(station.get("post_code"), language),
        "lat": number(station.get("lat"), 90),
        "lon": number(station.get("lon"), 180),
        "capacite": whole(station.get("capacity")),
        "velos": whole(status.get("num_vehicles_available"), status.get("num_bikes_available")),
        "places": whole(status.get("num_docks_available")),
        "loue": truth(status.get("is_renting")),
        "accepte": truth(status.get("is_returning")),
        "releve": instant(status.get("last_reported")),
    }
    return {key: value for key, value in values.items() if value is not None}


class Gbfs(Processing):
    """The processing."""

    title = "Vélos en libre-service (GBFS)"

    # The configuration; its schema is in `plugin.toml`.
    def run(self, config, trigger):
        language = config.get("language", "fr")
        urls = feeds(get_json(config["url"]), language)
        if not urls.get("station_information"):
            raise Problem("gbfs/no-stations", "Ce service n'a pas de stations (flux `station_information`).")
        known = stations(urls["station_information"])
        check_cancelled()
        statuses = stations(urls["station_status"]) if urls.get("station_status") else {}
        info(f"{len(known)} stations, {len(statuses)} états")
        silent = sum(1 for identifier in known if identifier not in statuses)
        if silent:
            warn(f"{silent} stations n'ont pas d'état")
        rows = [row(identifier, station, statuses.get(identifier, {}), language) for identifier, station in known.items()]
        writer = open_write("output", "replace", FIELDS)
        task("Écriture", len(rows))
        for done in range(0, len(rows), BATCH_ROWS):
            check_cancelled()
            writer.write(rows[done : done + BATCH_ROWS])
            advance(min(done + BATCH_ROWS, len(rows)))
        return f"{writer.commit()} stations écrites"


plugin = Gbfs()
