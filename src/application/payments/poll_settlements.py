"""Polls settlements: asks the gateway for a payment's transactions until they rest, and later for refunds by others."""

from collections.abc import Sequence
from dataclasses import dataclass

from application.common.conflicts import retry_on_conflict
from application.payments.disputed_amounts import with_latest_claims
from application.payments.external_operations import with_unknown_parts
from application.payments.payment_access import lock_payment
from application.payments.poll_schedule import SettlementPollPolicy
from application.payments.sync_from_gateway import apply_snapshot
from application.ports.gateway import Gateway, Transaction
from application.ports.runtime import Clock, IdSource
from application.ports.store import Store
from domain.events import SERVICE, EventContext
from domain.ids import PaymentId


@dataclass(frozen=True, slots=True)
class PollSettlements:
    store: Store
    gateway: Gateway
    clock: Clock
    ids: IdSource
    poll_policy: SettlementPollPolicy = SettlementPollPolicy()
    batch_size: int = 50

    def __call__(self) -> int:
        """Polls all due payments in one search. Returns their number.

        Raises GatewayUnavailable and StoreUnavailable; the payments are then due again later.
        """
        now = self.clock.now()
        with self.store.begin() as work:
            due = work.payments.due_for_poll(now, now + self.poll_policy.shortest, self.batch_size)
        wanted = {payment.terms.payment_id: payment.transaction_ids for payment in due}
        all_wanted = [transaction_id for some in wanted.values() for transaction_id in some]
        found = {t.transaction_id: t for t in self.gateway.find_transactions(all_wanted)} if all_wanted else {}
        for payment in due:
            payment_id = payment.terms.payment_id
            shown = [found[transaction_id] for transaction_id in wanted[payment_id] if transaction_id in found]
            self._record(payment_id, with_unknown_parts(self.gateway, payment, shown))
        return len(due)

    @retry_on_conflict
    def _record(self, payment_id: PaymentId, found: Sequence[Transaction]) -> None:
        context = EventContext(self.clock.now(), SERVICE)
        with self.store.begin() as work:
            current = lock_payment(work, payment_id)
            for transaction in found:
                latest = with_latest_claims(work, transaction)
                apply_snapshot(current, latest, context, self.poll_policy, self.ids)
            self.poll_policy.plan(current, context.time)
            work.payments.save(current)
