"""Threads of the storm. None of them dies unheard."""

from __future__ import annotations

import threading
from collections.abc import Iterable


class StormFailed(Exception):
    """The storm itself broke, so its count would prove nothing."""


class Worker(threading.Thread):
    """Keeps what ended it, for whoever looks after it."""

    failure: Exception | None = None

    def run(self) -> None:
        try:
            self.work()
        except Exception as failure:
            self.failure = failure

    def work(self) -> None:
        """What it does: its target, unless a subclass knows better."""
        super().run()

    def stop(self) -> None:
        """Has it end. One that ends by itself is waited for."""
        self.join()


def all_well(workers: Iterable[Worker]) -> None:
    """Raises StormFailed for the first of them that died."""
    for worker in workers:
        if worker.failure is not None:
            raise StormFailed(f"{worker.name} died of {worker.failure!r}") from worker.failure
