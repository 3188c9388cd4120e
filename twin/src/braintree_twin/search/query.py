"""Reads the criteria of a search, and asks the store for what an index can find.

A resource names its criteria in a table: name -> how it is read, what it looks at, what an index knows about it.
Reading a request checks it against the table, so that a criterion nobody knows is refused instead of ignored.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from braintree_twin.errors import InvalidSearch
from braintree_twin.params import Params
from braintree_twin.search.criteria import Test, Texts, iso_moment
from braintree_twin.state.store import Table
from braintree_twin.xml_in import Value

Record = TypeVar("Record")
Condition = tuple[str, str]
# SQL conditions that every match meets; True if they say everything, so that no record has to be read.
Lookup = Callable[[Value], tuple[list[Condition], bool]]

_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_NONE: tuple[list[Condition], bool] = ([], False)


def text_column(column: str) -> Lookup:
    """Equality on a column that is compared without regard to case."""

    def lookup(value: Value) -> tuple[list[Condition], bool]:
        wanted = value.get("is") if isinstance(value, dict) else None
        return ([(f"{column} = ?", wanted)], False) if isinstance(wanted, str) and wanted.isascii() else _NONE

    return lookup


_PATTERNS = {"is": "{}", "starts_with": "{}%", "ends_with": "%{}", "contains": "%{}%"}


def like_column(column: str) -> Lookup:
    """Any text operator but is_not, on a column that is compared without regard to case."""

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
    """Whatever has the text must have it somewhere in its document: SQLite skips the others unread."""
    if not isinstance(value, dict):
        return _NONE
    return [
        ("document LIKE ? ESCAPE '\\'", f"%{_escaped(wanted)}%")
        for operator, wanted in value.items()
        if operator in _PATTERNS and isinstance(wanted, str) and _PLAIN.fullmatch(wanted)
    ], False


def amount_field(name: str) -> Lookup:
    """Bounds on an amount in the document; as floats they leave nothing out, so that the exact test comes after."""

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

# What JSON writes as it is.
_PLAIN = re.compile(r"[ !#-\[\]-~]+", re.ASCII)


def _escaped(wanted: str) -> str:
    return re.sub(r"([%_\\])", r"\\\1", wanted)


def id_column(column: str) -> Lookup:
    """Equality on a column of ids: as they are asked for, or in lower case as the gateway draws them."""

    def lookup(value: Value) -> tuple[list[Condition], bool]:
        wanted = value.get("is") if isinstance(value, dict) else None
        return ([_among(column, [wanted, wanted.lower()])], False) if isinstance(wanted, str) else _NONE

    return lookup


def list_column(column: str) -> Lookup:
    """Any of a list of values."""

    def lookup(value: Value) -> tuple[list[Condition], bool]:
        return [_among(column, Params({"values": value}).texts("values"))], True

    return lookup


def time_column(column: str) -> Lookup:
    """From and until, in whole seconds."""

    def lookup(value: Value) -> tuple[list[Condition], bool]:
        bounds = value if isinstance(value, dict) else {}
        given = {name: iso_moment(bound) for name, bound in bounds.items() if isinstance(bound, str)}
        exact = all(_STAMP.fullmatch(bound) for bound in given.values())
        return ([(f"{column} {_SIGNS[name]} ?", bound) for name, bound in given.items()], True) if exact else _NONE

    return lookup


def _among(column: str, values: list[str]) -> Condition:
    return f"{column} IN (SELECT value FROM json_each(?))", json.dumps(values)  # noqa: S608


@dataclass(frozen=True, slots=True)
class Criterion(Generic[Record]):
    """How one criterion is read, what it looks at, and what an index can tell."""

    read: Callable[[Value, str], Test]
    values: Callable[[Record], Texts]
    lookup: Lookup | None = None


@dataclass(frozen=True, slots=True)
class Query(Generic[Record]):
    """A request's criteria, ready to be asked of records and of their table."""

    # Every criterion, and those of them that the conditions do not settle.
    tests: list[tuple[Callable[[Record], Texts], Test]]
    left: list[tuple[Callable[[Record], Texts], Test]]
    conditions: list[Condition]

    def matches(self, record: Record) -> bool:
        return all(test(values(record)) for values, test in self.tests)

    def find_keys(self, table: Table[Record], merchant_id: str, key: Callable[[Record], str], limit: int) -> list[str]:
        """The newest matches."""
        if not self.left:
            return table.keys(merchant_id, self.conditions, limit)
        found: list[str] = []
        for record in table.scan(merchant_id, self.conditions, newest_first=True):
            if all(test(values(record)) for values, test in self.left):
                found.append(key(record))
                if len(found) == limit:
                    break
        return found


def read_query(params: Params, criteria: Mapping[str, Criterion[Record]]) -> Query[Record]:
    query: Query[Record] = Query([], [], [])
    for name in params:
        criterion = criteria.get(name)
        if criterion is None:
            raise InvalidSearch(f"search: no criterion is called {name}")
        value = params.raw(name)
        test = criterion.values, criterion.read(value, name)
        conditions, exact = criterion.lookup(value) if criterion.lookup else _NONE
        query.tests.append(test)
        query.conditions.extend(conditions)
        if not exact:
            query.left.append(test)
    return query
