"""Follows the payments of checkouts whose page was closed, and ends checkouts whose time ran out."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from application.checkouts.view_checkout import ViewCheckout
from application.ports.runtime import Clock
from application.ports.store import Store

_BATCH: Final = 100
_LEASE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class FollowCheckouts:
    store: Store
    clock: Clock
    view: ViewCheckout

    def __call__(self) -> int:
        """Returns the number of uses looked at and of checkouts ended. Raises StoreUnavailable."""
        now = self.clock.now()
        with self.store.begin() as work:
            due = work.checkouts.due_uses(now, now + _LEASE, _BATCH)
        for use in due:
            self.view.settle(use.checkout_id, use.session)
        with self.store.begin() as work:
            expired = work.checkouts.expired(now, _BATCH)
            for checkout in expired:
                work.checkouts.save(checkout.expire(now))
        return len(due) + len(expired)
