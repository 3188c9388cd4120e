"""Every criterion of the SDK's search classes: each test finds a match and leaves out another record."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import braintree
import pytest
from braintree import CreditCardVerificationSearch, CustomerSearch, TransactionSearch
from braintree.exceptions.request_timeout_error import RequestTimeoutError
from braintree.exceptions.unexpected_error import UnexpectedError
from twin_sdk import card, gateway_to, sale

from braintree_twin.search.query import Criterion
from braintree_twin.search_criteria.customers import SEARCH as CUSTOMERS
from braintree_twin.search_criteria.disputes import CRITERIA as DISPUTES
from braintree_twin.search_criteria.transactions import CRITERIA as TRANSACTIONS
from braintree_twin.search_criteria.verifications import SEARCH as VERIFICATIONS
from braintree_twin.testing import Twin, start_twin

Gateway = braintree.BraintreeGateway
PLACE = {
    "first_name": "Tim",
    "last_name": "Smithy",
    "company": "Planks",
    "street_address": "12 Main Rd",
    "extended_address": "Suite 7",
    "locality": "Chicago",
    "region": "Illinois",
    "postal_code": "60622",
    "country_name": "Mexico",
}
PERSON = {
    "first_name": "Ada",
    "last_name": "Love",
    "company": "Engines",
    "email": "ada@engines.example",
    "phone": "312.555.1234",
    "fax": "614.555.5678",
    "website": "http://engines.example",
}
NEVER = {"acquirer_reference_number", "europe_bank_account_iban", "sepa_debit_paypal_v2_order_id", "store_id"}


@pytest.fixture(scope="module")
def rich(gateway: Gateway) -> Any:
    """A settled, vaulted sale that has something in every field."""
    result = gateway.transaction.sale(
        {
            "amount": "77.31",
            "order_id": "Rich-1",
            "credit_card": card(cardholder_name="Ada Love", token="rich_token"),
            "customer": {"id": "rich_customer", **PERSON},
            "billing": PLACE,
            "shipping": {**PLACE, "company": "Shipped"},
            "options": {"store_in_vault": True, "submit_for_settlement": True},
        }
    )
    assert result.is_success, result.message
    gateway.testing.settle_transaction(result.transaction.id)
    return gateway.transaction.find(result.transaction.id)


def texts(rich: Any) -> dict[str, str]:
    return {
        **{f"billing_{name}": text for name, text in PLACE.items()},
        **{f"shipping_{name}": text for name, text in {**PLACE, "company": "Shipped"}.items()},
        **{f"customer_{name}": text for name, text in PERSON.items()},
        "customer_id": "rich_customer",
        "credit_card_cardholder_name": "Ada Love",
        "credit_card_unique_identifier": rich.credit_card_details.unique_number_identifier,
        "currency": "USD",
        "order_id": "Rich-1",
        "payment_method_token": "rich_token",
        "processor_authorization_code": rich.processor_authorization_code,
        "settlement_batch_id": rich.settlement_batch_id,
    }


def test_every_text_criterion_of_a_transaction_matches_whole_and_partial_texts(gateway: Gateway, rich: Any) -> None:
    def found(criterion: Any) -> bool:
        return bool(gateway.transaction.search(TransactionSearch.id == rich.id, criterion).ids == [rich.id])

    for name, text in texts(rich).items():
        node = getattr(TransactionSearch, name)
        assert found(node == text), name
        assert found(node.starts_with(text[:2])), name
        assert found(node.ends_with(text[-2:].upper())), name
        assert found(node.contains(text[1:-1])), name
        assert found(node != "invalid"), name
        assert not found(node == "invalid"), name
        assert not found(node != text), name
        assert not found(node.contains("invalid")), name
    for name in NEVER:
        assert not found(getattr(TransactionSearch, name) == "x"), name


def test_every_list_criterion_matches_its_values(gateway: Gateway, rich: Any) -> None:
    for name, right, wrong in (
        ("status", "settled", "voided"),
        ("type", "sale", "credit"),
        ("created_using", "full_information", "token"),
        ("credit_card_card_type", "Visa", "JCB"),
        ("credit_card_customer_location", "us", "international"),
        ("merchant_account_id", "twin_usd", "twin_eur"),
        ("payment_instrument_type", "credit_card", "paypal_account"),
        ("source", "api", "control_panel"),
        ("user", "api@twin.example", "nobody"),
        ("ids", rich.id, "none"),
    ):
        node = getattr(TransactionSearch, name)
        mine = TransactionSearch.id == rich.id
        assert gateway.transaction.search(mine, node.in_list([right, wrong])).ids == [rich.id], name
        assert gateway.transaction.search(mine, node == right).ids == [rich.id], name
        assert gateway.transaction.search(mine, node == wrong).ids == [], name
    for name in ("ach_type", "debit_network", "reason_code", "store_ids"):
        node = getattr(TransactionSearch, name)
        value = node.whitelist[0] if node.whitelist else "x"
        assert gateway.transaction.search(TransactionSearch.id == rich.id, node == value).ids == [], name


def test_every_value_that_the_sdk_allows_is_accepted(gateway: Gateway) -> None:
    for searched in (TransactionSearch, CreditCardVerificationSearch):
        search = gateway.transaction.search if searched is TransactionSearch else gateway.verification.search
        for node in vars(searched).values():
            if getattr(node, "whitelist", None):
                assert search(searched.id == "none", node.in_list(list(node.whitelist))).ids == []


def test_every_range_criterion_matches_its_bounds(gateway: Gateway, rich: Any) -> None:
    def found(criterion: Any) -> bool:
        return bool(gateway.transaction.search(TransactionSearch.id == rich.id, criterion).ids == [rich.id])

    now = datetime.now(UTC)
    before, after = now - timedelta(minutes=5), now + timedelta(minutes=5)
    for name in ("created_at", "authorized_at", "submitted_for_settlement_at", "settled_at"):
        node = getattr(TransactionSearch, name)
        assert found(node.between(before, after)), name
        assert found(node >= before), name
        assert found(node <= after), name
        assert not found(node >= after), name
        assert not found(node <= before), name
    assert found(TransactionSearch.created_at == rich.created_at)
    for name in ("voided_at", "failed_at", "gateway_rejected_at", "processor_declined_at", "authorization_expired_at"):
        assert not found(getattr(TransactionSearch, name) <= after), name
    for name in ("disbursement_date", "dispute_date", "ach_return_responses_created_at"):
        assert not found(getattr(TransactionSearch, name) <= after), name
    assert found(TransactionSearch.amount == "77.31")
    assert not found(TransactionSearch.amount >= "77.32")
    assert found(TransactionSearch.refund == False)  # noqa: E712
    assert not found(TransactionSearch.refund == True)  # noqa: E712


def test_a_card_is_found_by_its_number_and_expiration_date(gateway: Gateway, rich: Any) -> None:
    number, date = TransactionSearch.credit_card_number, TransactionSearch.credit_card_expiration_date
    fits = (number == "4111111111111111", number.starts_with("4111"), number.ends_with("1111"), date == "05/2030")
    fails = (number == "4012888888881881", number != "4111111111111111", number.starts_with("5"), date != "05/2030")
    for criterion in fits:
        assert gateway.transaction.search(TransactionSearch.id == rich.id, criterion).ids == [rich.id]
    for criterion in fails:
        assert gateway.transaction.search(TransactionSearch.id == rich.id, criterion).ids == []


def test_a_paypal_sale_is_found_by_its_paypal_ids(gateway: Gateway) -> None:
    paid = sale(gateway, payment_method_nonce="fake-paypal-one-time-nonce")
    details = paid.paypal_details
    for criterion in (
        TransactionSearch.paypal_payer_email == details.payer_email,
        TransactionSearch.paypal_payment_id == details.payment_id,
        TransactionSearch.paypal_authorization_id == details.authorization_id,
    ):
        assert gateway.transaction.search(TransactionSearch.id == paid.id, criterion).ids == [paid.id]


def test_customers_are_found_by_every_criterion(gateway: Gateway) -> None:
    customer = gateway.customer.create(
        {
            "id": "Searched-1",
            **PERSON,
            "credit_card": card(token="searched_token", cardholder_name="A. Love", billing_address={**PLACE}),
        }
    ).customer
    gateway.payment_method.create(
        {"customer_id": customer.id, "payment_method_nonce": "fake-paypal-billing-agreement-nonce"}
    )
    (account,) = gateway.customer.find(customer.id).paypal_accounts

    def found(criterion: Any) -> bool:
        return bool(gateway.customer.search(CustomerSearch.id == customer.id, criterion).ids == [customer.id])

    address = {f"address_{name}": text for name, text in PLACE.items() if name != "company"}
    own = {**PERSON, **address, "cardholder_name": "A. Love", "payment_method_token": "searched_token"}
    for name, text in {**own, "paypal_account_email": account.email}.items():
        node = getattr(CustomerSearch, name)
        assert found(node == text), name
        assert found(node.contains(text[1:-1])), name
        assert not found(node == "invalid"), name
    assert found(CustomerSearch.credit_card_number == "4111111111111111")
    assert found(CustomerSearch.credit_card_number.contains("1111"))
    assert found(CustomerSearch.credit_card_expiration_date == "05/2030")
    assert found(CustomerSearch.ids.in_list([customer.id]))
    assert found(CustomerSearch.created_at.between(customer.created_at, customer.created_at))
    twin = gateway.customer.create({"credit_card": card(token="same_number")}).customer
    same = CustomerSearch.payment_method_token_with_duplicates == "searched_token"
    assert {customer.id, twin.id} <= set(gateway.customer.search(same).ids)
    assert gateway.customer.search(CustomerSearch.id == customer.id).first.paypal_accounts[0].token == account.token


def test_verifications_are_found_by_every_criterion(gateway: Gateway) -> None:
    customer = gateway.customer.create({"id": "verified_1", "email": "verified@twin.example"}).customer
    method = gateway.credit_card.create(
        {
            **card(number="5555555555554444", cardholder_name="Vera Fied", token="verified_token"),
            "customer_id": customer.id,
            "billing_address": {"postal_code": "44444"},
            "options": {"verify_card": True},
        }
    ).credit_card
    search = CreditCardVerificationSearch
    (made,) = gateway.verification.search(search.payment_method_token == method.token).items

    def found(criterion: Any) -> bool:
        return bool(gateway.verification.search(search.id == made.id, criterion).ids == [made.id])

    now = datetime.now(UTC)
    for fits, fails in (
        (search.credit_card_cardholder_name == "Vera Fied", search.credit_card_cardholder_name == "x"),
        (search.credit_card_expiration_date == "05/2030", search.credit_card_expiration_date != "05/2030"),
        (search.credit_card_number == "5555555555554444", search.credit_card_number.starts_with("4")),
        # The Ruby SDK's own suite searches by a blank number.
        (search.credit_card_number == "", search.credit_card_number == "4"),
        (search.credit_card_card_type == "MasterCard", search.credit_card_card_type == "Visa"),
        (search.ids.in_list([made.id]), search.ids.in_list(["x"])),
        (search.status == "verified", search.status == "failed"),
        (search.billing_postal_code == "44444", search.billing_postal_code == "4"),
        (search.customer_email == "verified@twin.example", search.customer_email == "x"),
        (search.customer_id == customer.id, search.customer_id == "x"),
        (search.payment_method_token == "verified_token", search.payment_method_token == "x"),
        (search.created_at <= now + timedelta(minutes=5), search.created_at >= now + timedelta(minutes=5)),
    ):
        assert found(fits)
        assert not found(fails)


@pytest.mark.parametrize(
    ("searched", "known"),
    [
        (braintree.TransactionSearch, TRANSACTIONS),
        (braintree.DisputeSearch, DISPUTES),
        (braintree.CustomerSearch, None),
        (braintree.CreditCardVerificationSearch, None),
    ],
)
def test_every_criterion_of_the_sdk_exists(searched: Any, known: dict[str, Criterion[Any]] | None) -> None:
    names = {node.name for name, node in vars(searched).items() if not name.startswith("_")}
    if known is None:
        steps: Any = CUSTOMERS if searched is braintree.CustomerSearch else VERIFICATIONS
        # The tables are made for a call, and only look into its store when a criterion is asked.
        known = steps.criteria(None)
    assert names <= known.keys()


def test_a_search_without_criteria_finds_everything_newest_first() -> None:
    with start_twin() as twin:
        gateway = gateway_to(twin)
        made = [sale(gateway).id for _ in range(3)]
        assert gateway.transaction.search([]).ids == made[::-1]
        customers = [gateway.customer.create({}).customer.id for _ in range(2)]
        assert gateway.customer.all().ids == customers[::-1]
        assert [each.id for each in gateway.customer.search([]).items] == customers[::-1]
        assert gateway.verification.search([]).ids == []


@pytest.fixture
def slow() -> Iterator[Twin]:
    with start_twin() as running:
        yield running


def test_a_search_times_out_on_demand(slow: Twin) -> None:
    gateway = gateway_to(slow)
    wanted = sale(gateway, order_id="late")
    slow.control.add_fault("status", status=422, path="*/advanced_search_ids", next=2)
    with pytest.raises(RequestTimeoutError):
        gateway.transaction.search(TransactionSearch.order_id == "late")
    with pytest.raises(UnexpectedError):
        gateway.customer.search(CustomerSearch.id == "any")
    found = gateway.transaction.search(TransactionSearch.order_id == "late")
    slow.control.add_fault("status", status=422, path="/transactions/advanced_search", next=1)
    with pytest.raises(RequestTimeoutError):
        list(found.items)
    assert [each.id for each in found.items] == [wanted.id]


def test_an_invalid_search_is_a_422(gateway: Gateway) -> None:
    unknown = braintree.search.Search.TextNodeBuilder("no_such_thing")
    with pytest.raises(RequestTimeoutError):
        gateway.transaction.search(unknown == "x")
    status = braintree.search.Search.MultipleValueNodeBuilder("status")
    with pytest.raises(RequestTimeoutError):
        gateway.transaction.search(status == "no_status")
    with pytest.raises(UnexpectedError):
        gateway.customer.search(unknown == "x")
