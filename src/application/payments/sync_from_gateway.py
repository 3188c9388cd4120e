"""Syncs a payment's record from the gateway's transactions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from application.common.conflicts import retry_on_conflict
from application.payments.disputed_amounts import with_latest_claims
from application.payments.external_operations import (
    awaits_outcome,
    record_last_adjustment,
    record_outside,
    with_unknown_parts,
)
from application.payments.payment_access import lock_payment
from application.payments.poll_schedule import SettlementPollPolicy
from application.ports.gateway import Gateway, Transaction
from application.ports.runtime import Clock, IdSource
from application.ports.store import Store
from domain.events import SERVICE, EventContext
from domain.payment import Payment

# Up to this many are read by id. A search costs two calls.
_FEW: Final = 4


@dataclass(frozen=True, slots=True)
class SyncPayment:
    """Syncs one payment, and saves it if anything changed."""

    store: Store
    gateway: Gateway
    clock: Clock
    ids: IdSource
    poll_policy: SettlementPollPolicy = SettlementPollPolicy()

    def __call__(self, payment: Payment, transaction_ids: Sequence[str]) -> Payment:
        """Reads the transactions and records changes. Raises GatewayUnavailable and StoreUnavailable."""
        return self.record(payment, read(self.gateway, transaction_ids))

    def record(self, payment: Payment, transactions: Sequence[Transaction]) -> Payment:
        """Records changes of the given transactions, and of their refunds and parts.

        Raises GatewayUnavailable and StoreUnavailable.
        """
        return self._record(payment, with_unknown_parts(self.gateway, payment, transactions))

    @retry_on_conflict
    def _record(self, payment: Payment, transactions: Sequence[Transaction]) -> Payment:
        context = EventContext(self.clock.now(), SERVICE)
        with self.store.begin() as work:
            current = lock_payment(work, payment.terms.payment_id)
            latest = [with_latest_claims(work, found) for found in transactions]
            news = [apply_snapshot(current, found, context, self.poll_policy, self.ids) for found in latest]
            if any(news):
                work.payments.save(current)
        return current


def read(gateway: Gateway, transaction_ids: Sequence[str]) -> list[Transaction]:
    """The transactions that the gateway knows. Raises GatewayUnavailable.

    A few are read by id, because searches lag. Many are searched, and those that the search misses are read by id.
    """
    found = gateway.find_transactions(transaction_ids) if len(transaction_ids) > _FEW else []
    shown = {transaction.transaction_id for transaction in found}
    missing = (gateway.find_transaction(one) for one in transaction_ids if one not in shown)
    return [*found, *(transaction for transaction in missing if transaction is not None)]


def apply_snapshot(
    payment: Payment, found: Transaction, context: EventContext, poll_policy: SettlementPollPolicy, ids: IdSource
) -> bool:
    """Records the gateway's state of one transaction, also if others changed it. Returns whether it is new.

    The effect of an operation of ours that is under way is left to its answer or its resolver.
    """
    if awaits_outcome(payment, found):
        return False
    was_adjusted = record_last_adjustment(payment, found, context, ids)
    news = record_outside(payment, found, context, ids) or payment.apply_gateway_status(
        found.transaction_id, found.standing, amount=found.amount, details=found.details, context=context
    )
    poll_policy.plan(payment, context.time)
    return news or was_adjusted
