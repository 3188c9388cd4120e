"""SQL conditions for criteria that an index of the state file can answer, so that fewer records are read."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from braintree_twin.params import Params
from braintree_twin.search.operators import iso_timestamp
from braintree_twin.xml_reader import Value

Condition = tuple[str, str]
# SQL conditions that every match meets; True if they decide alone, so that no record has to be read.
Lookup = Callable[[Value], tuple[list[Condition], bool]]

_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
UNINDEXED: tuple[list[Condition], bool] = ([], False)


def text_column(column: str) -> Lookup:
    """Equality on a case-insensitive column."""

    def lookup(value: Value) -> tuple[list[Condition], bool]:
        wanted = value.get("is") if isinstance(value, dict) else None
        return ([(f"{column} = ?", wanted)], False) if isinstance(wanted, str) and wanted.isascii() else UNINDEXED

    return lookup


_PATTERNS = {"is": "{}", "starts_with": "{}%", "ends_with": "%{}", "contains": "%{}%"}


def like_column(column: str) -> Lookup:
    """Any text operator but is_not, on a case-insensitive column."""

    def lookup(value: Value) -> tuple[list[Condition], bool]:
        if not isinstance(value, dict) or value.keys() == {"is"}:
            return text_column(column)(value)
        return [
            (f"{column} LIKE ? ESCAPE '\\'", _PATTERNS[operator].format(_escaped(wanted)))
            for operator, wanted in value.items()
            if operator in _PATTERNS and isinstance(wanted, str) and wanted.isascii()
        ], False

    return lookup


def in_document(value: Value) -> tuple[list[Condition], bool]:
    """A match contains the text somewhere in its JSON document: SQLite skips the other records."""
    if not isinstance(value, dict):
        return UNINDEXED
    return [
        ("document LIKE ? ESCAPE '\\'", f"%{_escaped(wanted)}%")
        for operator, wanted in value.items()
        if operator in _PATTERNS and isinstance(wanted, str) and _PLAIN.fullmatch(wanted)
    ], False


def amount_field(name: str) -> Lookup:
    """Bounds on an amount in the document. They are floats, so the exact test follows."""

    def lookup(value: Value) -> tuple[list[Condition], bool]:
        bounds = value if isinstance(value, dict) else {}
        known = f"CAST(json_extract(document, '$.{name}') AS REAL)"
        return [
            (f"{known} {_SIGNS[sign]} CAST(? AS REAL)", bound)
            for sign, bound in bounds.items()
            if isinstance(bound, str)
        ], False

    return lookup


_SIGNS = {"min": ">=", "max": "<=", "is": "="}

# Characters that JSON does not escape.
_PLAIN = re.compile(r"[ !#-\[\]-~]+", re.ASCII)


def _escaped(wanted: str) -> str:
    return re.sub(r"([%_\\])", r"\\\1", wanted)


def id_column(column: str) -> Lookup:
    """Equality on a column of ids: as given, or in lower case as the gateway draws them."""

    def lookup(value: Value) -> tuple[list[Condition], bool]:
        wanted = value.get("is") if isinstance(value, dict) else None
        return ([_among(column, [wanted, wanted.lower()])], False) if isinstance(wanted, str) else UNINDEXED

    return lookup


def list_column(column: str) -> Lookup:
    """A column with one of the listed values."""

    def lookup(value: Value) -> tuple[list[Condition], bool]:
        return [_among(column, Params({"values": value}).texts("values"))], True

    return lookup


def time_column(column: str) -> Lookup:
    """Bounds on a column of times, if they are in whole seconds."""

    def lookup(value: Value) -> tuple[list[Condition], bool]:
        bounds = value if isinstance(value, dict) else {}
        given = {name: iso_timestamp(bound) for name, bound in bounds.items() if isinstance(bound, str)}
        exact = all(_STAMP.fullmatch(bound) for bound in given.values())
        return ([(f"{column} {_SIGNS[name]} ?", bound) for name, bound in given.items()], True) if exact else UNINDEXED

    return lookup


def _among(column: str, values: list[str]) -> Condition:
    return f"{column} IN (SELECT value FROM json_each(?))", json.dumps(values)  # noqa: S608
