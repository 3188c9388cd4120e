"""Follows each payment's money until the gateway moves it on no more: settled, expired, refused at settlement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from application.claims import with_latest_claims
from application.conflicts import again_after_conflicts
from application.exactly_once import ExactlyOnce, locked
from application.ports.gateway import Gateway, Transaction
from application.ports.store import Store
from application.refresh import bring_up_to_date
from domain.events import SERVICE, Stamp
from domain.ids import PaymentId


@dataclass(frozen=True, slots=True)
class FollowPayments:
    store: Store
    gateway: Gateway
    exactly_once: ExactlyOnce
    batch_size: int = 50

    def __call__(self) -> int:
        """Asks for all that is due in one search. Returns how many payments that were.

        Raises GatewayUnavailable and StoreUnavailable; what was due comes back then.
        """
        now, follow = self.exactly_once.clock.now(), self.exactly_once.follow
        with self.store.begin() as work:
            due = work.payments.due_to_follow(now, now + follow.shortest, self.batch_size)
        wanted = [transaction_id for payment in due for transaction_id in payment.awaited_transactions]
        found = {t.transaction_id: t for t in self.gateway.find_transactions(wanted)} if wanted else {}
        for payment in due:
            self._record(payment.terms.payment_id, found)
        return len(due)

    @again_after_conflicts
    def _record(self, payment_id: PaymentId, found: Mapping[str, Transaction]) -> None:
        stamp, follow = Stamp(self.exactly_once.clock.now(), SERVICE), self.exactly_once.follow
        with self.store.begin() as work:
            current = locked(work, payment_id)
            for transaction_id in current.awaited_transactions:
                if transaction_id in found:
                    bring_up_to_date(current, with_latest_claims(work, found[transaction_id]), stamp, follow)
            follow.plan(current, stamp.time)
            work.payments.save(current)
