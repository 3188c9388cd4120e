"""Lets a request that arrives twice at the same moment wait for the first one's answer."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class InFlight:
    """What this process is carrying out right now: operations and methods being stored."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[str, threading.Event] = {}

    @contextmanager
    def track(self, an_id: str) -> Iterator[None]:
        """Marks it as running, from before it is recorded until after its outcome is."""
        finished = threading.Event()
        with self._lock:
            self._running[an_id] = finished
        try:
            yield
        finally:
            with self._lock:
                del self._running[an_id]
            finished.set()

    def wait(self, ids: Iterable[str], timeout_seconds: float) -> None:
        """Returns once none of them runs in this process, or after the timeout."""
        with self._lock:
            running = [self._running[o] for o in ids if o in self._running]
        for finished in running:
            finished.wait(timeout_seconds)
