"""Purges expired velocity counters and old blocks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from application.ports.runtime import Clock
from application.ports.store import Store


@dataclass(frozen=True, slots=True)
class PurgeVelocityCounters:
    store: Store
    clock: Clock
    window: timedelta
    # For how long operators can see that somebody was stopped.
    blocks_kept: timedelta = timedelta(days=90)
    # Few: the rows are locked while they are deleted.
    batch_size: int = 500

    def __call__(self) -> int:
        """Returns how many rows were deleted: more may be left while it is not 0. Raises StoreUnavailable."""
        now = self.clock.now()
        with self.store.begin() as work:
            # Twice the window is more than any piece of it; later than now only a wrong clock can have counted.
            return work.attempts.forget(
                now - 2 * self.window, now + 2 * self.window, now - self.blocks_kept, self.batch_size
            )
