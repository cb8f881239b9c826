"""`Problem`: what a person is told when something expected goes wrong."""

from __future__ import annotations

import json
import traceback
from typing import Any, Optional

from ._types import Err, WireProblem


class Problem(Exception):
    """Something a person must be told. Raise it: it is an answer, not a crash.

    Codes are open strings (`config/invalid`, `remote/status`, `input/missing`, `cancelled`); those that start with `denied/`
    come from the host and mean that a grant is missing.

    >>> Problem.config("/url", "L'adresse est vide.").field
    '/url'
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        field: Optional[str] = None,
        retry_after_ms: Optional[int] = None,
        details: Any = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field
        self.retry_after_ms = retry_after_ms
        self.details = details

    @staticmethod
    def config(field: str, message: str) -> Problem:
        """A problem of the configuration, at a field named by JSON pointer (`/url`): the form shows the text there."""
        return Problem("config/invalid", message, field=field)

    @staticmethod
    def of(raised: BaseException) -> Problem:
        """What was raised, as a problem: one of ours or of the host as it is, anything else as a bug of the plugin."""
        if isinstance(raised, Problem):
            return raised
        if isinstance(raised, Err) and hasattr(raised.value, "code"):
            return Problem.from_wire(raised.value)
        trace = "".join(traceback.format_exception(raised)).strip()
        what = f"{type(raised).__name__}: {raised}"
        return Problem("plugin/exception", f"L'extension a échoué : {what}", details={"stack": trace})

    @staticmethod
    def from_wire(wire: WireProblem) -> Problem:
        """A problem of the host."""
        try:
            details = None if wire.details is None else json.loads(wire.details)
        except ValueError:
            details = wire.details
        retry = wire.retry_after_ms
        return Problem(wire.code, wire.message, field=wire.field, retry_after_ms=retry, details=details)

    def to_wire(self) -> WireProblem:
        """The record of the contract."""
        details = None if self.details is None else json.dumps(self.details, ensure_ascii=False)
        return WireProblem(self.code, self.message, self.field, self.retry_after_ms, details)
