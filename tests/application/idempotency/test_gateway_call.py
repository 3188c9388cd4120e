"""A request is carried out once, however often it comes, and whatever happens to its answer."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from application.common.errors import InvalidRequest, NotFound, ReferenceAlreadyPaid, RequestIdReused
from application.common.validator import RawMoney
from application.idempotency.fingerprint import Fingerprinter, differing_fields
from application.payments.capture_payment import CapturePaymentCommand
from application.payments.create_payment_command import RawStoredMethod
from application.payments.payment_access import lock_payment
from application.payments.void_payment import VoidPaymentCommand
from application.ports.gateway import GatewayNotReached, GatewayRefusedCredentials, Nonce
from domain.address import Address
from domain.events import CaptureMode
from domain.ids import PaymentId
from domain.money import Money
from domain.operation import FailureReason, OperationState
from domain.operation_log import Funds
from domain.payment import Payment
from domain.payment_state import PaymentState
from tests.application.shop import FIRST_CHECK, SHOP, STRANGER, VISA, Shop, a_request_id, an_order, usd
from tests.fakes.faulty_gateway import Fault

# Repeats


def test_a_repeated_order_is_answered_with_the_first_one_s_payment() -> None:
    shop, order = Shop(), an_order()
    first, second = shop.pay(order), shop.pay(order)
    assert first.terms.payment_id == second.terms.payment_id
    assert shop.effects() == 1


def test_a_repeat_is_answered_with_what_has_become_of_the_payment() -> None:
    shop, order = Shop(), an_order(capture_mode=CaptureMode.MANUAL)
    payment = shop.pay(order)
    shop.capture(payment)
    assert shop.pay(order).state is PaymentState.CAPTURED


CHANGES: dict[str, tuple[Callable[[Shop], Payment], Callable[[Shop, Payment, str], Payment]]] = {
    "capture": (lambda shop: shop.authorize(), lambda shop, p, r: shop.capture(p, 30_00, request_id=r)),
    "void": (lambda shop: shop.authorize(), lambda shop, p, r: shop.void(p, request_id=r)),
    "refund": (lambda shop: shop.settled(), lambda shop, p, r: shop.refund(p, 30_00, request_id=r)),
    "scheduled refund": (lambda shop: shop.pay(), lambda shop, p, r: shop.refund(p, 30_00, request_id=r)),
}


@pytest.mark.parametrize(("make", "change"), CHANGES.values(), ids=CHANGES)
def test_a_repeated_change_happens_once(
    make: Callable[[Shop], Payment], change: Callable[[Shop, Payment, str], Payment]
) -> None:
    shop, request_id = Shop(), a_request_id()
    payment = make(shop)
    first = change(shop, payment, request_id)
    effects = shop.effects()
    assert change(shop, payment, request_id) == first
    assert shop.effects() == effects


@pytest.mark.parametrize(("make", "change"), CHANGES.values(), ids=CHANGES)
def test_a_request_id_in_capitals_is_the_same_one(
    make: Callable[[Shop], Payment], change: Callable[[Shop, Payment, str], Payment]
) -> None:
    shop, request_id = Shop(), "ABCDEFAB-0000-4000-8000-000000000000"
    payment = make(shop)
    first = change(shop, payment, request_id)
    assert change(shop, payment, request_id.lower()) == first


def test_two_callers_may_use_the_same_request_id_and_reference() -> None:
    shop, order = Shop(), an_order()
    assert shop.pay(order).terms.payment_id != shop.pay(order, STRANGER).terms.payment_id


def test_a_repeat_in_a_new_process_is_recognised() -> None:
    shop, order = Shop(), an_order()
    first = shop.pay(order)
    shop.restart()
    assert shop.pay(order).terms.payment_id == first.terms.payment_id
    assert shop.effects() == 1


def test_a_repeat_long_after_the_card_ran_out_is_still_answered() -> None:
    shop, order = Shop(), an_order()
    first = shop.pay(order)
    shop.wait(timedelta(days=365 * 12))
    assert shop.pay(order).terms.payment_id == first.terms.payment_id
    with pytest.raises(RequestIdReused):
        shop.pay(replace(order, reference="another"))
    with pytest.raises(InvalidRequest):
        shop.pay(an_order())


def test_a_repeat_after_the_method_was_deleted_is_still_answered() -> None:
    shop = Shop()
    method = shop.method(shop.customer())
    order = an_order(source=RawStoredMethod(method.payment_method_id))
    first = shop.pay(order)
    shop.delete_method(a_request_id(), method.payment_method_id, SHOP)
    assert shop.pay(order).terms.payment_id == first.terms.payment_id
    with pytest.raises(InvalidRequest):
        shop.pay(an_order(source=RawStoredMethod(method.payment_method_id)))


# Another request under the same id


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"reference": "another"}, {"reference"}),
        ({"amount": usd(1)}, {"amount.minor_units"}),
        ({"amount": RawMoney(100_00, "JPY")}, {"amount.currency_code"}),
        ({"capture_mode": CaptureMode.MANUAL}, {"capture_mode"}),
        ({"metadata": {"a": "b"}}, {"metadata"}),
        ({"billing_address": Address(locality="Bandung")}, {"billing_address.locality"}),
        ({"source": replace(VISA, expiration_year=2034)}, {"card.expiration_year"}),
        ({"source": replace(VISA, number="4012888888881881")}, {"card.number"}),
        (
            {"source": Nonce("fake-valid-nonce")},
            {"card.number", "card.expiration_month", "card.expiration_year", "payment_method_nonce"},
        ),
    ],
)
def test_a_request_id_that_was_used_for_something_else_names_the_fields(
    changes: dict[str, object], fields: set[str]
) -> None:
    shop, order = Shop(), an_order()
    shop.pay(order)
    with pytest.raises(RequestIdReused) as refusal:
        shop.pay(replace(order, **changes))  # type: ignore[arg-type]
    assert set(refusal.value.fields) == fields
    assert shop.effects() == 1


def test_the_language_and_the_security_code_make_no_other_request() -> None:
    shop, order = Shop(), an_order()
    first = shop.pay(order)
    again = replace(order, language_code="id", source=replace(VISA, cvv="", number="4111111111111111"))
    assert shop.pay(again).terms.payment_id == first.terms.payment_id


def test_a_request_id_of_another_call_is_refused() -> None:
    shop, order = Shop(), an_order(capture_mode=CaptureMode.MANUAL)
    payment = shop.pay(order)
    with pytest.raises(RequestIdReused) as refusal:
        shop.void(payment, request_id=order.request_id)
    assert "method" in refusal.value.fields
    request_id = a_request_id()
    shop.capture(payment, 1, request_id=request_id)
    with pytest.raises(RequestIdReused) as refusal:
        shop.capture(payment, 2, request_id=request_id)
    assert refusal.value.fields == ("amount",)


def test_a_fingerprint_reveals_nothing_of_what_it_was_made_of() -> None:
    fingerprinter = Fingerprinter(b"key")
    one = fingerprinter.of({"a": "secret", "b": "", "c": {"x": 1, "y": 2}, "d": None})
    assert "secret" not in str(one)
    assert set(one) == {"a", "c"}
    assert one["c"] == fingerprinter.of({"c": {"y": 2, "x": 1}})["c"]
    assert differing_fields(one, Fingerprinter(b"other").of({"a": "secret"})) == ("a", "c")
    assert "key" not in repr(fingerprinter)


# One live payment for a reference


def test_a_reference_is_paid_once() -> None:
    shop = Shop()
    first = shop.pay(an_order(reference="order 1"))
    with pytest.raises(ReferenceAlreadyPaid) as refusal:
        shop.pay(an_order(reference="order 1"))
    assert (refusal.value.reference, refusal.value.payment_id) == ("order 1", first.terms.payment_id)
    assert shop.effects() == 1


@pytest.mark.parametrize(
    "end",
    [
        lambda shop: shop.pay(an_order(reference="order 1", amount=usd(2000_00))),
        lambda shop: shop.void(shop.pay(an_order(reference="order 1"))),
        lambda shop: shop.refund(shop.pay(an_order(reference="order 1"))),
    ],
    ids=["declined", "voided", "refunded"],
)
def test_a_reference_whose_payment_came_to_nothing_is_free_again(end: Callable[[Shop], Payment]) -> None:
    shop = Shop()
    end(shop)
    assert shop.pay(an_order(reference="order 1")).state is PaymentState.CAPTURED


def test_a_payment_whose_outcome_is_unknown_keeps_its_reference() -> None:
    shop = Shop()
    shop.fails("authorize", Fault.LOST_BEFORE)
    shop.pay(an_order(reference="order 1"))
    with pytest.raises(ReferenceAlreadyPaid):
        shop.pay(an_order(reference="order 1"))


@pytest.mark.parametrize("final", [True, False])
def test_a_last_capture_under_way_keeps_the_reference_after_all_captured_so_far_was_refunded(final: bool) -> None:
    shop = Shop()
    payment = shop.authorize(100_00)
    reference = payment.terms.reference
    shop.capture(payment, 40_00)
    shop.real_gateway.settle()
    shop.refund(shop.verify(payment).payment)
    shop.fails("capture", Fault.LOST_AFTER)
    waiting = shop.capture(payment, 60_00, final=final)
    assert (waiting.state, waiting.funds) == (PaymentState.PENDING, Funds.HELD)
    with pytest.raises(ReferenceAlreadyPaid):
        shop.pay(an_order(reference=reference))
    shop.resolve(after=FIRST_CHECK)
    assert shop.now(payment).captured_amount == Money(100_00, "USD")


def test_a_payment_that_lost_its_reference_while_it_was_not_sent_is_refused() -> None:
    shop, order = Shop(), an_order(reference="order 1")
    shop.fails("authorize", Fault.UNREACHABLE)
    with pytest.raises(GatewayNotReached):
        shop.pay(order)
    second = shop.pay(an_order(reference="order 1"))
    with pytest.raises(ReferenceAlreadyPaid) as refusal:
        shop.pay(order)
    assert refusal.value.payment_id == second.terms.payment_id


# Surely not sent


def test_an_unsent_call_is_reported_and_the_same_request_retries_it() -> None:
    shop, order = Shop(), an_order()
    shop.fails("authorize", Fault.UNREACHABLE)
    with pytest.raises(GatewayNotReached):
        shop.pay(order)
    payment = shop.pay(order)
    assert [o.state for o in payment.operations] == [OperationState.FAILED, OperationState.SUCCEEDED]
    assert payment.operations[0].failure_reason is FailureReason.GATEWAY_UNREACHABLE
    assert shop.effects() == 1


def test_refused_credentials_are_the_service_s_own_trouble() -> None:
    shop, order = Shop(), an_order()
    shop.fails("authorize", Fault.REFUSED_CREDENTIALS)
    with pytest.raises(GatewayRefusedCredentials):
        shop.pay(order)
    assert shop.pay(order).operations[0].failure_reason is FailureReason.GATEWAY_REFUSED_CREDENTIALS


@pytest.mark.parametrize("call", ["capture", "void", "refund"])
def test_a_change_that_could_not_be_sent_may_be_sent_again(call: str) -> None:
    make, change = CHANGES[call]
    shop, request_id = Shop(), a_request_id()
    payment = make(shop)
    before, effects = payment.state, shop.effects()
    shop.fails(call, Fault.UNREACHABLE)
    with pytest.raises(GatewayNotReached):
        change(shop, payment, request_id)
    assert (shop.now(payment).state, shop.effects()) == (before, effects)
    change(shop, payment, request_id)
    change(shop, payment, request_id)
    assert shop.effects() == effects + 1


# No answer


@pytest.mark.parametrize("fault", [Fault.LOST_BEFORE, Fault.LOST_AFTER, Fault.LATE])
def test_a_lost_answer_leaves_the_payment_pending_and_says_when_it_is_looked_for(fault: Fault) -> None:
    shop, order = Shop(), an_order()
    shop.fails("authorize", fault)
    payment = shop.pay(order)
    assert payment.state is PaymentState.PENDING
    assert payment.next_check_time == shop.clock.now() + FIRST_CHECK
    assert shop.pay(order).state is PaymentState.PENDING
    assert shop.calls == ["authorize"]


def test_a_request_that_arrives_twice_at_once_is_carried_out_once() -> None:
    shop, order = Shop(), an_order()
    with ThreadPoolExecutor(16) as pool:
        payments = list(pool.map(lambda _: shop.pay(order), range(16)))
    assert len({payment.terms.payment_id for payment in payments}) == 1
    assert all(payment.state is PaymentState.CAPTURED for payment in payments)
    assert shop.effects() == 1


def test_many_requests_at_once_for_one_reference_pay_once() -> None:
    shop = Shop()

    def attempt(_: int) -> bool:
        try:
            shop.pay(an_order(reference="order 1"))
        except ReferenceAlreadyPaid:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(attempt, range(16))) == 1
    assert shop.effects() == 1


# Others' payments


def test_a_payment_of_another_caller_is_not_found() -> None:
    shop = Shop()
    payment = shop.authorize()
    for attempt in (
        lambda: shop.get(payment.terms.payment_id, STRANGER),
        lambda: shop.verify_payment(payment.terms.payment_id, STRANGER),
        lambda: shop.void_payment(
            VoidPaymentCommand(request_id=a_request_id(), payment_id=payment.terms.payment_id), STRANGER
        ),
        lambda: shop.capture_payment(
            CapturePaymentCommand(request_id=a_request_id(), payment_id=payment.terms.payment_id, amount=usd(1)),
            STRANGER,
        ),
        lambda: shop.list_events(payment.terms.payment_id, STRANGER),
    ):
        with pytest.raises(NotFound):
            attempt()


def test_a_payment_that_a_row_names_and_that_is_gone_is_a_fault_of_the_database() -> None:
    shop = Shop()
    with shop.store.begin() as work, pytest.raises(RuntimeError, match="pay_unknown is gone"):
        lock_payment(work, PaymentId("pay_unknown"))
