"""Refunds a payment, in full or in part."""

from collections.abc import Sequence
from dataclasses import dataclass

from application.common.caller import Caller
from application.common.conflicts import retry_on_conflict
from application.common.lease import Lease, LeasePolicy
from application.common.validator import RawMoney, Validator, require_checked
from application.idempotency.gateway_call import GatewayCallExecutor
from application.idempotency.idempotency_guard import IdempotencyGuard, IdempotentRequest
from application.payments.disputed_amounts import refuse_if_claimed
from application.payments.payment_access import check_amount, lock_payment, owned_payment
from application.payments.payment_call import PaymentCall, PaymentRecorder, StartedOperation, result_or_raise
from application.payments.sync_from_gateway import SyncPayment
from application.payments.void_payment import void_of
from application.ports.gateway import Gateway, GatewayNotReached, Outcome, Refund, RefundIncomplete
from application.ports.runtime import Clock, IdSource
from application.ports.store import Store, UnitOfWork
from domain import ids
from domain.errors import AmountExceeds, IllegalTransition, OperationInProgress
from domain.events import EventContext
from domain.ids import OPERATION, OperationId, PaymentId
from domain.money import Money
from domain.operation import FailureReason, Operation, OperationKind, OperationState
from domain.payment import Payment


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundPaymentCommand:
    """The caller's request, unchecked. No amount: the whole remaining amount."""

    request_id: str
    payment_id: str
    amount: RawMoney | None = None
    note: str = ""
    language_code: str = ""


@dataclass(frozen=True, slots=True)
class RefundPayment:
    store: Store
    gateway: Gateway
    clock: Clock
    ids: IdSource
    guard: IdempotencyGuard
    executor: GatewayCallExecutor
    recorder: PaymentRecorder
    leases: LeasePolicy
    sync: SyncPayment

    def __call__(self, command: RefundPaymentCommand, caller: Caller) -> Payment:
        """Raises InvalidRequest, NotFound, RequestIdReused, DomainError, OperationRefused and GatewayNotReached."""
        validator = Validator()
        request_id = validator.request_id(command.request_id)
        payment_id = validator.resource_id("payment_id", command.payment_id, ids.PAYMENT)
        note = validator.plain_text("note", command.note)
        validator.language("language_code", command.language_code)
        amount = check_amount(validator, command.amount, self.store, payment_id, caller)
        validator.done()
        fields = {"payment_id": payment_id, "amount": amount, "note": note}
        request = IdempotentRequest(caller, require_checked(request_id), "RefundPayment", fields)
        self._sync_unless_replay(require_checked(payment_id), request)
        return self.executor.execute(
            _RefundCall(
                request=request,
                resource_id=require_checked(payment_id),
                recorder=self.recorder,
                store=self.store,
                clock=self.clock,
                guard=self.guard,
                executor=self.executor,
                gateway=self.gateway,
                ids=self.ids,
                leases=self.leases,
                sync=self.sync,
                amount=amount,
                note=note,
            )
        )

    def _sync_unless_replay(self, payment_id: str, request: IdempotentRequest) -> None:
        """The gateway need not have reported that money was settled, voided, refunded or disputed."""
        with self.store.read() as work:
            payment = owned_payment(work.payments.get(PaymentId(payment_id)), payment_id, request.caller)
            is_replay = self.guard.is_replay(work, request)
        sales = payment.captured_sales
        if sales and not is_replay:
            self.sync(payment, [sale.transaction_id for sale in sales])


@dataclass(frozen=True, slots=True, kw_only=True)
class _RefundCall(PaymentCall):
    """A refund has a part for each captured sale. Parts that wait for settlement are sent later, by the resolver."""

    store: Store
    clock: Clock
    guard: IdempotencyGuard
    executor: GatewayCallExecutor
    gateway: Gateway
    ids: IdSource
    leases: LeasePolicy
    sync: SyncPayment
    amount: Money | None
    note: str

    def record_intents(
        self, work: UnitOfWork, resource: Payment | None, context: EventContext
    ) -> tuple[Payment, Sequence[StartedOperation]]:
        payment = resource or self.load(work, self.resource_id)
        try:
            return payment, self._start_parts(work, payment, context)
        except (AmountExceeds, IllegalTransition, OperationInProgress) as refusal:
            if not payment.refunded_by(self.request.request_id):
                refuse_if_claimed(work, payment, self.amount)
                raise
            # A part of it was refunded before, so that a refusal would be wrong.
            if isinstance(refusal, OperationInProgress):
                raise RefundIncomplete from None
            return payment, []

    def _start_parts(self, work: UnitOfWork, payment: Payment, context: EventContext) -> list[StartedOperation]:
        """Starts the refund of the amount, less the request's earlier refunds. Returns the parts to send now."""
        # Waiting parts come first: then an unsent last operation means that the request is to be retried.
        operations = [
            payment.start_refund_part(
                part, OperationId(self.ids.new(OPERATION)), self.request.request_id, note=self.note, context=context
            )
            for part in sorted(payment.plan_refund(self._left(payment)), key=lambda part: not part.must_wait)
        ]
        for operation in operations:
            self.recorder.schedule_check(payment, operation, context)
        work.payments.save(payment)
        return [StartedOperation(payment, one) for one in operations if one.state is OperationState.STARTED]

    def _left(self, payment: Payment) -> Money | None:
        return self.amount - payment.refunded_by(self.request.request_id) if self.amount is not None else None

    def send(self, intent: StartedOperation, lease: Lease) -> Outcome:
        return send_refund(self.gateway, intent.operation, lease, intent.payment.terms.reference)

    def renew_lease(self, intent: StartedOperation, lease: Lease, /) -> Lease:
        """Renews the lease after earlier parts, so that the resolver does not check before this one is sent.

        Only while the old lease is held: afterwards others may have checked, and may soon declare it absent.
        """
        renewed = self.leases.begin()
        # Checked last: a process that hung in between would renew an expired lease.
        if not lease.is_held:
            return lease
        self.recorder.renew_lease(intent.payment.terms.payment_id, intent.operation)
        return renewed

    def record_unsent(self, unsent: Sequence[StartedOperation], failure: GatewayNotReached) -> Payment:
        try:
            return PaymentCall.record_unsent(self, unsent, failure)
        except GatewayNotReached:
            # The answer depends on the amount that this request refunded before.
            return result_or_raise(self.present(unsent[0].payment), self.request.request_id)

    def result_or_raise(self, resource: Payment, sent: Sequence[StartedOperation], /) -> Payment:
        now = (resource.operation(one.operation.operation_id) for one in sent)
        refused = [one for one in now if one.failure_reason is FailureReason.GATEWAY_REFUSED_REQUEST]
        if refused:
            resource = self._refund_rest(resource, refused)
        return result_or_raise(resource, self.request.request_id)

    def _refund_rest(self, payment: Payment, refused: list[Operation]) -> Payment:
        """Handles an outdated record: the money has settled in between, or somebody refunded it at the gateway.

        Syncs the payment, and refunds the rest, once.
        """
        payment = self.sync(payment, [sale.transaction_id for sale in payment.captured_sales])
        lease = self.leases.begin()
        payment, intents = self._record_rest(payment.terms.payment_id, refused)
        if isinstance(intents, Exception):
            raise intents
        return self.executor.send_each(self, payment, intents, lease)

    @retry_on_conflict
    def _record_rest(
        self, payment_id: PaymentId, refused: list[Operation]
    ) -> tuple[Payment, list[StartedOperation] | AmountExceeds | IllegalTransition]:
        with self.store.begin() as work:
            payment = lock_payment(work, payment_id)
            try:
                if self._would_repeat(payment, refused):
                    return payment, []
                return payment, self._start_parts(work, payment, self.request.context(self.clock.now()))
            except (AmountExceeds, IllegalTransition) as refusal:
                if payment.refunded_by(self.request.request_id):
                    # This process hung in between, and the resolver took over.
                    return payment, []
                self.guard.refuse(work, self.request, refusal)
                return payment, refusal
            except OperationInProgress:
                if not payment.refunded_by(self.request.request_id):
                    raise
                return payment, []

    def _would_repeat(self, payment: Payment, refused: list[Operation]) -> bool:
        """Whether it would send the same again that the gateway has just refused."""
        sent = {(one.kind, one.target_transaction_id, one.amount) for one in refused}
        return any(
            (part.kind, part.transaction_id, part.amount) in sent and not part.must_wait
            for part in payment.plan_refund(self._left(payment))
        )


def send_refund(gateway: Gateway, operation: Operation, lease: Lease, reference: str = "") -> Outcome:
    """Refunds at the gateway: by a void before settlement, by a refund afterwards."""
    if operation.kind is OperationKind.VOID:
        return gateway.void(void_of(operation), lease)
    return gateway.refund(
        Refund(
            operation_id=operation.operation_id,
            transaction_id=operation.target_transaction_id,
            amount=operation.amount,
            reference=reference,
        ),
        lease,
    )
