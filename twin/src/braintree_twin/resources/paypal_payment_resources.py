"""PayPal payment resources: change an order after the buyer approved it, and before it is charged."""

from __future__ import annotations

from braintree_twin.calls import Answer, Call, Route
from braintree_twin.params import Params
from braintree_twin.request_schema import schema
from braintree_twin.rules.currencies import KNOWN_CURRENCIES
from braintree_twin.rules.money import TRANSACTION_AMOUNT
from braintree_twin.state.records import Nonce
from braintree_twin.validation import Errors, ValidationFailed
from braintree_twin.vault.instruments import Instrument, NonceCodes, consume, of_nonce
from braintree_twin.views.nonces import nonce_view

ROOT = "paypal_payment_resource"
NONCE_EXPIRED, NOT_SUPPORTED, NONCE_REQUIRED, INVALID_EMAIL, EMAIL_TOO_LONG = (
    "97301",
    "97302",
    "97303",
    "97304",
    "97305",
)
CURRENCY_REQUIRED, CURRENCY_UNSUPPORTED, INVALID_AMOUNT = "97311", "97312", "97325"
_CODES = NonceCodes(unknown=NONCE_EXPIRED, consumed=NONCE_EXPIRED, locked=NONCE_EXPIRED)
# Field -> the longest text, and the error code of a longer one.
_LENGTHS = {"description": (127, "97336"), "custom_field": (256, "97337"), "order_id": (127, "97338")}
_DESCRIBED = ("custom_field", "description", "payee_email")


def update(call: Call) -> Answer:
    """Take the changes, and answer with a new nonce; the old one is consumed."""
    params = call.params(ROOT)
    errors = Errors()
    faults = errors.on(ROOT)
    instrument = _instrument(call, params, faults)
    _check_money(params, faults)
    for name, (longest, code) in _LENGTHS.items():
        faults.add(name, code if len(params.text(name) or "") > longest else None)
    email = params.text("payee_email")
    if email and "@" not in email:
        faults.add("payee_email", INVALID_EMAIL)
    elif email and len(email) > 127:
        faults.add("payee_email", EMAIL_TOO_LONG)
    if errors or instrument is None:
        raise ValidationFailed(errors)
    consume(call, instrument)
    changed = {name: params.text(name) for name in _DESCRIBED if params.has(name)}
    instrument.wallet = {**instrument.wallet, **changed}
    record = Nonce(
        nonce=call.ids.nonce(),
        created_at=call.clock.stamp(),
        kind=instrument.kind,
        wallet=instrument.wallet,
        reusable=instrument.reusable,
    )
    call.store.nonces.put(call.merchant.id, record)
    return Answer("payment_method_nonce", nonce_view(record.nonce, instrument, consumed=False))


def _instrument(call: Call, params: Params, faults: Errors) -> Instrument | None:
    nonce = params.text("payment_method_nonce")
    if nonce is None:
        faults.add("payment_method_nonce", NONCE_REQUIRED)
        return None
    found = of_nonce(call, nonce, _CODES)
    if isinstance(found, str):
        faults.add("payment_method_nonce", found)
        return None
    # A billing agreement is no order.
    if found.kind != "paypal_account" or found.wallet.get("billing_agreement_id"):
        faults.add("payment_method_nonce", NOT_SUPPORTED)
        return None
    return found


def _check_money(params: Params, faults: Errors) -> None:
    currency = params.text("currency_iso_code")
    if currency is None:
        faults.add("currency_iso_code", CURRENCY_REQUIRED)
    elif currency not in KNOWN_CURRENCIES:
        faults.add("currency_iso_code", CURRENCY_UNSUPPORTED)
    amount, _ = TRANSACTION_AMOUNT.check(params.text("amount"), currency or "USD")
    faults.add("amount", INVALID_AMOUNT if amount is None else None)


ROUTES = (
    Route(
        "PUT",
        "/paypal/payment_resource",
        update,
        takes={
            ROOT: schema(
                "payment_method_nonce custom_field description payee_email",
                checked="amount currency_iso_code order_id",
                no_effect="amount_breakdown line_items shipping shipping_options",
            )
        },
    ),
)
