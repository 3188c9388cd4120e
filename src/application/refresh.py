"""Brings a payment's record up to date with what the gateway says of its transactions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from application.claims import with_latest_claims
from application.conflicts import again_after_conflicts
from application.exactly_once import locked
from application.follow import FollowPolicy
from application.ports.gateway import Gateway, Transaction
from application.ports.runtime import Clock
from application.ports.store import Store
from domain.events import SERVICE, Stamp
from domain.payment import Payment


@dataclass(frozen=True, slots=True)
class Refresh:
    store: Store
    gateway: Gateway
    clock: Clock
    follow: FollowPolicy = FollowPolicy()

    def __call__(self, payment: Payment, transaction_ids: Sequence[str]) -> Payment:
        """Asks for the transactions and records what is new. Raises GatewayUnavailable and StoreUnavailable."""
        found = self.gateway.find_transactions(transaction_ids)
        return self.record(payment, found)

    @again_after_conflicts
    def record(self, payment: Payment, transactions: Sequence[Transaction]) -> Payment:
        """Records what is new about transactions that were found. Raises StoreUnavailable."""
        stamp = Stamp(self.clock.now(), SERVICE)
        with self.store.begin() as work:
            current = locked(work, payment.terms.payment_id)
            latest = [with_latest_claims(work, found) for found in transactions]
            news = [bring_up_to_date(current, found, stamp, self.follow) for found in latest]
            if any(news):
                work.payments.save(current)
        return current


def bring_up_to_date(payment: Payment, found: Transaction, stamp: Stamp, follow: FollowPolicy) -> bool:
    """Records what the gateway says of one transaction. Returns whether that is news."""
    news = payment.move_on(
        found.transaction_id, found.standing, amount=found.amount, details=found.details, stamp=stamp
    )
    follow.plan(payment, stamp.time)
    return news
