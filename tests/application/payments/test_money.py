"""Taking, capturing, cancelling and giving back, as a caller sees it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from application.common.errors import OperationRefused
from application.payments.create_payment_command import RawStoredMethod
from application.ports.gateway import GatewayNotReached, GatewayUnavailable, Nonce
from domain.decline import DeclineReason
from domain.errors import AmountExceeds, IllegalTransition, OperationInProgress
from domain.events import CaptureMode
from domain.operation import FailureReason, OperationKind, OperationState
from domain.operation_log import Funds
from domain.payment import Payment
from domain.payment_method import PaymentMethodState
from domain.payment_state import PaymentState
from tests.application.shop import SHOP, Shop, a_request_id, an_order, usd
from tests.fakes.faulty_gateway import Fault

# Taking


def test_a_payment_is_captured_at_once_by_default() -> None:
    shop = Shop()
    assert shop.pay().state is PaymentState.CAPTURED
    assert shop.pay(an_order(capture_mode=CaptureMode.MANUAL)).state is PaymentState.AUTHORIZED


def test_a_payment_shows_what_paid_and_nothing_more() -> None:
    payment = Shop().pay()
    assert payment.instrument is not None
    assert (payment.instrument.brand, payment.instrument.last_four) == ("visa", "1111")
    assert "4111" not in repr(payment.terms)


def test_a_decline_is_an_answer() -> None:
    payment = Shop().pay(an_order(amount=usd(2001_00)))
    assert (payment.state, payment.funds) == (PaymentState.DECLINED, Funds.NONE)
    assert payment.final_decline is not None
    assert payment.final_decline.reason is DeclineReason.INSUFFICIENT_FUNDS


def test_a_nonce_pays_and_a_used_one_is_declined() -> None:
    shop = Shop()
    assert shop.pay(an_order(source=Nonce("fake-valid-nonce"))).state is PaymentState.CAPTURED
    assert shop.pay(an_order(source=Nonce("fake-consumed-nonce"))).state is PaymentState.DECLINED


def test_a_stored_method_pays() -> None:
    shop = Shop()
    ada = shop.customer()
    method = shop.method(ada)
    payment = shop.pay(an_order(source=RawStoredMethod(method.payment_method_id)))
    assert payment.state is PaymentState.CAPTURED
    assert (payment.terms.customer_id, payment.terms.payment_method_id) == (ada.customer_id, method.payment_method_id)


def test_a_payment_can_keep_its_method() -> None:
    shop = Shop()
    payment = shop.pay(an_order(customer_id=shop.customer().customer_id, store_payment_method=True))
    assert payment.terms.payment_method_id is not None
    method = shop.get_method(payment.terms.payment_method_id, SHOP)
    assert method.state is PaymentMethodState.ACTIVE
    again = shop.pay(an_order(source=RawStoredMethod(method.payment_method_id)))
    assert again.state is PaymentState.CAPTURED


@pytest.mark.parametrize(
    ("amount", "state"), [(2000_00, PaymentMethodState.DECLINED), (3000_00, PaymentMethodState.DECLINED)]
)
def test_a_declined_payment_keeps_no_method(amount: int, state: PaymentMethodState) -> None:
    shop = Shop()
    customer = shop.customer()
    payment = shop.pay(an_order(customer_id=customer.customer_id, store_payment_method=True, amount=usd(amount)))
    assert payment.terms.payment_method_id is not None
    assert shop.get_method(payment.terms.payment_method_id, SHOP).state is state


@pytest.mark.parametrize("fault", [Fault.UNREACHABLE, Fault.LOST_BEFORE, Fault.LOST_AFTER])
def test_a_customer_that_cannot_be_made_known_keeps_the_payment_from_being_sent(fault: Fault) -> None:
    shop = Shop()
    order = an_order(customer_id=shop.customer().customer_id, store_payment_method=True)
    shop.fails("ensure_customer", fault)
    with pytest.raises(GatewayNotReached):
        shop.pay(order)
    assert shop.effects() == 0
    payment = shop.pay(order)
    assert payment.state is PaymentState.CAPTURED
    assert payment.terms.payment_method_id is not None
    assert shop.get_method(payment.terms.payment_method_id, SHOP).state is PaymentMethodState.ACTIVE


# Capturing


def test_captures_in_parts_add_up_and_stop_at_what_was_authorized() -> None:
    shop = Shop()
    payment = shop.authorize()
    shop.capture(payment, 30_00)
    payment = shop.capture(payment, 50_00)
    assert (payment.captured_amount.minor_units, payment.capturable_amount.minor_units) == (80_00, 20_00)
    with pytest.raises(AmountExceeds):
        shop.capture(payment, 20_01)
    assert shop.capture(payment).captured_amount == payment.terms.amount


def test_a_final_capture_releases_the_rest() -> None:
    shop = Shop()
    payment = shop.capture(shop.authorize(), 30_00, final=True)
    assert payment.captured_amount.minor_units == 30_00
    with pytest.raises(IllegalTransition):
        shop.capture(payment, 1)


def test_a_capture_whose_outcome_is_unknown_blocks_the_next() -> None:
    shop = Shop()
    payment = shop.authorize()
    shop.fails("capture", Fault.LOST_AFTER)
    assert shop.capture(payment, 30_00).state is PaymentState.PENDING
    with pytest.raises(OperationInProgress):
        shop.capture(payment, 30_00)
    with pytest.raises(OperationInProgress):
        shop.void(payment)


def test_a_capture_that_the_gateway_refuses_is_told_and_repeated_as_told() -> None:
    shop, request_id = Shop(), a_request_id()
    payment = shop.authorize()
    shop.real_gateway.expire(payment.authorization.transaction_id)
    for _ in range(2):
        with pytest.raises(OperationRefused) as refusal:
            shop.capture(payment, request_id=request_id)
        assert refusal.value.kind is OperationKind.CAPTURE
        assert "91507" in refusal.value.detail
    assert shop.verify(payment).payment.state is PaymentState.EXPIRED


# Cancelling


def test_a_void_returns_what_was_held_or_not_settled() -> None:
    shop = Shop()
    for payment in (shop.authorize(), shop.pay()):
        voided = shop.void(payment)
        assert (voided.state, voided.funds) == (PaymentState.VOIDED, Funds.RETURNED)


def test_a_void_after_settlement_is_refused() -> None:
    shop = Shop()
    payment = shop.pay()
    shop.real_gateway.settle()
    with pytest.raises(OperationRefused) as refusal:
        shop.void(payment)
    assert "91504" in refusal.value.detail
    with pytest.raises(IllegalTransition):
        shop.void(shop.settled())


# Giving back


def test_a_settled_payment_is_refunded_in_parts_and_never_beyond() -> None:
    shop = Shop()
    payment = shop.settled()
    shop.refund(payment, 30_00)
    payment = shop.refund(payment, 30_00)
    assert (payment.refunded_amount.minor_units, payment.refundable_amount.minor_units) == (60_00, 40_00)
    with pytest.raises(AmountExceeds):
        shop.refund(payment, 40_01)
    payment = shop.refund(payment)
    assert payment.funds is Funds.RETURNED
    with pytest.raises(IllegalTransition):
        shop.refund(payment, 1)


def test_a_whole_refund_before_settlement_is_a_void() -> None:
    shop = Shop()
    payment = shop.refund(shop.pay())
    assert payment.operations[-1].kind is OperationKind.VOID
    assert payment.state is PaymentState.VOIDED


def test_a_partial_refund_before_settlement_waits_for_it() -> None:
    shop = Shop()
    payment = shop.refund(shop.pay(), 30_00)
    assert payment.operations[-1].state is OperationState.SCHEDULED
    assert payment.refund_pending_amount.minor_units == 30_00
    assert "refund" not in shop.calls
    shop.resolve(after=timedelta(minutes=1))
    assert shop.now(payment).operations[-1].state is OperationState.SCHEDULED
    shop.real_gateway.settle()
    shop.resolve(after=timedelta(hours=1))
    payment = shop.now(payment)
    assert (payment.refunded_amount.minor_units, payment.state) == (30_00, PaymentState.SETTLED)
    assert shop.calls.count("refund") == 1


def test_a_refund_learns_that_the_payment_has_settled_meanwhile() -> None:
    shop = Shop()
    payment = shop.pay()
    shop.real_gateway.settle()
    refunded = shop.refund(payment, 30_00)
    assert refunded.operations[-1].kind is OperationKind.REFUND
    assert refunded.refunded_amount.minor_units == 30_00


def test_a_refund_whose_void_comes_too_late_refunds_instead() -> None:
    shop = Shop()
    payment = shop.pay()
    settle = shop.real_gateway.settle
    real_void = shop.real_gateway.void
    shop.real_gateway.void = lambda void, lease: (settle(), real_void(void, lease))[1]  # type: ignore[method-assign]
    refunded = shop.refund(payment)
    assert [o.kind for o in refunded.operations[1:]] == [OperationKind.VOID, OperationKind.REFUND]
    assert refunded.funds is Funds.RETURNED


def test_a_refund_of_several_captures_gives_back_each() -> None:
    shop = Shop()
    payment = shop.authorize()
    first = shop.capture(payment, 30_00).operations[-1]
    shop.capture(payment, 70_00)
    shop.real_gateway.settle(first.transaction_id)
    refunded = shop.refund(payment)
    assert [o.kind for o in refunded.operations[-2:]] == [OperationKind.REFUND, OperationKind.VOID]
    assert refunded.refunded_amount.minor_units == 30_00
    assert refunded.refundable_amount.minor_units == 0
    assert not refunded.is_live


@pytest.mark.parametrize("amount", [None, 100_00])
def test_a_refund_of_several_captures_that_cannot_be_sent_is_sent_whole_next_time(amount: int | None) -> None:
    shop, request_id = Shop(), a_request_id()
    payment = shop.authorize()
    for part in (30_00, 70_00):
        shop.capture(payment, part)
    shop.real_gateway.settle()
    shop.fails("refund", Fault.UNREACHABLE)
    with pytest.raises(GatewayNotReached):
        shop.refund(payment, amount, request_id=request_id)
    assert shop.calls.count("refund") == 1
    assert shop.now(payment).refundable_amount.minor_units == 100_00
    assert shop.refund(payment, amount, request_id=request_id).refunded_amount.minor_units == 100_00
    assert shop.refund(payment, amount, request_id=request_id).refunded_amount.minor_units == 100_00


def test_a_refund_that_cannot_be_sent_beside_one_that_waits_is_not_forgotten() -> None:
    shop, request_id = Shop(), a_request_id()
    payment = shop.authorize()
    for part in (30_00, 30_00):
        shop.capture(payment, part)
    shop.fails("void", Fault.UNREACHABLE)
    with pytest.raises(GatewayNotReached):
        shop.refund(payment, 40_00, request_id=request_id)
    shop.refund(payment, 40_00, request_id=request_id)
    shop.real_gateway.settle()
    shop.resolve(after=timedelta(hours=2))
    payment = shop.now(payment)
    assert (payment.refunded_amount.minor_units, payment.captured_amount.minor_units) == (10_00, 30_00)


def test_a_refund_that_is_declined_can_be_asked_for_again() -> None:
    shop = Shop()
    payment = shop.settled(4500_00)
    refused = shop.refund(payment, 2004_00)
    assert refused.operations[-1].decline is not None
    assert refused.refundable_amount == payment.refundable_amount


def test_a_refund_is_not_planned_on_a_guess() -> None:
    shop = Shop()
    payment = shop.pay()
    shop.fails("find_transaction", Fault.LOST_BEFORE)
    with pytest.raises(GatewayUnavailable):
        shop.refund(payment)
    assert len(shop.now(payment).operations) == 1


def test_a_declined_or_failed_payment_has_no_refundable_amount() -> None:
    shop = Shop()
    declined = shop.pay(an_order(amount=usd(2000_00)))
    for attempt in (shop.refund, shop.void, shop.capture):
        with pytest.raises(IllegalTransition):
            attempt(declined)


def test_every_step_is_in_the_history() -> None:
    shop = Shop()
    payment = shop.capture(shop.authorize(), 30_00)
    shop.refund(payment)
    entries, token = shop.list_events(payment.terms.payment_id, SHOP)
    assert not token
    assert Payment.replay([entry.event for entry in entries]) == shop.now(payment)
    assert [entry.sequence for entry in entries] == list(range(1, len(entries) + 1))
    assert entries[-1].state is shop.now(payment).state
    assert shop.now(payment).operations[1].failure_reason is not FailureReason.NO_LONGER_POSSIBLE
