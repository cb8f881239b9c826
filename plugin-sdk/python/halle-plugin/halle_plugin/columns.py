"""Rows as they cross the border: by columns. Authors read through `Rows` and write through `BatchBuilder`."""

from __future__ import annotations

import json
import math
from datetime import date, datetime, timedelta, timezone
from itertools import accumulate
from typing import Any, Iterable, Iterator, Mapping, Optional, Sequence, Union

from . import _types as wire
from ._types import Batch, Field
from .problem import Problem

#: What a column may hold. Kinds are an open list: one that is not here crosses as text.
KINDS = ("text", "integer", "number", "boolean", "date", "date-time", "object")

_EPOCH = date(1970, 1, 1)
_EPOCH_INSTANT = datetime(1970, 1, 1, tzinfo=timezone.utc)
_INTEGER_MAX = 2**63


def field(
    key: str,
    kind: str,
    *,
    title: Optional[str] = None,
    concept: Optional[str] = None,
    nullable: bool = True,
) -> Field:
    """A column: its key, what it holds, and what else is known. Values may be missing unless `nullable` is false."""
    return Field(key, kind, nullable, title, concept)


def format_day(days: int) -> str:
    """`2024-01-31` of a day number.

    >>> format_day(19_782)
    '2024-02-29'
    """
    return (_EPOCH + timedelta(days=days)).isoformat()


def parse_day(text: str) -> Optional[int]:
    """Day number (days since 1970-01-01) of `2024-01-31`; `None` for anything else.

    >>> parse_day("2024-02-29"), parse_day("2023-02-29"), parse_day("31/01/2024")
    (19782, None, None)
    """
    try:
        return (date.fromisoformat(text) - _EPOCH).days if len(text) == 10 else None
    except ValueError:
        return None


def format_instant(ms: int) -> str:
    """RFC 3339 in UTC of milliseconds since 1970.

    >>> format_instant(0), format_instant(250)
    ('1970-01-01T00:00:00Z', '1970-01-01T00:00:00.250Z')
    """
    instant = _EPOCH_INSTANT + timedelta(milliseconds=ms)
    precision = "milliseconds" if ms % 1000 else "seconds"
    return instant.replace(tzinfo=None).isoformat(timespec=precision) + "Z"


def parse_instant(text: str) -> Optional[int]:
    """Milliseconds since 1970 of an RFC 3339 text, or of a day at midnight UTC; `None` for anything else.

    >>> parse_instant("1970-01-01T01:00:00+01:00"), parse_instant("1970-01-02"), parse_instant("noon")
    (0, 86400000, None)
    """
    try:
        instant = datetime.fromisoformat(text[:-1] + "+00:00" if text[-1:] in "Zz" and text else text)
    except ValueError:
        return None
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=timezone.utc)
    return (instant - _EPOCH_INSTANT) // timedelta(milliseconds=1)


def _bitmap(values: Sequence[Any]) -> bytes:
    """Truth values as bits, least significant first."""
    out = bytearray((len(values) + 7) // 8)
    for index, value in enumerate(values):
        if value:
            out[index >> 3] |= 1 << (index & 7)
    return bytes(out)


def _bit(bitmap: bytes, index: int) -> bool:
    return bool(bitmap[index >> 3] >> (index & 7) & 1)


def _texts(texts: wire.Texts) -> list[str]:
    """Texts between offsets. Where all bytes are ASCII, which is decoded once, offsets are those of characters."""
    bounds = zip(texts.offsets, texts.offsets[1:])
    if texts.data.isascii():
        whole = texts.data.decode("ascii")
        return [whole[start:end] for start, end in bounds]
    return [texts.data[start:end].decode("utf-8", "replace") for start, end in bounds]


class Column:
    """Reads the values of one column. Look it up once, before the loop over the rows."""

    def __init__(self, field: Field, column: wire.WireColumn) -> None:
        self.field = field
        self._valid = column.valid
        self._data = column.data
        self._values: Any = column.data.value
        if isinstance(column.data, wire.ColumnData_Texts):
            self._values = _texts(column.data.value)

    def raw(self, row: int) -> Union[str, int, float, bool, None]:
        """The value of a row as the contract has it, `None` when missing: dates as days, instants as milliseconds since 1970."""
        if self._valid and not _bit(self._valid, row):
            return None
        if isinstance(self._data, wire.ColumnData_Bools):
            return _bit(self._values, row)
        return None if isinstance(self._data, wire.ColumnData_Bytes) else self._values[row]

    def value(self, row: int) -> Union[str, int, float, bool, None]:
        """The value of a row as JSON would have it, `None` when missing: dates as `2024-01-31`, instants as RFC 3339."""
        raw = self.raw(row)
        if raw is None:
            return None
        if isinstance(self._data, wire.ColumnData_Days):
            return format_day(int(raw))
        return format_instant(int(raw)) if isinstance(self._data, wire.ColumnData_Instants) else raw

    def text(self, row: int) -> Optional[str]:
        """The text of a row; `None` when it has none, or an empty one."""
        raw = self.raw(row)
        return raw if isinstance(raw, str) and raw else None

    def number(self, row: int) -> Union[int, float, None]:
        """The number of a row, or `None`."""
        is_number = isinstance(self._data, (wire.ColumnData_Ints, wire.ColumnData_Floats))
        return self.raw(row) if is_number else None  # type: ignore[return-value]


class Rows:
    """The rows of a batch.

    >>> names = [field("name", "text")]
    >>> rows = Rows(names, batch_of(names, [{"name": "Ada"}, {}]))
    >>> len(rows), rows.column("name").text(0), list(rows)
    (2, 'Ada', [{'name': 'Ada'}, {}])
    """

    def __init__(self, fields: Sequence[Field], batch: Batch) -> None:
        if len(fields) != len(batch.columns):
            message = f"{len(batch.columns)} colonnes reçues pour {len(fields)} annoncées"
            raise Problem("batch/columns", message)
        self.fields = list(fields)
        self._length = batch.rows
        self._columns = [Column(field, column) for field, column in zip(fields, batch.columns)]

    def __len__(self) -> int:
        return self._length

    def at(self, index: int) -> Column:
        """The column at an index."""
        if index >= len(self._columns):
            raise _missing(f"n° {index + 1}")
        return self._columns[index]

    def column(self, key: str) -> Column:
        """The column with a key; the problem `input/missing` when there is none."""
        found = next((column for column in self._columns if column.field.key == key), None)
        if found is None:
            raise _missing(f"« {key} »")
        return found

    def column_about(self, concept: str) -> Column:
        """The first column with a concept."""
        found = next((column for column in self._columns if column.field.concept == concept), None)
        if found is None:
            raise _missing(f"de concept {concept}")
        return found

    def row(self, index: int) -> dict[str, Any]:
        """A row as a dictionary, missing values left out."""
        cells = ((column.field.key, column.value(index)) for column in self._columns)
        return {key: value for key, value in cells if value is not None}

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """All rows as dictionaries: handy, and slower than columns."""
        return (self.row(index) for index in range(self._length))


def _missing(which: str) -> Problem:
    return Problem("input/missing", f"Il manque une colonne {which}.")


class BatchBuilder:
    """Builds a batch row by row.

    >>> builder = BatchBuilder([field("size", "integer")])
    >>> [problem.code for problem in builder.push({"size": "12"}) + builder.push({"size": "big"})]
    ['value/kind']
    >>> list(Rows(builder.fields, builder.finish()))
    [{'size': 12}, {}]
    """

    def __init__(self, fields: Sequence[Field]) -> None:
        self.fields = list(fields)
        self._columns: list[list[Any]] = [[] for _ in fields]
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def push(self, values: Union[Mapping[str, Any], Sequence[Any]]) -> list[Problem]:
        """Adds a row: a dictionary by keys, or a list with one value per field in their order.

        `None` and the empty text are missing values. What a column cannot hold is left out, and its problem
        (`value/kind`) is in the list that is returned.
        """
        if isinstance(values, Mapping):
            values = [values.get(field.key) for field in self.fields]
        if len(values) != len(self.fields):
            raise Problem("batch/columns", f"{len(values)} valeurs pour {len(self.fields)} colonnes")
        problems = []
        for field_, column, value in zip(self.fields, self._columns, values):
            try:
                column.append(_convert(field_.kind, value))
            except (ValueError, TypeError, OverflowError):
                message = f"« {value} » n'est pas une valeur de type {field_.kind} (colonne « {field_.key} »)"
                problems.append(Problem("value/kind", message))
                column.append(None)
        self._length += 1
        return problems

    def push_missing(self) -> None:
        """Adds a row without any value."""
        self.push([None] * len(self.fields))

    def finish(self) -> Batch:
        """The batch, as the contract has it."""
        columns = [_pack(field.kind, values) for field, values in zip(self.fields, self._columns)]
        return Batch(self._length, columns)


def batch_of(fields: Sequence[Field], rows: Iterable[Union[Mapping[str, Any], Sequence[Any]]]) -> Batch:
    """A batch of rows. What a column cannot hold is the problem `value/kind`."""
    builder = BatchBuilder(fields)
    for row in rows:
        problems = builder.push(row)
        if problems:
            raise problems[0]
    return builder.finish()


def _pack(kind: str, values: list[Any]) -> wire.WireColumn:
    present = [value is not None for value in values]
    valid = b"" if all(present) else _bitmap(present)
    if kind == "boolean":
        return wire.WireColumn(valid, wire.ColumnData_Bools(_bitmap(values)))
    cases = {
        "integer": wire.ColumnData_Ints,
        "number": wire.ColumnData_Floats,
        "date": wire.ColumnData_Days,
        "date-time": wire.ColumnData_Instants,
    }
    if kind in cases:
        return wire.WireColumn(valid, cases[kind]([0 if value is None else value for value in values]))
    encoded = [b"" if value is None else value.encode("utf-8", "replace") for value in values]
    offsets = [0, *accumulate(map(len, encoded))]
    return wire.WireColumn(valid, wire.ColumnData_Texts(wire.Texts(offsets, b"".join(encoded))))


def _convert(kind: str, value: Any) -> Any:
    """A value as a column of this kind holds it, `None` when missing; raises when it cannot be."""
    if value is None or value == "":
        return None
    if kind == "integer":
        return _integer(value)
    if kind == "number":
        number = float(value) if not isinstance(value, bool) else math.nan
        return _checked(number, math.isfinite(number))
    if kind == "boolean":
        known = value if isinstance(value, bool) else {"true": True, "false": False}.get(value)
        return _checked(known, known is not None)
    if kind == "date":
        day = (value - _EPOCH).days if type(value) is date else parse_day(value)
        return _checked(day, day is not None)
    if kind == "date-time":
        instant = parse_instant(value.isoformat() if isinstance(value, datetime) else value)
        return _checked(instant, instant is not None)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _integer(value: Any) -> int:
    whole = int(value)
    is_sound = not isinstance(value, bool) and (isinstance(value, str) or whole == value)
    return _checked(whole, is_sound and -_INTEGER_MAX <= whole < _INTEGER_MAX)


def _checked(value: Any, is_sound: bool) -> Any:
    if not is_sound:
        raise ValueError(value)
    return value
