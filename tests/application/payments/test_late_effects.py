"""An effect after the not-found horizon is found by VerifyPayment, and recorded."""

from __future__ import annotations

from datetime import timedelta

import pytest

from application.payments.verify_payment import VerificationOutcome
from domain.events import OperationSucceeded
from domain.operation import FailureReason, OperationState
from domain.payment import Payment
from domain.payment_state import PaymentState
from tests.application.recovery.test_resolve_operations import IDS, LOST, Change
from tests.application.shop import HORIZON, Shop, an_order, usd
from tests.fakes.faulty_gateway import Fault

LATE = timedelta(days=1)


def given_up(shop: Shop, call: str, change: Change) -> Payment:
    """The last operation is called FAILED, and still on its way."""
    shop.gateway._delay = lambda: LATE
    shop.fails(call, Fault.LATE)
    payment = change(shop)
    for _ in range(20):
        shop.resolve(after=HORIZON / 4)
    payment = shop.now(payment)
    assert payment.operations[-1].failure_reason is FailureReason.NOT_FOUND_AT_GATEWAY
    return payment


@pytest.mark.parametrize(("call", "change", "_before"), LOST.values(), ids=IDS)
def test_an_effect_after_the_horizon_is_recorded(call: str, change: Change, _before: Change) -> None:
    shop = Shop()
    payment = given_up(shop, call, change)
    assert shop.verify(payment).outcome is VerificationOutcome.MATCHES
    effects = shop.effects()
    shop.wait(LATE)
    assert shop.effects() == effects + 1
    verified = shop.verify(payment)
    assert verified.outcome is VerificationOutcome.REPAIRED
    late = shop.now(payment).operations[-1]
    assert (late.state, late.failure_reason) == (OperationState.SUCCEEDED, None)
    assert ("outcome", "failed") in [(one.field, one.recorded) for one in verified.differences]
    with shop.store.read() as work:
        told = [entry.event for entry in work.payments.history(payment.terms.payment_id)]
    assert any(isinstance(e, OperationSucceeded) and e.operation_id == late.operation_id for e in told)
    assert Payment.replay(told) == shop.now(payment)
    assert shop.verify(payment).outcome is VerificationOutcome.MATCHES


def test_two_charges_of_one_reference_are_both_reported() -> None:
    shop = Shop()
    first = given_up(shop, "authorize", lambda shop: shop.pay(an_order(reference="order 1")))
    second = shop.pay(an_order(reference="order 1"))
    shop.wait(LATE)
    assert shop.verify(first).outcome is VerificationOutcome.REPAIRED
    assert [shop.now(one).state for one in (first, second)] == [PaymentState.CAPTURED, PaymentState.CAPTURED]
    assert shop.refund(first).state is PaymentState.VOIDED
    assert shop.now(second).state is PaymentState.CAPTURED


def test_a_late_decline_is_reported_as_one() -> None:
    shop = Shop()
    payment = given_up(shop, "authorize", lambda shop: shop.pay(an_order(amount=usd(2001_00))))
    shop.wait(LATE)
    assert shop.verify(payment).outcome is VerificationOutcome.REPAIRED
    assert shop.now(payment).state is PaymentState.DECLINED


def test_a_capture_that_was_given_up_is_not_taken_for_the_one_that_came_after_it() -> None:
    shop = Shop()
    shop.fails("capture", Fault.LOST_BEFORE)
    payment = shop.capture(shop.authorize())
    for _ in range(20):
        shop.resolve(after=HORIZON / 4)
    shop.capture(payment)
    assert shop.verify(payment).outcome is VerificationOutcome.MATCHES
    assert [o.state for o in shop.now(payment).operations[1:]] == [OperationState.FAILED, OperationState.SUCCEEDED]
