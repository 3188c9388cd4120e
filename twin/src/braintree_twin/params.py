"""Reads a request's fields by name and type, so that no handler meets a list in place of a text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Self

from braintree_twin.errors import MalformedRequest
from braintree_twin.xml_reader import Fields, Value

_TRUE = ("true", "1")
# Card numbers and security codes: never echoed, never stored.
_SECRET = frozenset({"number", "cvv", "cryptogram"})


class Params:
    """One level of a request. Absent and empty fields read alike; `in` tells them apart."""

    __slots__ = ("_fields", "_path")

    def __init__(self, fields: Mapping[str, Value] | None = None, path: str = "") -> None:
        self._fields = fields or {}
        self._path = path

    @classmethod
    def of(cls, document: Mapping[str, Value], root: str) -> Self:
        """The fields below the root element; none if the root has another name."""
        return cls(document).section(root)

    def __contains__(self, name: str) -> bool:
        return name in self._fields

    def __bool__(self) -> bool:
        return bool(self._fields)

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def has(self, name: str) -> bool:
        """Whether the field has a value."""
        return self._fields.get(name) is not None

    def text(self, name: str) -> str | None:
        value = self._fields.get(name)
        if value is None or isinstance(value, str):
            return value
        raise MalformedRequest(f"{self._path}{name} must be text")

    def text_or_blank(self, name: str) -> str | None:
        """The text, which may be empty if it was sent so; `text` reads that as None."""
        blank = isinstance(self._fields, Fields) and name in self._fields.blank
        return "" if blank else self.text(name)

    def flag(self, name: str, default: bool = False) -> bool:
        value = self.text(name)
        return default if value is None else value.lower() in _TRUE

    def section(self, name: str) -> Self:
        value = self._fields.get(name)
        if value is None or value == []:
            return type(self)({}, f"{self._path}{name}.")
        if isinstance(value, dict):
            return type(self)(value, f"{self._path}{name}.")
        raise MalformedRequest(f"{self._path}{name} must be an element with fields in it")

    def sections(self, name: str) -> list[Self]:
        """The items of an array of elements; a single element reads as an array of one."""
        value = self._fields.get(name)
        if value is None:
            return []
        items: list[Value] = value if isinstance(value, list) else [value]
        if isinstance(value, dict) and len(value) == 1 and isinstance(next(iter(value.values())), dict | list):
            inner = next(iter(value.values()))
            items = inner if isinstance(inner, list) else [inner]
        return [type(self)({name: item}, self._path).section(name) for item in items]

    def texts(self, name: str) -> list[str]:
        """The items of an array of texts, without empty ones."""
        value = self._fields.get(name)
        if isinstance(value, dict) and len(value) == 1:
            value = next(iter(value.values()))
        items = value if isinstance(value, list) else [value]
        found = [item for item in items if item is not None]
        if all(isinstance(item, str) for item in found):
            return [item for item in found if isinstance(item, str)]
        raise MalformedRequest(f"{self._path}{name} must be an array of texts")

    def raw(self, name: str) -> Value:
        return self._fields.get(name)

    def echo(self) -> dict[str, Value]:
        """The fields that an error answer echoes: all but card numbers and security codes."""
        return _without_secrets(self._fields)


def _without_secrets(fields: Mapping[str, Value]) -> dict[str, Value]:
    return {name: _echoed(value) for name, value in fields.items() if name not in _SECRET}


def _echoed(value: Value) -> Value:
    if isinstance(value, dict):
        return _without_secrets(value)
    if isinstance(value, list):
        return [_echoed(item) for item in value]
    return value
