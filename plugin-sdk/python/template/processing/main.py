"""Reads a JSON list of `{"name", "size"}` and makes it the content of the slot `output`."""

from halle_plugin import Processing, advance, check_cancelled, field, get_json, info, open_write, task

# Rows that are written at a time.
BATCH_ROWS = 1000

FIELDS = [field("name", "text"), field("size", "number")]


class MyPlugin(Processing):
    """The processing."""

    title = "Mon traitement"

    # The configuration; its schema is in `plugin.toml`.
    def run(self, config, trigger):
        items = get_json(config["url"])
        info(f"{len(items)} éléments lus")
        writer = open_write("output", "replace", FIELDS)
        task("Écriture", len(items))
        for done in range(0, len(items), BATCH_ROWS):
            check_cancelled()
            rows = [{"name": item.get("name"), "size": item.get("size")} for item in items[done : done + BATCH_ROWS]]
            writer.write(rows)
            advance(done + len(rows))
        return f"{writer.commit()} lignes écrites"


plugin = MyPlugin()
