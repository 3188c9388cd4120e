"""Payment methods, their details, and their snapshots in transactions, as the graph shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from braintree_twin.client_api.nonces import BRAND_CODES, client_bin_data
from braintree_twin.graphql_api.authentications import three_d_secure
from braintree_twin.graphql_api.context import Fields, Info, selects
from braintree_twin.rules.bank_accounts import SEPA, US_BANK_ACCOUNT
from braintree_twin.state.records import Nonce, PaymentMethod, Transaction, Verification
from braintree_twin.views.cards import card_logo

_ORIGINS = {
    "apple_pay_card": "APPLE_PAY",
    "android_pay_card": "GOOGLE_PAY",
    "masterpass_card": "MASTERPASS",
    "visa_checkout_card": "VISA_CHECKOUT",
    "samsung_pay_card": "SAMSUNG_PAY",
    "meta_checkout_card": "META_CHECKOUT",
    "meta_checkout_token": "META_CHECKOUT",
}


def details(source: Nonce | PaymentMethod | Transaction) -> Fields | None:
    """The details by the kind of the instrument; None for kinds that the twin's graph does not describe."""
    if source.card:
        return card_details(source.kind, source.card, source.wallet, source.billing)
    if source.kind == "paypal_account":
        return _paypal_account(source.wallet)
    if source.kind == "venmo_account":
        wallet = source.wallet
        return {
            "__typename": "VenmoAccountDetails",
            "username": wallet.get("username"),
            "venmoUserId": wallet.get("venmo_user_id"),
        }
    if source.kind == US_BANK_ACCOUNT:
        return bank_account(source.wallet)
    return _sepa_account(source.wallet) if source.kind == SEPA else None


# The newer description of a card in a transaction; it stands beside CreditCardDetails, which older queries name.
NEWER_CARD = "CreditCardTransactionDetails"


def snapshot(info: Info, record: Transaction) -> Fields | None:
    """The instrument at the time of the transaction. A card has the type that the query names, the newer one first."""
    if record.card:
        secured = {**(details(record) or {}), "threeDSecure": three_d_secure(record.three_d_secure)}
        return _card_of_transaction(record, secured) if selects(info, NEWER_CARD) else secured
    if record.kind == SEPA:
        return {**_sepa_account(record.wallet), "__typename": "SEPADirectDebitTransactionDetails"}
    if record.kind == "local_payment":
        return _local_payment(record.wallet)
    if record.kind == US_BANK_ACCOUNT:
        returned = record.ach_returns[-1]["reason_code"] if record.ach_returns else None
        return {**bank_account(record.wallet), "achReturnCode": returned}
    return _paypal_transaction(record) if record.kind == "paypal_account" else details(record)


def verified_card(info: Info, record: Verification) -> Fields:
    """The card of a verification, in the type that the query names."""
    secured = {
        **card_details("credit_card", record.card, {}, record.billing),
        "threeDSecure": three_d_secure(record.three_d_secure),
    }
    if not selects(info, NEWER_CARD):
        return secured
    account_type = (record.account_type or "").upper() or None
    return {
        "__typename": NEWER_CARD,
        "creditCard": secured,
        "networkTransactionId": record.network_transaction_id,
        "accountType": account_type,
    }


def _card_of_transaction(record: Transaction, secured: Fields) -> Fields:
    return {
        "__typename": NEWER_CARD,
        "creditCard": secured,
        "networkTransactionId": record.network_transaction_id,
        "accountType": (record.account_type or "").upper() or None,
        "acquirerReferenceNumber": record.acquirer_reference_number,
        "processedWithCardOnFileNetworkToken": record.network_token,
    }


def _local_payment(wallet: Mapping[str, Any]) -> Fields:
    return {
        "__typename": "LocalPaymentDetails",
        "type": (wallet.get("funding_source") or "").upper() or None,
        "payerId": wallet.get("payer_id"),
        "paymentId": wallet.get("payment_id"),
        "origin": {"type": "PAYPAL", "details": None},
    }


def _sepa_account(wallet: Mapping[str, Any]) -> Fields:
    return {
        "__typename": "SEPADirectDebitAccountDetails",
        "bankReferenceToken": wallet.get("bank_reference_token"),
        "last4": wallet.get("last_4"),
        "mandateType": wallet.get("mandate_type"),
        "merchantOrPartnerCustomerId": wallet.get("merchant_or_partner_customer_id"),
    }


def _paypal_transaction(record: Transaction) -> Fields:
    wallet = record.wallet
    captured = any(event["status"] == "submitted_for_settlement" for event in record.history)
    return {
        "__typename": "PayPalTransactionDetails",
        "authorizationId": f"AUTH-{record.id.upper()}",
        "captureId": f"CAP{record.id.upper()}" if captured else None,
        "customField": wallet.get("custom_field"),
        "description": wallet.get("description"),
        "payer": _paypal_account(wallet),
        "payerStatus": wallet.get("payer_status"),
        "paymentId": wallet.get("payment_id") or f"PAY-{record.id.upper()}",
        "sellerProtectionStatus": "ELIGIBLE",
    }


def card_details(
    kind: str, card: Mapping[str, Any], wallet: Mapping[str, Any], billing: Mapping[str, Any] | None
) -> Fields:
    return {
        "__typename": "CreditCardDetails",
        "brandCode": BRAND_CODES.get(card["card_type"], "UNKNOWN"),
        "brand": card["card_type"],
        "last4": card["last_4"],
        "bin": card["bin"],
        "binData": {name: _indicator(value) for name, value in client_bin_data(dict(card)).items()},
        "expirationMonth": card["expiration_month"],
        "expirationYear": card["expiration_year"],
        "cardholderName": card["cardholder_name"],
        "uniqueNumberIdentifier": card["unique_number_identifier"] if kind == "credit_card" else None,
        "origin": _origin(kind, card, wallet),
        "billingAddress": address(billing),
        "imageUrl": card_logo(card),
    }


def _indicator(value: Any) -> Any:
    return value.upper() if value in ("Yes", "No", "Unknown") else value


def _origin(kind: str, card: Mapping[str, Any], wallet: Mapping[str, Any]) -> Fields | None:
    if kind not in _ORIGINS:
        return None
    known: dict[str, Fields] = {
        "APPLE_PAY": {
            "__typename": "ApplePayOriginDetails",
            "paymentInstrumentName": wallet.get("payment_instrument_name"),
            "bin": card["bin"],
        },
        "GOOGLE_PAY": {
            "__typename": "GooglePayOriginDetails",
            "googleTransactionId": wallet.get("google_transaction_id"),
            "bin": card["bin"],
        },
    }
    return {"type": _ORIGINS[kind], "details": known.get(_ORIGINS[kind])}


def _paypal_account(wallet: Mapping[str, Any]) -> Fields:
    return {
        "__typename": "PayPalAccountDetails",
        "billingAgreementId": wallet.get("billing_agreement_id"),
        "email": wallet.get("email"),
        "phone": None,
        "payerId": wallet.get("payer_id"),
        "firstName": wallet.get("payer_first_name"),
        "lastName": wallet.get("payer_last_name"),
    }


def bank_account(wallet: Mapping[str, Any]) -> Fields:
    mandate = wallet.get("ach_mandate_text")
    return {
        "__typename": "UsBankAccountDetails",
        "bankName": wallet.get("bank_name"),
        "last4": wallet.get("last_4"),
        "routingNumber": wallet.get("routing_number"),
        "accountType": (wallet.get("account_type") or "").upper() or None,
        "ownershipType": (wallet.get("ownership_type") or "").upper() or None,
        "accountholderName": wallet.get("account_holder_name"),
        "achMandate": {"acceptanceText": mandate, "acceptedAt": wallet.get("ach_mandate_accepted_at")}
        if mandate
        else None,
    }


def address(fields: Mapping[str, Any] | None) -> Fields | None:
    """An address, by its older names and its newer ones; None if nothing is known."""
    if not fields or not any(fields.values()):
        return None
    names = [fields.get("first_name"), fields.get("last_name")]
    return {
        "company": fields.get("company"),
        "streetAddress": fields.get("street_address"),
        "addressLine1": fields.get("street_address"),
        "extendedAddress": fields.get("extended_address"),
        "addressLine2": fields.get("extended_address"),
        "firstName": names[0],
        "lastName": names[1],
        "fullName": " ".join(name for name in names if name) or None,
        "locality": fields.get("locality"),
        "adminArea2": fields.get("locality"),
        "region": fields.get("region"),
        "adminArea1": fields.get("region"),
        "postalCode": fields.get("postal_code"),
        "countryCode": fields.get("country_code_alpha2"),
        "phoneNumber": fields.get("phone_number"),
    }
