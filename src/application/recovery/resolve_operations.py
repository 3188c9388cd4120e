"""Resolves every operation whose outcome is unknown, and executes scheduled refunds.

Driven by rows, not by memory: it takes every operation that is open and due, whichever process started it, and however
often a process died in between.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from application.common.backoff import doubled
from application.common.conflicts import retry_on_conflict
from application.common.errors import StoreUnavailable
from application.common.lease import LeasePolicy
from application.common.not_found_horizon import NotFoundTimer
from application.payments.find_lost_outcome import find_lost_outcome
from application.payments.payment_access import lock_payment
from application.payments.payment_call import PaymentRecorder
from application.payments.poll_schedule import SettlementPollPolicy
from application.payments.record_outcome import record_failure, record_outcome
from application.payments.refund_payment import send_refund
from application.payments.sync_from_gateway import SyncPayment
from application.ports.gateway import Gateway, GatewayNotReached, GatewayUnavailable, Outcome, Rejected, Unknown
from application.ports.runtime import Clock, IdSource
from application.ports.store import DueOperation, Store, UnitOfWork
from domain.events import SERVICE, EventContext
from domain.ids import OPERATION, OperationId, PaymentId
from domain.operation import FailureReason, Operation, OperationState
from domain.payment import Payment

_log = logging.getLogger(__name__)

_LONGEST_WAIT = timedelta(minutes=5)
_LONGEST_SCHEDULE_WAIT = timedelta(hours=1)


def not_found_key(operation: Operation) -> str:
    """The NotFoundTimer key of one start: a scheduled operation can be sent again under its own id."""
    return f"{operation.operation_id} {operation.start_count}"


@dataclass(frozen=True, slots=True)
class ResolveOperations:
    store: Store
    gateway: Gateway
    clock: Clock
    ids: IdSource
    leases: LeasePolicy
    recorder: PaymentRecorder
    poll_policy: SettlementPollPolicy
    sync: SyncPayment
    absence: NotFoundTimer
    # A small batch: if this process dies, the operations that it claimed wait for the lease.
    batch_size: int = 10
    # Whether the process is stopping: it then claims no more, and releases what it has not begun.
    is_stopping: Callable[[], bool] = lambda: False

    def __call__(self) -> int:
        """Resolves the operations that are due. Returns their number. Raises StoreUnavailable."""
        if self.is_stopping():
            return 0
        now = self.clock.now()
        due = self.store.due_operations(now, now + self.leases.duration, self.batch_size)
        for count, one in enumerate(due):
            if self.is_stopping():
                self._release(due[count:])
                return count
            self._process(one)
        return len(due)

    def resolve(self, payment_id: PaymentId, operation_id: OperationId) -> Payment:
        """Checks the outcome of one open operation now. Raises GatewayUnavailable and StoreUnavailable."""
        with self.store.read() as work:
            payment = work.payments.get(payment_id)
        if payment is None:
            raise KeyError(payment_id)
        operation = payment.operation(operation_id)
        if operation.state is OperationState.SCHEDULED:
            return self._find_scheduled(operation, payment_id) or payment
        if operation.state is not OperationState.STARTED:
            return payment
        outcome = find_lost_outcome(self.gateway, operation)
        if outcome is None:
            return self._record_absence(payment_id, operation)
        if isinstance(outcome, Unknown):
            # The gateway knows the operation and still processes it, so it is not absent, however long it takes.
            self.absence.forget(not_found_key(operation))
            return self._wait(payment_id, operation_id, checked=True)
        return self._record_outcome(payment_id, operation_id, outcome)

    def _release(self, claimed: Sequence[DueOperation]) -> None:
        """Releases claimed operations, so that others need not wait for the lease."""
        now = self.clock.now()
        for due in claimed:
            with self.store.begin() as work:
                payment = lock_payment(work, due.payment_id)
                if payment.operation(due.operation_id).state.is_open:
                    payment.schedule_check(due.operation_id, now)
                    work.payments.save(payment)

    def _process(self, due: DueOperation) -> None:
        """Resolves one. A failing operation must not stop the others; it is due again after its lease."""
        try:
            try:
                self._resolve_due(due)
            except GatewayUnavailable:
                self._wait(due.payment_id, due.operation_id, checked=False)
        except StoreUnavailable as failure:
            _log.warning("operation %s waits for its lease: the database failed: %s", due.operation_id, failure)
        except Exception:
            _log.exception("operation %s of %s could not be resolved", due.operation_id, due.payment_id)

    def _resolve_due(self, due: DueOperation) -> None:
        with self.store.read() as work:
            payment = work.payments.get(due.payment_id)
        if payment is None:
            return
        operation = payment.operation(due.operation_id)
        match operation.state:
            case OperationState.STARTED:
                self.resolve(due.payment_id, due.operation_id)
            case OperationState.SCHEDULED:
                self._carry_out_scheduled(payment, operation)

    @retry_on_conflict
    def _record_outcome(self, payment_id: PaymentId, operation_id: OperationId, outcome: Outcome) -> Payment:
        context = self._stamp()
        with self.store.begin() as work:
            payment = lock_payment(work, payment_id)
            if payment.operation(operation_id).state is OperationState.STARTED:
                record_outcome(work, payment, operation_id, outcome, context, self.poll_policy)
                if isinstance(outcome, Rejected):
                    self._refund_instead(work, payment, operation_id, context)
        self.absence.forget(not_found_key(payment.operation(operation_id)))
        return payment

    def _refund_instead(
        self, work: UnitOfWork, payment: Payment, operation_id: OperationId, context: EventContext
    ) -> None:
        """Schedules a refund in place of a void that came too late, as the caller's own process would have done."""
        refund_id = OperationId(self.ids.new(OPERATION))
        if payment.convert_void_to_refund(operation_id, refund_id, context=context):
            payment.schedule_check(refund_id, context.time + self.leases.first_check)
            work.payments.save(payment)

    def _record_absence(self, payment_id: PaymentId, looked_for: Operation) -> Payment:
        operation_id = looked_for.operation_id
        if not self.absence.is_proven(not_found_key(looked_for)):
            return self._wait(payment_id, operation_id, checked=True)
        return self._record_proven_absence(payment_id, looked_for)

    @retry_on_conflict
    def _record_proven_absence(self, payment_id: PaymentId, looked_for: Operation) -> Payment:
        operation_id = looked_for.operation_id
        context = self._stamp()
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

    def _carry_out_scheduled(self, payment: Payment, operation: Operation) -> None:
        """Refunds settled transactions, and waits with growing pauses for the others."""
        payment = self.sync(payment, [operation.target_transaction_id])
        payment_id, operation_id = payment.terms.payment_id, operation.operation_id
        if not payment.is_refundable_now(operation.target_transaction_id):
            if payment.operation(operation_id).state is OperationState.SCHEDULED:
                self._wait(payment_id, operation_id, checked=True)
            return
        if self._find_scheduled(operation, payment_id) is not None:
            return
        context = self._stamp()
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
            outcome = send_refund(self.gateway, started, lease)
        except GatewayNotReached:
            context = self._stamp()
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

    def _find_scheduled(self, operation: Operation, payment_id: PaymentId) -> Payment | None:
        """The payment with an outcome that the gateway already has, or None where it shows none.

        After a restored backup, or a failover to a standby that was behind, the record lacks operations that it sent.
        """
        outcome = find_lost_outcome(self.gateway, operation)
        if outcome is None:
            return None
        if isinstance(outcome, Unknown):
            return self._wait(payment_id, operation.operation_id, checked=True)
        return self._record_found_scheduled(payment_id, operation.operation_id, outcome)

    @retry_on_conflict
    def _record_found_scheduled(self, payment_id: PaymentId, operation_id: OperationId, outcome: Outcome) -> Payment:
        context = self._stamp()
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
            payment.schedule_check(refund.operation_id, context.time + _LONGEST_SCHEDULE_WAIT, checked=True)
        work.payments.save(payment)

    @retry_on_conflict
    def _wait(self, payment_id: PaymentId, operation_id: OperationId, *, checked: bool) -> Payment:
        with self.store.begin() as work:
            payment = lock_payment(work, payment_id)
            operation = payment.operation(operation_id)
            if operation.state.is_open:
                scheduled = operation.state is OperationState.SCHEDULED
                # Never longer than the horizon of absence: a restart begins its measurement again, while check_count
                # continues.
                longest = _LONGEST_SCHEDULE_WAIT if scheduled else min(_LONGEST_WAIT, self.absence.horizon)
                wait = doubled(self.leases.first_check, operation.check_count, longest)
                payment.schedule_check(operation_id, self.clock.now() + wait, checked=checked)
                work.payments.save(payment)
        return payment

    def _stamp(self) -> EventContext:
        return EventContext(self.clock.now(), SERVICE)
