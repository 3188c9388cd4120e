"""Single-flight: a duplicate of a request that is still running waits for the first one's answer."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from application.common.concurrency import blocking_call
from domain.ids import CallerId, RequestId

Key = tuple[CallerId, RequestId]


class Event(Protocol):
    """The part of threading.Event in use."""

    def set(self) -> None: ...

    def wait(self, timeout: float | None = None) -> bool: ...


class InFlightRequests:
    """The requests that this process is executing at present.

    Running requests and their waiting duplicates use at most `most_threads` threads together, so that duplicates of a
    hanging request leave threads for others.
    """

    def __init__(self, most_threads: int, event: Callable[[], Event] = threading.Event) -> None:
        self._event = event
        self._most_threads = most_threads
        self._waiting = 0
        self._lock = threading.Lock()
        self._running: dict[Key, Event] = {}

    @contextmanager
    def track(self, key: Key) -> Iterator[None]:
        """Marks the request as running, from before it is recorded until after its outcome is.

        A duplicate under the same key changes nothing: the first request stays the one to wait for.
        """
        finished = self._event()
        with self._lock:
            is_first = self._running.setdefault(key, finished) is finished
        try:
            yield
        finally:
            if is_first:
                with self._lock:
                    del self._running[key]
                finished.set()

    def wait(self, key: Key, timeout_seconds: float) -> None:
        """Returns once the request no longer runs in this process, or after the timeout; at once if too many wait."""
        with self._lock:
            running = self._running.get(key)
            if running is None or len(self._running) + self._waiting >= self._most_threads:
                return
            self._waiting += 1
        try:
            with blocking_call():
                running.wait(timeout_seconds)
        finally:
            with self._lock:
                self._waiting -= 1
