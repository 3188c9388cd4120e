"""The merchant accounts at the gateway, and the abilities of each."""

import base64
import json
import logging
from collections import defaultdict
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, Protocol
from urllib.parse import quote

import braintree

from adapters.braintree import translate
from adapters.braintree.codes import refusals
from adapters.braintree.sdk import client_token_answer
from application.ports.gateway import GatewayUnavailable
from domain.instrument import InstrumentKind
from domain.merchant_account import MerchantAccount, MerchantAccounts

_log = logging.getLogger(__name__)

# The sections of the client configuration whose presence means that the account takes the instrument.
_SECTIONS: Final = MappingProxyType(
    {
        InstrumentKind.APPLE_PAY: "applePayWeb",
        InstrumentKind.GOOGLE_PAY: "androidPay",
        InstrumentKind.VENMO: "payWithVenmo",
    }
)


class Transport(Protocol):
    def http_do(self, http_verb: str, path: str, headers: Mapping[str, Any], request_body: None) -> list[int | str]: ...


class MerchantAccountCalls:
    def __init__(self, sdk: braintree.BraintreeGateway, transport: Transport) -> None:
        self._sdk = sdk
        self._transport = transport

    def describe(self, accounts: MerchantAccounts) -> list[MerchantAccount]:
        """Each account of each currency, in order. Two requests for each account."""
        known = {one.id: one for one in self._sdk.merchant_account.all().merchant_accounts.items}
        return [
            self._described(name, currency_code, known.get(name), is_default=name == accounts.default(currency_code))
            for currency_code, names in accounts.by_currency.items()
            for name in names
        ]

    def _described(self, name: str, currency_code: str, found: Any, *, is_default: bool) -> MerchantAccount:
        problem = _problem(found, currency_code)
        content: dict[str, Any] | str = "" if problem else self._client_configuration(name)
        if isinstance(content, str):
            return MerchantAccount(
                merchant_account_id=name,
                currency_code=currency_code,
                is_default=is_default,
                status="" if found is None else str(found.status),
                problem=problem or content,
            )
        brands = tuple(map(str, content.get("creditCards", {}).get("supportedCardTypes", ())))
        return MerchantAccount(
            merchant_account_id=name,
            currency_code=currency_code,
            is_default=is_default,
            status=str(found.status),
            has_three_d_secure=content.get("threeDSecureEnabled") is True,
            instruments=tuple(_instruments(content, brands)),
            card_brands=brands,
        )

    def _client_configuration(self, name: str) -> dict[str, Any] | str:
        """The configuration that browsers get for the account, or the reason why there is none."""
        token = client_token_answer(self._sdk, {"merchant_account_id": name})
        if not isinstance(token, str):
            return refusals.describe(translate.error_codes(token))
        fingerprint = quote(json.loads(base64.b64decode(token))["authorizationFingerprint"], safe="")
        config = self._sdk.config
        path = f"{config.base_url()}{config.base_merchant_path()}/client_api/v1/configuration"
        query = f"?configVersion=3&authorizationFingerprint={fingerprint}"
        status, text = self._transport.http_do("GET", path + query, {"Accept": "application/json"}, None)
        if status != 200:
            raise GatewayUnavailable(f"the client configuration was answered with {status}")
        content: dict[str, Any] = json.loads(str(text))
        return content


def _problem(found: Any, currency_code: str) -> str:
    if found is None:
        return "the gateway knows no such merchant account"
    if found.currency_iso_code != currency_code:
        return f"it takes {found.currency_iso_code}, not {currency_code}"
    return "" if found.status == "active" else f"it is {found.status}"


def _instruments(content: Mapping[str, Any], brands: tuple[str, ...]) -> list[InstrumentKind]:
    taken = {kind for kind, section in _SECTIONS.items() if content.get(section)}
    if brands:
        taken.add(InstrumentKind.CARD)
    if content.get("paypalEnabled") is True:
        taken.add(InstrumentKind.PAYPAL)
    return [kind for kind in InstrumentKind if kind in taken]


def discover(sdk: braintree.BraintreeGateway) -> MerchantAccounts:
    """All active accounts of the merchant by currency, the gateway's default first.

    A currency of several accounts without a default stays without one, and the log names the setting that chooses.
    """
    found: defaultdict[str, list[Any]] = defaultdict(list)
    for account in sdk.merchant_account.all().merchant_accounts.items:
        if account.status == "active":
            found[account.currency_iso_code].append(account)
    by_currency: dict[str, tuple[str, ...]] = {}
    without_default: set[str] = set()
    for currency_code, accounts in found.items():
        # Sorting is stable: without a default, the gateway's order remains.
        by_currency[currency_code] = tuple(one.id for one in sorted(accounts, key=lambda one: not one.default))
        if len(accounts) > 1 and not any(one.default for one in accounts):
            without_default.add(currency_code)
            _log.error(
                "payments in %s must name one of its merchant accounts (%s), for none is the default. Choose one with "
                "BAYAR_BRAINTREE_MERCHANT_ACCOUNTS",
                currency_code,
                ", ".join(sorted(by_currency[currency_code])),
            )
    return MerchantAccounts(MappingProxyType(by_currency), frozenset(without_default))
