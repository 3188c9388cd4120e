"""Sends a scheduled refund once its transaction has settled."""

from dataclasses import dataclass

from application.common.conflicts import retry_on_conflict
from application.common.lease import LeasePolicy
from application.payments.find_lost_outcome import find_own_transaction
from application.payments.payment_access import lock_payment
from application.payments.payment_call import PaymentRecorder
from application.payments.poll_schedule import SettlementPollPolicy
from application.payments.record_outcome import record_outcome
from application.payments.refund_payment import send_refund
from application.payments.sync_from_gateway import SyncPayment
from application.ports.gateway import Gateway, GatewayNotReached, Outcome, Rejected, TransactionKind, Unknown
from application.ports.runtime import Clock
from application.ports.store import Store, UnitOfWork
from application.recovery.check_backoff import LONGEST_SCHEDULED_WAIT, CheckBackoff
from domain.events import SERVICE, EventContext
from domain.ids import OperationId, PaymentId
from domain.operation import FailureReason, Operation, OperationState
from domain.payment import Payment


@dataclass(frozen=True, slots=True)
class SendScheduledRefund:
    store: Store
    gateway: Gateway
    clock: Clock
    leases: LeasePolicy
    recorder: PaymentRecorder
    poll_policy: SettlementPollPolicy
    sync: SyncPayment
    backoff: CheckBackoff

    def __call__(self, payment: Payment, operation: Operation) -> None:
        """Refunds settled transactions, and waits with growing pauses for the others."""
        payment = self.sync(payment, [operation.target_transaction_id])
        payment_id, operation_id = payment.terms.payment_id, operation.operation_id
        if not payment.is_refundable_now(operation.target_transaction_id):
            if payment.operation(operation_id).state is OperationState.SCHEDULED:
                self.backoff.postpone(payment_id, operation_id, checked=True)
            return
        if self.find_sent(operation, payment_id) is not None:
            return
        context = EventContext(self.clock.now(), SERVICE)
        lease = self.leases.begin()
        with self.store.begin() as work:
            payment = lock_payment(work, payment_id)
            scheduled = payment.operation(operation_id)
            if scheduled.state is not OperationState.SCHEDULED:
                return
            if payment.would_pay_twice(scheduled):
                self._hold(work, payment, scheduled, context)
                return
            started = payment.start_scheduled(operation_id, context=context)
            payment.schedule_check(operation_id, context.time + self.leases.duration)
            work.payments.save(payment)
        try:
            outcome = send_refund(self.gateway, started, lease, payment.terms.reference)
        except GatewayNotReached:
            context = EventContext(self.clock.now(), SERVICE)
            with self.store.begin() as work:
                payment = lock_payment(work, payment_id)
                if payment.operation(operation_id) == started:
                    payment.postpone(operation_id, context=context)
                    payment.schedule_check(operation_id, context.time + self.leases.first_check)
                    work.payments.save(payment)
            return
        payment = self.recorder.record_outcome(payment_id, operation_id, outcome, SERVICE)
        if isinstance(outcome, Rejected):
            # Somebody else seems to have refunded it. Sync at once.
            self.sync(payment, [operation.target_transaction_id])

    def find_sent(self, operation: Operation, payment_id: PaymentId) -> Payment | None:
        """The payment with an outcome that the gateway already has, or None where it shows none.

        After a restored backup, or a failover to a standby that was behind, the record lacks operations that it sent.
        """
        outcome = find_own_transaction(self.gateway, operation, TransactionKind.CREDIT)
        if outcome is None:
            return None
        if isinstance(outcome, Unknown):
            return self.backoff.postpone(payment_id, operation.operation_id, checked=True)
        return self._record_found(payment_id, operation.operation_id, outcome)

    @retry_on_conflict
    def _record_found(self, payment_id: PaymentId, operation_id: OperationId, outcome: Outcome) -> Payment:
        context = EventContext(self.clock.now(), SERVICE)
        with self.store.begin() as work:
            payment = lock_payment(work, payment_id)
            if payment.operation(operation_id).state is OperationState.SCHEDULED:
                payment.start_scheduled(operation_id, context=context)
                record_outcome(work, payment, operation_id, outcome, context, self.poll_policy)
        return payment

    def _hold(self, work: UnitOfWork, payment: Payment, refund: Operation, context: EventContext) -> None:
        """A dispute claims the money to refund. Waits until it ends; if it is lost, the customer has the money."""
        disputes = work.disputes.of_transaction(refund.target_transaction_id)
        if disputes and all(one.state.has_ended for one in disputes):
            payment.fail(refund.operation_id, FailureReason.NO_LONGER_POSSIBLE, detail="disputed", context=context)
        else:
            payment.schedule_check(refund.operation_id, context.time + LONGEST_SCHEDULED_WAIT, checked=True)
        work.payments.save(payment)
