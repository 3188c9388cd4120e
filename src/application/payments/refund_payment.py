"""Refunds a payment, in full or in part."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from application.common.caller import Caller
from application.common.conflicts import retry_on_conflict
from application.common.lease import Lease
from application.common.validator import RawMoney, Validator, require_checked
from application.disputes.disputed_amounts import refuse_if_claimed
from application.idempotency.payment_executor import PaymentExecutor, Request, locked, may_try_again
from application.idempotency.standing_refusals import STANDING, refusal_to_fields
from application.payments.payment_access import check_amount, load_for_update, owned_payment
from application.payments.sync_from_gateway import Refresh
from application.payments.void_payment import void_of
from application.ports.gateway import Gateway, GatewayNotReached, Outcome, Refund, RefundIncomplete
from application.ports.store import Store, UnitOfWork
from domain import ids
from domain.errors import AmountExceeds, IllegalTransition, OperationInProgress
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
    executor: PaymentExecutor
    refresh: Refresh

    def __call__(self, order: RefundPaymentCommand, caller: Caller) -> Payment:
        """Raises InvalidRequest, NotFound, RequestIdReused, DomainError, OperationRefused and GatewayNotReached."""
        validator = Validator()
        request_id = validator.request_id(order.request_id)
        payment_id = validator.resource_id("payment_id", order.payment_id, ids.PAYMENT)
        note = validator.plain_text("note", order.note)
        validator.language("language_code", order.language_code)
        amount = check_amount(validator, order.amount, self.store, payment_id, caller)
        validator.done()
        fields = {"payment_id": payment_id, "amount": amount, "note": note}
        request = Request(caller, require_checked(request_id), "RefundPayment", fields)
        self._learn_whether_settled(require_checked(payment_id), request, caller)
        lease = self.executor.begin_lease()
        with self.executor.in_flight.track(request.key):
            try:
                payment, started = self._record_start(request, PaymentId(require_checked(payment_id)), amount, note)
            except STANDING as refusal:
                payment, started = self.executor.refuse(request, PaymentId(require_checked(payment_id)), refusal), None
            if started == []:
                # Everything waits, or others refunded the rest after a part. The payment shows it.
                return payment
            if started is not None:
                payment = self._carry_out(payment, started, request, lease)
                refused = _refused(payment, started)
                if refused:
                    payment = self._refund_instead(payment, refused, request, amount, note)
                return self.executor.answer(payment, request)
        return self.executor.repeat(payment, request)

    def _learn_whether_settled(self, payment_id: str, request: Request, caller: Caller) -> None:
        """Syncs the payment: the gateway need not have reported that money was voided, refunded or disputed."""
        with self.store.read() as work:
            payment = owned_payment(work.payments.get(PaymentId(payment_id)), payment_id, caller)
            is_repeat = self.executor.is_repeat(work, request)
        if is_repeat:
            return
        sales = payment.captured_sales
        if sales:
            self.refresh(payment, [sale.transaction_id for sale in sales])

    @retry_on_conflict
    def _record_start(
        self, request: Request, payment_id: PaymentId, amount: Money | None, note: str
    ) -> tuple[Payment, list[Operation] | None]:
        with self.store.begin() as work:
            stamp = self.executor.stamp(request.caller)
            record = self.executor.record_of(request, payment_id, stamp)
            earlier = self.executor.claim(work, record)
            payment = load_for_update(work, payment_id, request.caller)
            if earlier is not None and not may_try_again(payment, request):
                return payment, None
            try:
                return payment, self._start(work, payment, request, amount, note)
            except (AmountExceeds, IllegalTransition, OperationInProgress) as refusal:
                if not payment.refunded_by(request.request_id):
                    refuse_if_claimed(work, payment, amount)
                    raise
                # A part of it was refunded before, so that a refusal would be wrong.
                if isinstance(refusal, OperationInProgress):
                    raise RefundIncomplete from None
                return payment, []

    def _start(
        self, work: UnitOfWork, payment: Payment, request: Request, amount: Money | None, note: str
    ) -> list[Operation]:
        """Starts the refund of the amount, less the request's earlier refunds. Returns the operations to send now."""
        stamp = self.executor.stamp(request.caller)
        left = amount - payment.refunded_by(request.request_id) if amount is not None else None
        # Waiting refunds come first: then an unsent last operation means that the request is to be retried.
        operations = [
            payment.start_refund_part(
                part, OperationId(self.executor.ids.new(OPERATION)), request.request_id, note=note, stamp=stamp
            )
            for part in sorted(payment.plan_refund(left), key=lambda part: not part.must_wait)
        ]
        for operation in operations:
            waits = operation.state is OperationState.SCHEDULED
            due = stamp.time + (self.executor.first_check if waits else self.executor.lease)
            payment.schedule_check(operation.operation_id, due)
        work.payments.save(payment)
        return [operation for operation in operations if operation.state is OperationState.STARTED]

    def _carry_out(self, payment: Payment, started: list[Operation], request: Request, lease: Lease) -> Payment:
        """Sends one after the other. After one that cannot be sent, the rest surely was not sent either."""
        for index, operation in enumerate(started):
            if index:
                lease = self._renew_lease(payment, operation, lease)
            try:
                payment = self.executor.call_gateway(
                    payment,
                    operation,
                    partial(send_return, self.gateway, operation, lease),
                    request.caller,
                    waiting=started[index + 1 :],
                )
            except GatewayNotReached:
                # The answer depends on the amount that this request refunded before.
                return self.executor.answer_now(payment, request)
        return payment

    @retry_on_conflict
    def _renew_lease(self, payment: Payment, operation: Operation, lease: Lease) -> Lease:
        """Renews the lease after the time of earlier calls, so that the resolver does not check before the operation is
        sent.

        Only while the old lease is held: afterwards others may have checked, and may soon declare it absent.
        """
        renewed = self.executor.begin_lease()
        # Checked last: a process that hung in between would renew an expired lease.
        if not lease.is_held:
            return lease
        with self.store.begin() as work:
            current = locked(work, payment.terms.payment_id)
            due = self.executor.clock.now() + self.executor.lease
            current.schedule_check(operation.operation_id, due)
            work.payments.save(current)
        return renewed

    def _refund_instead(
        self, payment: Payment, refused: list[Operation], request: Request, amount: Money | None, note: str
    ) -> Payment:
        """Handles an outdated record: the money has settled in between, or somebody refunded it at the gateway.

        Syncs the payment, and refunds the rest, once.
        """
        payment = self.refresh(payment, [sale.transaction_id for sale in payment.captured_sales])
        lease = self.executor.begin_lease()
        payment, started = self._record_start_instead(request, payment.terms.payment_id, refused, amount, note)
        if isinstance(started, Exception):
            raise started
        return self._carry_out(payment, started, request, lease)

    @retry_on_conflict
    def _record_start_instead(
        self, request: Request, payment_id: PaymentId, refused: list[Operation], amount: Money | None, note: str
    ) -> tuple[Payment, list[Operation] | AmountExceeds | IllegalTransition]:
        with self.store.begin() as work:
            payment = locked(work, payment_id)
            try:
                if _would_repeat(payment, refused, amount, request):
                    return payment, []
                return payment, self._start(work, payment, request, amount, note)
            except (AmountExceeds, IllegalTransition) as refusal:
                if payment.refunded_by(request.request_id):
                    # This process hung in between, and the resolver took over.
                    return payment, []
                work.requests.refuse(*request.key, refusal_to_fields(refusal))
                return payment, refusal
            except OperationInProgress:
                if not payment.refunded_by(request.request_id):
                    raise
                return payment, []


def _refused(payment: Payment, started: list[Operation]) -> list[Operation]:
    now = (payment.operation(operation.operation_id) for operation in started)
    return [one for one in now if one.failure_reason is FailureReason.GATEWAY_REFUSED_REQUEST]


def _would_repeat(payment: Payment, refused: list[Operation], amount: Money | None, request: Request) -> bool:
    """Whether it would send the same again that the gateway has just refused."""
    left = amount - payment.refunded_by(request.request_id) if amount is not None else None
    sent = {(one.kind, one.target_transaction_id, one.amount) for one in refused}
    return any(
        (part.kind, part.transaction_id, part.amount) in sent and not part.must_wait
        for part in payment.plan_refund(left)
    )


def send_return(gateway: Gateway, operation: Operation, lease: Lease) -> Outcome:
    """Returns money at the gateway: by a void before settlement, by a refund afterwards."""
    if operation.kind is OperationKind.VOID:
        return gateway.void(void_of(operation), lease)
    return gateway.refund(
        Refund(
            operation_id=operation.operation_id, transaction_id=operation.target_transaction_id, amount=operation.amount
        ),
        lease,
    )
