"""The configuration that client SDKs fetch: the merchant's features and the addresses to call."""

from __future__ import annotations

from typing import Any

from braintree_twin.browser.files import integrity_of
from braintree_twin.browser.hosts import SONGBIRD
from braintree_twin.browser.tokens import sign
from braintree_twin.calls import Call
from braintree_twin.client_api.hosts import hosts_of
from braintree_twin.merchants import MerchantAccount

# The card brands that the configuration lists.
CARD_TYPES = ["American Express", "Diners Club", "Discover", "JCB", "MasterCard", "Visa", "UnionPay", "Maestro"]
WALLET_NETWORKS = ["visa", "mastercard", "amex", "discover"]
GRAPHQL_DATE = "2018-05-08"
VENMO_MERCHANT = "1234567890"


# The sections of wallets that are absent where the account does not take the kind of instrument.
_SECTIONS = {
    "paypal": "paypal_account",
    "applePay": "apple_pay_card",
    "applePayWeb": "apple_pay_card",
    "androidPay": "android_pay_card",
    "payWithVenmo": "venmo_account",
    "visaCheckout": "visa_checkout_card",
    "masterpass": "masterpass_card",
    "usBankAccount": "us_bank_account",
}
# The names of brands that differ here from those of cards.
_TYPE_NAMES = {"China UnionPay": "UnionPay"}


def client_configuration(call: Call, account: MerchantAccount) -> dict[str, Any]:
    """The answer of the configuration address; a client token contains a part of it."""
    sections = every_section(call, account)
    return {name: section for name, section in sections.items() if takes(account, _SECTIONS.get(name))}


def takes(account: MerchantAccount, kind: str | None) -> bool:
    return kind is None or account.instruments is None or kind in account.instruments


def card_types(account: MerchantAccount) -> list[str]:
    if not takes(account, "credit_card"):
        return []
    if account.brands is None:
        return CARD_TYPES
    names = {_TYPE_NAMES.get(brand, brand) for brand in account.brands}
    return [name for name in CARD_TYPES if name in names]


def every_section(call: Call, account: MerchantAccount) -> dict[str, Any]:
    secure = three_d_secure(call)
    return {
        **configuration(call, account),
        "challenges": challenges(account),
        "creditCards": {"supportedCardTypes": card_types(account), "collectDeviceData": False},
        "threeDSecure": secure,
        "cardinalAuthenticationJWT": secure["cardinalAuthenticationJWT"],
        "unionPay": {"enabled": True, "merchantAccountId": account.id},
        "applePayWeb": apple_pay_web(account),
        "androidPay": google_pay(),
        "payWithVenmo": venmo(call),
        "visaCheckout": {**visa_checkout(), "supportedCardTypes": ["Visa", "MasterCard", "Discover"]},
        "masterpass": {"merchantCheckoutId": "twin", "supportedNetworks": ["visa", "master", "discover", "amex"]},
        "usBankAccount": us_bank_account(),
        "braintreeApi": {"accessToken": braintree_api_token(call), "url": hosts_of(call).graphql},
    }


def configuration(call: Call, account: MerchantAccount) -> dict[str, Any]:
    hosts = hosts_of(call)
    base = f"{hosts.api}/merchants/{call.merchant.id}"
    return {
        "configUrl": f"{base}/client_api/v1/configuration",
        "graphQL": {"url": f"{hosts.graphql}/graphql", "date": GRAPHQL_DATE, "features": ["tokenize_credit_cards"]},
        "clientApiUrl": f"{base}/client_api",
        "environment": "sandbox",
        "merchantId": call.merchant.id,
        "assetsUrl": hosts.assets,
        "authUrl": "https://auth.venmo.sandbox.braintreegateway.com",
        "analytics": {"url": f"{hosts.api}/analytics/{call.merchant.id}"},
        "challenges": [],
        "threeDSecureEnabled": "three_d_secure" not in account.lacks,
        "venmo": "off",
        "paypalEnabled": takes(account, "paypal_account"),
        "paypal": paypal(call, account),
        "applePay": {
            "status": "mock",
            "countryCode": "US",
            "currencyCode": account.currency,
            "merchantIdentifier": "merchant.twin.example",
            "supportedNetworks": WALLET_NETWORKS,
        },
        "merchantAccountId": account.id,
    }


def challenges(account: MerchantAccount) -> list[str]:
    """What a form has to ask for, by the account's rules."""
    rules = (("cvv", account.reject_cvv), ("postal_code", account.reject_avs_postal))
    return [name for name, codes in rules if codes]


def three_d_secure(call: Call) -> dict[str, str]:
    """The script that shows challenges, and the token that it starts with."""
    return {
        "cardinalAuthenticationJWT": sign(call, {"iss": "braintree-twin", "OrgUnitId": call.merchant.id}),
        "cardinalSongbirdUrl": f"{hosts_of(call).songbird}{SONGBIRD}",
        "cardinalSongbirdIdentityHash": integrity_of("songbird.js"),
    }


def paypal(call: Call, account: MerchantAccount) -> dict[str, Any]:
    return {
        "displayName": call.merchant.company_name or "Twin",
        "clientId": "twin",
        "privacyUrl": "http://www.example.com/privacy_policy",
        "userAgreementUrl": "http://www.example.com/user_agreement",
        "baseUrl": hosts_of(call).assets,
        "assetsUrl": hosts_of(call).assets,
        "directBaseUrl": None,
        "allowHttp": True,
        # The account has a PayPal account of the sandbox linked to it, without which braintree-web refuses PayPal.
        "environmentNoNetwork": False,
        "environment": "offline",
        "unvettedMerchant": False,
        "braintreeClientId": "twin",
        "billingAgreementsEnabled": True,
        "merchantAccountId": account.id,
        "currencyIsoCode": account.currency,
    }


def apple_pay_web(account: MerchantAccount) -> dict[str, Any]:
    return {
        "countryCode": "US",
        "currencyCode": account.currency,
        "merchantIdentifier": "merchant.twin.example",
        "supportedNetworks": WALLET_NETWORKS,
    }


def google_pay() -> dict[str, Any]:
    return {
        "enabled": True,
        "displayName": "Twin",
        "environment": "sandbox",
        "googleAuthorizationFingerprint": "twin",
        "paypalClientId": None,
        "supportedNetworks": WALLET_NETWORKS,
    }


def venmo(call: Call) -> dict[str, Any]:
    return {
        "merchantId": VENMO_MERCHANT,
        "accessToken": f"access_token$sandbox${call.merchant.id}$twin",
        "environment": "sandbox",
        "enrichedCustomerDataEnabled": True,
    }


def visa_checkout() -> dict[str, str]:
    return {"apikey": "twin", "encryptionKey": "twin", "externalClientId": "twin"}


def us_bank_account() -> dict[str, Any]:
    return {"routeId": "twin", "plaid": {"publicKey": "twin"}}


def braintree_api_token(call: Call) -> str:
    """The token of the older address for tokens of bank accounts."""
    return sign(call, {"iss": "braintree-twin", "sub": call.merchant.id, "scope": "tokens"})
