"""The requests to the gateway, read from the wire."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.braintree import params
from adapters.braintree.settings import BraintreeSettings, TwinEnvironment
from adapters.braintree.transport.lease_check import holding_lease
from application.ports.gateway import Approved, Capture, Declined, Nonce, Rejected, RiskInput, StoredMethod, Unknown
from domain.address import Address, StatementDescriptor
from domain.decline import DeclineReason
from domain.ids import PaymentMethodId
from domain.merchant_account import MerchantAccounts
from domain.money import Money
from domain.payment_check import PaymentCheck
from tests.adapters.braintree import documents
from tests.adapters.braintree.asking import (
    ADJUST,
    CAPTURE,
    CARD_NUMBER,
    CVV,
    NONCE,
    OPERATION,
    PART,
    PRIVATE_KEY,
    REFUND,
    VOID,
    adapter,
    authorization,
    customer,
)
from tests.adapters.braintree.server import Received, answer, serving
from tests.fakes.runtime import HELD

APPROVAL = answer(201, documents.transaction())
REFUSED_TOKEN = answer(422, documents.invalid("91515"))
NO_KEYS = answer(422, documents.invalid("915231"))


def sale(**changes: Any) -> Any:
    """The transaction that an authorization asks for."""
    with serving(APPROVAL) as server:
        assert isinstance(adapter(server.url).authorize(authorization(**changes), HELD), Approved)
    [request] = server.received
    assert (request.verb, request.path) == ("POST", "/merchants/merchant1/transactions")
    return request.xml["transaction"]


# Authorizations


def test_a_card_is_sent_with_the_operation_id_and_the_merchant_account_of_the_currency() -> None:
    assert sale() == {
        "amount": "10.50",
        "order_id": "op_1",
        "merchant_account_id": "acct_usd",
        "options": {"submit_for_settlement": False},
        "credit_card": {
            "number": CARD_NUMBER,
            "expiration_month": "02",
            "expiration_year": "2030",
            "cvv": CVV,
            "cardholder_name": "Budi Santoso",
        },
        "type": "sale",
    }


def test_a_capture_at_once_is_asked_for_with_the_authorization() -> None:
    assert sale(captures=True)["options"] == {"submit_for_settlement": True}


def test_a_nonce_and_a_stored_method_take_the_place_of_the_card() -> None:
    by_nonce, by_token = sale(source=Nonce(NONCE)), sale(source=StoredMethod("pm_9"))
    assert (by_nonce["payment_method_nonce"], by_token["payment_method_token"]) == (NONCE, "pm_9")
    assert "credit_card" not in by_nonce
    assert "credit_card" not in by_token


def test_a_customer_known_to_the_gateway_is_named_and_an_unknown_one_described() -> None:
    assert sale(customer=customer(is_at_gateway=True))["customer_id"] == "cus_1"
    described = sale(customer=customer())
    assert described["customer"] == {
        "first_name": "Budi",
        "last_name": "Santoso",
        "email": "budi@example.com",
        "phone": "+62 811",
    }
    assert "customer_id" not in described


def test_a_stored_method_comes_without_a_description_of_the_customer() -> None:
    sent = sale(source=StoredMethod("pm_9"), customer=customer())
    assert "customer" not in sent
    assert "customer_id" not in sent


@pytest.mark.parametrize("source", [authorization().source, Nonce(NONCE)], ids=["card", "nonce"])
def test_a_method_to_be_stored_gets_our_token(source: Any) -> None:
    sent = sale(source=source, store_as=PaymentMethodId("pm_7"), customer=customer(is_at_gateway=True))
    assert sent["credit_card"]["token"] == "pm_7"
    assert sent["options"]["store_in_vault_on_success"] is True
    assert sent["customer_id"] == "cus_1"


def test_a_nonce_that_takes_no_token_of_ours_is_stored_under_the_gateways_own() -> None:
    with serving(REFUSED_TOKEN, APPROVAL) as server:
        asked = authorization(source=Nonce(NONCE), store_as=PaymentMethodId("pm_7"))
        assert isinstance(adapter(server.url, use_api_request_key=True).authorize(asked, HELD), Approved)
    first, second = (request.xml["transaction"] for request in server.received)
    assert "credit_card" not in second
    assert second["options"]["store_in_vault_on_success"] is True
    assert first["api_request_key"] != second["api_request_key"], "a key belongs to one body"


def test_a_card_whose_token_is_refused_is_not_sent_again() -> None:
    with serving(REFUSED_TOKEN) as server:
        outcome = adapter(server.url).authorize(authorization(store_as=PaymentMethodId("pm_7")), HELD)
    assert isinstance(outcome, Rejected)
    assert len(server.received) == 1


def test_address_and_descriptor_are_sent_as_far_as_they_are_given() -> None:
    sent = sale(
        billing_address=Address(given_name="Budi", street_address="Jl. Sudirman 1 & 2", country_code="ID"),
        descriptor=StatementDescriptor(name="BAYAR*SHOP"),
    )
    assert sent["billing"] == {
        "first_name": "Budi",
        "street_address": "Jl. Sudirman 1 & 2",
        "country_code_alpha2": "ID",
    }
    assert sent["descriptor"] == {"name": "BAYAR*SHOP"}
    assert "billing" not in sale()


def test_a_currency_without_a_merchant_account_is_never_sent() -> None:
    with serving(APPROVAL) as server:
        outcome = adapter(server.url).authorize(authorization(amount=Money(100, "EUR")), HELD)
    assert outcome == Rejected(detail="no merchant account takes EUR")
    assert server.received == []


@given(
    minor_units=st.integers(min_value=1, max_value=10**15),
    currency=st.sampled_from([("JPY", 0), ("USD", 2), ("KWD", 3)]),
)
def test_amounts_are_sent_exactly(minor_units: int, currency: tuple[str, int]) -> None:
    code, exponent = currency
    sent = params.sale(authorization(amount=Money(minor_units, code)), "account")["amount"]
    whole, _, fraction = sent.partition(".")
    assert int(whole + fraction) == minor_units
    assert len(fraction) == exponent
    assert sent.replace(".", "").isdecimal(), "no exponent, no sign"


# Captures, voids, refunds


def exchange(ask: Any, **settings: Any) -> Received:
    with serving(APPROVAL) as server:
        assert isinstance(ask(adapter(server.url, **settings)), Approved)
    [request] = server.received
    return request


def test_a_whole_capture_submits_the_transaction() -> None:
    request = exchange(lambda gateway: gateway.capture(CAPTURE, HELD))
    assert (request.verb, request.path) == ("PUT", "/merchants/merchant1/transactions/tx1/submit_for_settlement")
    assert request.xml == {"transaction": {"amount": "10.50"}}


def test_a_partial_capture_makes_a_transaction_that_carries_the_operation_id() -> None:
    request = exchange(lambda gateway: gateway.capture(PART, HELD))
    assert request.path.endswith("/transactions/tx1/submit_for_partial_settlement")
    assert request.xml == {"transaction": {"amount": "0.50", "order_id": "op_1"}}


def test_a_final_part_releases_the_rest() -> None:
    request = exchange(lambda gateway: gateway.capture(replace(PART, final=True), HELD))
    assert request.xml == {"transaction": {"amount": "0.50", "order_id": "op_1", "final_capture": True}}


def test_a_refund_makes_a_transaction_that_carries_the_operation_id() -> None:
    request = exchange(lambda gateway: gateway.refund(REFUND, HELD))
    assert (request.verb, request.path) == ("POST", "/merchants/merchant1/transactions/tx1/refund")
    assert request.xml == {"transaction": {"amount": "0.25", "order_id": "op_1"}}


def test_checks_are_left_out_by_an_option_each_and_only_if_asked() -> None:
    asked = sale(risk=RiskInput(skipped_checks=tuple(PaymentCheck)))
    names = {"skip_advanced_fraud_checking", "skip_avs", "skip_cvv"}
    assert {name: asked["options"][name] for name in names} == dict.fromkeys(names, True)
    assert not names & set(sale(risk=RiskInput("data"))["options"])


def test_a_void_names_the_transaction_and_nothing_else() -> None:
    request = exchange(lambda gateway: gateway.void(VOID, HELD))
    assert (request.verb, request.path, request.body) == ("PUT", "/merchants/merchant1/transactions/tx1/void", b"")


@pytest.mark.parametrize("uses_key", [True, False])
def test_an_adjustment_names_the_amount_and_takes_no_request_key(uses_key: bool) -> None:
    request = exchange(lambda gateway: gateway.adjust(ADJUST, HELD), use_api_request_key=uses_key)
    assert (request.verb, request.path) == ("PUT", "/merchants/merchant1/transactions/tx1/adjust_authorization")
    assert request.xml == {"transaction": {"amount": "14.00"}}


@pytest.mark.parametrize(("code", "response_type"), [("95602", "hard_declined"), ("95603", "soft_declined")])
@pytest.mark.parametrize("lists_attempt", [True, False])
def test_a_declined_adjustment_has_the_reason_of_its_attempt_or_else_none_better(
    code: str, response_type: str, lists_attempt: bool
) -> None:
    attempt = {
        "amount": "3.50",
        "success": False,
        "processor-response-code": "2001",
        "processor-response-text": "Insufficient Funds",
        "processor-response-type": response_type,
    }
    transaction = documents.SALE | {"authorization-adjustments": [attempt] if lists_attempt else []}
    refused = documents.invalid(code).replace(
        "</api-error-response>", f"{documents.element('transaction', transaction)}</api-error-response>"
    )
    with serving(answer(422, refused)) as server:
        outcome = adapter(server.url).adjust(ADJUST, HELD)
    assert isinstance(outcome, Declined)
    assert outcome.details.validation_code == code
    reason = DeclineReason.INSUFFICIENT_FUNDS if lists_attempt else DeclineReason.DECLINED
    assert outcome.decline.reason is reason


@pytest.mark.parametrize("code", ["915219", "915220", "915221", "915222"])
def test_an_account_that_cannot_adjust_is_named(code: str) -> None:
    with serving(answer(422, documents.invalid(code))) as server:
        outcome = adapter(server.url).adjust(ADJUST, HELD)
    assert isinstance(outcome, Rejected)
    assert "cannot change authorized amounts" in outcome.detail
    assert outcome.details.validation_code == code


def test_an_id_that_would_change_the_address_is_never_sent() -> None:
    with serving(APPROVAL) as server:
        stray = Capture(operation_id=OPERATION, transaction_id="../tx1", amount=Money(1, "USD"), in_part=False)
        assert isinstance(adapter(server.url).capture(stray, HELD), Rejected)
    assert server.received == []


# The request key


@pytest.mark.parametrize(
    "ask",
    [
        lambda gateway: gateway.authorize(authorization(), HELD),
        lambda gateway: gateway.capture(CAPTURE, HELD),
        lambda gateway: gateway.capture(PART, HELD),
        lambda gateway: gateway.void(VOID, HELD),
        lambda gateway: gateway.refund(REFUND, HELD),
    ],
    ids=["authorize", "capture", "capture in part", "void", "refund"],
)
def test_every_call_that_moves_money_carries_the_operation_id_as_its_request_key(ask: Any) -> None:
    assert exchange(ask, use_api_request_key=True).xml["transaction"]["api_request_key"] == "op_1"


def test_a_merchant_without_request_keys_is_served_without_them_from_then_on(caplog: pytest.LogCaptureFixture) -> None:
    with serving(NO_KEYS, APPROVAL) as server:
        gateway = adapter(server.url, use_api_request_key=True)
        assert isinstance(gateway.authorize(authorization(), HELD), Approved)
        assert isinstance(gateway.capture(CAPTURE, HELD), Approved)
    keyed = ["api_request_key" in request.xml["transaction"] for request in server.received]
    assert keyed == [True, False, False]
    assert caplog.text.count("915231") == 1


@pytest.mark.parametrize(
    ("code", "kind"),
    [("915232", Rejected), ("915233", Unknown), ("915234", Unknown), ("915235", Unknown), ("915230", Rejected)],
)
def test_the_gateways_answer_about_a_request_key_decides_the_outcome(code: str, kind: type) -> None:
    with serving(answer(422, documents.invalid(code))) as server:
        assert isinstance(adapter(server.url, use_api_request_key=True).authorize(authorization(), HELD), kind)


# The way there


def test_the_headers_are_the_sdks_own() -> None:
    headers = exchange(lambda gateway: gateway.authorize(authorization(), HELD)).headers
    assert headers["content-type"] == "application/xml"
    assert headers["accept-encoding"] == "gzip"
    assert headers["x-apiversion"] == "6"
    assert headers["user-agent"].startswith("Braintree Python ")
    assert base64.b64decode(headers["authorization"].removeprefix("Basic ")).decode() == f"the-public-key:{PRIVATE_KEY}"


def test_files_are_sent_as_a_form() -> None:
    with serving(answer(200)) as server:
        transport = adapter(server.url)._transport
        body = ({"document_upload[kind]": "evidence_document"}, {"file": ("receipt.png", b"\x89PNG", "image/png")})
        with holding_lease(HELD):
            answered = transport.http_do("POST", f"{server.url}/uploads", {"Accept": "application/xml"}, body)
        assert answered == [200, ""]
    [request] = server.received
    assert request.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert b'name="file"; filename="receipt.png"' in request.body
    assert b"Content-Type: image/png" in request.body
    assert b"evidence_document" in request.body


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://localhost:8443", "https://localhost:8443"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("https://twin.example", "https://twin.example:443"),
        ("https://[::1]:8443", "https://[::1]:8443"),
    ],
)
def test_a_twin_may_live_at_any_address(url: str, expected: str) -> None:
    environment = TwinEnvironment(url, "")
    assert environment.protocol + environment.server_and_port == expected


def test_an_address_that_is_none_is_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match="localhost"):
        TwinEnvironment("localhost:8443", "")


def test_settings_show_no_key() -> None:
    settings = BraintreeSettings(
        environment="production",
        merchant_id="m",
        public_key="the-public-key",
        private_key=PRIVATE_KEY,
        merchant_accounts=MerchantAccounts(),
        proxy_url="http://user:password@proxy",
    )
    assert not any(secret in repr(settings) for secret in (PRIVATE_KEY, "the-public-key", "password"))


def test_a_declined_payment_reveals_nothing_of_the_card_but_what_may_be_shown() -> None:
    with serving(answer(422, documents.declined())) as server:
        outcome = adapter(server.url).authorize(authorization(), HELD)
    assert isinstance(outcome, Declined)
    assert CARD_NUMBER not in repr(outcome)
