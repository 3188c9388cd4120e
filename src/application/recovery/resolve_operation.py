"""Resolves one unknown outcome for an administrator: by asking the gateway now, or by hand, with a reason."""

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum

from application.common.caller import Caller
from application.common.errors import (
    ContradictedByGateway,
    MayStillHappen,
    NotFound,
    OperationAlreadyResolved,
    ResourceKind,
    Rule,
)
from application.common.lease import LeasePolicy
from application.common.validator import Validator, require_checked
from application.idempotency.idempotency_guard import IdempotencyGuard, IdempotentRequest
from application.payments.find_lost_outcome import find_lost_outcome
from application.payments.payment_access import lock_payment
from application.payments.poll_schedule import SettlementPollPolicy
from application.payments.record_outcome import record_failure, record_outcome
from application.ports.gateway import Approved, Gateway, Outcome, Transaction
from application.ports.runtime import Clock
from application.ports.store import PaymentOperation, Store, UnitOfWork
from application.recovery.resolve_outcome import ResolveOutcome
from application.recovery.transaction_evidence import must_be_free, must_explain
from domain import ids
from domain.ids import RequestId
from domain.operation import FailureReason, Operation, OperationState
from domain.payment import Payment


class Resolution(Enum):
    CHECK_NOW = "check_now"
    FAILED = "failed"
    SUCCEEDED = "succeeded"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveOperationCommand:
    """The administrator's request, unchecked. No resolution: the request had an unknown one."""

    request_id: str
    operation_id: str
    resolution: Resolution | None = Resolution.CHECK_NOW
    gateway_transaction_id: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ResolveOperation:
    store: Store
    gateway: Gateway
    clock: Clock
    guard: IdempotencyGuard
    leases: LeasePolicy
    poll_policy: SettlementPollPolicy
    resolve: ResolveOutcome
    absence_horizon: timedelta

    def __call__(self, command: ResolveOperationCommand, caller: Caller) -> Payment:
        """Raises InvalidRequest, NotFound, RequestIdReused, OperationAlreadyResolved, MayStillHappen,
        ContradictedByGateway and GatewayUnavailable."""
        request = _check(command, caller)
        with self.store.read() as work:
            found = _find(work, command.operation_id, caller)
            request = replace(request, caller=caller.acting_for(found.payment.terms.caller_id))
            if self.guard.is_replay(work, request):
                return found.payment
        operation, resolution = found.operation, require_checked(command.resolution)
        may_be_sent = resolution is Resolution.CHECK_NOW and operation.state is OperationState.SCHEDULED
        if operation.state is not OperationState.STARTED and not may_be_sent:
            raise OperationAlreadyResolved(operation.operation_id, operation.state)
        match resolution:
            case Resolution.CHECK_NOW:
                payment = self.resolve(found.payment.terms.payment_id, operation.operation_id)
                self._record_request(request, payment)
                return payment
            case Resolution.FAILED:
                return self._close(command, request, found)
            case Resolution.SUCCEEDED:
                return self._accept(command, request, found)

    def _close(self, command: ResolveOperationCommand, request: IdempotentRequest, found: PaymentOperation) -> Payment:
        operation = found.operation
        if find_lost_outcome(self.gateway, found.payment, operation) is not None:
            raise ContradictedByGateway(
                operation.operation_id, "the gateway knows of it: ask with CHECK_NOW, and its answer is recorded"
            )
        context = request.context(self.clock.now())
        with self.store.begin() as work:
            payment = _still_open(work, found)
            self._must_be_over(payment, payment.operation(operation.operation_id))
            reason = FailureReason.CLOSED_BY_ADMINISTRATOR
            record_failure(work, payment, operation.operation_id, reason, command.reason, context)
            self.guard.claim(work, request, operation.operation_id, context.time)
        return payment

    def _accept(self, command: ResolveOperationCommand, request: IdempotentRequest, found: PaymentOperation) -> Payment:
        operation = found.operation
        transaction = self.gateway.find_transaction(command.gateway_transaction_id)
        must_explain(found.payment, operation, transaction)
        if require_checked(transaction).order_id != operation.operation_id:
            # Somebody else made it, or it is the operation's target: it is no evidence for the open operation.
            _must_be_unknown(
                operation, find_lost_outcome(self.gateway, found.payment, operation), require_checked(transaction)
            )
            self._must_be_over(found.payment, operation)
        context = request.context(self.clock.now())
        with self.store.begin() as work:
            payment = _still_open(work, found)
            must_be_free(work, found, require_checked(transaction))
            payment.record_discrepancy(operation.operation_id, "outcome", "unknown", command.reason, context=context)
            record_outcome(
                work, payment, operation.operation_id, Approved(require_checked(transaction)), context, self.poll_policy
            )
            self.guard.claim(work, request, operation.operation_id, context.time)
        return payment

    def _must_be_over(self, payment: Payment, operation: Operation) -> None:
        """Raises MayStillHappen while somebody may be sending it, or the gateway may not show it yet.

        Every send follows an event of the payment or a renewal of the lease, and starts within one lease.
        """
        lease_end = payment.update_time + self.leases.duration
        now = self.clock.now()
        if operation.check_count == 0 and operation.next_check_time is not None:
            lease_end = max(lease_end, min(operation.next_check_time, now + self.leases.duration))
        end = lease_end + self.absence_horizon
        if now < end:
            raise MayStillHappen(operation.operation_id, end - now)

    def _record_request(self, request: IdempotentRequest, payment: Payment) -> None:
        """Records that this check was requested. A replay checks nothing again."""
        context = request.context(self.clock.now())
        with self.store.begin() as work:
            self.guard.claim(work, request, payment.terms.payment_id, context.time)


def _check(command: ResolveOperationCommand, caller: Caller) -> IdempotentRequest:
    validator = Validator()
    request_id = validator.request_id(command.request_id)
    validator.resource_id("operation_id", command.operation_id, ids.OPERATION)
    by_hand = command.resolution in (Resolution.FAILED, Resolution.SUCCEEDED)
    validator.plain_text("reason", command.reason, required=by_hand)
    succeeded = command.resolution is Resolution.SUCCEEDED
    validator.plain_text("gateway_transaction_id", command.gateway_transaction_id, required=succeeded)
    if command.resolution is None:
        validator.add("resolution", Rule.KNOWN_VALUE)
    validator.done()
    fields = {
        "operation_id": command.operation_id,
        "resolution": require_checked(command.resolution).value,
        "gateway_transaction_id": command.gateway_transaction_id,
        "reason": command.reason,
    }
    return IdempotentRequest(caller, RequestId(require_checked(request_id)), "ResolveOperation", fields)


def _find(work: UnitOfWork, operation_id: str, caller: Caller) -> PaymentOperation:
    found = work.payments.find_operations([operation_id], [])
    if not found or not caller.reaches(found[0].payment.terms.caller_id, None):
        raise NotFound(ResourceKind.OPERATION, operation_id)
    return found[0]


def _still_open(work: UnitOfWork, found: PaymentOperation) -> Payment:
    """The payment, locked. Somebody may have resolved the operation since it was read."""
    payment = lock_payment(work, found.payment.terms.payment_id)
    state = payment.operation(found.operation.operation_id).state
    if state is not OperationState.STARTED:
        raise OperationAlreadyResolved(found.operation.operation_id, state)
    return payment


def _must_be_unknown(operation: Operation, outcome: Outcome | None, transaction: Transaction) -> None:
    """Raises ContradictedByGateway where the gateway shows the outcome itself, by another transaction."""
    found = outcome.transaction.transaction_id if isinstance(outcome, Approved) else ""
    if outcome is not None and found != transaction.transaction_id:
        raise ContradictedByGateway(
            operation.operation_id,
            f"the gateway knows of it{found and f' as {found}'}: ask with CHECK_NOW to record that",
        )
