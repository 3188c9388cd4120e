"""Payments in every state, made only through what the domain offers."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

from domain.decline import CATALOGUE, DeclineReason
from domain.events import CaptureMode, EventContext, PaymentTerms
from domain.ids import CallerId, OperationId, PaymentId, RequestId
from domain.money import Money
from domain.operation import FailureReason, Operation, OperationKind
from domain.payment import Payment
from domain.payment_state import PaymentState
from domain.transaction import TransactionSnapshot, TransactionStatus

NOON = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
STAMP = EventContext(NOON, "shop")
NO_FUNDS = CATALOGUE[DeclineReason.INSUFFICIENT_FUNDS]

_numbers = itertools.count(1)


def usd(minor_units: int) -> Money:
    return Money(minor_units, "USD")


def an_operation_id() -> OperationId:
    return OperationId(f"op_{next(_numbers):026d}")


def a_request_id() -> RequestId:
    return RequestId(f"00000000-0000-4000-8000-{next(_numbers):012d}")


def a_payment(amount: Money | None = None, *, capture_mode: CaptureMode = CaptureMode.MANUAL) -> Payment:
    terms = PaymentTerms(
        payment_id=PaymentId(f"pay_{next(_numbers):026d}"),
        caller_id=CallerId("shop"),
        reference="order 1",
        amount=amount or usd(100_00),
        capture_mode=capture_mode,
    )
    return Payment.create(terms, context=STAMP)


def a_started_payment(amount: Money | None = None) -> Payment:
    payment = a_payment(amount)
    payment.authorize(an_operation_id(), a_request_id(), context=STAMP)
    return payment


def succeed(
    payment: Payment, operation: Operation, status: TransactionStatus, transaction_id: str = "", **standing: object
) -> None:
    """The gateway did it: in the transaction given, or the one acted on, or one of its own."""
    payment.succeed(
        operation.operation_id,
        amount=operation.amount,
        transaction_id=transaction_id or operation.target_transaction_id or f"tx{next(_numbers)}",
        standing=TransactionSnapshot(status, **standing),  # type: ignore[arg-type]
        context=STAMP,
    )


def an_authorized_payment(amount: Money | None = None) -> Payment:
    payment = a_started_payment(amount)
    succeed(payment, payment.authorization, TransactionStatus.AUTHORIZED)
    return payment


def a_captured_payment(amount: Money | None = None) -> Payment:
    payment = a_started_payment(amount)
    succeed(payment, payment.authorization, TransactionStatus.SUBMITTED)
    return payment


def move(payment: Payment, status: TransactionStatus, transaction_id: str = "", **standing: object) -> bool:
    """The gateway moved a transaction on: the authorized one where none is given."""
    transaction_id = transaction_id or payment.authorization.transaction_id
    latest = payment.latest_on(transaction_id)
    assert latest is not None
    return payment.apply_gateway_status(
        transaction_id,
        TransactionSnapshot(status, **standing),  # type: ignore[arg-type]
        amount=latest.amount,
        context=STAMP,
    )


def a_settled_payment(amount: Money | None = None) -> Payment:
    payment = a_captured_payment(amount)
    move(payment, TransactionStatus.SETTLED)
    return payment


def capture(payment: Payment, amount: Money | None = None, *, final: bool = False) -> Operation:
    """A capture that succeeds."""
    operation = payment.capture(amount, an_operation_id(), a_request_id(), final=final, context=STAMP)
    own = f"tx{next(_numbers)}" if operation.in_part else ""
    succeed(payment, operation, TransactionStatus.SUBMITTED, own)
    return payment.operation(operation.operation_id)


def adjust(payment: Payment, amount: Money) -> Operation:
    return payment.adjust(amount, an_operation_id(), a_request_id(), context=STAMP)


def void(payment: Payment) -> Operation:
    return payment.void(an_operation_id(), a_request_id(), context=STAMP)


def start_refund(payment: Payment, amount: Money | None = None) -> list[Operation]:
    request_id = a_request_id()
    return [
        payment.start_refund_part(part, an_operation_id(), request_id, context=STAMP)
        for part in payment.plan_refund(amount)
    ]


def refund(payment: Payment, amount: Money | None = None) -> list[Operation]:
    """A refund that succeeds: by a void of what has not settled."""
    started = start_refund(payment, amount)
    for operation in started:
        if operation.kind is OperationKind.VOID:
            succeed(payment, operation, TransactionStatus.VOIDED)
            continue
        succeed(payment, operation, TransactionStatus.SUBMITTED, f"tx{next(_numbers)}")
    return [payment.operation(operation.operation_id) for operation in started]


def a_payment_in(state: PaymentState) -> Payment:
    """One payment in the state."""
    match state:
        case PaymentState.PENDING:
            return a_started_payment()
        case PaymentState.AUTHORIZED:
            return an_authorized_payment()
        case PaymentState.CAPTURED:
            return a_captured_payment()
        case PaymentState.SETTLED:
            return a_settled_payment()
    payment = a_started_payment() if state in (PaymentState.DECLINED, PaymentState.FAILED) else an_authorized_payment()
    operation_id = payment.authorization.operation_id
    match state:
        case PaymentState.DECLINED:
            payment.decline(operation_id, NO_FUNDS, context=STAMP)
        case PaymentState.FAILED:
            payment.fail(operation_id, FailureReason.GATEWAY_UNREACHABLE, context=STAMP)
        case PaymentState.VOIDED:
            succeed(payment, void(payment), TransactionStatus.VOIDED)
        case PaymentState.EXPIRED:
            move(payment, TransactionStatus.EXPIRED)
        case PaymentState.SETTLEMENT_DECLINED:
            capture(payment)
            move(payment, TransactionStatus.SETTLEMENT_DECLINED)
        case _:
            raise AssertionError(state)
    return payment
