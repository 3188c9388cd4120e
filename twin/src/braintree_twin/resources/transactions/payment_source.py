"""Reads the payment source of a new transaction: the instrument and the customer."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from braintree_twin.calls import Call
from braintree_twin.params import Params
from braintree_twin.rules.addresses import read_address
from braintree_twin.rules.customers import CUSTOMER_ID, identifier_error, read_customer
from braintree_twin.state.records import Customer, Fields
from braintree_twin.validation import Errors
from braintree_twin.vault.cards import Expiration, make_card, read_card, read_cvv
from braintree_twin.vault.instruments import (
    Instrument,
    NonceCodes,
    cvv_nonce,
    has_invalid_number,
    of_card,
    of_method,
    of_nonce,
)
from braintree_twin.vault.storing import check_new_token, default_method
from braintree_twin.vault.wallet_params import described_wallet_kind, read_wallet

_NONCE_CODES = NonceCodes(unknown="91565", consumed="91564", locked="91566")
# The card of a reader, and the attributes of a token of the card's network.
READER, NETWORK_TOKEN = "payment_reader_card_details", "network_tokenization_attributes"
READER_NOT_SUPPORTED, CRYPTOGRAM_REQUIRED = "91577", "81762"
CARD_IN_READER = "4111111111111111"
_HEXADECIMAL = re.compile(r"[0-9A-Fa-f]{16,}", re.ASCII)
# A vaulted method that is not the given customer's.
METHOD_OF_ANOTHER = "91516"
_NUMBER_FIELDS = ("number", "expiration_date", "expiration_month", "expiration_year")


@dataclass(slots=True)
class PaymentSource:
    """The customer and the instrument. The instrument is None if there are errors."""

    instrument: Instrument | None = None
    # The vaulted customer.
    customer: Customer | None = None
    # The fields and the id of a new customer.
    new_customer: Fields = field(default_factory=dict)
    new_token: str | None = None


def read_source(call: Call, params: Params, errors: Errors) -> PaymentSource:
    source = PaymentSource(customer=_customer(call, params, errors))
    card = params.section("credit_card")
    nonce, token = params.text("payment_method_nonce"), params.text("payment_method_token")
    security_code = cvv_nonce(call, nonce) if token is not None else None
    if security_code:
        nonce = None
    gives_card = any(card.has(name) for name in (*_NUMBER_FIELDS, READER))
    gives_wallet = described_wallet_kind(params) is not None
    if sum((gives_card, gives_wallet, nonce is not None, token is not None)) > 1:
        errors.add("base", "91515")
        # Later checks look at the nonce, so that every fault is told at once.
        source.instrument = _by_nonce(call, nonce, source, Errors()) if nonce is not None else None
        if token is not None and params.has("customer_id"):
            _by_token(call, params, token, source, errors)
        return source
    source.new_token = card.text("token")
    check_new_token(call, source.new_token, errors.on("credit_card"))
    _read_new_customer(call, params, errors, source)
    if nonce is not None:
        source.instrument = _by_nonce(call, nonce, source, errors)
    elif token is not None:
        source.instrument = _by_token(call, params, token, source, errors)
    elif gives_wallet:
        source.instrument = read_wallet(call, params, errors)
    elif gives_card or (card and source.customer is None):
        source.instrument = _by_card(call, params, errors)
    else:
        source.instrument = _by_customer(call, params, source, errors)
    if source.instrument and source.instrument.method and card.has("cvv"):
        source.instrument.cvv = read_cvv(card, None, errors.on("credit_card"))
    if source.instrument and security_code:
        source.instrument.cvv, source.instrument.nonce = security_code.cvv_response, security_code
    return source


def _by_card(call: Call, params: Params, errors: Errors) -> Instrument | None:
    """The card of the request. A network's token needs no cryptogram where an earlier payment had one."""
    card = params.section("credit_card")
    if card.has(READER):
        return _by_card_reader(call, card.section(READER), errors)
    is_repeated = bool(params.section("external_vault").text("previous_network_transaction_id"))
    details = read_card(call, card, errors.on("credit_card"), required=True)
    token = card.section(NETWORK_TOKEN)
    if token and not token.has("cryptogram") and not is_repeated:
        errors.on("credit_card").add(NETWORK_TOKEN, CRYPTOGRAM_REQUIRED)
    return of_card(details.card, details.cvv, network_token=bool(token)) if details.card else None


def _by_card_reader(call: Call, read: Params, errors: Errors) -> Instrument | None:
    """A card that was keyed into a reader. Nobody can decrypt it here: well-formed data stand for a test card."""
    parts = (read.text("encrypted_card_data") or "", read.text("key_serial_number") or "")
    if not all(_HEXADECIMAL.fullmatch(part) for part in parts):
        errors.add("merchant_account_id", READER_NOT_SUPPORTED)
        return None
    return of_card(make_card(call, CARD_IN_READER, Expiration("12", str(call.clock.now().year + 1))))


def _customer(call: Call, params: Params, errors: Errors) -> Customer | None:
    customer_id = params.text("customer_id")
    if customer_id is None:
        return None
    customer = call.store.customers.get(call.merchant.id, customer_id)
    if customer is None:
        errors.add("customer_id", "91510")
    return customer


def _read_new_customer(call: Call, params: Params, errors: Errors, source: PaymentSource) -> None:
    section, faults = params.section("customer"), errors.on("customer")
    source.new_customer = read_customer(section, faults)
    customer_id = section.text("id")
    if customer_id is None:
        return
    fault = identifier_error(customer_id, CUSTOMER_ID)
    if fault is None and call.store.customers.get(call.merchant.id, customer_id):
        fault = "91609"
    faults.add("id", fault)
    source.new_customer["id"] = customer_id


def _by_nonce(call: Call, nonce: str, source: PaymentSource, errors: Errors) -> Instrument | None:
    if has_invalid_number(nonce):
        errors.on("credit_card").add("number", "81715")
        return None
    found = of_nonce(call, nonce, _NONCE_CODES)
    if isinstance(found, str):
        errors.add("payment_method_nonce", found)
        return None
    if found.method and not _fits_customer(call, found, source):
        errors.add("payment_method_nonce", METHOD_OF_ANOTHER)
        return None
    return found


def _by_token(call: Call, params: Params, token: str, source: PaymentSource, errors: Errors) -> Instrument | None:
    method = call.store.payment_methods.get(call.merchant.id, token)
    if method is None:
        errors.add("payment_method_token", "91518")
        errors.add("base", METHOD_OF_ANOTHER if params.has("customer_id") else None)
        return None
    found = of_method(call, method)
    if not _fits_customer(call, found, source):
        errors.add("base", METHOD_OF_ANOTHER)
        return None
    return found


def _fits_customer(call: Call, found: Instrument, source: PaymentSource) -> bool:
    """Whether the vaulted method belongs to the source's customer; sets the customer if there is none yet."""
    owner = found.method.customer_id if found.method else None
    if source.customer is not None:
        return source.customer.id == owner
    source.customer = call.store.customers.get(call.merchant.id, owner)
    return True


def _by_customer(call: Call, params: Params, source: PaymentSource, errors: Errors) -> Instrument | None:
    if source.customer is None:
        if not params.has("customer_id"):
            errors.add("base", "91508")
        return None
    method = default_method(call, source.customer.id)
    if method is None:
        errors.add("customer_id", "91511")
        return None
    return of_method(call, method)


def read_transaction_address(call: Call, params: Params, errors: Errors, name: str, source: PaymentSource) -> Fields:
    """Read the billing or shipping address: its fields, or the id of one of the customer's addresses."""
    given = read_address(params.section(name), errors.on(name))
    address_id = params.text(f"{name}_address_id")
    if address_id is None:
        return given
    if given:
        errors.add("base", "91530" if name == "billing" else "91581")
        return given
    owner = source.customer.id if source.customer else ""
    address = call.store.addresses.get(call.merchant.id, f"{owner}/{address_id}")
    if address is None:
        errors.add(f"{name}_address_id", "91702" if name == "billing" else "91581")
        return {}
    return {"id": address.id, **address.fields}
