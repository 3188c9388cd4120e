"""A void releases the rest of a hold, and pending settlements can always be ended."""

from __future__ import annotations

from datetime import timedelta

import pytest

from application.common.errors import OperationRefused
from application.ports.gateway import Nonce
from domain.errors import IllegalTransition
from domain.operation import FailureReason, OperationKind, OperationState
from domain.operation_log import Funds
from domain.payment import Payment
from domain.payment_state import PaymentState
from domain.transaction import TransactionStatus
from tests.application.shop import Shop, a_request_id, an_order, usd
from tests.fakes.faulty_gateway import Fault
from tests.fakes.gateway.vault import PAYPAL_NONCE

MINUTE = timedelta(minutes=1)


def captured_in_part(shop: Shop) -> Payment:
    return shop.capture(shop.authorize(), 30_00)


def held_up(shop: Shop) -> Payment:
    """Paid by PayPal, which does not confirm the settlement yet."""
    payment = shop.pay(an_order(amount=usd(4002_00), source=Nonce(PAYPAL_NONCE)))
    shop.real_gateway.settle()
    return shop.verify(payment).payment


def test_a_void_releases_what_is_left_of_the_hold_and_keeps_what_was_captured() -> None:
    shop = Shop()
    payment = shop.void(captured_in_part(shop))

    assert (payment.captured_amount.minor_units, payment.capturable_amount.minor_units) == (30_00, 0)
    assert (payment.state, payment.funds) == (PaymentState.CAPTURED, Funds.CAPTURED)
    assert payment.operations[-1].amount.minor_units == 70_00
    assert shop.refund(payment).funds is Funds.RETURNED


def test_the_rest_is_released_once_whatever_is_repeated() -> None:
    shop = Shop()
    payment = captured_in_part(shop)
    request_id = a_request_id()
    first = shop.void(payment, request_id=request_id)
    effects = shop.effects()

    assert shop.void(payment, request_id=request_id) == first
    with pytest.raises(IllegalTransition):
        shop.void(payment)
    assert shop.effects() == effects


def test_the_rest_is_released_after_the_part_has_settled() -> None:
    shop = Shop()
    payment = captured_in_part(shop)
    shop.real_gateway.settle()
    payment = shop.verify(payment).payment

    payment = shop.void(payment)

    assert (payment.state, payment.capturable_amount.minor_units) == (PaymentState.SETTLED, 0)
    assert payment.refundable_amount.minor_units == 30_00


@pytest.mark.parametrize("fault", [Fault.LOST_AFTER, Fault.LATE, Fault.LOST_BEFORE])
def test_a_release_whose_answer_was_lost_is_found_or_proven_absent(fault: Fault) -> None:
    shop = Shop()
    payment = captured_in_part(shop)
    shop.fails("void", fault)
    shop.void(payment)
    for _ in range(8):
        shop.resolve(after=MINUTE)

    operation = shop.now(payment).operations[-1]

    if fault is Fault.LOST_BEFORE:
        assert operation.failure_reason is FailureReason.NOT_FOUND_AT_GATEWAY
        assert shop.now(payment).capturable_amount.minor_units == 70_00
    else:
        assert operation.state is OperationState.SUCCEEDED
        assert shop.now(payment).capturable_amount.minor_units == 0
    assert shop.now(payment).refundable_amount.minor_units == 30_00


@pytest.mark.parametrize("amount", [None, 1_00])
def test_a_refund_of_what_paypal_holds_up_is_scheduled_and_carried_out(amount: int | None) -> None:
    shop = Shop()
    payment = held_up(shop)
    assert payment.authorization.standing is not None
    assert payment.authorization.standing.status is TransactionStatus.SETTLEMENT_PENDING
    payment = shop.refund(payment, amount)
    assert payment.operations[-1].state is OperationState.SCHEDULED
    shop.real_gateway.confirm_settlement()
    for _ in range(4):
        shop.resolve(after=timedelta(hours=1))

    assert shop.now(payment).refunded_amount.minor_units == (amount or 4002_00)


def test_a_void_of_what_paypal_holds_up_gives_it_back_and_ends_what_was_scheduled() -> None:
    shop = Shop()
    payment = shop.refund(held_up(shop), 1_00)

    payment = shop.void(payment)

    assert (payment.state, payment.funds) == (PaymentState.VOIDED, Funds.RETURNED)
    assert payment.operations[1].failure_reason is FailureReason.NO_LONGER_POSSIBLE


def test_a_void_that_the_gateway_refuses_leaves_the_refund() -> None:
    shop = Shop()
    payment = held_up(shop)
    shop.real_gateway.confirm_settlement()
    with pytest.raises(OperationRefused) as refusal:
        shop.void(payment)
    assert refusal.value.kind is OperationKind.VOID

    assert shop.refund(payment).refunded_amount == payment.captured_amount
