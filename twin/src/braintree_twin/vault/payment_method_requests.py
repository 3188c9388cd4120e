"""Creates and updates vaulted methods, for the resources payment_method, credit_card and customer."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal

from braintree_twin.calls import Call
from braintree_twin.merchants import MerchantAccount
from braintree_twin.params import Params
from braintree_twin.rules.addresses import read_address
from braintree_twin.rules.bank_accounts import US_BANK_ACCOUNT
from braintree_twin.rules.three_d_secure import OF_VERIFICATIONS, passed_through, read_pass_thru
from braintree_twin.state.records import Address, Fields, PaymentMethod, Verification
from braintree_twin.validation import Errors
from braintree_twin.vault.bank_verifications import read_mandate, read_way
from braintree_twin.vault.cards import CardDetails, read_card
from braintree_twin.vault.instruments import Instrument, NonceCodes, consume, has_invalid_number, of_card, of_nonce
from braintree_twin.vault.storing import (
    MAX_ADDRESSES,
    TOKEN_IN_USE,
    TOO_MANY_ADDRESSES,
    check_new_token,
    replace_method,
    set_default,
    store_address,
    store_method,
)
from braintree_twin.vault.verifying import (
    VerificationExtras,
    account_type_error,
    link,
    option_codes,
    read_options,
    verify,
)
from braintree_twin.vault.wallet_params import (
    ASKED_TOKEN,
    PAYPAL,
    PAYPAL_PAYER,
    REFRESH_TOKEN,
    VAULT_LEVELS,
    read_agreement,
    read_wallet,
)

DUPLICATE_CARD, DUPLICATE_FOR_CUSTOMER = "81724", "81763"
# Kinds whose update cannot take a new nonce, with the error code.
_NO_NEW_NONCE = {"paypal_account": "92914", "apple_pay_card": "93507"}
INVALID_FOR_PAYPAL = "92915"
_TOKENS_IN_USE = {"paypal_account": "92906", "apple_pay_card": "93503"}
ADDRESS_CONFLICT, ADDRESS_UNKNOWN = "91701", "91702"


@dataclass(slots=True)
class MethodRequest:
    """A request to vault or change a payment method. The instrument is None if there are errors."""

    instrument: Instrument | None
    token: str | None
    billing: Fields
    billing_address_id: str | None
    options: Params
    account: MerchantAccount
    verification_amount: Decimal = field(default_factory=Decimal)
    verification_extras: VerificationExtras = field(default_factory=VerificationExtras)
    # US bank accounts: the way of verification that is asked for, and the mandate.
    bank_verification_way: str | None = None
    mandate: Fields = field(default_factory=dict)

    @property
    def verifies(self) -> bool:
        is_card = self.instrument is not None and self.instrument.card is not None
        return is_card and self.options.flag("verify_card")


def read_method(
    call: Call,
    params: Params,
    errors: Errors,
    customer_id: str | None,
    codes: NonceCodes,
    *,
    options_level: Errors | None = None,
) -> MethodRequest:
    """Read a request for a new method: a card or nonce with its billing address. The customer may not exist yet.

    `options_level`: the errors of the element that has the options, if it is another one than that of `errors`.
    """
    level = errors if options_level is None else options_level
    instrument = _read_instrument(call, params, errors, codes)
    token = params.text("token") or (instrument.wallet.pop(ASKED_TOKEN, None) if instrument else None)
    check_new_token(call, token, errors, in_use=_token_in_use(instrument))
    if instrument and not instrument.card:
        # A wallet ignores all card fields.
        account = call.merchant.default_account
        wanted = MethodRequest(instrument, token, {}, None, params.section("options"), account)
        if instrument.kind == US_BANK_ACCOUNT:
            wanted.account, _ = read_options(call, params, level)
            wanted.bank_verification_way, wanted.mandate = read_way(params, errors), read_mandate(params)
        return wanted
    account, amount = read_options(call, params, level, option_codes(instrument.kind if instrument else None))
    billing, address_id = _read_billing(call, params, errors, customer_id)
    extras = _read_extras(params, instrument, errors, level)
    if instrument:
        instrument.billing = {**instrument.billing, **billing}
        _check_duplicate(call, params.section("options"), instrument, errors, customer_id)
    return MethodRequest(instrument, token, billing, address_id, params.section("options"), account, amount, extras)


def read_described_wallet(
    call: Call, params: Params, kind: str, errors: Errors, customer_id: str | None, *, level: str | None = None
) -> MethodRequest:
    """Read a wallet whose fields the request has in place of a nonce. `level`: the element that errors stand under."""
    level = level or VAULT_LEVELS[kind]
    section, faults = params.section(kind), errors.on(level)
    instrument = read_wallet(call, params, errors, level=level)
    token = section.text("token")
    check_new_token(call, token, faults)
    account, amount = read_options(call, section, faults, option_codes(kind))
    billing, address_id = _read_billing(call, section, faults, customer_id)
    extras = _read_extras(section, instrument, faults, faults)
    if instrument:
        instrument.billing = billing
    return MethodRequest(instrument, token, billing, address_id, section.section("options"), account, amount, extras)


def read_described_agreement(call: Call, section: Params, errors: Errors) -> MethodRequest:
    """Read a PayPal account that the request describes by its billing agreement."""
    instrument = read_agreement(section, errors)
    token = section.text("token")
    check_new_token(call, token, errors, in_use=_TOKENS_IN_USE[PAYPAL])
    return MethodRequest(instrument, token, {}, None, section.section("options"), call.merchant.default_account)


def _read_extras(
    params: Params, instrument: Instrument | None, errors: Errors, options_level: Errors
) -> VerificationExtras:
    options = params.section("options")
    given = options.text("verification_account_type")
    brand = instrument.card["card_type"] if instrument and instrument.card else None
    codes = option_codes(instrument.kind if instrument else None)
    fault = account_type_error(given, brand, codes.type_invalid, codes.type_not_supported)
    options_level.on("options").add("verification_account_type", fault)
    return VerificationExtras(
        account_type=given,
        inquires_names=options.has("account_information_inquiry"),
        device_data=params.has("device_data"),
        skips_fraud_checking=options.flag("skip_advanced_fraud_checking"),
        three_d_secure=passed_through(read_pass_thru(params, errors, OF_VERIFICATIONS)),
    )


def _token_in_use(owner: Instrument | PaymentMethod | None) -> str:
    return _TOKENS_IN_USE.get(owner.kind if owner else "", TOKEN_IN_USE)


def _read_instrument(call: Call, params: Params, errors: Errors, codes: NonceCodes) -> Instrument | None:
    nonce = params.text("payment_method_nonce")
    if nonce is None and params.has(REFRESH_TOKEN):
        return _of_refresh_token()
    if nonce is None:
        details = read_card(call, params, errors, required=True)
        return of_card(details.card, details.cvv) if details.card else None
    if has_invalid_number(nonce):
        errors.add("number", "81715")
        return None
    found = of_nonce(call, nonce, codes)
    if isinstance(found, str):
        errors.add("payment_method_nonce", found)
        return None
    details = read_card(call, _without_number(params), errors, required=False)
    return _overridden(found, details)


def _of_refresh_token() -> Instrument:
    """The PayPal account of a refresh token: the sandbox upgrades each to the same billing agreement."""
    wallet: Fields = {"email": PAYPAL_PAYER, "payer_id": "FAKEPAYERID01", "billing_agreement_id": "B_FAKE_ID"}
    return Instrument(kind=PAYPAL, wallet=wallet)


def _without_number(params: Params) -> Params:
    return Params({name: params.raw(name) for name in ("cardholder_name", "cvv") if name in params})


def _overridden(instrument: Instrument, details: CardDetails) -> Instrument:
    """The nonce's card, with the request's card fields over it."""
    if instrument.card and details.cardholder_name:
        instrument.card = {**instrument.card, "cardholder_name": details.cardholder_name}
    return replace(instrument, cvv=details.cvv or instrument.cvv)


def _read_billing(call: Call, params: Params, errors: Errors, customer_id: str | None) -> tuple[Fields, str | None]:
    section = params.section("billing_address")
    billing = read_address(section, errors.on("billing_address"))
    address_id = params.text("billing_address_id")
    if billing and customer_id and len(_addresses(call, customer_id)) >= MAX_ADDRESSES:
        errors.on("billing_address").add("base", TOO_MANY_ADDRESSES)
    if address_id and billing:
        errors.add("base", ADDRESS_CONFLICT)
    elif address_id and not call.store.addresses.get(call.merchant.id, f"{customer_id}/{address_id}"):
        errors.add("billing_address_id", ADDRESS_UNKNOWN)
    return billing, address_id


def _addresses(call: Call, customer_id: str) -> list[Address]:
    return call.store.addresses.find(call.merchant.id, customer_id=customer_id)


def _check_duplicate(
    call: Call, options: Params, instrument: Instrument, errors: Errors, customer_id: str | None, own: str | None = None
) -> None:
    """Add an error if the card is in the vault already; the method `own` does not count."""
    if not instrument.card:
        return
    identifier = instrument.card["unique_number_identifier"]
    found = call.store.payment_methods.find(call.merchant.id, unique_number_identifier=identifier)
    same = [method for method in found if method.token != own]
    if options.flag("fail_on_duplicate_payment_method") and same:
        errors.add("number", DUPLICATE_CARD)
    elif options.flag("fail_on_duplicate_payment_method_for_customer") and any(
        method.customer_id == customer_id for method in same
    ):
        errors.add("number", DUPLICATE_FOR_CUSTOMER)


def verify_if_requested(call: Call, wanted: MethodRequest) -> Verification | None:
    """Verify the card if the options ask for it. The verification may have failed: see its status."""
    if not wanted.verifies or wanted.instrument is None:
        return None
    return verify(call, wanted.instrument, wanted.account, wanted.verification_amount, wanted.verification_extras)


def store_requested_method(
    call: Call, wanted: MethodRequest, customer_id: str, verification: Verification | None
) -> PaymentMethod:
    """Vault the requested method, its billing address first."""
    instrument = wanted.instrument
    assert instrument is not None  # noqa: S101
    if instrument.method:
        return _reuse_stored_method(call, wanted, instrument, instrument.method)
    address_id = wanted.billing_address_id
    billing = {name: text for name, text in instrument.billing.items() if name != "id"}
    if address_id is None and any(billing.values()):
        address_id = store_address(call, customer_id, billing).id
    method = store_method(
        call,
        instrument,
        customer_id,
        token=wanted.token,
        make_default=wanted.options.flag("make_default"),
        billing_address_id=address_id,
    )
    consume(call, instrument)
    link(call, verification, method.token, customer_id)
    return method


def _reuse_stored_method(
    call: Call, wanted: MethodRequest, instrument: Instrument, method: PaymentMethod
) -> PaymentMethod:
    """Reuse a method that is in the vault already; it may become the default one."""
    if wanted.options.flag("make_default"):
        set_default(call, method)
    consume(call, instrument)
    return method


def read_change(call: Call, method: PaymentMethod, params: Params, errors: Errors, codes: NonceCodes) -> MethodRequest:
    """Read a request to update a method. The instrument is the method after the update."""
    account, amount = read_options(call, params, errors, option_codes(method.kind))
    token = params.text("token")
    if token != method.token:
        check_new_token(call, token, errors, in_use=_token_in_use(method))
    billing, address_id = _read_billing(call, params, errors, method.customer_id)
    _check_change(method, params, errors)
    instrument = Instrument(kind=method.kind, card=method.card, wallet=method.wallet, method=method)
    if params.has("payment_method_nonce") or params.has("number"):
        found = _read_instrument(call, params, errors, codes)
        instrument = found or instrument
    elif method.card:
        details = read_card(call, params, errors, required=False)
        instrument.card = _changed_card(method, params, details)
        instrument.cvv = details.cvv
    instrument.billing = billing
    _check_duplicate(call, params.section("options"), instrument, errors, method.customer_id, own=method.token)
    extras = _read_extras(params, instrument, errors, errors)
    way = read_way(params, errors) if method.kind == US_BANK_ACCOUNT else None
    return MethodRequest(
        instrument, token, billing, address_id, params.section("options"), account, amount, extras, way
    )


_CARD_FIELDS = ("number", "cvv", "expiration_date", "expiration_month", "expiration_year", "cardholder_name")


def _check_change(method: PaymentMethod, params: Params, errors: Errors) -> None:
    """Add an error for changes that wallets do not allow."""
    if params.has("payment_method_nonce"):
        errors.add("payment_method_nonce", _NO_NEW_NONCE.get(method.kind))
    elif method.kind == "paypal_account" and any(params.has(name) for name in _CARD_FIELDS):
        errors.add("base", INVALID_FOR_PAYPAL)


def _changed_card(method: PaymentMethod, params: Params, details: CardDetails) -> dict[str, object]:
    changed: dict[str, object] = dict(method.card or {})
    if details.expiration:
        changed.update(expiration_month=details.expiration.month, expiration_year=details.expiration.year)
    if "cardholder_name" in params:
        changed["cardholder_name"] = details.cardholder_name
    return changed


def change_method(
    call: Call, method: PaymentMethod, wanted: MethodRequest, params: Params, verification: Verification | None
) -> PaymentMethod:
    """Update the method. A new token replaces the old one."""
    instrument = wanted.instrument
    assert instrument is not None  # noqa: S101
    changed = replace(
        method, kind=instrument.kind, card=instrument.card, wallet=instrument.wallet, updated_at=call.clock.stamp()
    )
    if wanted.billing and method.customer_id:
        changed.billing_address_id = _changed_address(call, method, wanted, params)
    elif wanted.billing_address_id:
        changed.billing_address_id = wanted.billing_address_id
    changed = replace_method(call, changed, wanted.token)
    if wanted.options.flag("make_default"):
        set_default(call, changed)
    consume(call, instrument)
    link(call, verification, changed.token, changed.customer_id)
    return changed


def _changed_address(call: Call, method: PaymentMethod, wanted: MethodRequest, params: Params) -> str:
    """Update the billing address if the request says update_existing, otherwise create one. Returns its id."""
    customer_id = method.customer_id or ""
    update_existing = params.section("billing_address").section("options").flag("update_existing")
    known = call.store.addresses.get(call.merchant.id, f"{customer_id}/{method.billing_address_id}")
    if known is None or not update_existing:
        return store_address(call, customer_id, wanted.billing).id
    known.fields = {**known.fields, **wanted.billing}
    known.updated_at = call.clock.stamp()
    call.store.addresses.put(call.merchant.id, known)
    return known.id
