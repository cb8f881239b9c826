"""A host in memory, for native tests of plugins with `unittest`.

>>> from halle_plugin import get_json
>>> host = FakeHost().on("GET", "https://a.test/x", {"n": 1})
>>> with host:
...     get_json("https://a.test/x")["n"]
1
>>> len(host.requests)
1
"""

from __future__ import annotations

import csv
import io
import json
from enum import Enum
from types import SimpleNamespace
from typing import Any, Mapping, Optional, Sequence

from . import _types as wire
from .columns import Rows, batch_of, field
from .host import attach
from .problem import Problem

_ROWS_MAX = 4096


class Level(Enum):
    """How serious a log record is."""

    DEBUG = 0
    INFO = 1
    WARN = 2
    ERROR = 3


class FakeBlob:
    """A file of the host, in memory."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def size(self) -> int:
        return len(self.content)

    def media_type(self) -> Optional[str]:
        return None

    def read(self, offset: int, length: int) -> bytes:
        return self.content[offset : offset + length]

    def lines(self) -> Any:
        return _Reader(self.content.decode("utf-8", "replace").splitlines())

    def csv(self, options: str) -> Any:
        text = io.StringIO(self.content.decode("utf-8", "replace"), newline="")
        header, *rows = csv.reader(text, delimiter=json.loads(options)["delimiter"])
        fields = [field(name, "text") for name in header]
        return _table(fields, [dict(zip(header, row)) for row in rows])


class _BlobWriter:
    def __init__(self) -> None:
        self.content = b""

    def append(self, content: bytes) -> None:
        self.content += content

    def append_blob(self, blob: FakeBlob) -> None:
        self.content += blob.content

    @staticmethod
    def finish(writer: _BlobWriter) -> FakeBlob:
        return FakeBlob(writer.content)


class _Reader:
    def __init__(self, items: list[Any]) -> None:
        self.items = items

    def next(self, max: int) -> list[Any]:
        count = min(max or _ROWS_MAX, _ROWS_MAX)
        taken, self.items = self.items[:count], self.items[count:]
        return taken


def _table(fields: list[wire.Field], rows: list[Any]) -> Any:
    reader = _Reader(list(rows))

    def following(max: int) -> Optional[wire.Batch]:
        part = reader.next(max)
        return batch_of(fields, part) if part else None

    return SimpleNamespace(schema=lambda: fields, next=following)


class _Writer:
    def __init__(self, host: FakeHost, slot: str, mode: str, fields: Sequence[wire.Field]) -> None:
        self.host, self.fields = host, fields
        self.written: dict[str, Any] = {"slot": slot, "mode": mode, "rows": []}

    def write(self, batch: wire.Batch) -> Any:
        self.written["rows"] += list(Rows(self.fields, batch))
        return SimpleNamespace(accepted=batch.rows, problems=[])

    def replace_file(self, name: str, blob: FakeBlob) -> None:
        self.written |= {"file": name, "body": blob.content.decode("utf-8", "replace")}

    @staticmethod
    def commit(writer: _Writer) -> Any:
        writer.host.written.append(writer.written)
        return SimpleNamespace(rows=len(writer.written["rows"]))


class FakeHost:
    """What a plugin may use in a test, and what it did. Use it as a context: `with FakeHost() as host: ...`."""

    def __init__(
        self,
        *,
        config: Any = None,
        secrets: Sequence[str] = (),
        tables: Optional[Mapping[str, tuple[list[wire.Field], list[Any]]]] = None,
        source: Optional[bytes] = None,
        cancel_after: Optional[int] = None,
    ) -> None:
        """`tables` are datasets to read, by slot: fields and rows. `source` is the dataset being published, as CSV.
        Somebody asks to stop after `cancel_after` questions."""
        self.config = {} if config is None else config
        self.secrets = list(secrets)
        self.tables = dict(tables or {})
        self.source = source
        self.cancel_after = cancel_after
        #: Requests made, in order.
        self.requests: list[wire.WireRequest] = []
        #: What was written and committed: `slot`, `mode`, and `rows` or `file` and `body`.
        self.written: list[dict[str, Any]] = []
        #: Log records: level, message, fields.
        self.log: list[tuple[str, str, dict[str, str]]] = []
        #: Tasks begun: name, total.
        self.tasks: list[tuple[str, Optional[int]]] = []
        #: Steps done of the last task.
        self.advanced = 0
        #: State: value and revision by key.
        self.state: dict[str, tuple[bytes, int]] = {}
        self._answers: dict[tuple[str, str], list[wire.WireResponse]] = {}

    def on(self, method: str, url: str, body: Any = b"", status: int = 200, headers: Optional[dict[str, str]] = None) -> FakeHost:
        """Answers a request: bytes or a text as they are, anything else as JSON. A second answer is given the second time."""
        pairs = [(name.lower(), value) for name, value in (headers or {}).items()]
        if not isinstance(body, (bytes, str)):
            body = json.dumps(body, ensure_ascii=False)
            pairs.append(("content-type", "application/json"))
        content = body.encode() if isinstance(body, str) else body
        self._answers.setdefault((method, url), []).append(wire.WireResponse(status, pairs, content, False))
        return self

    def __enter__(self) -> FakeHost:
        self._before = attach(self._interfaces())
        return self

    def __exit__(self, *_: object) -> None:
        attach(self._before)

    def _interfaces(self) -> dict[str, Any]:
        def emit(level: Level, message: str, fields: list[tuple[str, str]]) -> None:
            self.log.append((level.name.lower(), message, dict(fields)))

        return {
            "log": SimpleNamespace(Level=Level, emit=emit),
            "progress": SimpleNamespace(
                task=lambda name, total: self.tasks.append((name, total)),
                advance=lambda done: setattr(self, "advanced", done),
            ),
            "cancel": SimpleNamespace(requested=self._requested, remaining_ms=lambda: 60_000),
            "config": SimpleNamespace(get=lambda: json.dumps(self.config)),
            "secrets": SimpleNamespace(names=lambda: self.secrets),
            "blobs": SimpleNamespace(BlobWriter=_BlobWriter),
            "http": SimpleNamespace(send=self._answer, download=self._download, upload=self._upload),
            "state": SimpleNamespace(get=self.state.get, put=self._put, delete=self._delete, keys=self._keys),
            "datasets": SimpleNamespace(
                Writer=_Writer,
                open_read=lambda slot, _query: self._table(slot),
                open_write=lambda slot, mode, fields: _Writer(self, slot, mode, fields),
            ),
            "reference": SimpleNamespace(open=self._table),
            "source": SimpleNamespace(file=lambda _format: self._source()),
        }

    def _requested(self) -> bool:
        if self.cancel_after is None:
            return False
        self.cancel_after -= 1
        return self.cancel_after < 0

    def _answer(self, message: wire.WireRequest) -> wire.WireResponse:
        self.requests.append(message)
        answers = self._answers.get((message.method, message.url))
        if not answers:
            raise Problem("denied/http", f"unexpected request: {message.method} {message.url}")
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def _download(self, message: wire.WireRequest) -> Any:
        answer = self._answer(message)
        return SimpleNamespace(status=answer.status, headers=answer.headers, body=FakeBlob(answer.body))

    def _upload(self, message: wire.WireRequest, blob: FakeBlob) -> wire.WireResponse:
        message.body = blob.content
        return self._answer(message)

    def _put(self, key: str, value: bytes, expected: Optional[int]) -> int:
        revision = self.state.get(key, (b"", 0))[1]
        if expected is not None and expected != revision:
            raise Problem("state/conflict", f"« {key} » est à la révision {revision}")
        self.state[key] = (value, revision + 1)
        return revision + 1

    def _delete(self, key: str) -> None:
        self.state.pop(key, None)

    def _keys(self, prefix: str, after: Optional[str], _max: int) -> list[str]:
        return sorted(key for key in self.state if key.startswith(prefix) and (after is None or key > after))

    def _table(self, slot: str) -> Any:
        if slot not in self.tables:
            raise Problem("dataset/unbound", f"no table in slot {slot}")
        return _table(*self.tables[slot])

    def _source(self) -> FakeBlob:
        if self.source is None:
            raise Problem("dataset/unbound", "no dataset is being published")
        return FakeBlob(self.source)
