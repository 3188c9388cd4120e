"""Purges expired velocity counters and old blocks."""

from dataclasses import dataclass
from datetime import timedelta

from application.ports.runtime import Clock
from application.ports.store import Store


@dataclass(frozen=True, slots=True)
class PurgeVelocityCounters:
    store: Store
    clock: Clock
    window: timedelta
    # The time for which operators can see a block.
    blocks_kept: timedelta = timedelta(days=90)
    # A small batch, because the rows are locked during the deletion.
    batch_size: int = 500

    def __call__(self) -> int:
        """Returns the number of deleted rows. More may be left unless it is 0. Raises StoreUnavailable."""
        now = self.clock.now()
        with self.store.begin() as work:
            # Twice the window is longer than any bucket needs. Only a wrong clock can have counted in the future.
            return work.velocity.purge(
                now - 2 * self.window, now + 2 * self.window, now - self.blocks_kept, self.batch_size
            )
