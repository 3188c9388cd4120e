"""A refusal is the answer to its request for ever: no repeat of it moves money."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from application.common.errors import PaymentDisputed, ReferenceAlreadyPaid, RequestIdReused
from application.common.validator import RawCard
from application.idempotency.standing_refusals import refusal_from_fields, refusal_to_fields
from application.ports.gateway import GatewayNotReached
from domain.errors import AmountExceeds, IllegalTransition, OperationInProgress
from domain.ids import DisputeId, PaymentId
from domain.money import Money
from domain.payment import Payment
from tests.application.shop import Shop, a_request_id, an_order, usd
from tests.fakes.faulty_gateway import Fault
from tests.fakes.memory_gateway import DISPUTED_CARD

Refused = Callable[[Shop, Payment, str], Payment]
Change = Callable[[Shop, Payment], object]


def money(minor_units: int) -> Money:
    return Money(minor_units, "USD")


def settle(shop: Shop, payment: Payment) -> None:
    shop.real_gateway.settle()
    shop.verify(payment)


# The first refusal, its reason, and the change that removes the reason.
REFUSED: dict[str, tuple[Callable[[Shop], Payment], Refused, type[Exception], Change]] = {
    "refund before the capture": (
        lambda shop: shop.authorize(),
        lambda shop, payment, request_id: shop.refund(payment, request_id=request_id),
        IllegalTransition,
        lambda shop, payment: shop.capture(payment),
    ),
    "capture of too much": (
        lambda shop: shop.capture(shop.authorize(), 60_00),
        lambda shop, payment, request_id: shop.capture(payment, 60_00, request_id=request_id),
        AmountExceeds,
        lambda shop, payment: shop.refund(payment),
    ),
    "refund of too much": (
        lambda shop: shop.capture(shop.authorize(), 60_00),
        lambda shop, payment, request_id: shop.refund(payment, 90_00, request_id=request_id),
        AmountExceeds,
        lambda shop, payment: shop.capture(payment),
    ),
}


@pytest.mark.parametrize(("make", "ask", "why", "change"), REFUSED.values(), ids=list(REFUSED))
def test_a_repeat_is_refused_as_the_first_was_whatever_has_changed(
    make: Callable[[Shop], Payment], ask: Refused, why: type[Exception], change: Change
) -> None:
    shop = Shop()
    payment = make(shop)
    request_id = a_request_id()
    with pytest.raises(why) as first:
        ask(shop, payment, request_id)
    change(shop, payment)
    effects = shop.effects()

    with pytest.raises(why) as again:
        ask(shop, payment, request_id)

    assert (str(again.value), vars(again.value)) == (str(first.value), vars(first.value))
    assert shop.effects() == effects


def test_a_reference_that_was_paid_is_no_charge_later() -> None:
    shop = Shop()
    first = shop.pay(an_order(reference="order 7"))
    second = an_order(reference="order 7")
    with pytest.raises(ReferenceAlreadyPaid):
        shop.pay(second)
    shop.void(first)
    effects = shop.effects()

    with pytest.raises(ReferenceAlreadyPaid) as again:
        shop.pay(second)

    assert again.value.payment_id == first.terms.payment_id
    assert shop.effects() == effects
    assert len(shop.list_all()) == 1
    assert shop.pay(an_order(reference="order 7")).captured_amount


def test_a_payment_that_was_not_sent_and_then_refused_stays_refused() -> None:
    shop = Shop()
    unsent = an_order(reference="order 7")
    shop.fails("authorize", Fault.UNREACHABLE)
    with pytest.raises(GatewayNotReached):
        shop.pay(unsent)
    paid = shop.pay(an_order(reference="order 7"))
    with pytest.raises(ReferenceAlreadyPaid):
        shop.pay(unsent)
    shop.void(paid)

    with pytest.raises(ReferenceAlreadyPaid):
        shop.pay(unsent)


def test_a_refusal_keeps_its_request_id_for_its_own_request() -> None:
    shop = Shop()
    payment = shop.authorize()
    request_id = a_request_id()
    with pytest.raises(AmountExceeds):
        shop.capture(payment, 200_00, request_id=request_id)

    with pytest.raises(RequestIdReused):
        shop.capture(payment, 20_00, request_id=request_id)


def test_a_dispute_that_was_won_makes_no_refund_of_an_old_request() -> None:
    shop = Shop()
    payment = shop.pay(an_order(source=RawCard(DISPUTED_CARD, 12, 2035, "123")))
    settle(shop, payment)
    request_id = a_request_id()
    with pytest.raises((PaymentDisputed, IllegalTransition)) as first:
        shop.refund(payment, request_id=request_id)
    with pytest.raises(type(first.value)):
        shop.refund(payment, request_id=request_id)


def test_a_request_that_is_too_early_may_be_repeated() -> None:
    shop = Shop()
    payment = shop.authorize()
    shop.fails("capture", Fault.LOST_AFTER)
    shop.capture(payment)
    request_id = a_request_id()
    with pytest.raises(OperationInProgress):
        shop.refund(payment, request_id=request_id)
    shop.verify(payment)

    assert shop.refund(payment, request_id=request_id).operations[-1].for_refund


def test_a_payment_that_the_caller_may_not_see_has_no_id_in_the_record() -> None:
    kept = refusal_to_fields(ReferenceAlreadyPaid("order 7", None))
    assert "order 7" not in kept.values()
    again = refusal_from_fields(kept)
    assert isinstance(again, ReferenceAlreadyPaid)
    assert again.payment_id is None


def test_every_detail_of_a_dispute_is_kept() -> None:
    refusal = PaymentDisputed(PaymentId("pay_1"), (DisputeId("dis_1"), DisputeId("dis_2")), money(30), money(70))
    assert vars(refusal_from_fields(refusal_to_fields(refusal))) == vars(refusal)


def test_a_repeat_is_refused_while_the_gateway_is_away() -> None:
    shop = Shop()
    payment = shop.settled()
    request_id = a_request_id()
    with pytest.raises(AmountExceeds):
        shop.refund(payment, 200_00, request_id=request_id)
    shop.fails("find_transaction", Fault.UNREACHABLE)

    with pytest.raises(AmountExceeds):
        shop.refund(payment, 200_00, request_id=request_id)


def test_amounts_of_a_refusal_are_kept() -> None:
    shop = Shop()
    payment = shop.settled()
    request_id = a_request_id()
    for _ in range(2):
        with pytest.raises(AmountExceeds) as refusal:
            shop.refund(payment, 200_00, request_id=request_id)
        assert (refusal.value.asked.minor_units, refusal.value.available.minor_units) == (200_00, 100_00)
        shop.refund(payment, 10_00)
    assert usd(1).currency_code == refusal.value.asked.currency_code
