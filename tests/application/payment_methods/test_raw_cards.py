"""If raw cards are refused, no card data is validated, recorded or sent."""

from __future__ import annotations

from dataclasses import replace

import pytest

from application.common.errors import FieldViolation, InvalidRequest, Rule
from application.payment_methods.add_payment_method import AddPaymentMethodCommand
from application.ports.gateway import Nonce
from domain.payment import Payment
from tests.application.shop import SHOP, VISA, Shop, a_request_id, an_order


def _without_cards(shop: Shop) -> Shop:
    shop.create = replace(shop.create, accepts_cards=False)
    shop.add_method = replace(shop.add_method, accepts_cards=False)
    return shop


def test_a_card_is_refused_with_the_way_out() -> None:
    shop = _without_cards(Shop())
    with pytest.raises(InvalidRequest) as refusal:
        shop.pay(an_order(source=replace(VISA, number="4111", cvv="x")))
    assert refusal.value.violations == (FieldViolation("card", Rule.NO_CARDS),)
    customer = shop.customer()
    order = AddPaymentMethodCommand(request_id=a_request_id(), customer_id=customer.customer_id, source=VISA)
    with pytest.raises(InvalidRequest) as refusal:
        shop.add_method(order, SHOP)
    assert refusal.value.violations == (FieldViolation("card", Rule.NO_CARDS),)
    assert shop.calls == []


def test_a_nonce_pays() -> None:
    shop = _without_cards(Shop())
    assert isinstance(shop.pay(an_order(source=Nonce("fake-valid-nonce"))), Payment)


def test_a_repeat_from_before_the_refusal_is_answered() -> None:
    shop = Shop()
    order = an_order()
    paid = shop.pay(order)
    again = _without_cards(shop).pay(order)
    assert again.terms == paid.terms
