"""Search of transactions in two steps, over pages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import braintree
from braintree import TransactionSearch
from twin_sdk import fresh_amount, sale

Gateway = braintree.BraintreeGateway


def test_a_transaction_is_found_by_its_order_id(gateway: Gateway) -> None:
    wanted = sale(gateway, order_id="search-me")
    sale(gateway, order_id="search-me-not")
    found = gateway.transaction.search(TransactionSearch.order_id == "search-me")
    assert [each.id for each in found.items] == [wanted.id]
    assert found.maximum_size == 1
    assert found.first.order_id == "search-me"


def test_a_search_without_matches_is_empty(gateway: Gateway) -> None:
    found = gateway.transaction.search(TransactionSearch.order_id == "no such order")
    assert found.maximum_size == 0
    assert list(found.items) == []


def test_criteria_are_combined(gateway: Gateway) -> None:
    order_id = "combined-7"
    cheap = sale(gateway, amount="15.00", order_id=order_id)
    dear = sale(gateway, amount="25.00", order_id=order_id, options={"submit_for_settlement": True})

    def ids(*criteria: object) -> set[str]:
        return set(gateway.transaction.search(TransactionSearch.order_id == order_id, *criteria).ids)

    assert ids() == {cheap.id, dear.id}
    assert ids(TransactionSearch.amount >= Decimal("20.00")) == {dear.id}
    assert ids(TransactionSearch.amount.between("10.00", "20.00")) == {cheap.id}
    assert ids(TransactionSearch.status == "authorized") == {cheap.id}
    assert ids(TransactionSearch.status.in_list(["authorized", "submitted_for_settlement"])) == {cheap.id, dear.id}
    assert ids(TransactionSearch.ids.in_list([dear.id])) == {dear.id}
    assert ids(TransactionSearch.credit_card_number.starts_with("4111")) == {cheap.id, dear.id}
    now = datetime.now(UTC)
    assert ids(TransactionSearch.created_at >= now - timedelta(minutes=1)) == {cheap.id, dear.id}
    assert ids(TransactionSearch.created_at <= now - timedelta(minutes=1)) == set()


def test_many_results_come_in_pages(gateway: Gateway) -> None:
    made = {sale(gateway, amount=fresh_amount(), channel="paged", order_id=f"paged-{n}").id for n in range(53)}
    found = gateway.transaction.search(TransactionSearch.order_id.starts_with("paged-"))
    assert found.maximum_size == 53
    assert {each.id for each in found.items} == made


def test_text_criteria_ignore_case(gateway: Gateway) -> None:
    wanted = sale(gateway, order_id="MiXeD-case-9")
    for criterion in (
        TransactionSearch.order_id == "mixed-CASE-9",
        TransactionSearch.order_id.contains("xed-ca"),
        TransactionSearch.order_id.ends_with("CASE-9"),
    ):
        assert gateway.transaction.search(criterion).ids == [wanted.id]
