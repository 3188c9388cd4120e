"""Resolves one open operation: asks the gateway for the outcome, and records it, or its proven absence."""

from dataclasses import dataclass

from application.common.conflicts import retry_on_conflict
from application.common.lease import LeasePolicy
from application.common.not_found_horizon import NotFoundTimer
from application.payments.failed_authentication import FailedAuthentication
from application.payments.find_lost_outcome import find_lost_outcome
from application.payments.payment_access import lock_payment
from application.payments.poll_schedule import SettlementPollPolicy
from application.payments.record_outcome import record_failure, record_outcome, schedule_refund_instead
from application.ports.gateway import Gateway, Outcome, Rejected, Unknown
from application.ports.runtime import Clock, IdSource
from application.ports.store import Store
from application.recovery.check_backoff import CheckBackoff
from application.recovery.send_scheduled_refund import SendScheduledRefund
from domain.events import SERVICE, EventContext
from domain.ids import OperationId, PaymentId
from domain.operation import FailureReason, Operation, OperationKind, OperationState
from domain.payment import Payment


def not_found_key(operation: Operation) -> str:
    """The NotFoundTimer key of one start: a scheduled operation can be sent again under its own id."""
    return f"{operation.operation_id} {operation.start_count}"


@dataclass(frozen=True, slots=True)
class ResolveOutcome:
    store: Store
    gateway: Gateway
    clock: Clock
    ids: IdSource
    leases: LeasePolicy
    poll_policy: SettlementPollPolicy
    absence: NotFoundTimer
    backoff: CheckBackoff
    scheduled_refunds: SendScheduledRefund

    def __call__(self, payment_id: PaymentId, operation_id: OperationId) -> Payment:
        """Checks the outcome of one open operation now. Raises GatewayUnavailable and StoreUnavailable."""
        with self.store.read_once() as work:
            payment = work.payments.get(payment_id)
        if payment is None:
            raise KeyError(payment_id)
        operation = payment.operation(operation_id)
        if operation.state is OperationState.SCHEDULED:
            return self.scheduled_refunds.find_sent(operation, payment_id) or payment
        if operation.state is not OperationState.STARTED:
            return payment
        outcome = find_lost_outcome(self.gateway, payment, operation)
        if outcome is None:
            return self._record_absence(payment_id, operation)
        if operation.kind is OperationKind.AUTHORIZE:
            gate = FailedAuthentication(self.gateway)
            outcome = gate.take_back(payment.terms, operation_id, outcome, self.leases.begin())
        if isinstance(outcome, Unknown):
            # The gateway knows the operation and still processes it, so it is not absent, however long it takes.
            self.absence.forget(not_found_key(operation))
            return self.backoff.postpone(payment_id, operation_id, checked=True)
        return self._record_outcome(payment_id, operation_id, outcome)

    @retry_on_conflict
    def _record_outcome(self, payment_id: PaymentId, operation_id: OperationId, outcome: Outcome) -> Payment:
        context = EventContext(self.clock.now(), SERVICE)
        with self.store.begin() as work:
            payment = lock_payment(work, payment_id)
            if payment.operation(operation_id).state is OperationState.STARTED:
                record_outcome(work, payment, operation_id, outcome, context, self.poll_policy)
                # As the caller's own process would have done.
                if isinstance(outcome, Rejected) and schedule_refund_instead(
                    payment, operation_id, self.ids, context, after=self.leases.first_check
                ):
                    work.payments.save(payment)
        self.absence.forget(not_found_key(payment.operation(operation_id)))
        return payment

    def _record_absence(self, payment_id: PaymentId, looked_for: Operation) -> Payment:
        operation_id = looked_for.operation_id
        if not self.absence.is_proven(not_found_key(looked_for)):
            return self.backoff.postpone(payment_id, operation_id, checked=True)
        return self._record_proven_absence(payment_id, looked_for)

    @retry_on_conflict
    def _record_proven_absence(self, payment_id: PaymentId, looked_for: Operation) -> Payment:
        operation_id = looked_for.operation_id
        context = EventContext(self.clock.now(), SERVICE)
        with self.store.begin() as work:
            payment = lock_payment(work, payment_id)
            operation = payment.operation(operation_id)
            if not_found_key(operation) != not_found_key(looked_for):
                # It was given up and sent again since this check began.
                return payment
            if operation.state is OperationState.STARTED and operation.was_scheduled:
                payment.postpone(operation_id, context=context)
                payment.schedule_check(operation_id, context.time + self.leases.first_check)
                work.payments.save(payment)
            elif operation.state is OperationState.STARTED:
                reason = FailureReason.NOT_FOUND_AT_GATEWAY
                record_failure(work, payment, operation_id, reason, "", context)
        self.absence.forget(not_found_key(looked_for))
        return payment
