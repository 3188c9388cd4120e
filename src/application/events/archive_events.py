"""Archives the events of payments that have long been at rest, so that the tables of the others stay small."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

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
