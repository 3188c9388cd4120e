"""PostgreSQL's driver, with connections on which work waits without a thread.

Only engines of PostgreSQL import it: the driver and its libraries take nine megabytes.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import psycopg

from adapters import cooperation


class _Cursor(psycopg.Cursor[Any]):
    """Executes what was left for later before anything else, so that it sees it."""

    _conn: PostgresConnection

    def execute(self, *arguments: Any, **options: Any) -> Any:
        self._conn.execute_left()
        return super().execute(*arguments, **options)

    def executemany(self, *arguments: Any, **options: Any) -> None:
        self._conn.execute_left()
        super().executemany(*arguments, **options)


class PostgresConnection(psycopg.Connection[Any]):
    """Waits in work without a thread, and sends what can be left for later with the commit, in one round trip."""

    _descriptor: cooperation.Descriptor | None = None

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.cursor_factory = _Cursor
        self._left: list[tuple[str, Any]] = []

    def leave_for_later(self, sql: str, rows: list[Any]) -> None:
        """Leaves a statement for later in the transaction: for each row of parameters one, whose result is not needed.
        Its errors come with the next statement or with the commit.
        """
        self._left.extend((sql, row) for row in rows)

    def execute_left(self) -> None:
        if self._left:
            with self.pipeline():
                self._send_left()

    def commit(self) -> None:
        if not self._left:
            super().commit()
            return
        with self.pipeline():
            self._send_left()
            super().commit()

    def rollback(self) -> None:
        self._left.clear()
        super().rollback()

    def _send_left(self) -> None:
        left, self._left = self._left, []
        with self.cursor() as cursor:
            for sql, row in left:
                cursor.execute(sql, row)

    def wait(self, gen: Generator[Any, Any, Any], *arguments: Any, **options: Any) -> Any:
        if not cooperation.is_cooperative():
            return super().wait(gen, *arguments, **options)
        if self._descriptor is None:
            self._descriptor = cooperation.Descriptor(self.pgconn.socket)
        try:
            wanted = next(gen)
            while True:
                wanted = gen.send(self._descriptor.wait(wanted))
        except StopIteration as end:
            return end.value
        except BaseException:
            # libpq may have closed the socket.
            self.leave()
            raise

    def leave(self) -> None:
        """Call it when the present work has done with the connection."""
        if self._descriptor is not None:
            self._descriptor.forget()
            self._descriptor = None

    def close(self) -> None:
        self.leave()
        super().close()


def connect_postgresql(_dialect: Any, _record: Any, arguments: Any, options: Any) -> psycopg.Connection[Any]:
    """Opens a connection on a thread, also where the pool replaces one that was lost."""
    return cooperation.on_thread(lambda: PostgresConnection.connect(*arguments, **options))


def leave_connection(connection: Any, _record: object) -> None:
    """For connections that go back to the pool. None: it is closed."""
    if isinstance(connection, PostgresConnection):
        connection.leave()
