"""Records a gateway's dispute report and its effect on the disputed payment, in one transaction."""

from dataclasses import dataclass, replace
from datetime import timedelta

from application.common.conflicts import retry_on_conflict
from application.payments.disputed_amounts import with_latest_claims
from application.payments.poll_schedule import SettlementPollPolicy
from application.payments.sync_from_gateway import apply_snapshot
from application.ports.gateway import Gateway, Transaction
from application.ports.runtime import Clock, IdSource
from application.ports.store import Store, UnitOfWork
from domain.dispute import Dispute, DisputeReport
from domain.events import SERVICE, EventContext
from domain.ids import DISPUTE, DisputeId
from domain.payment import Payment


@dataclass(frozen=True, slots=True)
class RecordDispute:
    store: Store
    gateway: Gateway
    clock: Clock
    ids: IdSource
    poll_policy: SettlementPollPolicy
    # The poll interval of a dispute that has not ended.
    interval: timedelta

    def __call__(self, report: DisputeReport) -> Dispute | None:
        """The dispute as it is now, or None where the transaction is not this service's.

        Raises GatewayUnavailable and StoreUnavailable; then nothing is recorded.
        """
        return self._record(report, self.gateway.find_transaction(report.transaction_id))

    @retry_on_conflict
    def _record(self, report: DisputeReport, transaction: Transaction | None) -> Dispute | None:
        context = EventContext(self.clock.now(), SERVICE)
        with self.store.begin() as work:
            payment = self._payment_of(work, report, transaction)
            if payment is None:
                return None
            dispute = self._upsert(work, payment, report, context)
            if transaction is not None:
                latest = with_latest_claims(work, transaction)
                if not apply_snapshot(payment, latest, context, self.poll_policy, self.ids):
                    # The record may have a newer status. The disputed amount is the dispute's to say.
                    payment.apply_disputed_amount(
                        latest.transaction_id, latest.standing.disputed_amount, context=context
                    )
                work.payments.save(payment)
        return dispute

    def sync(self, dispute: Dispute) -> Dispute:
        """Reads the dispute from the gateway again. Raises GatewayUnavailable and StoreUnavailable."""
        report = self.gateway.find_dispute(dispute.report.gateway_dispute_id)
        return (self(report) if report is not None else None) or dispute

    def with_next_check(self, dispute: Dispute) -> Dispute:
        """Sets the time of the next poll: none once the dispute has ended."""
        rests = dispute.state.has_ended and dispute.under_way is None
        return replace(dispute, next_check_time=None if rests else self.clock.now() + self.interval)

    def _payment_of(self, work: UnitOfWork, report: DisputeReport, transaction: Transaction | None) -> Payment | None:
        """The payment, locked. A dispute can be opened before the sale's own answer is recorded."""
        order_id = transaction.order_id if transaction is not None else report.order_id
        found = work.payments.find_operations([order_id] if order_id else [], [report.transaction_id])
        if not found:
            return None
        return work.payments.get(found[0].payment.terms.payment_id, lock=True)

    def _upsert(self, work: UnitOfWork, payment: Payment, report: DisputeReport, context: EventContext) -> Dispute:
        dispute = work.disputes.find(report.gateway_dispute_id, lock=True)
        if dispute is None:
            dispute = Dispute(
                dispute_id=DisputeId(self.ids.new(DISPUTE)),
                caller_id=payment.terms.caller_id,
                payment_id=payment.terms.payment_id,
                customer_id=payment.terms.customer_id,
                report=report,
                create_time=context.time,
                update_time=context.time,
            )
            dispute = self.with_next_check(dispute)
            work.disputes.add(dispute)
            return dispute
        updated = dispute.apply_report(report, time=context.time)
        if updated is dispute:
            return dispute
        # An open action keeps its own next check time.
        updated = updated if updated.under_way is not None else self.with_next_check(updated)
        work.disputes.save(updated)
        return updated
