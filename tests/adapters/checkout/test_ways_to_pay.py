"""The ways to pay that the page shows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from adapters.checkout.ways_to_pay import ways_to_pay
from domain.checkout import CheckoutMethod
from domain.instrument import Instrument, InstrumentKind
from domain.three_d_secure import ThreeDSecurePolicy
from tests.application.checkouts.steps import CheckoutShop


@pytest.mark.parametrize("policy", ThreeDSecurePolicy)
def test_where_3d_secure_is_required_only_cards_are_shown(policy: ThreeDSecurePolicy) -> None:
    shop = CheckoutShop()
    customer = shop.customer()
    card = shop.method(customer)
    paypal = replace(card, instrument=Instrument(InstrumentKind.PAYPAL, account="jane.doe@paypal.com"))
    checkout = shop.checkout(customer_id=customer.customer_id, methods=tuple(CheckoutMethod))
    ways = ways_to_pay(checkout, [card, paypal], policy)
    is_required = policy is ThreeDSecurePolicy.REQUIRED
    assert ways.card
    assert ways.stored == ([card] if is_required else [card, paypal])
    assert ways.wallets == (set() if is_required else {CheckoutMethod.APPLE_PAY, CheckoutMethod.PAYPAL})


def test_a_checkout_whose_ways_to_pay_are_all_refused_has_none() -> None:
    checkout = CheckoutShop().checkout(methods=(CheckoutMethod.PAYPAL,))
    assert ways_to_pay(checkout, [], ThreeDSecurePolicy.REQUIRED).are_none
    assert not ways_to_pay(checkout, [], ThreeDSecurePolicy.IF_OFFERED).are_none
