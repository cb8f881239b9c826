"""Schemas of configurations, without writing JSON: what stands in `[config]` of `plugin.toml`. For tests of plugins.

>>> from halle_plugin import schema
>>> config = (
...     schema.Schema()
...     .required("url", schema.egress("Adresse", "Address").pattern("^https://"))
...     .optional("rows", schema.integer("Lignes par page", "Rows per page").range(1, 1000).default(100))
... )
>>> config.check_manifest('[plugin]\\nid = "x"\\n\\n' + config.to_toml())
>>> config.check_manifest("[config]")
Traceback (most recent call last):
...
AssertionError: [config] of plugin.toml is not the schema. It should be:
...
"""

from __future__ import annotations

import json
import re
from typing import Any, Iterable


class Schema:
    """The schema of a configuration: an object with these fields and no others."""

    def __init__(self) -> None:
        self._required: list[str] = []
        self._fields: dict[str, Any] = {}

    def required(self, name: str, field: Field) -> Schema:
        """With a field that must be there."""
        self._required.append(name)
        return self.optional(name, field)

    def optional(self, name: str, field: Field) -> Schema:
        """With a field that may be left out."""
        self._fields[name] = field.to_json()
        return self

    def to_json(self) -> dict[str, Any]:
        """As a JSON Schema."""
        required = {"required": list(self._required)} if self._required else {}
        return {"type": "object", **required, "additionalProperties": False, "properties": dict(self._fields)}

    def to_toml(self) -> str:
        """As the table `[config]` of `plugin.toml`."""
        return _table("config", self.to_json())

    def check_manifest(self, manifest: str) -> None:
        """Compares with the table `[config]` of a manifest. The `AssertionError` has what should stand there."""
        expected = self.to_toml()
        if _found("config", manifest) != expected:
            raise AssertionError(f"[config] of plugin.toml is not the schema. It should be:\n\n{expected}")


class Field:
    """A field of a form. Each method answers another field."""

    def __init__(self, keywords: dict[str, Any]) -> None:
        self._keywords = keywords

    def to_json(self) -> dict[str, Any]:
        """As a JSON Schema."""
        return dict(self._keywords)

    def with_keyword(self, keyword: str, value: Any) -> Field:
        """With any other keyword of JSON Schema."""
        return Field({**self._keywords, keyword: value})

    def description(self, french: str, english: str) -> Field:
        """With a sentence below it, in French and in English."""
        return self._texts("description", french, english)

    def range(self, minimum: float, maximum: float) -> Field:
        """With bounds, both included."""
        return self.with_keyword("minimum", minimum).with_keyword("maximum", maximum)

    def default(self, value: Any) -> Field:
        """With what the form begins with. What is left out is left out: read it with the same default."""
        return self.with_keyword("default", value)

    def pattern(self, pattern: str) -> Field:
        """With a regular expression that a text must match, somewhere in it unless it says `^` and `$`."""
        return self.with_keyword("pattern", pattern)

    def _texts(self, keyword: str, french: str, english: str) -> Field:
        return self.with_keyword(keyword, french).with_keyword(f"x-i18n-{keyword}", {"fr": french, "en": english})


def text(french: str, english: str) -> Field:
    """A text."""
    return _titled("string", french, english)


def secret(french: str, english: str) -> Field:
    """A text that nobody must see; the plugin gets its name."""
    return text(french, english).with_keyword("x-secret", True)


def egress(french: str, english: str) -> Field:
    """An address that the plugin calls: name it in `[http.<name>]` with `from-config`."""
    return text(french, english).with_keyword("x-egress", True)


def integer(french: str, english: str) -> Field:
    """A whole number."""
    return _titled("integer", french, english)


def number(french: str, english: str) -> Field:
    """A number."""
    return _titled("number", french, english)


def boolean(french: str, english: str) -> Field:
    """Yes or no."""
    return _titled("boolean", french, english)


def choice(french: str, english: str, choices: Iterable[tuple[str, str, str]]) -> Field:
    """One out of some texts: what is stored, and its title in French and in English."""
    described = [{"const": value, "title": fr, "x-i18n-title": {"fr": fr, "en": en}} for value, fr, en in choices]
    return text(french, english).with_keyword("oneOf", described)


def dataset(french: str, english: str) -> Field:
    """A dataset, for visualisations: `{"id", "title"}`."""
    names = {"id": {"type": "string"}, "title": {"type": "string"}}
    return _titled("object", french, english).with_keyword("required", ["id"]).with_keyword("properties", names)


def list_of(french: str, english: str, of: Field) -> Field:
    """Any number of such fields. Secrets and addresses have no name in a list, and may not stand there."""
    return _titled("array", french, english).with_keyword("items", of.to_json())


def group(french: str, english: str, fields: Schema) -> Field:
    """Fields under a title of their own."""
    return Field({**_titled("object", french, english).to_json(), **fields.to_json()})


def _titled(kind: str, french: str, english: str) -> Field:
    return Field({"type": kind})._texts("title", french, english)


def _table(path: str, schema: dict[str, Any]) -> str:
    """A table of TOML and those below it: a table per property, other values in a line."""
    lines = [f"{_key(name)} = {_inline(value)}\n" for name, value in schema.items() if name != "properties"]
    below = [
        "\n" + _table(f"{path}.properties.{_key(name)}", property_)
        for name, property_ in schema.get("properties", {}).items()
    ]
    return "".join([f"[{path}]\n", *lines, *below])


def _found(name: str, manifest: str) -> str:
    """The table of this name and those below it, as a manifest has them."""
    is_there = False
    kept = []
    for line in manifest.splitlines():
        if line.startswith("["):
            is_there = line.startswith((f"[{name}]", f"[{name}."))
        if is_there:
            kept.append(line.rstrip())
    joined = "\n".join(kept).rstrip()
    return f"{joined}\n" if joined else ""


def _inline(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    if isinstance(value, dict):
        entries = ", ".join(f"{_key(name)} = {_inline(entry)}" for name, entry in value.items())
        return f"{{ {entries} }}" if entries else "{}"
    return _quoted(value) if isinstance(value, str) else json.dumps(value)


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _quoted(name)


def _quoted(text_: str) -> str:
    """A basic string of TOML has the escapes of JSON, and one more."""
    return json.dumps(text_, ensure_ascii=False).replace("\x7f", "\\u007f")
