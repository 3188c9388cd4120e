"""Archives the events of payments that have long been at rest, so that the tables of the others stay small."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from application.ports.store import Archived, Store

_EVENTS_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class ArchiveEvents:
    """While the service works. Each step is a transaction of its own: killed, it goes on the next time."""

    store: Store

    def __call__(self, before: datetime) -> Iterator[Archived]:
        """What each step put away, of payments that have not changed since before the time. Raises StoreUnavailable."""
        after = ""
        while True:
            with self.store.begin() as work:
                step = work.payments.archive(before, after=after, limit=_EVENTS_AT_ONCE)
            yield step
            if step.go_on_after is None:
                return
            after = step.go_on_after
