"""Fixed statements, compiled once for each database and run on the driver's cursor.

SQLAlchemy compiles the statement and gives the conversions of its types. Only the execution is without it, since its
bookkeeping takes longer than SQLite does. Errors are the same as SQLAlchemy's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Final, NoReturn

from sqlalchemy import Connection, Dialect, Insert, Select, Update, exc

Values = Mapping[str, Any]
_Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A statement in one database's SQL, for one set of parameters."""

    sql: str
    # Takes the parameters' values, in the statement's order. None: the driver takes them by name.
    in_order: Callable[[Values], tuple[Any, ...]] | None
    # The positions or names of the parameters whose values are converted.
    binds: tuple[tuple[Any, _Convert], ...]
    # The positions of the columns whose values are converted.
    results: tuple[tuple[int, _Convert], ...]

    def parameters(self, values: Values) -> Any:
        parameters: Any = dict(values) if self.in_order is None else [*self.in_order(values)]
        for place, convert in self.binds:
            parameters[place] = convert(parameters[place])
        return parameters

    def rows(self, found: Sequence[Sequence[Any]]) -> list[list[Any]]:
        rows = [list(row) for row in found]
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
        compiled, cursor = self._of(connection, values), _cursor(connection)
        try:
            cursor.execute(compiled.sql, compiled.parameters(values))
            found = cursor.fetchall()
        except Exception as failure:
            _raise(connection, cursor, compiled.sql, failure)
        cursor.close()
        return compiled.rows(found) if found else []

    def run(self, connection: Connection, *rows: Values) -> int:
        """Executes the statement once for each row of values, which all have the same names. Returns the number of rows
        that it changed.
        """
        if not self._may_bypass(connection):
            return connection.execute(self._statement, rows if len(rows) > 1 else rows[0]).rowcount
        compiled, cursor = self._of(connection, rows[0]), _cursor(connection)
        try:
            if len(rows) == 1:
                cursor.execute(compiled.sql, compiled.parameters(rows[0]))
            else:
                cursor.executemany(compiled.sql, [compiled.parameters(row) for row in rows])
            changed: int = cursor.rowcount
        except Exception as failure:
            _raise(connection, cursor, compiled.sql, failure)
        cursor.close()
        return changed

    def run_later(self, connection: Connection, *rows: Values) -> None:
        """As `run`, but where the driver can do it, with the next statement or the commit: its errors come then."""
        # SQLite has no round trips.
        if connection.dialect.name == "postgresql" and self._may_bypass(connection):
            # PostgreSQL's connections can (postgres_connection.py).
            leave_for_later = getattr(connection.connection.driver_connection, "leave_for_later", None)
            if leave_for_later is not None:
                compiled = self._of(connection, rows[0])
                leave_for_later(compiled.sql, [compiled.parameters(row) for row in rows])
                return
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
    cursor = _cursor(connection)
    try:
        cursor.execute(sql)
    except Exception as failure:
        _raise(connection, cursor, sql, failure)
    cursor.close()


def _compile(statement: Select[Any] | Insert | Update, dialect: Dialect, names: list[str]) -> _Compiled:
    of_values = None if isinstance(statement, Select) else names
    compiled: Any = statement.compile(dialect=dialect, column_keys=of_values)
    order: Sequence[str] = compiled.positiontup if compiled.positional else tuple(compiled.binds)
    return _Compiled(
        sql=str(compiled),
        in_order=_getter(order) if compiled.positional else None,
        binds=tuple(
            (place if compiled.positional else name, convert)
            for place, name in enumerate(order)
            if (convert := compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect)) is not None
        ),
        results=tuple(
            (position, convert)
            for position, column in enumerate(statement.selected_columns if isinstance(statement, Select) else ())
            if (convert := column.type.dialect_impl(dialect).result_processor(dialect, None)) is not None
        ),
    )


def _getter(names: Sequence[str]) -> Callable[[Values], tuple[Any, ...]]:
    # itemgetter gives a single item as it is.
    return itemgetter(*names) if len(names) > 1 else lambda values: tuple([values[name] for name in names])


def _cursor(connection: Connection) -> Any:
    return connection.connection.cursor()


def _raise(connection: Connection, cursor: Any, sql: str, failure: Exception) -> NoReturn:
    """Raises SQLAlchemy's error for the driver's, and gives up a connection that is broken."""
    dialect = connection.dialect
    errors: Any = dialect.loaded_dbapi.Error
    if not isinstance(failure, errors):
        raise failure
    is_gone = dialect.is_disconnect(failure, connection.connection.driver_connection, cursor)
    if is_gone:
        connection.invalidate(failure)
    # Errors are logged, and parameters hold personal data.
    raise exc.DBAPIError.instance(
        sql, None, failure, errors, hide_parameters=True, connection_invalidated=is_gone, dialect=dialect
    ) from failure
