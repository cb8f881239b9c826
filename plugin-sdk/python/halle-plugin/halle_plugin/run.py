"""Speaking to whoever watches: log, progress, cancellation."""

from __future__ import annotations

import json
from typing import Any, Optional

from .host import ask, interface
from .problem import Problem


def _emit(level: str, message: object, fields: dict[str, object]) -> None:
    log = interface("log")
    ask(log.emit, log.Level[level], str(message), [(name, str(value)) for name, value in fields.items()])


def debug(message: object, **fields: object) -> None:
    """Writes to the log, for operators. `fields` are shown beside the message."""
    _emit("DEBUG", message, fields)


def info(message: object, **fields: object) -> None:
    """Writes to the log: progress in words."""
    _emit("INFO", message, fields)


def warn(message: object, **fields: object) -> None:
    """Writes to the log: something to look at."""
    _emit("WARN", message, fields)


def error(message: object, **fields: object) -> None:
    """Writes to the log: something went wrong."""
    _emit("ERROR", message, fields)


def task(name: str, total: Optional[int] = None) -> None:
    """Begins a task, and ends the one before; `total` steps if anybody knows."""
    ask(interface("progress").task, name, total)


def advance(done: int) -> None:
    """Tells the steps done of the task, from its beginning."""
    ask(interface("progress").advance, done)


def check_cancelled() -> None:
    """Raises the problem `cancelled` once somebody asked the run to stop. Call it between two pieces of work."""
    if ask(interface("cancel").requested):
        raise Problem("cancelled", "Arrêt demandé.")


def remaining_ms() -> int:
    """Milliseconds until the host stops the plugin."""
    return ask(interface("cancel").remaining_ms)


def config() -> Any:
    """The configuration, valid against the manifest's schema; where a secret is set, its name."""
    return json.loads(ask(interface("config").get))


def secret_names() -> list[str]:
    """Names of the granted secrets that have a value, for `request(..., auth=...)`."""
    return ask(interface("secrets").names)
