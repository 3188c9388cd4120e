"""Threads of the storm, whose exceptions end it."""

from __future__ import annotations

import threading
from collections.abc import Iterable


class StormFailed(Exception):
    """The storm itself failed, so its findings prove nothing."""


class Worker(threading.Thread):
    """A thread that keeps the exception that ended it."""

    failure: Exception | None = None

    def run(self) -> None:
        try:
            self.work()
        except Exception as failure:
            self.failure = failure

    def work(self) -> None:
        """Run the target; subclasses override it."""
        super().run()

    def stop(self) -> None:
        """Ask the thread to end. Does nothing for one that ends by itself."""
        self.join()


def raise_first_failure(workers: Iterable[Worker]) -> None:
    """Raise StormFailed for the first thread that died."""
    for worker in workers:
        if worker.failure is not None:
            raise StormFailed(f"{worker.name} died of {worker.failure!r}") from worker.failure
