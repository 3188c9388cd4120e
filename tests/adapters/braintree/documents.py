"""Answers as the gateway writes them, with what a test wants to say changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from braintree.util.parser import Parser as StockParser

Elements = dict[str, Any]

SALE: Elements = {
    "id": "tx1",
    "status": "authorized",
    "type": "sale",
    "currency-iso-code": "USD",
    "amount": "10.50",
    "order-id": "op_1",
    "created-at": "2026-03-01T10:00:00Z",
    "refund-ids": [],
    "partial-settlement-transaction-ids": [],
    "avs-postal-code-response-code": "M",
    "avs-street-address-response-code": "I",
    "cvv-response-code": "M",
    "processor-response-code": "1000",
    "processor-response-text": "Approved",
    "processor-response-type": "approved",
    "network-transaction-id": "net1",
    "payment-instrument-type": "credit_card",
    "credit-card": {
        "token": "pm_1",
        "last-4": "1881",
        "card-type": "Visa",
        "expiration-month": "12",
        "expiration-year": "2030",
        "cardholder-name": None,
        "country-of-issuance": "IDN",
        "issuing-bank": "Unknown",
        "unique-number-identifier": "uni1",
    },
    "status-history": [],
    "disbursement-details": {
        "disbursement-date": None,
        "settlement-amount": None,
        "settlement-currency-iso-code": None,
        "settlement-currency-exchange-rate": None,
    },
    "authorization-expires-at": "2026-03-08T10:00:00Z",
}

CARD: Elements = {
    "token": "pm_1",
    "customer-id": "cus_1",
    "default": True,
    "card-type": "MasterCard",
    "last-4": "4444",
    "expiration-month": "05",
    "expiration-year": "2031",
    "cardholder-name": "Siti Rahayu",
    "country-of-issuance": "Unknown",
    "issuing-bank": "Bank Satu",
    "unique-number-identifier": "uni2",
    "verifications": [],
    "subscriptions": [],
}

VERIFICATION: Elements = {
    "status": "verified",
    "cvv-response-code": "M",
    "avs-error-response-code": None,
    "avs-postal-code-response-code": "N",
    "avs-street-address-response-code": "U",
    "processor-response-code": "1000",
    "processor-response-type": "approved",
    "gateway-rejection-reason": None,
    "created-at": "2026-03-01T10:00:00Z",
}


def transaction(**changes: Any) -> str:
    return document("transaction", SALE | _named(changes))


def declined(**changes: Any) -> str:
    """The refusal that carries a transaction: declined by the bank unless changed."""
    decline = {"status": "processor_declined", "processor-response-code": "2000"}
    refused = SALE | decline | {"processor-response-type": None} | _named(changes)
    return refusal({"transaction": refused})


def invalid(*codes: str) -> str:
    """The refusal that names validation codes."""
    errors = [{"code": code, "attribute": "base", "message": "A text that repeats 4111111111111111"} for code in codes]
    nested = f"<errors>{element('errors', [])}<transaction>{_list('errors', 'error', errors)}</transaction></errors>"
    return f"<api-error-response>{nested}<message>A text that repeats 4111111111111111</message></api-error-response>"


def refused_at(place: str, code: str) -> str:
    """The refusal of one part of a transaction, such as "shipping"."""
    errors = _list("errors", "error", [{"code": code, "attribute": "base", "message": "No"}])
    none = element("errors", [])
    nested = f"<errors>{none}<transaction>{none}<{place}>{errors}</{place}></transaction></errors>"
    return f"<api-error-response>{nested}<message>No</message></api-error-response>"


def unverified(**changes: Any) -> str:
    decline = {"status": "processor_declined", "processor-response-code": "2010", "processor-response-type": None}
    return refusal({"verification": VERIFICATION | decline | _named(changes)})


def refusal(parts: Elements) -> str:
    inner = "".join(element(name, value) for name, value in parts.items())
    no_errors = f"<errors>{element('errors', [])}</errors>"
    return f"<api-error-response>{no_errors}<message>No</message>{inner}</api-error-response>"


def found_ids(*ids: str) -> str:
    size = '<page-size type="integer">50</page-size>'
    return f"<search-results>{size}{element('ids', list(ids))}</search-results>"


def found(*transactions: Elements) -> str:
    inner = "".join(element("transaction", SALE | changes) for changes in transactions)
    return f'<credit-card-transactions type="collection">{inner}</credit-card-transactions>'


def document(name: str, value: Any) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?>{element(name, value)}'


def element(name: str, value: Any) -> str:
    match value:
        case None:
            return f'<{name} nil="true"/>'
        case bool():
            return f'<{name} type="boolean">{str(value).lower()}</{name}>'
        case Mapping():
            return f"<{name}>{''.join(element(key, inner) for key, inner in value.items())}</{name}>"
        case list():
            return _list(name, {"status-history": "status-event"}.get(name, "item"), value)
        case _ if name.endswith("-at") or name == "timestamp":
            return f'<{name} type="datetime">{value}</{name}>'
        case _ if name.endswith("-date"):
            return f'<{name} type="date">{value}</{name}>'
        case _:
            return f"<{name}>{value}</{name}>"


def parsed(xml: str) -> Any:
    """The reading of a whole document by the SDK's own parser."""
    return StockParser(xml).parse()


def _list(name: str, item: str, values: list[Any]) -> str:
    return f'<{name} type="array">{"".join(element(item, value) for value in values)}</{name}>'


def _named(changes: Mapping[str, Any]) -> dict[str, Any]:
    return {name.replace("_", "-"): value for name, value in changes.items()}
