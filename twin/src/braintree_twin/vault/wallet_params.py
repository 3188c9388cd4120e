"""Reads wallets whose fields a request contains, in place of a nonce."""

from __future__ import annotations

from braintree_twin.calls import Call
from braintree_twin.params import Params
from braintree_twin.rules.customers import MAX_TEXT_LENGTH
from braintree_twin.state.records import Fields
from braintree_twin.validation import Errors
from braintree_twin.vault.cards import read_card
from braintree_twin.vault.instruments import Instrument, of_card
from braintree_twin.vault.test_nonces import NOT_TOKENIZED

APPLE_PAY, GOOGLE_PAY, PAYPAL = "apple_pay_card", "android_pay_card", "paypal_account"
# The elements that errors about vaulted wallets stand under, beside the customer's.
VAULT_LEVELS = {APPLE_PAY: "apple_pay", GOOGLE_PAY: "android_pay_card"}
# The keys of an instrument that no answer shows: what is wrong with the consent of a PayPal account that was tokenized
# without validation, and the token that it gets in the vault.
CONSENT_FAULT, ASKED_TOKEN = "_consent_fault", "_token"
# A consent of the buyer's that the merchant got from PayPal itself.
REFRESH_TOKEN = "paypal_refresh_token"  # noqa: S105
PAYPAL_TEXTS = ("payee_id", "payee_email", "custom_field", "description", "recipient_email")
# The payer of every PayPal payment in the sandbox.
PAYPAL_PAYER = "payer@example.com"
CANNOT_VAULT_ONE_TIME = "82902"
CONSENT_REQUIRED, EMAIL_INVALID, EMAIL_TOO_LONG = "82901", "92963", "92964"
# Required field -> error code. The codes are Apple Pay's: Braintree publishes none for Google Pay.
_REQUIRED = {"number": "93508", "expiration_month": "93509", "expiration_year": "93510", "cryptogram": "93511"}


def described_wallet_kind(params: Params) -> str | None:
    """The kind of wallet whose fields the request contains. PayPal's payee fields may also accompany a nonce."""
    paypal = params.section(PAYPAL)
    if paypal.has("payment_id") or paypal.has("payer_id"):
        return PAYPAL
    return next((kind for kind in (APPLE_PAY, GOOGLE_PAY) if params.section(kind)), None)


def read_wallet(call: Call, params: Params, errors: Errors, *, level: str | None = None) -> Instrument | None:
    """Read the wallet of the request; None if there is none, or it is invalid. Adds to `errors`, under `level`.

    A Google Pay card needs no cryptogram: without one it is no network's token, but a card on file with Google.
    """
    kind = described_wallet_kind(params)
    if kind is None:
        return None
    section, faults = params.section(kind), errors.on(level or kind)
    if kind == PAYPAL:
        return _paypal(section, faults)
    optional = {"cryptogram"} if kind == GOOGLE_PAY else set()
    missing = [name for name in _REQUIRED if name not in optional and not section.has(name)]
    for name in missing:
        faults.add(name, _REQUIRED[name])
    if missing:
        return None
    details = read_card(call, section, faults, required=True)
    if details.card is None:
        return None
    instrument = of_card(details.card)
    instrument.kind = kind
    if kind == GOOGLE_PAY and instrument.card:
        # Google's own tokens keep the year as it is written.
        instrument.card["expiration_year"] = section.text("expiration_year")
    instrument.wallet = _shown(kind, section, details.card.card_type, details.card.last_4)
    return instrument


def _shown(kind: str, section: Params, brand: str, last_4: str) -> Fields:
    if kind == APPLE_PAY:
        return {"payment_instrument_name": f"{brand} {last_4}", "source_description": f"{brand} {last_4}"}
    source = (section.text("source_card_type") or brand, section.text("source_card_last_four") or last_4)
    return {
        **({} if section.has("cryptogram") else {NOT_TOKENIZED: "1"}),
        "google_transaction_id": section.text("google_transaction_id"),
        "source_card_type": source[0],
        "source_card_last_4": source[1],
        "source_description": " ".join(source),
    }


def _paypal(section: Params, errors: Errors) -> Instrument | None:
    """Read a payment that the buyer approved at PayPal; it can be used once."""
    if not section.has("payment_id") or not section.has("payer_id"):
        errors.add("base", CONSENT_REQUIRED)
        return None
    wallet: Fields = {
        "email": PAYPAL_PAYER,
        "payer_id": section.text("payer_id"),
        "payment_id": section.text("payment_id"),
    }
    return Instrument(kind=PAYPAL, wallet=wallet, reusable=False)


def read_agreement(section: Params, errors: Errors) -> Instrument | None:
    """Read a PayPal account whose billing agreement PayPal gave to the merchant. Adds to `errors`."""
    email, agreement = section.text("email"), section.text("billing_agreement_id")
    fault = email_error(email)
    errors.add("email", fault)
    if agreement is None:
        errors.add("base", CONSENT_REQUIRED)
    if fault or agreement is None:
        return None
    return Instrument(
        kind=PAYPAL,
        wallet={"email": email or PAYPAL_PAYER, "payer_id": "FAKEPAYERID01", "billing_agreement_id": agreement},
    )


def email_error(email: str | None) -> str | None:
    """The error code of an invalid e-mail address of a PayPal account, or None."""
    if email and "@" not in email:
        return EMAIL_INVALID
    return EMAIL_TOO_LONG if email and len(email) > MAX_TEXT_LENGTH else None


def paypal_fields(params: Params, wallet: Fields) -> Fields:
    """The PayPal fields of a transaction: the payer, and the payment's texts in the request."""
    places = (params.section("options").section("paypal"), params.section("options"), params.section(PAYPAL))
    said = {name: next((place.text(name) for place in places if place.has(name)), None) for name in PAYPAL_TEXTS}
    phone = places[0].section("recipient_phone")
    said |= {f"recipient_{name}": phone.text(name) for name in ("country_code", "national_number")}
    return {**wallet, "email": PAYPAL_PAYER, **{name: text for name, text in said.items() if text}}


def check_reusable(instrument: Instrument, errors: Errors) -> None:
    """Refuse to keep an instrument that pays only once, or a PayPal account that nobody consented to."""
    faults = errors.on(instrument.kind)
    faults.add("base", instrument.wallet.get(CONSENT_FAULT))
    faults.add("base", None if instrument.reusable else CANNOT_VAULT_ONE_TIME)
