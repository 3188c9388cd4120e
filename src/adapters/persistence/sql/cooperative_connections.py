"""The pool of database connections, in which work waits without a thread."""

from __future__ import annotations

from collections import deque
from typing import Any

from sqlalchemy import QueuePool
from sqlalchemy.util import queue

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

    def put(self, item: Any, block: bool) -> None:  # noqa: ARG002  (SQLAlchemy gives it)
        if len(self._unused) >= self.maxsize:
            raise queue.Full
        self._unused.append(item)
        self._count.release()

    def get(self, block: bool, timeout: float = 0.0) -> Any:
        if not self._count.acquire(timeout if block else 0.0):
            raise queue.Empty
        return self._unused.pop()


class ConnectionQueuePool(QueuePool):
    _queue_class = _Queue  # type: ignore[assignment]

    def _create_connection(self) -> Any:
        # SQLAlchemy prepares an engine's first connection under a lock, at which others would stop the event loop.
        return cooperation.on_thread(super()._create_connection)
