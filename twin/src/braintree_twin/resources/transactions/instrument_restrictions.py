"""Restrictions of payment instruments: uses and options that the gateway refuses."""

from __future__ import annotations

from braintree_twin.calls import Call
from braintree_twin.params import Params
from braintree_twin.rules.external_vault import check_external_vault
from braintree_twin.rules.three_d_secure import read_pass_thru
from braintree_twin.state.records import Fields
from braintree_twin.validation import Errors
from braintree_twin.vault.authentications import AuthenticationCodes, take_authentication
from braintree_twin.vault.instruments import Instrument
from braintree_twin.vault.verifying import account_type_error

# Only cards take a credit without an earlier sale.
NOT_CREDITABLE = frozenset(
    {"paypal_account", "venmo_account", "local_payment", "us_bank_account", "sepa_debit_account"}
)
CREDIT_NOT_ACCEPTED = "915101"
AUTHENTICATED_TWICE = "915199"
_SOURCES = ("credit_card", "payment_method_nonce", "payment_method_token", "customer_id")
NO_INSTRUMENT = "none"
# The older way to name an authentication.
BY_TOKEN = AuthenticationCodes(unknown="91568", other_card="91570", other_nonce="91570")
OF_SALES = AuthenticationCodes(unknown="915196", other_card="915197", other_nonce="915198")


def check_restrictions(
    call: Call, kind: str | None, params: Params, instrument: Instrument | None, errors: Errors
) -> Fields | None:
    """Add an error for each use of the instrument that the gateway refuses.

    Returns the fields of 3-D Secure pass-through, if there are any.
    """
    if kind == "credit" and instrument and instrument.kind in NOT_CREDITABLE:
        errors.add("base", CREDIT_NOT_ACCEPTED)
    check_external_vault(params, errors, _kind_of(params, instrument))
    passed = _check_authentication(call, params, instrument, errors)
    _check_account_type(params, instrument, errors)
    paypal = params.section("options").section("paypal")
    if len(paypal.text("custom_field") or "") > 255:
        errors.on("options").on("paypal").add("custom_field", "91580")
    return passed


def _kind_of(params: Params, instrument: Instrument | None) -> str | None:
    """The kind of instrument: None if it is invalid, NO_INSTRUMENT if the request names none."""
    if instrument:
        return instrument.kind
    return None if any(name in params for name in _SOURCES) else NO_INSTRUMENT


def _check_authentication(call: Call, params: Params, instrument: Instrument | None, errors: Errors) -> Fields | None:
    """Check a 3-D Secure authentication id, whose result the instrument takes on."""
    passed = read_pass_thru(params, errors)
    given = params.text("three_d_secure_authentication_id")
    if given is None and "three_d_secure_authentication_id" in params:
        errors.add("three_d_secure_authentication_id", OF_SALES.unknown)
    if given and passed is not None:
        errors.add("three_d_secure_authentication_id", AUTHENTICATED_TWICE)
    elif given and instrument:
        errors.add("three_d_secure_authentication_id", take_authentication(call, given, instrument, OF_SALES))
    if "three_d_secure_token" in params:
        token = params.text("three_d_secure_token") or ""
        if instrument:
            errors.add("three_d_secure_token", take_authentication(call, token, instrument, BY_TOKEN))
    return passed


def _check_account_type(params: Params, instrument: Instrument | None, errors: Errors) -> None:
    options = params.section("options")
    given = options.section("credit_card").text("account_type")
    if given is None:
        return
    faults = errors.on("options").on("credit_card")
    brand = instrument.card["card_type"] if instrument and instrument.card else None
    fault = account_type_error(given, brand, "915184", "915185")
    if fault is None and given == "debit" and not options.flag("submit_for_settlement"):
        fault = "915186"
    faults.add("account_type", fault)


def lacks_authentication(params: Params, instrument: Instrument) -> bool:
    """Whether the options require 3-D Secure, and the payment has none."""
    if not params.section("options").section("three_d_secure").flag("required"):
        return False
    shifted = (instrument.three_d_secure or {}).get("liability_shifted")
    return not shifted and not params.has("three_d_secure_pass_thru")
