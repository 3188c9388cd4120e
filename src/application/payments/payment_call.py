"""Gateway calls that move a payment's money: the steps that capture, void, refund and authorization share."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from application.common.conflicts import retry_on_conflict
from application.common.errors import OperationRefused
from application.common.lease import LeasePolicy
from application.idempotency.gateway_call import GatewayCall
from application.payments.payment_access import load_for_update, lock_payment, owned_payment
from application.payments.poll_schedule import SettlementPollPolicy
from application.payments.record_outcome import record_failure, record_outcome
from application.ports.gateway import GatewayNotReached, GatewayRefusedCredentials, Outcome, RefundIncomplete, Unknown
from application.ports.runtime import Clock
from application.ports.store import DetachedPayment, Store, UnitOfWork
from domain.events import EventContext
from domain.ids import OperationId, PaymentId, RequestId
from domain.operation import FailureReason, Operation, OperationKind, OperationState
from domain.payment import Payment


@dataclass(frozen=True, slots=True)
class PaymentRecorder:
    """Records the operations of payments, each time in one transaction."""

    store: Store
    clock: Clock
    leases: LeasePolicy
    poll_policy: SettlementPollPolicy = SettlementPollPolicy()

    def schedule_check(self, payment: Payment, operation: Operation, context: EventContext) -> None:
        """Schedules the resolver's look at an open operation: after its lease, or soon if it is SCHEDULED."""
        is_scheduled = operation.state is OperationState.SCHEDULED
        delay = self.leases.first_check if is_scheduled else self.leases.duration
        payment.schedule_check(operation.operation_id, context.time + delay)

    @retry_on_conflict
    def record_outcome(
        self,
        payment_id: PaymentId,
        operation_id: OperationId,
        outcome: Outcome,
        actor: str,
        detached: DetachedPayment | None = None,
    ) -> Payment:
        """`detached` is the payment as the operation's start left it, which saves a read."""
        context = EventContext(self.clock.now(), actor)
        with self.store.begin(actor) as work:
            payment = work.payments.reattach(detached) if detached is not None else None
            payment = payment or lock_payment(work, payment_id)
            if isinstance(outcome, Unknown):
                payment.schedule_check(operation_id, context.time + self.leases.first_check)
            record_outcome(work, payment, operation_id, outcome, context, self.poll_policy)
        return payment

    @retry_on_conflict
    def record_unsent(
        self, payment_id: PaymentId, unsent: Sequence[OperationId], failure: GatewayNotReached, actor: str
    ) -> None:
        """Records that the operations surely were not sent."""
        is_refused = isinstance(failure, GatewayRefusedCredentials)
        reason = FailureReason.GATEWAY_REFUSED_CREDENTIALS if is_refused else FailureReason.GATEWAY_UNREACHABLE
        with self.store.begin() as work:
            payment = lock_payment(work, payment_id)
            for operation_id in unsent:
                if payment.operation(operation_id).state is OperationState.STARTED:
                    record_failure(work, payment, operation_id, reason, "", EventContext(self.clock.now(), actor))

    @retry_on_conflict
    def renew_lease(self, payment_id: PaymentId, operation: Operation) -> None:
        """Postpones the resolver's look by a lease."""
        with self.store.begin() as work:
            payment = lock_payment(work, payment_id)
            payment.schedule_check(operation.operation_id, self.clock.now() + self.leases.duration)
            work.payments.save(payment)

    def present(self, payment: Payment) -> Payment:
        """The payment as it is now."""
        with self.store.read_once() as work:
            return work.payments.get(payment.terms.payment_id) or payment


@dataclass(frozen=True, slots=True)
class StartedOperation:
    """An operation that is recorded as STARTED, and is about to be sent."""

    payment: Payment
    operation: Operation
    detached: DetachedPayment | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentCall(GatewayCall[Payment, StartedOperation, Outcome]):
    """A request that starts operations of a payment. `resource_id` is the payment's id."""

    recorder: PaymentRecorder

    def load(self, work: UnitOfWork, resource_id: str) -> Payment:
        # Another credential of the same caller may reach more than this one.
        return load_for_update(work, resource_id, self.request.caller)

    def may_send_again(self, resource: Payment) -> bool:
        return was_never_sent(resource, self.request.request_id)

    def record_outcome(self, intent: StartedOperation, answer: Outcome) -> Payment:
        return self.recorder.record_outcome(
            intent.payment.terms.payment_id,
            intent.operation.operation_id,
            answer,
            self.request.caller.actor,
            intent.detached,
        )

    def record_unsent(self, unsent: Sequence[StartedOperation], failure: GatewayNotReached) -> Payment:
        payment = unsent[0].payment
        operation_ids = [one.operation.operation_id for one in unsent]
        self.recorder.record_unsent(payment.terms.payment_id, operation_ids, failure, self.request.caller.actor)
        raise failure

    def present(self, resource: Payment) -> Payment:
        return self.recorder.present(resource)

    def result_or_raise(self, resource: Payment, _sent: Sequence[StartedOperation], /) -> Payment:
        return result_or_raise(resource, self.request.request_id)

    def check_access(self, work: UnitOfWork) -> None:
        payment = work.payments.get(PaymentId(self.resource_id))
        if payment is not None:
            owned_payment(payment, self.resource_id, self.request.caller)


@dataclass(frozen=True, slots=True, kw_only=True)
class SingleOperationCall(PaymentCall):
    """A request that starts one operation."""

    @abstractmethod
    def start(self, work: UnitOfWork, payment: Payment | None, context: EventContext) -> tuple[Payment, Operation]:
        """Starts the operation. The payment is given where an earlier equal request was surely never sent."""

    def record_intents(
        self, work: UnitOfWork, resource: Payment | None, context: EventContext
    ) -> tuple[Payment, Sequence[StartedOperation]]:
        payment, operation = self.start(work, resource, context)
        self.recorder.schedule_check(payment, operation, context)
        if resource is None and payment.operations[0].operation_id == operation.operation_id:
            work.payments.add(payment)
        else:
            work.payments.save(payment)
        return payment, [StartedOperation(payment, operation, work.payments.detach(payment))]


def was_never_sent(payment: Payment, request_id: RequestId) -> bool:
    """Whether the request's last attempt surely was never sent."""
    operations = payment.operations_of(request_id)
    reason = operations[-1].failure_reason if operations else None
    return not operations or (reason is not None and reason.surely_not_sent)


def result_or_raise(payment: Payment, request_id: RequestId) -> Payment:
    """The payment, if the request had an effect on it, or may have had one.

    Raises OperationRefused where the gateway refused it, GatewayNotReached where it was never sent, and
    RefundIncomplete where a part of it was not sent.
    """
    operations = payment.operations_of(request_id)
    refunded = payment.refunded_by(request_id)
    if refunded and not payment.refundable_amount:
        # A part could not be sent, and another request refunded the rest.
        return payment
    match operations[-1].failure_reason if operations else None:
        # The same request sends the missing part.
        case FailureReason.GATEWAY_UNREACHABLE | FailureReason.GATEWAY_REFUSED_CREDENTIALS if refunded:
            raise RefundIncomplete
        case FailureReason.GATEWAY_REFUSED_CREDENTIALS:
            raise GatewayRefusedCredentials
        case FailureReason.GATEWAY_UNREACHABLE:
            raise GatewayNotReached
    if all(o.state is OperationState.FAILED for o in operations):
        for o in operations:
            if o.failure_reason is FailureReason.GATEWAY_REFUSED_REQUEST and o.target_transaction_id:
                # A refund that was tried as a void is still reported as a refund.
                asked = OperationKind.REFUND if o.for_refund else o.kind
                raise OperationRefused(payment.terms.payment_id, o.operation_id, asked, o.failure_detail)
    return payment
