"""Connections for single statements that read SQLite. One is kept for the next, which costs less than the pool."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Connection, Engine

from adapters.persistence.sql.engine import SQLITE_BEGIN

# One statement sees one moment without a transaction, which saves BEGIN and COMMIT.
_NO_TRANSACTION: Final[dict[str, Any]] = {SQLITE_BEGIN: ""}


class SingleReads:
    """Safe for many threads: each use has a connection of its own."""

    def __init__(self, engine: Engine, *, keeps_connection: bool) -> None:
        """keeps_connection: keeps one until `close`; the pool needs others."""
        self._engine = engine
        self._most_kept = 1 if keeps_connection else 0
        self._kept: list[Connection] = []

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection without a transaction. It goes back to the pool if its use fails."""
        try:
            connection = self._kept.pop()
        except IndexError:
            # An engine with options would look for its listeners in two places at each statement.
            connection = self._engine.connect().execution_options(**_NO_TRANSACTION)
        try:
            yield connection
            # SQLAlchemy's own: its statements begin one.
            if connection.in_transaction():
                connection.rollback()
        except BaseException:
            connection.close()
            raise
        if len(self._kept) < self._most_kept:
            self._kept.append(connection)
        else:
            connection.close()

    def __del__(self) -> None:
        """A store that is gone leaves no connection behind, which would keep SQLite's write-ahead log."""
        self.close()

    def close(self) -> None:
        """Closes the kept connection, if there is one."""
        while self._kept:
            kept = self._kept.pop()
            kept.detach()
            kept.close()
