"""A credential of one customer never costs the back end of its caller anything: references, declines, addresses."""

from __future__ import annotations

import pytest

from application.card_testing.list_abuse_blocks import ListAbuseBlocks
from application.card_testing.velocity_limiter import VelocityLimits
from application.common.caller import Caller
from application.common.errors import ReferenceAlreadyPaid, TooManyDeclines
from application.common.pagination import PageTokens
from application.common.validator import RawCard, RawMoney
from application.common.velocity_scope import VelocityScope
from application.ports.gateway import GatewayNotReached
from domain.events import CaptureMode
from domain.payment_state import PaymentState
from tests.application.shop import MASTERCARD, SHOP, VISA, Shop, an_order, usd
from tests.fakes.faulty_gateway import Fault

DECLINED = usd(2046_00)
CENT = usd(1)
MANY = [RawCard(number, 12, 2035, "123") for number in ("4111111111111111", "4012888888881881", "4005519200000004")]


def a_shop(**limits: int) -> Shop:
    shop = Shop()
    shop.limits = VelocityLimits(**limits)  # type: ignore[arg-type]
    shop.restart()
    return shop


def bound(shop: Shop) -> Caller:
    """A customer of the shop, with a credential of their own."""
    return Caller(SHOP.caller_id, customer_id=shop.customer().customer_id, credential="phone")


def customer_of(caller: Caller) -> str:
    assert caller.customer_id is not None
    return caller.customer_id


def test_a_cent_on_another_customers_reference_does_not_refuse_the_back_end() -> None:
    shop = a_shop()
    eve, ann = bound(shop), bound(shop)
    shop.pay(an_order(reference="order 7", amount=CENT), eve)
    paid = shop.pay(an_order(reference="order 7", customer_id=customer_of(ann)))
    assert paid.state is PaymentState.CAPTURED


@pytest.mark.parametrize("names_the_customer", [False, True])
def test_a_cent_on_ones_own_order_does_not_refuse_the_back_end(*, names_the_customer: bool) -> None:
    shop = a_shop()
    eve = bound(shop)
    shop.pay(an_order(reference="order 7", amount=CENT), eve)
    paid = shop.pay(an_order(reference="order 7", customer_id=customer_of(eve) if names_the_customer else ""))
    assert paid.state is PaymentState.CAPTURED


@pytest.mark.parametrize("amount", [RawMoney(100_00, "JPY"), RawMoney(99_99, "USD")])
def test_another_currency_or_less_is_not_the_amount_of_the_order(amount: RawMoney) -> None:
    shop = a_shop()
    eve = bound(shop)
    shop.pay(an_order(reference="order 7", amount=amount), eve)
    assert shop.pay(an_order(reference="order 7", customer_id=customer_of(eve))).state is PaymentState.CAPTURED


def test_two_customers_use_one_reference() -> None:
    shop = a_shop()
    for caller in (bound(shop), bound(shop)):
        assert shop.pay(an_order(reference="order 7"), caller).state is PaymentState.CAPTURED


def test_a_double_click_of_a_customer_pays_once() -> None:
    shop = a_shop()
    ann = bound(shop)
    first = shop.pay(an_order(reference="order 7"), ann)
    with pytest.raises(ReferenceAlreadyPaid) as refused:
        shop.pay(an_order(reference="order 7"), ann)
    assert refused.value.payment_id == first.terms.payment_id
    assert len(shop.list_all()) == 1


def test_the_back_end_does_not_charge_again_for_an_order_that_its_customer_paid() -> None:
    shop = a_shop()
    ann = bound(shop)
    first = shop.pay(an_order(reference="order 7"), ann)
    with pytest.raises(ReferenceAlreadyPaid) as refused:
        shop.pay(an_order(reference="order 7", customer_id=customer_of(ann)))
    assert refused.value.payment_id == first.terms.payment_id
    shop.void(first)
    assert shop.pay(an_order(reference="order 7", customer_id=customer_of(ann))).state is PaymentState.CAPTURED


def test_a_customer_does_not_pay_again_for_an_order_that_the_back_end_charged() -> None:
    shop = a_shop()
    ann, eve = bound(shop), bound(shop)
    first = shop.pay(an_order(reference="order 7", customer_id=customer_of(ann)))
    with pytest.raises(ReferenceAlreadyPaid) as refused:
        shop.pay(an_order(reference="order 7", amount=CENT), ann)
    assert refused.value.payment_id == first.terms.payment_id
    # Eve does not learn that somebody else has such an order.
    assert shop.pay(an_order(reference="order 7"), eve).state is PaymentState.CAPTURED


def test_a_customers_reference_is_free_again_once_the_payment_is_not_live() -> None:
    shop = a_shop()
    ann = bound(shop)
    first = shop.pay(an_order(reference="order 7", capture_mode=CaptureMode.MANUAL), ann)
    shop.void(first)
    assert shop.pay(an_order(reference="order 7"), ann).state is PaymentState.CAPTURED


def test_another_try_of_what_was_never_sent_respects_the_customers_space() -> None:
    shop = a_shop()
    ann = bound(shop)
    order = an_order(reference="order 7")
    shop.fails("authorize", Fault.UNREACHABLE)
    with pytest.raises(GatewayNotReached):
        shop.pay(order, ann)
    second = shop.pay(an_order(reference="order 7"), ann)
    with pytest.raises(ReferenceAlreadyPaid) as refused:
        shop.pay(order, ann)
    assert refused.value.payment_id == second.terms.payment_id


def test_declines_of_customers_do_not_stop_the_back_end() -> None:
    shop = a_shop(per_caller=2)
    for card in MANY[:2]:
        shop.pay(an_order(amount=DECLINED, source=card), bound(shop))
    with pytest.raises(TooManyDeclines) as refused:
        shop.pay(an_order(amount=DECLINED, source=MANY[2]), bound(shop))
    assert refused.value.scope is VelocityScope.CALLER
    assert shop.pay(an_order(source=MASTERCARD)).state is PaymentState.CAPTURED
    (block,) = ListAbuseBlocks(shop.store, PageTokens(b"key"))()[0]
    assert block.subject == "shop, paying with credentials of customers"


def test_declines_of_the_back_end_stop_no_customer() -> None:
    shop = a_shop(per_caller=2)
    for card in MANY[:2]:
        shop.pay(an_order(amount=DECLINED, source=card))
    assert shop.pay(an_order(source=MASTERCARD), bound(shop)).state is PaymentState.CAPTURED


def test_a_customer_blocks_no_address_by_claiming_it() -> None:
    shop = a_shop(per_client_address=2, cards_per_client_address=2)
    eve, ann = bound(shop), bound(shop)
    for card in MANY[:2]:
        shop.pay(an_order(amount=DECLINED, source=card, client_address="203.0.113.7"), eve)
    for caller in (SHOP, ann, eve):
        paid = shop.pay(an_order(source=MASTERCARD, client_address="203.0.113.7"), caller)
        assert paid.state is PaymentState.CAPTURED


def test_declines_of_a_customer_stop_that_customer() -> None:
    shop = a_shop(per_customer=2)
    eve, ann = bound(shop), bound(shop)
    for card in MANY[:2]:
        shop.pay(an_order(amount=DECLINED, source=card, client_address="203.0.113.7"), eve)
    with pytest.raises(TooManyDeclines) as refused:
        shop.pay(an_order(source=VISA), eve)
    assert refused.value.scope is VelocityScope.CUSTOMER
    assert shop.pay(an_order(source=VISA), ann).state is PaymentState.CAPTURED
