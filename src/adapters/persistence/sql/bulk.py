"""Statements for many rows or keys at once, whose text does not depend on their number.

They get all rows as one JSON text: one round trip, and nothing that PostgreSQL's driver does for each row.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    Connection,
    Insert,
    Select,
    Table,
    Text,
    Update,
    bindparam,
    cast,
    column,
    func,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.types import TypeDecorator

from adapters.persistence.sql.prepared import Prepared

_JSON: Final = "bulk_json"
_SQLITE: Final = "sqlite"
_POSTGRESQL: Final = "postgresql"


class BulkInsert:
    """Inserts rows. Of those that exist, it changes the given columns, if any. Waits for a concurrent insertion of the
    same row.

    The values are as the database has them: no type decorator converts them. Each row is given once.
    """

    def __init__(self, table: Table, *, replaced: Iterable[str] = (), added: Iterable[str] = ()) -> None:
        """replaced: the columns that get the new values. added: those to which the new values are added."""
        # SQLite's driver inserts faster row by row.
        self._of_each: Final = Prepared(_or_change(_of_each(table), replaced, added))
        self._of_all: Final = Prepared(_or_change(_of_all(table), replaced, added))

    def run(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> int:
        """Returns the number of inserted and changed rows."""
        if not rows:
            return 0
        if connection.dialect.name != _POSTGRESQL:
            return self._of_each.run(connection, *rows)
        text = json.dumps(rows, default=_hexadecimal, separators=(",", ":"))
        return self._of_all.run(connection, {_JSON: text})


class OfKeys:
    """A query that has a set of keys as its parameter."""

    def __init__(self, build: Callable[[Select[Any]], Select[Any]]) -> None:
        """build: makes the query, given the subquery of the keys."""
        self._each: Final = {name: Prepared(build(keys)) for name, keys in _KEYS.items()}

    def all(self, connection: Connection, keys: Iterable[str]) -> list[Any]:
        return self._each[connection.dialect.name].all(connection, {_JSON: json.dumps(list(keys))})


class OfNumbers:
    """A change that has numbers by keys as its parameter."""

    def __init__(self, build: Callable[[ColumnElement[str], ColumnElement[int]], Insert | Update]) -> None:
        """build: makes the change, given the key and its number."""
        self._each: Final = {
            name: Prepared(build(pairs.c.key, cast(pairs.c.value, BigInteger))) for name, pairs in _PAIRS.items()
        }

    def run(self, connection: Connection, numbers: Mapping[str, int]) -> int:
        """Returns the number of changed rows."""
        return self._each[connection.dialect.name].run(connection, {_JSON: json.dumps(numbers)})


def _given(type_: Any) -> Any:
    return cast(bindparam(_JSON, type_=Text), type_)


_KEYS: Final = {
    _SQLITE: select(func.json_each(_given(Text)).table_valued("value").c.value),
    _POSTGRESQL: select(func.json_array_elements_text(_given(JSON)).table_valued("value").c.value),
}
_PAIRS: Final = {
    _SQLITE: func.json_each(_given(Text)).table_valued("key", "value"),
    _POSTGRESQL: func.json_each_text(_given(JSON)).table_valued("key", "value"),
}


def _of_each(table: Table) -> sqlite.Insert:
    given = {one.name: bindparam(f"{one.name}", type_=_plain(one.type)) for one in table.c}
    return sqlite.insert(table).values(given)


def _of_all(table: Table) -> postgresql.Insert:
    names = [one.name for one in table.c]
    given = func.json_to_recordset(_given(JSON)).table_valued(*(column(one.name, _plain(one.type)) for one in table.c))
    rows = select(given.render_derived(with_types=True))
    return postgresql.insert(table).from_select(names, rows)


def _or_change(rows: sqlite.Insert | postgresql.Insert, replaced: Iterable[str], added: Iterable[str]) -> Insert:
    table, new = rows.table, rows.excluded
    values = {name: new[name] for name in replaced} | {name: table.c[name] + new[name] for name in added}
    if not values:
        return rows.on_conflict_do_nothing()
    return rows.on_conflict_do_update(index_elements=[one.name for one in table.primary_key], set_=values)


def _plain(type_: Any) -> Any:
    return type_.impl if isinstance(type_, TypeDecorator) else type_


def _hexadecimal(value: Any) -> str:
    """Bytes as PostgreSQL reads them from a text."""
    return f"\\x{value.hex()}"
