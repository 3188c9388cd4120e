"""Reads the payment instrument of a seeded record: a card, a wallet, a bank account, or a test nonce's."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from braintree_twin.calls import Call
from braintree_twin.rules import cards
from braintree_twin.rules.addresses import FIELDS as ADDRESS_FIELDS
from braintree_twin.rules.bank_accounts import TRIGGER
from braintree_twin.seed.fields import Fields
from braintree_twin.vault.bank_accounts import account_number_fields
from braintree_twin.vault.cards import Expiration, make_card
from braintree_twin.vault.instruments import Instrument, of_test_nonce
from braintree_twin.vault.test_nonces import KINDS, TEST_NONCES

DEFAULT_NUMBER, DEFAULT_EXPIRATION = "4111111111111111", Expiration("12", "2035")
# Kind -> the test nonce whose fields a seeded instrument of this kind begins with.
_MODELS = {fixed.kind: nonce for nonce, fixed in reversed(TEST_NONCES.items()) if not fixed.fault}
# Kinds that no nonce has, with the fields that a record begins with.
_WITHOUT_NONCE: dict[str, dict[str, str | None]] = {
    "paypal_here": {
        "authorization_id": "AUTH-HERE",
        "capture_id": "CAPTURE-HERE",
        "invoice_id": "INVOICE-HERE",
        "last_4": "1111",
        "payment_id": "PAY-HERE",
        "payment_type": "card",
        "refund_id": "REFUND-HERE",
        "transaction_fee_amount": "0.01",
        "transaction_fee_currency_iso_code": "USD",
        "transaction_initiation_date": "2026-01-31T12:00:00Z",
        "transaction_updated_date": "2026-01-31T12:00:00Z",
    }
}
KNOWN_KINDS = (*KINDS, *_WITHOUT_NONCE)
_NONCES = tuple(nonce for nonce, fixed in TEST_NONCES.items() if not fixed.fault)


def read_address(fields: Fields) -> dict[str, str | None]:
    address = {name: fields.text(name) for name in ADDRESS_FIELDS}
    fields.reject_unknown()
    return address


def read_instrument(call: Call, fields: Fields) -> Instrument:
    """Read `number` with `expiration_date`, or `kind`, or `nonce`; `wallet` has the fields that differ."""
    nonce = fields.one_of("nonce", _NONCES) if "nonce" in fields else None
    kind = fields.one_of("kind", KNOWN_KINDS, "credit_card")
    number, email = fields.text("number"), fields.text("email")
    expiration = _expiration(fields)
    name = fields.text("cardholder_name")
    changed = fields.table("wallet")
    account_number = fields.text("account_number")
    if account_number:
        changed = {TRIGGER: None, **account_number_fields(account_number), **changed}
    billing = fields.section("billing")
    if kind in _WITHOUT_NONCE:
        instrument = Instrument(kind=kind, wallet=dict(_WITHOUT_NONCE[kind]))
    elif nonce or kind != "credit_card":
        instrument = of_test_nonce(call, TEST_NONCES[nonce or _MODELS[kind]])
        # A seeded record has its own status: the nonce's outcome is for new payments.
        instrument.decision = None
    else:
        if number is None and "number" not in fields:
            fields.fault("number", "is missing: a card has a number, other instruments have a kind or a nonce")
        card = make_card(call, _checked(call, fields, number), expiration or DEFAULT_EXPIRATION, name)
        instrument = Instrument(kind="credit_card", card=asdict(card))
    if email:
        changed = {"email": email, "username": email.partition("@")[0], **changed}
    instrument.wallet = {**instrument.wallet, **changed} if instrument.kind != "credit_card" else {}
    _change_card(instrument.card, expiration, name)
    country = fields.text("country_of_issuance")
    if country and instrument.card:
        instrument.card["bin_data"] = {**instrument.card["bin_data"], "country_of_issuance": country}
    instrument.billing = read_address(billing) if billing else {}
    return instrument


def _checked(call: Call, fields: Fields, number: str | None) -> str:
    if number is None:
        return DEFAULT_NUMBER
    if cards.number_error(number, test_numbers_only=call.merchant.test_numbers_only):
        fields.fault("number", "is no card number that this merchant takes")
        return DEFAULT_NUMBER
    return number


def _change_card(card: dict[str, Any] | None, expiration: Expiration | None, name: str | None) -> None:
    if card and expiration:
        card["expiration_month"], card["expiration_year"] = expiration.month, expiration.year
    if card and name:
        card["cardholder_name"] = name


def _expiration(fields: Fields) -> Expiration | None:
    text = fields.text("expiration_date")
    if text is None:
        return None
    month, _, year = text.partition("/")
    if not (month.isdigit() and 1 <= int(month) <= 12 and year.isdigit() and len(year) == 4):
        fields.fault("expiration_date", 'must be like "12/2035"')
        return None
    return Expiration(month.zfill(2), year)


def read_payer(call: Call, fields: Fields) -> Instrument:
    """Read the stored method that `payment_method` names, or else the instrument that the table describes."""
    token = fields.text("payment_method")
    if token is None:
        return read_instrument(call, fields)
    method = call.store.payment_methods.get(call.merchant.id, token)
    if method is None:
        fields.fault("payment_method", f"is {token!r}, which is no payment method of this merchant")
        return Instrument(kind="credit_card", card=asdict(make_card(call, DEFAULT_NUMBER, DEFAULT_EXPIRATION)))
    return Instrument(
        kind=method.kind, card=method.card, wallet=method.wallet, billing=method.billing or {}, method=method
    )
