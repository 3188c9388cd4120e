"""Queries for browsers and apps: the configuration, and the objects that they may look up by id."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from braintree_twin.client_api.configuration import client_configuration
from braintree_twin.client_api.nonces import BRAND_CODES
from braintree_twin.graphql_api.context import Fields, Info, graph_of
from braintree_twin.graphql_api.global_ids import split_id
from braintree_twin.graphql_api.objects import single_use_method
from braintree_twin.graphql_api.queries import node as servers_node
from braintree_twin.graphql_api.venmo import KIND as VENMO_CONTEXT
from braintree_twin.graphql_api.venmo import context_of

_NETWORKS = {"visa": "VISA", "mastercard": "MASTERCARD", "master": "MASTERCARD", "amex": "AMERICAN_EXPRESS"}
_BRANDS = {**BRAND_CODES, "UnionPay": "UNION_PAY"}


def _brands(names: Iterable[str]) -> list[str]:
    return [_BRANDS.get(name) or _NETWORKS.get(name) or name.upper() for name in names]


def _configuration(info: Info) -> Fields:
    """The configuration of the REST address, in the graph's names."""
    graph = graph_of(info)
    call, client = graph.call, graph.client
    account_id = client.merchant_account_id if client else None
    account = call.merchant.by_id.get(account_id or "") or call.merchant.default_account
    rest = client_configuration(call, account)
    return {
        **{name: rest[name] for name in ("merchantId", "assetsUrl", "clientApiUrl", "threeDSecure", "braintreeApi")},
        "analyticsUrl": rest["analytics"]["url"],
        "environment": rest["environment"].upper(),
        "supportedFeatures": [feature.upper() for feature in rest["graphQL"]["features"]],
        "creditCard": {
            "supportedCardBrands": _brands(rest["creditCards"]["supportedCardTypes"]),
            "challenges": [challenge.upper() for challenge in rest["challenges"]],
            "threeDSecureEnabled": rest["threeDSecureEnabled"],
            "threeDSecure": rest["threeDSecure"],
        },
        **_wallets(rest),
    }


def _wallets(rest: Fields) -> Fields:
    return {
        "applePayWeb": _with_brands(rest.get("applePayWeb")),
        "applePay": _with_brands(rest.get("applePay")),
        "fastlane": {"enabled": False, "tokensOnDemand": {"enabled": False, "tokenExchange": {"enabled": False}}},
        "masterpass": _with_brands(rest.get("masterpass")),
        "unionPay": rest["unionPay"],
        **{name: made(rest[section]) for name, (section, made) in _OF_SECTIONS.items() if section in rest},
    }


def _with_brands(section: Fields | None) -> Fields | None:
    return section and {**section, "supportedCardBrands": _brands(section["supportedNetworks"])}


def _google_pay(google: Fields) -> Fields:
    return {
        **google,
        "supportedCardBrands": _brands(google["supportedNetworks"]),
        "environment": google["environment"].upper(),
        "googleAuthorization": google["googleAuthorizationFingerprint"],
    }


def _paypal(paypal: Fields) -> Fields:
    return {**paypal, "environment": paypal["environment"].upper(), "currencyCode": paypal["currencyIsoCode"]}


def _us_bank_account(bank: Fields) -> Fields:
    return {"routeId": bank["routeId"], "plaidPublicKey": bank["plaid"]["publicKey"]}


def _venmo(venmo: Fields) -> Fields:
    return {**venmo, "environment": venmo["environment"].upper()}


def _visa_checkout(visa: Fields) -> Fields:
    return {**visa, "apiKey": visa["apikey"], "supportedCardBrands": _brands(visa["supportedCardTypes"])}


# The graph's name of a section -> its name at the REST address, and its form in the graph.
_OF_SECTIONS: Mapping[str, tuple[str, Callable[[Fields], Fields]]] = {
    "googlePay": ("androidPay", _google_pay),
    "paypal": ("paypal", _paypal),
    "usBankAccount": ("usBankAccount", _us_bank_account),
    "venmo": ("payWithVenmo", _venmo),
    "visaCheckout": ("visaCheckout", _visa_checkout),
}


def _node(info: Info, *, id: str) -> Fields:
    """An object by its id: browsers may look up a Venmo context, servers also a nonce and everything that is stored."""
    graph = graph_of(info)
    kind, identifier = split_id(id) or ("", "")
    if kind == VENMO_CONTEXT:
        found = context_of(graph.call, identifier)
        if found:
            return found
    nonce = graph.call.store.nonces.get(graph.call.merchant.id, id) if graph.client is None else None
    return single_use_method(nonce) if nonce else servers_node(info, id=id)


CLIENT_QUERIES: Mapping[str, Any] = {
    "clientConfiguration": _configuration,
    "preferredPaymentMethods": {"paypalPreferred": False, "venmoPreferred": False},
    "node": _node,
}
