"""A change of the authorized amount: exactly once, whatever happens on the way, and seen whoever makes it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from application.common.errors import InvalidRequest, NotFound, OperationRefused, RequestIdReused, Rule
from application.common.validator import RawMoney
from application.payments.adjust_authorization import AdjustAuthorizationCommand
from application.payments.create_payment_command import RawSource
from application.payments.verify_payment import VerificationOutcome
from application.ports.gateway import Adjust, GatewayNotReached, Nonce, Void
from domain.decline import DeclineReason
from domain.errors import AmountUnchanged, IllegalTransition, OperationInProgress
from domain.events import CaptureMode
from domain.ids import OperationId
from domain.money import Money
from domain.operation import FailureReason, OperationKind, OperationOrigin, OperationState
from domain.payment import Payment
from domain.payment_state import PaymentState
from tests.application.shop import HORIZON, LEASE, SHOP, STRANGER, Shop, a_request_id, an_order, usd
from tests.fakes.faulty_gateway import Fault
from tests.fakes.gateway.vault import PAYPAL_NONCE
from tests.fakes.runtime import HELD

LONG = LEASE + HORIZON + timedelta(hours=1)


@pytest.fixture
def shop() -> Shop:
    return Shop()


def dollars(amount: int) -> Money:
    return Money(amount * 100, "USD")


def held(shop: Shop, payment: Payment) -> Money:
    """The amount that the gateway holds."""
    found = shop.real_gateway.find_transaction(payment.authorization.transaction_id)
    assert found is not None
    return found.amount


def adjusted_outside(shop: Shop, payment: Payment, amount: int) -> None:
    shop.real_gateway.adjust(
        Adjust(
            operation_id=OperationId("outside"),
            transaction_id=payment.authorization.transaction_id,
            amount=dollars(amount),
        ),
        HELD,
    )


@pytest.mark.parametrize("amount", [140, 60])
def test_the_held_amount_changes_up_and_down(shop: Shop, amount: int) -> None:
    payment = shop.adjust(shop.authorize(), amount * 100)
    assert payment.state is PaymentState.AUTHORIZED
    assert payment.authorized_amount == payment.capturable_amount == held(shop, payment) == dollars(amount)
    assert payment.terms.amount == dollars(100)
    operation = payment.operations[-1]
    assert (operation.kind, operation.state) == (OperationKind.ADJUST, OperationState.SUCCEEDED)
    captured = shop.capture(payment)
    assert (captured.captured_amount, captured.state) == (dollars(amount), PaymentState.CAPTURED)
    with shop.store.read() as work:
        history = [entry.event for entry in work.payments.history(payment.terms.payment_id)]
    assert Payment.replay(history) == captured


def test_more_than_the_new_amount_cannot_be_captured_and_parts_of_it_can(shop: Shop) -> None:
    payment = shop.adjust(shop.authorize(), 140_00)
    payment = shop.capture(shop.capture(payment, 90_00), 50_00)
    assert (payment.captured_amount, payment.capturable_amount) == (dollars(140), dollars(0))


def test_several_changes_follow_one_another(shop: Shop) -> None:
    payment = shop.authorize()
    for amount in (140, 60, 140, 100):
        payment = shop.adjust(payment, amount * 100)
        assert payment.authorized_amount == held(shop, payment) == dollars(amount)
    assert shop.verify(payment).outcome is VerificationOutcome.MATCHES
    voided = shop.void(payment)
    assert (voided.state, voided.operations[-1].amount) == (PaymentState.VOIDED, dollars(100))


def test_a_repeat_changes_nothing(shop: Shop) -> None:
    payment, request_id = shop.authorize(), a_request_id()
    first = shop.adjust(payment, 140_00, request_id=request_id)
    again = shop.adjust(payment, 140_00, request_id=request_id)
    assert again.operations == first.operations
    assert shop.calls.count("adjust") == 1
    with pytest.raises(RequestIdReused):
        shop.adjust(payment, 150_00, request_id=request_id)


def test_a_repeat_long_after_another_change_is_the_payment_as_it_is_now(shop: Shop) -> None:
    payment, request_id = shop.authorize(), a_request_id()
    shop.adjust(payment, 140_00, request_id=request_id)
    shop.adjust(payment, 100_00)
    again = shop.adjust(payment, 140_00, request_id=request_id)
    assert again.authorized_amount == held(shop, payment) == dollars(100)


def test_a_refusal_of_the_bank_is_an_answer_and_the_hold_stays(shop: Shop) -> None:
    payment = shop.adjust(shop.authorize(), 2101_00)
    operation = payment.operations[-1]
    assert operation.state is OperationState.DECLINED
    assert operation.decline is not None
    assert operation.decline.reason is DeclineReason.INSUFFICIENT_FUNDS
    assert (payment.state, payment.authorized_amount) == (PaymentState.AUTHORIZED, dollars(100))
    assert payment.final_decline is None
    assert shop.adjust(payment, 140_00).authorized_amount == dollars(140)


def test_the_present_amount_is_refused_for_ever(shop: Shop) -> None:
    payment, request_id = shop.authorize(), a_request_id()
    with pytest.raises(AmountUnchanged):
        shop.adjust(payment, 100_00, request_id=request_id)
    shop.adjust(payment, 140_00)
    with pytest.raises(AmountUnchanged):
        shop.adjust(payment, 100_00, request_id=request_id)
    assert held(shop, payment) == dollars(140)


def test_an_account_that_cannot_change_holds_says_so(shop: Shop) -> None:
    shop.real_gateway.adjusts_authorizations = False
    payment = shop.authorize()
    with pytest.raises(OperationRefused) as refused:
        shop.adjust(payment, 140_00)
    assert refused.value.kind is OperationKind.ADJUST
    assert shop.now(payment).authorized_amount == dollars(100)
    assert shop.capture(payment).captured_amount == dollars(100)


@pytest.mark.parametrize("source", [Nonce(PAYPAL_NONCE)])
def test_a_wallet_account_has_no_hold_to_change(shop: Shop, source: RawSource) -> None:
    payment = shop.pay(an_order(source=source, capture_mode=CaptureMode.MANUAL))
    with pytest.raises(OperationRefused):
        shop.adjust(payment, 140_00)


def test_nothing_is_changed_once_anything_is_captured(shop: Shop) -> None:
    for payment in (shop.pay(), shop.capture(shop.authorize(), 30_00), shop.void(shop.authorize())):
        with pytest.raises(IllegalTransition):
            shop.adjust(payment, 140_00)
    assert "adjust" not in shop.calls


def test_the_rest_of_a_hold_cannot_be_changed_after_its_captures_were_given_back(shop: Shop) -> None:
    payment = shop.capture(shop.authorize(), 30_00)
    payment = shop.refund(payment)
    assert payment.state is PaymentState.AUTHORIZED
    with pytest.raises(IllegalTransition):
        shop.adjust(payment, 140_00)


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        (None, ("amount", Rule.REQUIRED)),
        (RawMoney(0, "USD"), ("amount.minor_units", Rule.POSITIVE)),
        (RawMoney(1, "JPY"), ("amount.currency_code", Rule.CURRENCY_OF_PAYMENT)),
    ],
)
def test_bad_input_is_refused_before_anything_is_recorded(
    shop: Shop, amount: RawMoney | None, expected: tuple[str, Rule]
) -> None:
    payment = shop.authorize()
    command = AdjustAuthorizationCommand(request_id=a_request_id(), payment_id=payment.terms.payment_id, amount=amount)
    with pytest.raises(InvalidRequest) as invalid:
        shop.adjust_authorization(command, SHOP)
    assert expected in [(one.field, one.rule) for one in invalid.value.violations]
    assert shop.now(payment).operations == payment.operations


def test_another_callers_payment_is_not_found(shop: Shop) -> None:
    command = AdjustAuthorizationCommand(
        request_id=a_request_id(), payment_id=shop.authorize().terms.payment_id, amount=usd(140_00)
    )
    with pytest.raises(NotFound):
        shop.adjust_authorization(command, STRANGER)


# Lost answers


@pytest.mark.parametrize("amount", [140, 60])
@pytest.mark.parametrize("fault", [Fault.LOST_AFTER, Fault.LATE])
def test_a_lost_answer_is_found_on_the_transaction(shop: Shop, amount: int, fault: Fault) -> None:
    shop.fails("adjust", fault)
    payment = shop.adjust(shop.authorize(), amount * 100)
    assert payment.state is PaymentState.PENDING
    with pytest.raises(OperationInProgress):
        shop.capture(payment)
    shop.resolve(after=LEASE + timedelta(minutes=1))
    payment = shop.now(payment)
    assert payment.operations[-1].state is OperationState.SUCCEEDED
    assert payment.authorized_amount == held(shop, payment) == dollars(amount)


def test_a_lost_answer_is_no_repeat_of_an_earlier_change(shop: Shop) -> None:
    payment = shop.adjust(shop.adjust(shop.authorize(), 140_00), 100_00)
    shop.fails("adjust", Fault.LOST_BEFORE)
    payment = shop.adjust(payment, 140_00)
    for _ in range(40):
        shop.resolve(after=timedelta(seconds=30))
    payment = shop.now(payment)
    assert payment.operations[-1].failure_reason is FailureReason.NOT_FOUND_AT_GATEWAY
    assert (payment.state, payment.authorized_amount) == (PaymentState.AUTHORIZED, dollars(100))


def test_a_lost_refusal_of_the_bank_is_found(shop: Shop) -> None:
    payment = shop.adjust(shop.authorize(), 2101_00)
    shop.fails("adjust", Fault.LOST_AFTER)
    payment = shop.adjust(payment, 2105_00)
    assert payment.state is PaymentState.PENDING
    shop.resolve(after=LEASE + timedelta(minutes=1))
    operation = shop.now(payment).operations[-1]
    assert (operation.state, operation.decline is not None) == (OperationState.DECLINED, True)
    assert operation.details.processor_response_code == "2005"


def test_a_lost_answer_is_found_though_somebody_else_changed_it_again(shop: Shop) -> None:
    shop.fails("adjust", Fault.LOST_AFTER)
    payment = shop.adjust(shop.authorize(), 140_00)
    adjusted_outside(shop, payment, 170)
    verified = shop.verify(payment)
    assert verified.outcome is VerificationOutcome.REPAIRED
    ours, theirs = verified.payment.operations[-2:]
    assert (ours.amount, ours.state, ours.origin) == (dollars(140), OperationState.SUCCEEDED, OperationOrigin.SERVICE)
    assert (theirs.amount, theirs.origin) == (dollars(170), OperationOrigin.OUTSIDE)
    assert verified.payment.authorized_amount == dollars(170)
    assert shop.verify(payment).outcome is VerificationOutcome.MATCHES


def test_a_change_that_never_arrived_ends_with_the_hold(shop: Shop) -> None:
    shop.fails("adjust", Fault.LOST_BEFORE)
    payment = shop.adjust(shop.authorize(), 140_00)
    shop.real_gateway.expire(payment.authorization.transaction_id)
    verified = shop.verify(payment)
    assert verified.payment.operations[-1].failure_reason is FailureReason.GATEWAY_REFUSED_REQUEST
    assert verified.payment.state is PaymentState.EXPIRED
    assert shop.verify(payment).outcome is VerificationOutcome.MATCHES


def test_a_change_that_shows_up_after_it_was_given_up_is_recorded(shop: Shop) -> None:
    shop.fails("adjust", Fault.LOST_BEFORE)
    payment = shop.adjust(shop.authorize(), 140_00)
    for _ in range(40):
        shop.resolve(after=timedelta(seconds=30))
    assert shop.now(payment).operations[-1].state is OperationState.FAILED
    adjusted_outside(shop, payment, 140)
    verified = shop.verify(payment)
    assert verified.outcome is VerificationOutcome.REPAIRED
    assert verified.payment.operations[-1].state is OperationState.SUCCEEDED
    assert verified.payment.authorized_amount == dollars(140)


def test_a_change_that_was_surely_not_sent_is_sent_again_by_the_same_request(shop: Shop) -> None:
    payment, request_id = shop.authorize(), a_request_id()
    shop.fails("adjust", Fault.UNREACHABLE)
    with pytest.raises(GatewayNotReached):
        shop.adjust(payment, 140_00, request_id=request_id)
    assert shop.adjust(payment, 140_00, request_id=request_id).authorized_amount == dollars(140)
    assert held(shop, payment) == dollars(140)


# Changes by others


@pytest.mark.parametrize("amount", [140, 60])
def test_somebody_elses_change_is_seen_and_recorded(shop: Shop, amount: int) -> None:
    payment = shop.authorize()
    adjusted_outside(shop, payment, amount)
    verified = shop.verify(payment)
    assert verified.outcome is VerificationOutcome.REPAIRED
    assert [one.field for one in verified.differences] == ["amount"]
    operation = verified.payment.operations[-1]
    assert (operation.kind, operation.origin) == (OperationKind.ADJUST, OperationOrigin.OUTSIDE)
    assert verified.payment.authorized_amount == verified.payment.capturable_amount == dollars(amount)
    assert shop.verify(payment).outcome is VerificationOutcome.MATCHES
    assert shop.capture(verified.payment).captured_amount == dollars(amount)


@pytest.mark.parametrize("ends", ["void", "expire"])
def test_a_change_before_the_end_of_the_hold_is_recorded_too(shop: Shop, ends: str) -> None:
    payment = shop.authorize()
    adjusted_outside(shop, payment, 140)
    transaction_id = payment.authorization.transaction_id
    if ends == "void":
        shop.real_gateway.void(Void(operation_id=OperationId("theirs"), transaction_id=transaction_id), HELD)
    else:
        shop.real_gateway.expire(transaction_id)
    now = shop.verify(payment).payment
    assert now.state is (PaymentState.VOIDED if ends == "void" else PaymentState.EXPIRED)
    assert (now.authorized_amount, now.operations[1].kind) == (dollars(140), OperationKind.ADJUST)
    assert shop.verify(payment).outcome is VerificationOutcome.MATCHES


def test_the_background_poll_sees_somebody_elses_change(shop: Shop) -> None:
    payment = shop.authorize()
    adjusted_outside(shop, payment, 140)
    shop.wait(timedelta(days=2))
    shop.follow()
    assert shop.now(payment).authorized_amount == dollars(140)


def test_the_amount_that_somebody_else_set_already_is_a_success(shop: Shop) -> None:
    payment = shop.authorize()
    adjusted_outside(shop, payment, 140)
    payment = shop.adjust(payment, 140_00)
    assert payment.authorized_amount == dollars(140)
    assert payment.operations[-1].state is OperationState.SUCCEEDED
    assert shop.verify(payment).outcome is VerificationOutcome.MATCHES


def test_an_outdated_search_takes_no_change_back(shop: Shop) -> None:
    shop = Shop(search_lag=timedelta(hours=1))
    payment = shop.authorize()
    shop.wait(timedelta(hours=2))
    payment = shop.adjust(payment, 140_00)
    (stale,) = shop.real_gateway.find_transactions([payment.authorization.transaction_id])
    assert stale.amount == dollars(100)
    assert shop.sync_payment.record(payment, [stale]).authorized_amount == dollars(140)
