"""`Problem`: what a person is told when something expected goes wrong."""

from __future__ import annotations

import json
import traceback
from typing import Any, Literal, Optional

from ._types import Err, WireProblem


#: What an answer other than 2xx means for whoever asked; see `fault_of`.
Fault = Literal["unauthorized", "not-found", "busy", "failing", "refused"]

_MAY_PASS = ("busy", "failing")
# Codes of the host for exchanges that may succeed later.
_PASSING = ("remote/timeout", "remote/unreachable", "http/timeout", "http/connect", "limit/rate")
# When to ask again a server that does not say it.
_LATER_MS = 30_000


def fault_of(status: int) -> Optional[Fault]:
    """What a status means for whoever asked; `None` for 2xx.

    `unauthorized` (401, 403: a person has to act), `not-found` (404, 410), `busy` (429, 503: later), `failing` (any other 5xx:
    may pass), `refused` (it will not be otherwise if it is asked again).

    >>> fault_of(404)
    'not-found'
    """
    if 200 <= status < 300:
        return None
    if status in (401, 403):
        return "unauthorized"
    if status in (404, 410):
        return "not-found"
    if status in (429, 503):
        return "busy"
    return "failing" if 500 <= status < 600 else "refused"


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
    def of_answer(url: str, status: int, retry_after: Optional[str], said: str = "") -> Problem:
        """The problem `remote/status` of an answer other than 2xx; `said` is the beginning of what it says.

        One that may pass says when to ask again, so that a run or an import that ends with it is tried again by itself.
        """
        is_number = retry_after is not None and retry_after.isascii() and retry_after.isdecimal() and len(retry_after) < 10
        later = _LATER_MS if fault_of(status) in _MAY_PASS else None
        text = f" : {said.strip()}" if said.strip() else ""
        return Problem(
            "remote/status",
            f"{url} a répondu {status}{text}",
            retry_after_ms=int(retry_after or 0) * 1000 if is_number else later,
            details={"status": status},
        )

    @property
    def status(self) -> Optional[int]:
        """The status of the answer it is about, when it is `remote/status`."""
        status = self.details.get("status") if isinstance(self.details, dict) else None
        return status if self.code == "remote/status" and isinstance(status, int) else None

    @property
    def fault(self) -> Optional[Fault]:
        """What that answer means, as `fault_of` has it; `None` when it is about none."""
        return None if self.status is None else fault_of(self.status)

    @property
    def is_transient(self) -> bool:
        """Whether the same request may succeed later: a server that is busy or fails, or that was not reached."""
        return self.fault in _MAY_PASS or self.code in _PASSING

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
