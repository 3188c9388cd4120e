"""The unmodified Python SDK, connected to a twin, and requests that many tests need."""

from __future__ import annotations

import itertools
from typing import Any

import braintree

from braintree_twin.testing import Twin

VISA = "4111111111111111"
_cents = itertools.count(1)


class TwinEnvironment(braintree.Environment):
    """The SDK speaks https only to port 443, unless it is told otherwise."""

    scheme = "https"

    @property
    def protocol(self) -> str:
        return f"{self.scheme}://"


def gateway_to(
    twin: Twin,
    *,
    merchant_id: str | None = None,
    public_key: str | None = None,
    private_key: str | None = None,
    **more: Any,
) -> braintree.BraintreeGateway:
    ca = str(twin.ca_file) if twin.ca_file else None
    address = (twin.host, str(twin.port))
    environment = TwinEnvironment("twin", *address, twin.url, ca is not None, ca, *address)
    environment.scheme = "https" if ca else "http"
    return braintree.BraintreeGateway(
        braintree.Configuration(
            environment,
            merchant_id or twin.merchant_id,
            public_key=public_key or twin.public_key,
            private_key=private_key or twin.private_key,
            wrap_http_exceptions=True,
            **more,
        )
    )


def fresh_amount() -> str:
    """An amount that no other test uses, so that no sale is another's duplicate."""
    cents = next(_cents)
    return f"{10 + cents // 100}.{cents % 100:02}"


def card(**fields: Any) -> dict[str, Any]:
    return {"number": VISA, "expiration_date": "05/2030", **fields}


def sale_request(**fields: Any) -> dict[str, Any]:
    request: dict[str, Any] = {"amount": fresh_amount(), **fields}
    paid = {"payment_method_nonce", "payment_method_token", "customer_id", "credit_card"}
    return request if paid & request.keys() else {**request, "credit_card": card()}


def sale(gateway: braintree.BraintreeGateway, **fields: Any) -> Any:
    """The transaction of a sale that must succeed."""
    result = gateway.transaction.sale(sale_request(**fields))
    assert result.is_success, result.message
    return result.transaction


def settled_sale(gateway: braintree.BraintreeGateway, **fields: Any) -> Any:
    transaction = sale(gateway, **fields, options={"submit_for_settlement": True})
    result = gateway.testing.settle_transaction(transaction.id)
    assert result.is_success, result.message
    return result.transaction


def codes(result: Any) -> list[str]:
    """The codes of a result's errors, at every level."""
    assert not result.is_success
    return [error.code for error in result.errors.deep_errors]


def codes_on(result: Any, *path: str) -> list[str]:
    """The codes on one field: on("transaction", "credit_card", "number")."""
    *objects, attribute = path
    errors = result.errors
    for name in objects:
        errors = errors.for_object(name)
    return [error.code for error in errors.on(attribute)]
