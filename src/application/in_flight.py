"""Lets a request that arrives twice at the same moment wait for the first one's answer."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from domain.ids import CallerId, RequestId

Key = tuple[CallerId, RequestId]


class InFlight:
    """The requests that this process is carrying out right now."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[Key, threading.Event] = {}

    @contextmanager
    def track(self, key: Key) -> Iterator[None]:
        """Marks the request as running, from before it is recorded until after its outcome is.

        A second one under the same key changes nothing: the first stays the one to wait for.
        """
        finished = threading.Event()
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
        """Returns once the request does not run in this process, or after the timeout."""
        with self._lock:
            running = self._running.get(key)
        if running is not None:
            running.wait(timeout_seconds)
