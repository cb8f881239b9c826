"""The host, as the contract's interfaces: in a plugin the platform's, in a test those of `FakeHost`."""

from __future__ import annotations

from typing import Any, Callable, TypeVar

from ._types import Err
from .problem import Problem

T = TypeVar("T")

# What makes an interface part of a plugin's world; `build` links no other.
_ASKED_BY = {
    "http": "[http.<nom>]",
    "state": "[state]",
    "datasets": "[slots.<nom>]",
    "reference": "[slots.<nom>]",
    "source": "[slots.source]",
}

_interfaces: dict[str, Any] = {}


def attach(interfaces: dict[str, Any]) -> dict[str, Any]:
    """Sets who answers, and returns who did before."""
    global _interfaces
    before, _interfaces = _interfaces, interfaces
    return before


def interface(name: str) -> Any:
    """An interface of the host; `denied/<name>` where the plugin has none."""
    found = _interfaces.get(name)
    if found is None:
        asked = _ASKED_BY.get(name)
        how = f" : ajoutez {asked} à plugin.toml" if asked else " pour ce type d'extension"
        raise Problem(f"denied/{name}", f"« {name} » n'est pas demandé{how}.")
    return found


def ask(call: Callable[..., T], *args: Any) -> T:
    """Calls the host; what it refuses is raised as a `Problem`."""
    try:
        return call(*args)
    except Err as refused:
        raise Problem.of(refused) from None
