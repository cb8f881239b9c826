"""Adds the column `greeting` to datasets that have a column of names."""

from halle_plugin import Answer, BatchBuilder, Enricher, Planned, Problem, Rows, Session, field

# The concept of names: columns are found by what they mean, whatever they are called.
NAME = "http://www.w3.org/2000/01/rdf-schema#label"

OUTPUTS = [field("greeting", "text", title="Salutation")]


class Greetings(Session):
    """Greets the rows of one dataset."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix

    def run(self, rows: Rows) -> Answer:
        names = rows.at(0)
        columns = BatchBuilder(OUTPUTS)
        problems = []
        for row in range(len(rows)):
            name = names.text(row)
            if name:
                columns.push([f"{self.prefix}Bonjour {name}"])
            else:
                problems.append((row, Problem("name/missing", "Cette ligne n'a pas de nom.")))
                columns.push_missing()
        return Answer(columns.finish(), problems)


class MyPlugin(Enricher):
    """The enricher."""

    title = "Mon enrichissement"
    inputs = [field("name", "text", title="Nom", concept=NAME, nullable=False)]

    def plan(self, input, config):
        name = next((column for column in input if column.concept == NAME or column.key == "name"), None)
        if name is None:
            raise Problem("input/missing", "Il manque une colonne de noms.")
        return Planned([name.key], OUTPUTS)

    # The configuration; its schema is in `plugin.toml`.
    def open(self, input, config):
        return Greetings(config.get("prefix", ""))


plugin = MyPlugin()
