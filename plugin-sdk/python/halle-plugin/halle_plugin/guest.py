"""From a plugin as authors write it to the exports of its kind's world. `build` joins both; nobody else imports this."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from types import ModuleType
from typing import Any, Callable, Optional

from . import kinds, run
from ._types import Err, Field
from .columns import Rows
from .host import attach
from .http import Response
from .problem import Problem

__all__ = ["attach", "exports"]

# The bindings of the exported interface; in a test, plain objects of the same shape.
_bindings: Any = None


def exports(kind: str, interface: str, plugin: Any) -> dict[str, Any]:
    """What the module of the component must have: a class for the exported interface. Its resources are looked for in a module
    of the interface's name, which is made here."""
    global _bindings
    make = {
        "enricher": _enricher,
        "processing": _processing,
        "catalog-connector": _connector,
        "visualisation": _visualisation,
        "remote-service": _adapter,
    }[kind]
    try:
        _bindings = import_module(f"wit_world.exports.{interface}")
    except ImportError:
        _bindings = None
    exported, resources = make(plugin)
    if resources:
        module = ModuleType(interface)
        vars(module).update(resources)
        sys.modules[interface] = module
    return {interface.capitalize(): exported}


def _record(name: str, *values: Any) -> Any:
    """A record or a case of the exported interface."""
    return getattr(_bindings, name)(*values) if _bindings else (name, *values)


def _guarded(call: Callable[..., Any]) -> Callable[..., Any]:
    """Calls the author's code. What it raises crosses as a problem; bugs leave their trace in the log."""

    def guarded(*args: Any) -> Any:
        try:
            return call(*args)
        except Exception as raised:
            problem = Problem.of(raised)
            if problem.code == "plugin/exception":
                run.error(problem.message, **(problem.details or {}))
            raise Err(problem.to_wire()) from None

    return guarded


def _json(value: Any) -> Optional[str]:
    return None if value is None else json.dumps(value, ensure_ascii=False)


def _row_problems(answer: kinds.Answer) -> list[tuple[int, Any]]:
    return [(row, problem.to_wire()) for row, problem in answer.problems]


def _prepare(plugin: Any, draft: str) -> Any:
    prepared = plugin.prepare(json.loads(draft))
    return _record("Prepared", _json(prepared.config), [note.to_wire() for note in prepared.notes])


def _enricher(plugin: kinds.Enricher) -> tuple[type, dict[str, Any]]:
    def answer(session: Any, batch: Any) -> Any:
        answered = session.own.run(Rows(session.fields, batch))
        return _record("Answer", answered.columns, _row_problems(answered))

    class Session:
        @classmethod
        def open(cls, input: list[Field], config: str) -> Any:
            session = cls()
            session.fields = input
            session.own = _guarded(lambda: plugin.open(input, json.loads(config)))()
            return session

        def run(self, rows: Any) -> Any:
            return _guarded(answer)(self, rows)

    class Enrichment:
        def describe(self) -> Any:
            return _record("Described", plugin.title, list(plugin.inputs))

        def plan(self, input: list[Field], config: str) -> Any:
            planned = _guarded(lambda: plugin.plan(input, json.loads(config)))()
            return _record("Planned", planned.inputs, planned.outputs)

    return Enrichment, {"Session": Session}


def _processing(plugin: kinds.Processing) -> tuple[type, dict[str, Any]]:
    def outcome(trigger: str) -> Any:
        ended = plugin.run(run.config(), json.loads(trigger))
        ended = kinds.Outcome(ended) if isinstance(ended, str) else ended
        return _record("Outcome", ended.summary, _json(ended.details))

    class Job:
        def describe(self) -> Any:
            return _record("Described", plugin.title, None)

        def prepare(self, draft: str) -> Any:
            return _guarded(_prepare)(plugin, draft)

        def run(self, trigger: str) -> Any:
            return _guarded(outcome)(trigger)

    return Job, {}


def _connector(plugin: kinds.CatalogConnector) -> tuple[type, dict[str, Any]]:
    def entry(found: kinds.Entry) -> Any:
        known = (found.id, found.title, found.kind, found.format, found.size, found.updated)
        return _record("Entry", *known, _json(found.details))

    def browse(folder: Any, q: Any, page: int, size: int, filters: str) -> Any:
        wanted = kinds.Page(folder, q, page, size, json.loads(filters))
        found = plugin.browse(run.config(), wanted)
        return _record("Listing", found.total, [entry(one) for one in found.path], [entry(one) for one in found.entries])

    def fetch(id: str, options: str) -> Any:
        found = plugin.fetch(run.config(), id, json.loads(options))
        return _record("Fetched", found.body, found.name, json.dumps(dict(found.metadata), ensure_ascii=False), found.etag)

    def current(record: Any) -> kinds.Publication:
        return kinds.Publication(record.target, record.remote_id, record.url, json.loads(record.state))

    def publish(dataset: str, record: Any) -> Any:
        done = plugin.publish(run.config(), json.loads(dataset), current(record))
        return _record("Publication", done.target, done.remote_id, done.url, json.dumps(done.state))

    class Connector:
        def describe(self) -> Any:
            return _record("Descriptor", plugin.title, list(plugin.abilities))

        def prepare(self, draft: str) -> Any:
            return _guarded(_prepare)(plugin, draft)

        def browse(self, *args: Any) -> Any:
            return _guarded(browse)(*args)

        def fetch(self, *args: Any) -> Any:
            return _guarded(fetch)(*args)

        def publish(self, *args: Any) -> Any:
            return _guarded(publish)(*args)

        def unpublish(self, record: Any) -> None:
            _guarded(lambda: plugin.unpublish(run.config(), current(record)))()

    return Connector, {}


def _visualisation(plugin: kinds.Visualisation) -> tuple[type, dict[str, Any]]:
    cases = {"svg": "Output_Svg", "html": "Output_Html", "vega-lite": "Output_VegaLite", "vega": "Output_Vega"}

    def query(config: str) -> Any:
        def wire(wanted: kinds.DataRequest) -> Any:
            asked = {"dataset": wanted.dataset, "operation": wanted.operation, "params": dict(wanted.params)}
            return wanted.name, _record("DataRequest", _json(asked), wanted.rows_max)

        return [wire(wanted) for wanted in plugin.query(json.loads(config))]

    def render(data: list[Any], config: str, context: str) -> Any:
        found = [kinds.Data(one.name, Rows(one.schema, one.rows)) for one in data]
        picture = plugin.render(found, json.loads(config), _context(json.loads(context)))
        if picture.format not in cases:
            raise Problem("plugin/exception", f"Une image est svg, html, vega-lite ou vega, pas {picture.format}.")
        content = picture.content if isinstance(picture.content, str) else _json(picture.content)
        return _record("Rendered", _record(cases[picture.format], content), picture.alt, _json(picture.table))

    class View:
        def describe(self) -> Any:
            return _record("Described", plugin.title, list(plugin.needs), list(plugin.sizes))

        def query(self, config: str) -> Any:
            return _guarded(query)(config)

        def render(self, *args: Any) -> Any:
            return _guarded(render)(*args)

    return View, {}


def _context(wire: dict[str, Any]) -> kinds.Context:
    """Where a picture is shown; the theme may cross as just `light` or `dark`. Keys of a later contract are left out."""
    if isinstance(wire.get("theme"), str):
        wire["theme"] = {"dark": wire["theme"] == "dark"}
    known = kinds.Context.__dataclass_fields__
    return kinds.Context(**{key: value for key, value in wire.items() if key in known and value is not None})


def _adapter(plugin: kinds.RemoteService) -> tuple[type, dict[str, Any]]:
    def operations(document: str) -> Any:
        def wire(one: kinds.Operation) -> Any:
            return _record("Operation", one.id, one.title, one.input, one.output, one.rows_per_request_max, _json(one.details))

        return [wire(one) for one in plugin.operations(json.loads(document))]

    def build(_operation: str, batch: Any, config: str) -> Any:
        service = _service(json.loads(config))
        return [_record("Call", call.rows, call.request) for call in plugin.build(service, Rows(service.inputs, batch))]

    def parse(_operation: str, calls: list[Any], responses: list[Any], config: str) -> Any:
        sent = [kinds.Call(list(call.rows), call.request) for call in calls]
        answers = [Response(response, call.request.url) for response, call in zip(responses, calls)]
        answered = plugin.parse(_service(json.loads(config)), sent, answers)
        return _record("Answer", answered.columns, _row_problems(answered))

    class Adapter:
        def describe(self) -> Any:
            return _record("Described", plugin.title, list(plugin.formats))

        def from_openapi(self, document: str) -> Any:
            return _guarded(operations)(document)

        def build(self, *args: Any) -> Any:
            return _guarded(build)(*args)

        def parse(self, *args: Any) -> Any:
            return _guarded(parse)(*args)

    return Adapter, {}


def _fields(wire: list[dict[str, Any]]) -> list[Field]:
    def known(one: dict[str, Any]) -> Field:
        return Field(one["key"], one["kind"], one.get("nullable", False), one.get("title"), one.get("concept"))

    return [known(one) for one in wire]


def _service(wire: dict[str, Any]) -> kinds.Service:
    described = wire["operation"]
    operation = kinds.Operation(
        described["id"],
        described.get("title", ""),
        _fields(described["input"]),
        _fields(described["output"]),
        described.get("maxRowsPerRequest", 1),
        described.get("details"),
    )
    return kinds.Service(
        wire["server"],
        operation,
        _fields(wire.get("inputs", [])),
        wire.get("select") or [],
        wire.get("auth"),
        wire.get("rows", 0),
    )
