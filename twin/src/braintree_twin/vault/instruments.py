"""Finds the instrument of a request: a card, a nonce or a vaulted method."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

from braintree_twin.calls import Call
from braintree_twin.clock import parse_stamp
from braintree_twin.rules import cards
from braintree_twin.rules.processor_responses import Decision
from braintree_twin.state.records import Card, Fields, Nonce, PaymentMethod
from braintree_twin.vault.cards import Expiration, make_card
from braintree_twin.vault.test_nonces import TEST_NONCES, TestNonce

TEST_NONCE_POSTAL_CODE = "94107"
APPLE_PAY_CARDHOLDER = "Apple Pay Cardholder"
_CARDHOLDERS = {
    "apple_pay_card": APPLE_PAY_CARDHOLDER,
    "meta_checkout_card": "Meta Checkout Card Cardholder",
    "meta_checkout_token": "Meta Checkout Token Cardholder",
    "masterpass_card": "Masterpass Cardholder",
    "visa_checkout_card": "Visa Checkout Cardholder",
}
# Wallets that bring a billing address along.
_WITH_ADDRESS = ("masterpass_card", "visa_checkout_card")
NONCE_LIFETIME = timedelta(hours=3)
# The kind of a nonce that has a security code only.
CVV_ONLY = "cvv"


@dataclass(slots=True, kw_only=True)
class Instrument:
    """A payment instrument: a card or wallet, from a request, a nonce or the vault."""

    kind: str
    card: dict[str, Any] | None = None
    wallet: Fields = field(default_factory=dict)
    billing: Fields = field(default_factory=dict)
    # The CVV response; None if no security code was given.
    cvv: str | None = None
    decision: Decision | None = None
    three_d_secure: Fields | None = None
    reusable: bool = True
    # The vaulted method, if it is one.
    method: PaymentMethod | None = None
    # The nonce that a payment consumes.
    nonce: Nonce | None = None
    # The number is a token of the card's network, or the vault charges by one.
    network_token: bool = False

    @property
    def behaviour(self) -> str:
        return self.card["behaviour"] if self.card else cards.VALID


@dataclass(frozen=True, slots=True)
class NonceCodes:
    """The error codes of unusable nonces; each resource has its own."""

    unknown: str
    consumed: str
    locked: str


def of_card(
    card: Card, cvv: str | None = None, billing: Fields | None = None, *, network_token: bool = False
) -> Instrument:
    return Instrument(
        kind="credit_card", card=asdict(card), cvv=cvv, billing=billing or {}, network_token=network_token
    )


def of_method(call: Call, method: PaymentMethod) -> Instrument:
    billing = method.billing or {}
    if method.billing_address_id and method.customer_id:
        address = call.store.addresses.get(call.merchant.id, f"{method.customer_id}/{method.billing_address_id}")
        billing = {"id": address.id, **address.fields} if address else billing
    return Instrument(
        kind=method.kind,
        card=method.card,
        wallet=method.wallet,
        billing=billing,
        method=method,
        network_token=method.network_token,
    )


def of_nonce(call: Call, nonce: str, codes: NonceCodes) -> Instrument | str:
    """The instrument behind a nonce, or an error code."""
    fixed = TEST_NONCES.get(nonce)
    if fixed:
        return codes.consumed if fixed.fault == "consumed" else of_test_nonce(call, fixed)
    known = call.store.nonces.get(call.merchant.id, nonce)
    if known is None or call.clock.now() >= parse_stamp(known.created_at) + NONCE_LIFETIME:
        return codes.unknown
    if known.revoked_after and call.clock.stamp() >= known.revoked_after:
        return codes.locked
    if known.kind == CVV_ONLY:
        return codes.unknown
    if known.consumed:
        return codes.consumed
    if known.locked:
        return codes.locked
    method = call.store.payment_methods.get(call.merchant.id, known.token)
    if method:
        instrument = of_method(call, method)
        instrument.nonce, instrument.three_d_secure = known, known.three_d_secure
        instrument.cvv = known.cvv_response
        return instrument
    if known.token:
        return codes.unknown
    return Instrument(
        kind=known.kind,
        card=known.card,
        wallet=known.wallet,
        billing=known.billing or {},
        cvv=known.cvv_response,
        three_d_secure=known.three_d_secure,
        reusable=known.reusable,
        nonce=known,
    )


def cvv_nonce(call: Call, nonce: str | None) -> Nonce | None:
    """The unused nonce of a security code alone; None for any other nonce."""
    known = call.store.nonces.get(call.merchant.id, nonce)
    return known if known and known.kind == CVV_ONLY and not known.consumed else None


def of_test_nonce(call: Call, fixed: TestNonce) -> Instrument:
    """The instrument of a test nonce, with a card that expires at the end of the next year."""
    card = None
    if fixed.number:
        next_year = Expiration("12", str(call.clock.now().year + 1))
        name = _CARDHOLDERS.get(fixed.kind)
        card = asdict(make_card(call, fixed.number, next_year, name))
        if fixed.debit_network:
            card["debit_network"] = fixed.debit_network
    is_card = fixed.kind == "credit_card"
    return Instrument(
        kind=fixed.kind,
        card=card,
        wallet=dict(fixed.wallet),
        billing={"postal_code": TEST_NONCE_POSTAL_CODE} if is_card or fixed.kind in _WITH_ADDRESS else {},
        cvv="M" if is_card else None,
        decision=fixed.decision,
        three_d_secure=fixed.three_d_secure,
        reusable=fixed.reusable,
    )


def has_invalid_number(nonce: str) -> bool:
    """Whether it is the test nonce whose card number fails the Luhn check."""
    fixed = TEST_NONCES.get(nonce)
    return fixed is not None and fixed.fault == "luhn_invalid"


def consume(call: Call, instrument: Instrument) -> None:
    """Mark the instrument's nonce, if it has one, as consumed."""
    if instrument.nonce:
        instrument.nonce.consumed = True
        call.store.nonces.put(call.merchant.id, instrument.nonce)
