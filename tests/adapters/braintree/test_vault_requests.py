"""The requests about customers and stored methods, read from the wire."""

from __future__ import annotations

import pytest

from application.ports.gateway import (
    CustomerUnknown,
    GatewayRefused,
    GatewayUnavailable,
    MethodChange,
    Nonce,
    Rejected,
    Stored,
    Unknown,
)
from domain.address import Address
from domain.instrument import CardExpiry
from tests.adapters.braintree import documents
from tests.adapters.braintree.asking import CARD_NUMBER, NONCE, adapter, customer, new_method
from tests.adapters.braintree.server import Act, answer, serving
from tests.fakes.runtime import HELD

CUSTOMER = answer(201, documents.document("customer", {"id": "cus_1"}))
CARD = answer(201, documents.document("credit-card", documents.CARD))


def test_a_customer_is_created_under_our_own_id() -> None:
    with serving(CUSTOMER) as server:
        adapter(server.url).ensure_customer(customer(phone=""), HELD)
    assert server.received[0].xml["customer"] == {
        "id": "cus_1",
        "first_name": "Budi",
        "last_name": "Santoso",
        "email": "budi@example.com",
    }


def test_a_customer_that_is_known_already_is_fine() -> None:
    with serving(answer(422, documents.invalid("91609"))) as server:
        adapter(server.url).ensure_customer(customer(), HELD)
    assert len(server.received) == 1


def test_a_customer_whose_details_the_gateway_dislikes_is_kept_without_them() -> None:
    with serving(answer(422, documents.invalid("81604")), CUSTOMER) as server:
        adapter(server.url).ensure_customer(customer(), HELD)
    assert server.received[1].xml["customer"] == {"id": "cus_1"}


def test_a_customer_that_cannot_be_created_at_all_is_an_error() -> None:
    with serving(answer(422, documents.invalid("91610"))) as server, pytest.raises(GatewayUnavailable, match="91610"):
        adapter(server.url).ensure_customer(customer(), HELD)


def test_an_update_makes_a_customer_known_that_was_not() -> None:
    with serving(answer(404), CUSTOMER) as server:
        adapter(server.url).update_customer(customer(), HELD)
    assert [(request.verb, request.path) for request in server.received] == [
        ("PUT", "/merchants/merchant1/customers/cus_1"),
        ("POST", "/merchants/merchant1/customers"),
    ]


def test_an_update_forgets_what_is_no_longer_given() -> None:
    with serving(CUSTOMER) as server:
        adapter(server.url).update_customer(customer(phone=""), HELD)
    assert server.received[0].xml["customer"]["phone"] == ""


def test_a_customer_is_deleted_once_or_more() -> None:
    with serving(answer(200), answer(404)) as server:
        gateway = adapter(server.url)
        gateway.delete_customer(customer().customer_id, HELD)
        gateway.delete_customer(customer().customer_id, HELD)
    assert {request.verb for request in server.received} == {"DELETE"}


def test_a_card_is_stored_under_our_own_token() -> None:
    with serving(CARD) as server:
        outcome = adapter(server.url).store_method(new_method(verify=True, make_default=True), HELD)
    assert isinstance(outcome, Stored)
    sent = server.received[0].xml["credit_card"]
    assert (sent["token"], sent["customer_id"], sent["number"]) == ("pm_1", "cus_1", CARD_NUMBER)
    assert sent["options"] == {"verify_card": True, "make_default": True}


def test_a_nonce_is_stored_under_our_own_token() -> None:
    with serving(CARD) as server:
        adapter(server.url).store_method(
            new_method(source=Nonce(NONCE), billing_address=Address(postal_code="12190")), HELD
        )
    assert server.received[0].xml["payment_method"] == {
        "customer_id": "cus_1",
        "token": "pm_1",
        "options": {"verify_card": False},
        "billing_address": {"postal_code": "12190"},
        "payment_method_nonce": NONCE,
    }


def test_a_method_stored_by_an_attempt_whose_answer_was_lost_is_found_again() -> None:
    with serving(answer(422, documents.invalid("91719")), CARD) as server:
        outcome = adapter(server.url).store_method(new_method(), HELD)
    assert isinstance(outcome, Stored)
    assert outcome.method.token == "pm_1"


@pytest.mark.parametrize(
    ("then", "kind"),
    [
        (answer(200, documents.document("credit-card", {**documents.CARD, "customer-id": "cus_2"})), Rejected),
        (answer(404), Rejected),
        (answer(503), Unknown),
    ],
    ids=["another customer's", "gone", "unanswered"],
)
def test_a_token_in_use_for_something_else_is_not_taken_for_the_method(then: Act, kind: type) -> None:
    with serving(answer(422, documents.invalid("91719")), then) as server:
        assert isinstance(adapter(server.url).store_method(new_method(), HELD), kind)


def test_a_change_sends_what_changes() -> None:
    change = MethodChange(
        token="pm_1",
        expiry=CardExpiry(2033, 4),
        cardholder_name="",
        billing_address=Address(locality="Bandung"),
        make_default=True,
    )
    with serving(answer(200, documents.document("credit-card", documents.CARD))) as server:
        assert isinstance(adapter(server.url).change_method(change, HELD), Stored)
    assert server.received[0].path == "/merchants/merchant1/payment_methods/any/pm_1"
    assert server.received[0].xml["payment_method"] == {
        "expiration_month": "04",
        "expiration_year": "2033",
        "cardholder_name": "",
        "billing_address": {"locality": "Bandung", "options": {"update_existing": True}},
        "options": {"make_default": True},
    }


def test_a_client_token_is_for_the_customer_and_the_merchant_account() -> None:
    with serving(answer(201, "<client-token><value>dG9rZW4=</value></client-token>")) as server:
        token = adapter(server.url).create_client_token(customer().customer_id, "acct_jpy")
    assert token == "dG9rZW4="
    sent = server.received[0].xml["client_token"]
    assert (sent["customer_id"], sent["merchant_account_id"]) == ("cus_1", "acct_jpy")


def test_a_client_token_that_is_refused_is_an_error() -> None:
    for code, kind in (("92804", CustomerUnknown), ("92807", GatewayRefused)):
        with serving(answer(422, documents.invalid(code))) as server, pytest.raises(kind, match=code):
            adapter(server.url).create_client_token(customer().customer_id, "")
