"""A walk through every public method of the official SDKs' gateways: the twin serves each request that they send."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import braintree
import pytest
from braintree import TransactionSearch
from braintree.exchange_rate_quote_request import ExchangeRateQuoteRequest
from graphql import parse, validate

from braintree_twin.graphql_api.endpoint import ROUTES as GRAPHQL
from braintree_twin.graphql_api.endpoint import SCHEMA
from braintree_twin.resources import ROUTES
from braintree_twin.routing import Router

ROUTER = Router((*ROUTES, *GRAPHQL))
# Methods that send nothing.
LOCAL = {
    "webhook_notification.parse",
    "webhook_notification.verify",
    "webhook_testing.sample_notification",
    "oauth.connect_url",
}
# Braintree has switched its endpoint off.
SWITCHED_OFF = {"credit_card.forward"}
EVIDENCE = Path(__file__)


class Recorded(Exception):
    """The SDK would send this request."""

    def __init__(self, method: str, path: str, body: Any) -> None:
        super().__init__(method, path)
        self.method, self.path, self.body = method, path, body


class Recorder:
    """An HTTP strategy that sends nothing."""

    def __init__(self, config: Any, environment: Any) -> None:
        pass

    def http_do(self, verb: str, path: str, headers: Any, body: Any) -> Any:
        raise Recorded(verb, path, body)

    def handle_exception(self, exception: Exception) -> None:
        raise exception

    def close(self) -> None:
        pass


class Offline(braintree.Environment):
    protocol = "http://"


def gateway() -> braintree.BraintreeGateway:
    environment = Offline("development", "offline", "1", "http://offline", False, None, "offline", "1")
    configuration = braintree.Configuration(
        environment, "twin_merchant", public_key="public", private_key="private", http_strategy=Recorder
    )
    configuration.client_id, configuration.client_secret = "client_id$development$a", "client_secret$development$b"
    return braintree.BraintreeGateway(configuration)


def _sessions(method: str) -> list[Any]:
    customer = braintree.CustomerSessionInput.builder().email("ada@example.com").build()
    unit = braintree.PayPalPurchaseUnitInput.builder(
        braintree.MonetaryAmountInput(value=Decimal("10.00"), currency_code="USD")
    ).build()
    if method == "update_customer_session":
        return [braintree.UpdateCustomerSessionInput.builder("id").customer(customer).build()]
    kind = {
        "create_customer_session": braintree.CreateCustomerSessionInput,
        "get_customer_recommendations": braintree.CustomerRecommendationsInput,
    }[method]
    return [kind.builder().session_id("id").customer(customer).domain("a.example").purchase_units([unit]).build()]


def _quotes() -> list[Any]:
    asked = {"base_currency": "USD", "quote_currency": "EUR", "base_amount": "10.00", "markup": "1.5"}
    request = ExchangeRateQuoteRequest()
    return [request.add_exchange_rate_quote_input(asked).done()]


def _jwt() -> list[Any]:
    request = braintree.BankAccountInstantVerificationJwtRequest()
    return [request.business_name("Shop").return_url("https://a.example").cancel_url("https://a.example")]


def _local_payment() -> list[Any]:
    address = {"street_address": "1 Main St", "country_code_alpha2": "PT"}
    payer = {"given_name": "Ada", "surname": "L", "phone_number": "1", "billing_address": address}
    amount = {"value": "10.00", "currency_code": "EUR"}
    return [braintree.CreateLocalPaymentContextInput(amount=amount, type="MBWAY", payer_info=payer, order_id="o")]


# The arguments of methods that the names of their parameters do not tell.
SPECIAL: dict[str, Callable[[], list[Any]]] = {
    "address.create": lambda: [{"customer_id": "c", "locality": "Chicago"}],
    "address.update": lambda: ["c", "a", {}],
    "credit_card.expiring_between": lambda: [datetime(2030, 1, 1, tzinfo=UTC), datetime(2030, 2, 1, tzinfo=UTC)],
    "dispute.add_file_evidence": lambda: ["d", "document"],
    "dispute.add_text_evidence": lambda: ["d", "text"],
    "document_upload.create": lambda: [{"kind": "evidence_document", "file": EVIDENCE.open("rb")}],
    "exchange_rate_quote.generate": _quotes,
    "bank_account_instant_verification.create_jwt": _jwt,
    "local_payment_context.create": _local_payment,
    "oauth.create_token_from_code": lambda: [{"code": "c"}],
    "oauth.create_token_from_refresh_token": lambda: [{"refresh_token": "r"}],
    "settlement_batch_summary.generate": lambda: ["2030-01-01"],
    "subscription.retry_charge": lambda: ["s", "1.00"],
    "us_bank_account_verification.confirm_micro_transfer_amounts": lambda: ["v", [17, 29]],
}


def methods() -> Iterator[str]:
    """Every public method of every gateway, such as transaction.sale."""
    for name, part in sorted(vars(gateway()).items()):
        if type(part).__name__.endswith("Gateway"):
            for method, _ in inspect.getmembers(part, inspect.ismethod):
                if not method.startswith("_"):
                    yield f"{name}.{method}"


def arguments(name: str, method: Any) -> list[Any]:
    if name in SPECIAL:
        return SPECIAL[name]()
    if name.startswith("customer_session."):
        return _sessions(name.partition(".")[2])
    found: list[Any] = []
    for parameter in inspect.signature(method).parameters.values():
        if parameter.kind is parameter.VAR_POSITIONAL:
            found.append(TransactionSearch.id == "x")
        elif parameter.default is not parameter.empty:
            continue
        elif parameter.name in ("params", "attributes", "request", "transaction_request", "kwargs"):
            found.append({})
        elif parameter.name == "amount":
            found.append("1.00")
        else:
            found.append("x")
    return found


def sent(name: str) -> Recorded:
    part, _, method = name.partition(".")
    call = getattr(getattr(gateway(), part), method)
    failure: BaseException | None = None
    try:
        found = call(*arguments(name, call))
        # Lists are fetched page by page, when somebody reads them.
        list(found.merchant_accounts.items if name == "merchant_account.all" else found.disputes.items)
    except Exception as caught:
        failure = caught
    # Some gateways raise errors of their own in place of the recorded request.
    while failure is not None and not isinstance(failure, Recorded):
        failure = failure.__context__
    assert isinstance(failure, Recorded), name
    return failure


def test_the_walk_meets_the_gateways_of_the_sdk() -> None:
    names = set(methods())
    assert len(names) > 100
    assert {"transaction.sale", "us_bank_account_verification.search", "oauth.revoke_access_token"} <= names
    assert names >= LOCAL | SWITCHED_OFF | set(SPECIAL)


@pytest.mark.parametrize("name", sorted(set(methods()) - LOCAL - SWITCHED_OFF))
def test_the_twin_serves_each_request_of_the_python_sdk(name: str) -> None:
    request = sent(name)
    path = request.path.removeprefix("http://offline:1").partition("?")[0]
    match = ROUTER.match(request.method.upper(), path)
    assert match, f"{name}: {request.method} {path}"
    if match.route.path == "/graphql":
        assert not validate(SCHEMA, parse(json.loads(request.body)["query"]))
