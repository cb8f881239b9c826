"""A service without a description of its own: `POST <server>/length` takes a list of texts and answers their lengths."""

from halle_plugin import Answer, BatchBuilder, Call, Operation, Problem, RemoteService, field, request


class MyPlugin(RemoteService):
    """The adapter."""

    title = "Mon service"
    formats = ["openapi-3.0"]

    def operations(self, document):
        text = field("text", "text", concept="http://schema.org/description", nullable=False)
        length = field("length", "integer")
        return [Operation("length", "Longueur d'un texte", [text], [length], rows_per_request_max=100)]

    def build(self, service, rows):
        texts = rows.at(0)
        asked = [row for row in range(len(rows)) if texts.text(row)]
        size = service.operation.rows_per_request_max
        parts = [asked[start : start + size] for start in range(0, len(asked), size)]
        url = f"{service.server}/length"
        return [Call(part, request("POST", url, json=[texts.text(row) for row in part])) for part in parts]

    def parse(self, service, calls, responses):
        found = [None] * service.rows
        problems = []
        for call, response in zip(calls, responses):
            try:
                for row, length in zip(call.rows, response.ok().json()):
                    found[row] = length
            except Problem as problem:
                problems += [(row, problem) for row in call.rows]
        columns = BatchBuilder(service.outputs)
        for length in found:
            columns.push({"length": length})
        return Answer(columns.finish(), problems)


plugin = MyPlugin()
