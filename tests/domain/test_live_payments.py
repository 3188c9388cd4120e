"""Live payments that block another payment for the same reference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from domain.events import CaptureMode, PaymentTerms
from domain.ids import CallerId, CustomerId, PaymentId
from domain.money import Money
from domain.operation import FailureReason, OperationKind
from domain.payment import Payment
from domain.transaction import TransactionSnapshot, TransactionStatus
from tests.domain.builders import (
    NO_FUNDS,
    STAMP,
    a_request_id,
    an_operation_id,
    capture,
    move,
    refund,
    start_refund,
    succeed,
    usd,
    void,
)

ADA, BOB = CustomerId("ada"), CustomerId("bob")
# The back end takes 10.00 from Ada for order 1.
TERMS = PaymentTerms(
    payment_id=PaymentId("pay_1"),
    caller_id=CallerId("shop"),
    reference="order 1",
    amount=usd(10_00),
    capture_mode=CaptureMode.AUTOMATIC,
    customer_id=ADA,
)
# Ada pays it with a credential of her own.
BY_ADA = replace(TERMS, reference_space=ADA)


def paid(terms: PaymentTerms, status: TransactionStatus = TransactionStatus.SUBMITTED) -> Payment:
    payment = pending(terms)
    succeed(payment, payment.authorization, status)
    return payment


def pending(terms: PaymentTerms) -> Payment:
    payment = Payment.create(terms, context=STAMP)
    payment.authorize(an_operation_id(), a_request_id(), context=STAMP)
    return payment


def test_the_same_order_is_paid_once() -> None:
    assert paid(TERMS).already_pays(TERMS)
    assert pending(TERMS).already_pays(TERMS)


@pytest.mark.parametrize(
    "asked",
    [
        replace(TERMS, reference="order 2"),
        replace(TERMS, caller_id=CallerId("stranger")),
        replace(TERMS, caller_id=CallerId("stranger"), reference="order 2"),
    ],
)
def test_other_orders_and_other_callers_are_free(asked: PaymentTerms) -> None:
    assert not paid(TERMS).already_pays(asked)


def test_the_amount_and_the_customer_do_not_make_it_another_order_of_the_back_end() -> None:
    assert paid(TERMS).already_pays(replace(TERMS, amount=usd(1), customer_id=BOB))


def test_an_order_that_came_to_nothing_may_be_paid_again() -> None:
    declined, failed, voided = pending(TERMS), pending(TERMS), paid(TERMS)
    declined.decline(declined.authorization.operation_id, NO_FUNDS, context=STAMP)
    failed.fail(failed.authorization.operation_id, FailureReason.GATEWAY_UNREACHABLE, context=STAMP)
    succeed(voided, void(voided), TransactionStatus.VOIDED)
    assert not any(payment.already_pays(TERMS) for payment in (declined, failed, voided))


def test_a_back_end_payment_for_a_customer_blocks_the_customers_own_of_any_amount() -> None:
    assert paid(TERMS).already_pays(replace(BY_ADA, amount=usd(99_00)))
    assert paid(TERMS).already_pays(BY_ADA)


def test_customers_of_their_own_do_not_stand_against_one_another() -> None:
    by_bob = replace(TERMS, customer_id=BOB, reference_space=BOB)
    assert paid(BY_ADA).already_pays(BY_ADA)
    assert not paid(BY_ADA).already_pays(by_bob)
    assert not paid(by_bob).already_pays(TERMS)
    assert not paid(TERMS).already_pays(by_bob)


def test_a_guest_has_no_earlier_payments() -> None:
    guest = replace(TERMS, customer_id=None)
    assert not paid(guest).already_pays(replace(guest, reference_space=ADA))
    assert not paid(guest).already_pays(BY_ADA)
    assert not paid(BY_ADA).already_pays(guest)


@pytest.mark.parametrize("pay", [pending, paid], ids=["pending", "captured"])
@pytest.mark.parametrize(("asked", "stands"), [(9_99, True), (10_00, True), (10_01, False)])
def test_a_customer_stands_against_the_back_end_only_with_the_whole_amount(
    pay: Callable[[PaymentTerms], Payment], asked: int, stands: bool
) -> None:
    assert pay(BY_ADA).already_pays(replace(TERMS, amount=usd(asked))) is stands


@pytest.mark.parametrize("pay", [pending, paid], ids=["pending", "captured"])
def test_another_currency_is_not_the_whole_amount(pay: Callable[[PaymentTerms], Payment]) -> None:
    assert not pay(BY_ADA).already_pays(replace(TERMS, amount=Money(1, "EUR")))


def stands_with(payment: Payment) -> Money:
    """The most that the payment of a customer's own stands against."""
    return max(usd(n) for n in range(10_02) if payment.already_pays(replace(TERMS, amount=usd(n))))


def test_a_customer_stands_with_what_is_taken_and_what_can_still_be_taken() -> None:
    manual = replace(BY_ADA, capture_mode=CaptureMode.MANUAL)
    held = paid(manual, TransactionStatus.AUTHORIZED)
    assert stands_with(held) == usd(10_00)
    capture(held, usd(4_00))
    assert stands_with(held) == usd(10_00)
    capture(held, usd(1_00), final=True)
    assert stands_with(held) == usd(5_00)


def test_a_customer_does_not_stand_with_what_was_given_back_or_will_be() -> None:
    payment = paid(BY_ADA)
    start_refund(payment, usd(1_00))
    assert stands_with(payment) == usd(9_00)
    move(payment, TransactionStatus.SETTLED)
    start_refund(payment, usd(2_00))
    assert stands_with(payment) == usd(7_00)
    refund(payment, usd(3_00))
    assert stands_with(payment) == usd(4_00)


def test_requests_that_move_money_are_distinguished_from_reads() -> None:
    payment = Payment.create(TERMS, context=STAMP)
    assert not payment.is_asked_to_pay
    payment.authorize(an_operation_id(), a_request_id(), context=STAMP)
    assert payment.is_asked_to_pay
    payment.new_events.clear()
    succeed(payment, payment.authorization, TransactionStatus.SUBMITTED)
    void(payment)
    payment.record_outside(
        OperationKind.AUTHORIZE,
        an_operation_id(),
        amount=usd(1),
        transaction_id="tx",
        target_transaction_id="",
        standing=TransactionSnapshot(TransactionStatus.AUTHORIZED),
        context=STAMP,
    )
    assert not payment.is_asked_to_pay
