"""Datasets by slot, files that stay on the host, small durable state."""

from __future__ import annotations

import json
from typing import Any, Iterator, Mapping, Optional, Sequence, Union

from ._types import Batch, Field
from .columns import Rows, batch_of
from .host import ask, interface
from .problem import Problem

# What one call of the host reads or writes at most.
_READ_BYTES = 1 << 20
# Rows that a batch holds at most.
_BATCH_ROWS = 4096


class Writer:
    """A transaction on the dataset in a slot: nothing is visible before `commit`, and without it nothing happened."""

    def __init__(self, slot: str, mode: str, fields: Sequence[Field] = ()) -> None:
        """`mode`: `replace`, `append` or `upsert`. `fields` are the columns that `write` brings."""
        self.fields = list(fields)
        self._writer = ask(interface("datasets").open_write, slot, mode, self.fields)

    def write(self, rows: Union[Batch, Sequence[Mapping[str, Any]]]) -> list[tuple[int, Problem]]:
        """Adds rows: a batch, or a list of dictionaries. Answers the rows that were refused, and why."""
        if isinstance(rows, Batch):
            report = ask(self._writer.write, rows)
            return [(row, Problem.from_wire(problem)) for row, problem in report.problems]
        refused = []
        for start in range(0, len(rows), _BATCH_ROWS):
            batch = batch_of(self.fields, rows[start : start + _BATCH_ROWS])
            refused += [(start + row, problem) for row, problem in self.write(batch)]
        return refused

    def replace_file(self, name: str, blob: Any) -> None:
        """Makes a file of the host, such as a download, the content of the dataset; the ending of `name` tells the format."""
        ask(self._writer.replace_file, name, blob)

    def commit(self) -> int:
        """Makes everything visible at once, and answers how many rows were written."""
        return ask(interface("datasets").Writer.commit, self._writer).rows


def open_write(slot: str, mode: str, fields: Sequence[Field] = ()) -> Writer:
    """Begins a transaction on the dataset in a slot."""
    return Writer(slot, mode, fields)


def read_dataset(slot: str, query: Optional[Mapping[str, str]] = None) -> Iterator[Rows]:
    """The lines of the dataset in a slot, batch by batch. `query` holds parameters of `/lines`."""
    yield from _batches(ask(interface("datasets").open_read, slot, json.dumps(dict(query or {}))))


def read_reference(slot: str) -> Iterator[Rows]:
    """The rows of the reference table in a slot, batch by batch. Enrichers."""
    yield from _batches(ask(interface("reference").open, slot))


def _batches(reader: Any) -> Iterator[Rows]:
    fields = ask(reader.schema)
    while (batch := ask(reader.next, 0)) is not None:
        yield Rows(fields, batch)


def csv_rows(blob: Any, delimiter: str = ",") -> Iterator[Rows]:
    """The rows of a CSV file of the host, batch by batch, each column as text."""
    yield from _batches(ask(blob.csv, json.dumps({"delimiter": delimiter})))


def lines(blob: Any) -> Iterator[str]:
    """The lines of a text file of the host, one by one."""
    reader = ask(blob.lines)
    while part := ask(reader.next, 0):
        yield from part


def read_bytes(blob: Any) -> bytes:
    """The whole content of a file of the host. For small files: it comes into the plugin's memory."""
    parts = range(0, ask(blob.size), _READ_BYTES)
    return b"".join(ask(blob.read, start, _READ_BYTES) for start in parts)


def blob_of(*parts: Any) -> Any:
    """A file of the host made of texts, bytes and other files, one after the other."""
    blobs = interface("blobs")
    writer = ask(blobs.BlobWriter)
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        if not isinstance(content, bytes):
            ask(writer.append_blob, content)
            continue
        for start in range(0, len(content), _READ_BYTES):
            ask(writer.append, content[start : start + _READ_BYTES])
    return ask(blobs.BlobWriter.finish, writer)


def source_file(format: str = "csv") -> Any:
    """The dataset that is being published, as a file of the host. Connectors, during `publish`."""
    return ask(interface("source").file, format)


def state_get(key: str) -> Optional[tuple[Any, int]]:
    """Value (JSON) and revision of a key of the small durable state, or `None`. Needs `[state]` in the manifest."""
    found = ask(interface("state").get, key)
    return None if found is None else (json.loads(found[0]), found[1])


def state_put(key: str, value: Any, expected: Optional[int] = None) -> int:
    """Writes a key, and answers its new revision. With `expected` (0: no such key yet), raises `state/conflict` when it moved."""
    return ask(interface("state").put, key, json.dumps(value, ensure_ascii=False).encode(), expected)


def state_delete(key: str) -> None:
    """Removes a key, if it is there."""
    ask(interface("state").delete, key)


def state_keys(prefix: str = "") -> Iterator[str]:
    """Keys that start with `prefix`, in order, all of them."""
    after = None
    while found := ask(interface("state").keys, prefix, after, 0):
        yield from found
        after = found[-1]
