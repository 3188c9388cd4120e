"""3-D Secure in the graph: the look-up, and its result as a card shows it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from braintree_twin.calls import Call
from braintree_twin.client_api.authentication import Client
from braintree_twin.client_api.three_d_secure import challenge_addresses, find_card
from braintree_twin.graphql_api.context import Fields, Info, InputFault, InvalidInput, graph_of
from braintree_twin.graphql_api.global_ids import split_id
from braintree_twin.rules.authentication_insight import InsightRequest, insight
from braintree_twin.state.records import Authentication
from braintree_twin.validation import ValidationFailed
from braintree_twin.vault.authentications import LookupRequest, look_up
from braintree_twin.vault.instruments import Instrument, of_method

_ENROLLED = {"Y": "YES", "N": "NO", "U": "UNAVAILABLE", "B": "BYPASS"}
_TRANS_STATUS = {
    "Y": "SUCCESSFUL_AUTHENTICATION",
    "A": "SUCCESSFUL_ATTEMPTS_TRANSACTION",
    "N": "FAILED_AUTHENTICATION",
    "U": "UNABLE_TO_COMPLETE_AUTHENTICATION",
    "R": "AUTHENTICATION_REJECTED",
    "C": "CHALLENGE_REQUIRED_FOR_AUTHENTICATION",
    "D": "CHALLENGE_REQUIRED_DECOUPLED_AUTHENTICATION",
    "I": "INFORMATIONAL_CHALLENGE_PREFERENCE_ACKNOWLEDGED",
}


def perform_lookup(call: Call, client: Client | None, given: Fields) -> Authentication:
    instrument = _instrument(call, str(given["paymentMethodId"]))
    account = given.get("merchantAccountId") or (client.merchant_account_id if client else None)
    exemption = given.get("requestedExemptionType")
    request = LookupRequest(
        amount=str(given["amount"]),
        merchant_account_id=str(account or call.merchant.default_account.id),
        challenge=bool(given.get("requestAuthenticationChallenge")),
        exemption=exemption.lower() if exemption else None,
        data_only=bool(given.get("requestDataOnly")),
    )
    return look_up(call, instrument, request)


def _instrument(call: Call, identifier: str) -> Instrument:
    """The card of a nonce, or of a vaulted method's global id."""
    found = split_id(identifier)
    if found and found[0] == "paymentmethod":
        method = call.store.payment_methods.get(call.merchant.id, found[1])
        if method and method.card:
            return of_method(call, method)
    try:
        return find_card(call, identifier)
    except ValidationFailed as failure:
        fault = InputFault("Payment method is not a credit card payment method.", "91738", ("input", "paymentMethodId"))
        raise InvalidInput([fault]) from failure


def lookup_data(call: Call, record: Authentication) -> Fields:
    return {
        **challenge_addresses(call, record),
        "authenticationId": record.id,
        "version": record.info["three_d_secure_version"],
        "transactionId": record.transaction_id,
    }


def three_d_secure(info: Any) -> Fields | None:
    """The details of a card that was authenticated; None of any other."""
    if not info:
        return None
    shown: Fields = {
        "authenticationId": info.get("three_d_secure_authentication_id"),
        "cavv": info.get("cavv"),
        "directoryServerTransactionId": info.get("ds_transaction_id"),
        "eciFlag": info.get("eci_flag"),
        "liabilityShifted": bool(info["liability_shifted"]),
        "liabilityShiftPossible": bool(info["liability_shift_possible"]),
        "cardEnrolled": _ENROLLED.get(info["enrolled"], "ERROR"),
        "authenticationStatus": str(info["status"]).upper(),
        "version": info.get("three_d_secure_version"),
        "xId": info.get("xid"),
        "threeDSecureServerTransactionId": info.get("three_d_secure_server_transaction_id"),
        "acsTransactionId": info.get("acs_transaction_id"),
        "paresStatus": _TRANS_STATUS.get(info.get("pares_status") or ""),
        "transactionStatus": _TRANS_STATUS.get(
            info.get("authentication_trans_status") or info.get("lookup_trans_status") or ""
        ),
        "transactionStatusReason": None,
    }
    return {**shown, "authentication": shown}


def authentication_insight(info: Info, *, input: Fields) -> Fields:
    account = graph_of(info).call.merchant.by_id.get(input["merchantAccountId"])
    if account is None:
        raise InvalidInput([InputFault("Merchant account ID is invalid.", "91513", ("input", "merchantAccountId"))])
    given = input.get("amount")
    amount = Decimal(str(given)) if given is not None else None
    limit = input.get("recurringMaxAmount")
    # A card that is only tokenized has no issuer that anybody knows.
    request = InsightRequest(
        card_country=None,
        amount=amount,
        recurring=bool(input.get("recurringCustomerConsent")),
        recurring_limit=Decimal(str(limit)) if limit is not None else None,
    )
    regulation, indicator = insight(account, request)
    return {
        "merchantAccountId": account.id,
        "customerAuthenticationRegulationEnvironment": regulation.upper(),
        "customerAuthenticationIndicator": indicator.upper(),
    }
