"""Archives the events of payments that have long been at rest, so that the tables of the others stay small."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from application.ports.runtime import Clock
from application.ports.store import Archived, Store

_EVENTS_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class ArchiveEvents:
    """Runs while the service works. Each step is one transaction, so that a killed run continues later."""

    store: Store

    def __call__(self, before: datetime) -> Iterator[Archived]:
        """Archives payments unchanged since before the time. Yields each step's result. Raises StoreUnavailable."""
        after = ""
        while True:
            with self.store.begin() as work:
                step = work.payments.archive(before, after=after, limit=_EVENTS_AT_ONCE)
            yield step
            if step.go_on_after is None:
                return
            after = step.go_on_after


@dataclass(frozen=True, slots=True)
class ArchiveOldEvents:
    """Archives by itself, in the background."""

    archive: ArchiveEvents
    clock: Clock
    # The age at which a payment's history is archived. None archives nothing.
    age: timedelta | None
    # Whether the process is stopping: the next run continues.
    is_stopping: Callable[[], bool] = lambda: False

    def __call__(self) -> int:
        """One run over all old events. Returns 0, because nothing is left for the moment. Raises StoreUnavailable."""
        if self.age is not None:
            for _ in self.archive(self.clock.now() - self.age):
                if self.is_stopping():
                    break
        return 0
