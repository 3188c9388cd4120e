"""The configuration that client SDKs fetch: the merchant's features and the addresses to call."""

from __future__ import annotations

from typing import Any

from braintree_twin.calls import Call
from braintree_twin.merchants import MerchantAccount

# The card brands that the configuration lists.
CARD_TYPES = ["American Express", "Diners Club", "Discover", "JCB", "MasterCard", "Visa", "UnionPay", "Maestro"]


def client_configuration(call: Call, account: MerchantAccount) -> dict[str, Any]:
    """The answer of the configuration address; a client token contains a part of it."""
    rules = (("cvv", account.reject_cvv), ("postal_code", account.reject_avs_postal))
    return {
        **configuration(call, account),
        "challenges": [name for name, codes in rules if codes],
        "creditCards": {"supportedCardTypes": CARD_TYPES, "collectDeviceData": False},
        "unionPay": {"enabled": False},
        "threeDSecure": None,
    }


def configuration(call: Call, account: MerchantAccount) -> dict[str, Any]:
    base = f"{call.base_url}/merchants/{call.merchant.id}"
    return {
        "configUrl": f"{base}/client_api/v1/configuration",
        "graphQL": {"url": f"{call.base_url}/graphql", "date": "2018-05-08", "features": ["tokenize_credit_cards"]},
        "clientApiUrl": f"{base}/client_api",
        "environment": "sandbox",
        "merchantId": call.merchant.id,
        "assetsUrl": "https://assets.braintreegateway.com",
        "authUrl": "https://auth.venmo.sandbox.braintreegateway.com",
        "analytics": {"url": f"{call.base_url}/analytics/{call.merchant.id}"},
        "challenges": [],
        "threeDSecureEnabled": True,
        "venmo": "off",
        "paypalEnabled": True,
        "paypal": {
            "displayName": "Twin",
            "clientId": None,
            "privacyUrl": "https://example.com/privacy",
            "userAgreementUrl": "https://example.com/terms",
            "baseUrl": "https://assets.braintreegateway.com",
            "assetsUrl": "https://checkout.paypal.com",
            "directBaseUrl": None,
            "allowHttp": True,
            "environmentNoNetwork": True,
            "environment": "offline",
            "unvettedMerchant": False,
            "braintreeClientId": "twin",
            "billingAgreementsEnabled": True,
            "merchantAccountId": account.id,
            "currencyIsoCode": account.currency,
        },
        "applePay": {
            "status": "mock",
            "countryCode": "US",
            "currencyCode": account.currency,
            "merchantIdentifier": "merchant.twin.example",
            "supportedNetworks": ["visa", "mastercard", "amex", "discover"],
        },
        "merchantAccountId": account.id,
    }
