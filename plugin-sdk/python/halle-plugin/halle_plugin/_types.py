"""Types of the contract (`wit/base/1`, `wit/host/1`).

Inside a component they are those that its bindings were generated with, so that nothing is copied at the border; in a test,
twins of the same shape.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional

try:
    from componentize_py_types import Err
    from wit_world.imports.types import (  # type: ignore[import-not-found]
        Batch,
        Column as WireColumn,
        ColumnData_Bools,
        ColumnData_Bytes,
        ColumnData_Days,
        ColumnData_Floats,
        ColumnData_Instants,
        ColumnData_Ints,
        ColumnData_Texts,
        Field,
        Problem as WireProblem,
        Texts,
    )
except ImportError:

    @dataclass(frozen=True)
    class Err(Exception):  # type: ignore[no-redef]
        """A failure, as bindings raise it."""

        value: Any

    @dataclass
    class WireProblem:  # type: ignore[no-redef]
        """A problem, as the contract has it."""

        code: str
        message: str
        field: Optional[str]
        retry_after_ms: Optional[int]
        details: Optional[str]

    @dataclass
    class Field:  # type: ignore[no-redef]
        """A column: its key, what it holds, and what else is known."""

        key: str
        kind: str
        nullable: bool
        title: Optional[str]
        concept: Optional[str]

    @dataclass
    class Texts:  # type: ignore[no-redef]
        """Texts one after the other: value `i` is `data[offsets[i]:offsets[i + 1]]`."""

        offsets: list[int]
        data: bytes

    @dataclass
    class ColumnData_Bools:  # type: ignore[no-redef]  # noqa: N801
        """Truth values, one bit each, least significant first."""

        value: bytes

    @dataclass
    class ColumnData_Ints:  # type: ignore[no-redef]  # noqa: N801
        """Whole numbers."""

        value: list[int]

    @dataclass
    class ColumnData_Floats:  # type: ignore[no-redef]  # noqa: N801
        """Numbers."""

        value: list[float]

    @dataclass
    class ColumnData_Texts:  # type: ignore[no-redef]  # noqa: N801
        """UTF-8 texts; JSON for objects."""

        value: Texts

    @dataclass
    class ColumnData_Bytes:  # type: ignore[no-redef]  # noqa: N801
        """Byte strings."""

        value: Texts

    @dataclass
    class ColumnData_Days:  # type: ignore[no-redef]  # noqa: N801
        """Days since 1970-01-01."""

        value: list[int]

    @dataclass
    class ColumnData_Instants:  # type: ignore[no-redef]  # noqa: N801
        """Milliseconds since 1970."""

        value: list[int]

    @dataclass
    class WireColumn:  # type: ignore[no-redef]
        """A column of a batch."""

        valid: bytes
        data: Any

    @dataclass
    class Batch:  # type: ignore[no-redef]
        """Some rows, by columns."""

        rows: int
        columns: list[WireColumn]


try:
    from wit_world.imports.messages import (  # type: ignore[import-not-found]
        Request as WireRequest,
        Response as WireResponse,
    )
except ImportError:

    @dataclass
    class WireRequest:  # type: ignore[no-redef]
        """A request, as the contract has it."""

        method: str
        url: str
        headers: list[tuple[str, str]]
        body: Optional[bytes]
        auth: Optional[str]
        timeout_ms: Optional[int]
        max_bytes: Optional[int]

    @dataclass
    class WireResponse:  # type: ignore[no-redef]
        """An answer, as the contract has it."""

        status: int
        headers: list[tuple[str, str]]
        body: bytes
        truncated: bool
