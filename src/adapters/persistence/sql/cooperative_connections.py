"""Database connections on which work waits without a thread: the pool, and PostgreSQL's driver."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from typing import Any

import psycopg
from sqlalchemy import QueuePool
from sqlalchemy.pool.impl import sqla_queue  # type: ignore[attr-defined]

from adapters import cooperation


class _Queue:
    """The queue of a pool's unused connections, with as much of queue.Queue as the pool uses. LIFO, always."""

    def __init__(self, maxsize: int, use_lifo: bool) -> None:
        self.maxsize = maxsize
        self.use_lifo = use_lifo
        self._unused: deque[Any] = deque()
        self._count = cooperation.Semaphore(0)

    def qsize(self) -> int:
        return len(self._unused)

    def put(self, item: Any, block: bool) -> None:  # noqa: ARG002
        if len(self._unused) >= self.maxsize:
            raise sqla_queue.Full
        self._unused.append(item)
        self._count.release()

    def get(self, block: bool, timeout: float = 0.0) -> Any:
        if not self._count.acquire(timeout if block else 0.0):
            raise sqla_queue.Empty
        return self._unused.pop()


class ConnectionQueuePool(QueuePool):
    _queue_class = _Queue  # type: ignore[assignment]


class _Connection(psycopg.Connection[Any]):
    """Waits in work without a thread."""

    _descriptor: cooperation.Descriptor | None = None

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
    return cooperation.on_thread(lambda: _Connection.connect(*arguments, **options))


def leave_connection(connection: Any) -> None:
    """For connections that go back to the pool. None: it is closed."""
    if isinstance(connection, _Connection):
        connection.leave()
