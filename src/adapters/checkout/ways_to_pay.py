"""The ways to pay that the page shows: those of the checkout, less those that the 3-D Secure policy would refuse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from domain.checkout import Checkout, CheckoutMethod
from domain.instrument import InstrumentKind
from domain.payment_method import PaymentMethod
from domain.three_d_secure import ThreeDSecurePolicy

_WALLETS: Final = frozenset({CheckoutMethod.APPLE_PAY, CheckoutMethod.PAYPAL})


@dataclass(frozen=True, slots=True)
class WaysToPay:
    card: bool
    wallets: frozenset[CheckoutMethod] = frozenset()
    stored: Sequence[PaymentMethod] = ()

    @property
    def are_none(self) -> bool:
        return not (self.card or self.wallets or self.stored)


def ways_to_pay(checkout: Checkout, stored: Sequence[PaymentMethod], policy: ThreeDSecurePolicy) -> WaysToPay:
    """Only cards have 3-D Secure: where it is required, everything else would be refused after the shopper chose it."""
    methods = checkout.terms.methods
    takes_card = CheckoutMethod.CARD in methods
    if policy is ThreeDSecurePolicy.REQUIRED:
        return WaysToPay(takes_card, stored=[one for one in stored if is_card(one)])
    return WaysToPay(takes_card, _WALLETS.intersection(methods), stored)


def is_card(method: PaymentMethod) -> bool:
    return method.instrument is None or method.instrument.kind is InstrumentKind.CARD
