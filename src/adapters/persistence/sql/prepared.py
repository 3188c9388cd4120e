"""Fixed statements, compiled once for each database and run on the driver's cursor.

SQLAlchemy compiles the statement and gives the conversions of its types. Only the execution is without it, since its
bookkeeping takes longer than SQLite does. Errors are the same as SQLAlchemy's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from operator import itemgetter
from typing import Any, Final, NoReturn

from sqlalchemy import JSON, Connection, Dialect, Insert, Select, Update, exc
from sqlalchemy.types import TypeEngine

from adapters.persistence.sql.documents import to_json

Values = Mapping[str, Any]
_Convert = Callable[[Any], Any]

_POSTGRESQL: Final = "postgresql"


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A statement in one database's SQL, for one set of parameters."""

    sql: str
    encoded: bytes
    # Takes the parameters' values, in the statement's order.
    in_order: Callable[[Values], tuple[Any, ...]]
    # The positions of the parameters whose values are converted.
    binds: tuple[tuple[int, _Convert], ...]
    # The positions of the columns whose values are converted.
    results: tuple[tuple[int, _Convert], ...]

    def parameters(self, values: Values) -> list[Any]:
        parameters = [*self.in_order(values)]
        for place, convert in self.binds:
            parameters[place] = convert(parameters[place])
        return parameters

    def converted(self, rows: list[list[Any]]) -> list[list[Any]]:
        for row in rows:
            for position, convert in self.results:
                row[position] = convert(row[position])
        return rows


class Prepared:
    """One statement, whose every varying value is a parameter. It has no lists of values (expanding parameters).

    A connection whose statements are observed by listeners executes it in the ordinary way, so that they see it.
    """

    def __init__(self, statement: Select[Any] | Insert | Update) -> None:
        self._statement: Final = statement
        self._compiled: dict[tuple[str, tuple[str, ...]], _Compiled] = {}

    def all(self, connection: Connection, values: Values) -> list[Any]:
        """The rows, as sequences of the columns' values; those that a RETURNING gives are the driver's."""
        if not self._may_bypass(connection):
            return list(connection.execute(self._statement, values).all())
        compiled = self._of(connection, values)
        found, _ = _execute(connection, compiled, [compiled.parameters(values)])
        return compiled.converted(found)

    def run(self, connection: Connection, *rows: Values) -> int:
        """Executes the statement once for each row of values, which all have the same names. Returns the number of rows
        that it changed.
        """
        if not self._may_bypass(connection):
            return connection.execute(self._statement, rows if len(rows) > 1 else rows[0]).rowcount
        compiled = self._of(connection, rows[0])
        _, changed = _execute(connection, compiled, [compiled.parameters(row) for row in rows])
        return changed

    def run_later(self, connection: Connection, *rows: Values) -> None:
        """As `run`, but where the driver can do it, with the next statement or the commit: its errors come then."""
        # SQLite has no round trips.
        if connection.dialect.name == _POSTGRESQL and self._may_bypass(connection):
            compiled = self._of(connection, rows[0])
            driver: Any = connection.connection.driver_connection
            driver.leave_for_later(compiled.encoded, *(compiled.parameters(row) for row in rows))
        else:
            self.run(connection, *rows)

    def _may_bypass(self, connection: Connection) -> bool:
        """Not where listeners wait for its statements, nor for a change that would begin its transaction."""
        listeners = connection.engine.dispatch
        if listeners.before_cursor_execute or listeners.after_cursor_execute:
            return False
        return isinstance(self._statement, Select) or connection.in_transaction()

    def _of(self, connection: Connection, values: Values) -> _Compiled:
        key = (connection.dialect.name, tuple(values))
        compiled = self._compiled.get(key)
        if compiled is None:
            compiled = self._compiled[key] = _compile(self._statement, connection.dialect, sorted(values))
        return compiled


def execute_sql(connection: Connection, sql: str) -> None:
    """Executes a statement without parameters or rows, such as SAVEPOINT, which listeners do not see."""
    cursor = connection.connection.cursor()
    try:
        cursor.execute(sql)
    except Exception as failure:
        _raise(connection, sql, failure)
    cursor.close()


def _execute(connection: Connection, compiled: _Compiled, rows: list[list[Any]]) -> tuple[list[list[Any]], int]:
    """The rows that the last execution found, and the number of rows that all found or changed."""
    try:
        if connection.dialect.name == _POSTGRESQL:
            # A PostgresConnection, as all of its engines have. The module is not imported here (there it says why).
            driver: Any = connection.connection.driver_connection
            answer: tuple[list[list[Any]], int] = driver.run(compiled.encoded, *rows)
            return answer
        cursor = connection.connection.cursor()
        if len(rows) == 1:
            cursor.execute(compiled.sql, rows[0])
        else:
            cursor.executemany(compiled.sql, rows)
        found, changed = cursor.fetchall(), cursor.rowcount
        cursor.close()
    except Exception as failure:
        _raise(connection, compiled.sql, failure)
    return [list(row) for row in found], changed


def _compile(statement: Select[Any] | Insert | Update, dialect: Dialect, names: list[str]) -> _Compiled:
    of_values = None if isinstance(statement, Select) else names
    spelling = _postgresql_spelling(dialect) if dialect.name == _POSTGRESQL else dialect
    compiled: Any = statement.compile(dialect=spelling, column_keys=of_values)
    order: Sequence[str] = compiled.positiontup
    return _Compiled(
        sql=str(compiled),
        encoded=str(compiled).encode(),
        in_order=_getter(order),
        binds=tuple(
            (place, convert)
            for place, name in enumerate(order)
            if (convert := _bind_processor(compiled.binds[name].type, dialect)) is not None
        ),
        results=tuple(
            (position, convert)
            for position, column in enumerate(statement.selected_columns if isinstance(statement, Select) else ())
            if (convert := column.type.dialect_impl(dialect).result_processor(dialect, None)) is not None
        ),
    )


def _bind_processor(kind: TypeEngine[Any], dialect: Dialect) -> _Convert | None:
    if isinstance(kind, JSON) and kind.none_as_null and dialect.name == _POSTGRESQL:
        # SQLAlchemy's would wrap it for the driver, which would write it.
        return _json_or_null
    return kind.dialect_impl(dialect).bind_processor(dialect)


def _json_or_null(document: Any) -> str | None:
    return None if document is None else to_json(document)


@cache
def _postgresql_spelling(dialect: Dialect) -> Dialect:
    """The same, with libpq's placeholders instead of the driver's."""
    kind: Any = type(dialect)
    spelling: Dialect = kind(paramstyle="numeric_dollar")
    return spelling


def _getter(names: Sequence[str]) -> Callable[[Values], tuple[Any, ...]]:
    # itemgetter gives a single item as it is.
    return itemgetter(*names) if len(names) > 1 else lambda values: tuple([values[name] for name in names])


def _raise(connection: Connection, sql: str, failure: Exception) -> NoReturn:
    """Raises SQLAlchemy's error for the driver's, and gives up a connection that is broken."""
    dialect = connection.dialect
    errors: Any = dialect.loaded_dbapi.Error
    if not isinstance(failure, errors):
        raise failure
    is_gone = dialect.is_disconnect(failure, connection.connection.driver_connection, None)
    if is_gone:
        connection.invalidate(failure)
    # Errors are logged, and parameters hold personal data.
    raise exc.DBAPIError.instance(
        sql, None, failure, errors, hide_parameters=True, connection_invalidated=is_gone, dialect=dialect
    ) from failure
