"""Purges processed gateway webhooks from the inbox."""

from dataclasses import dataclass
from datetime import timedelta

from application.ports.runtime import Clock
from application.ports.store import Store


@dataclass(frozen=True, slots=True)
class PurgeGatewayWebhooks:
    """A webhook that the gateway sends again after its purge is processed again: it is a hint, and changes nothing."""

    store: Store
    clock: Clock
    # None keeps them for ever.
    kept: timedelta | None
    # A small batch, because the rows are locked during the deletion.
    batch_size: int = 500

    def __call__(self) -> int:
        """Returns the number of deleted webhooks. More may be left unless it is 0. Raises StoreUnavailable."""
        if self.kept is None:
            return 0
        with self.store.begin() as work:
            return work.gateway_webhooks.purge(self.clock.now() - self.kept, self.batch_size)
