"""The searches at the gateway, read from the wire, and their results."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from adapters.braintree.order_ids import OrderIds
from application.ports.gateway import GatewayUnavailable, Transaction, TransactionUnreadable, Unreadable
from domain.ids import OperationId
from tests.adapters.braintree import documents
from tests.adapters.braintree.asking import OPERATION, adapter
from tests.adapters.braintree.server import Act, answer, serving

APPROVAL = answer(201, documents.transaction())


# Searches

FOUND_TWO = answer(200, documents.found({"id": "tx1"}, {"id": "tx2", "status": "settled"}))


def test_many_transactions_are_found_with_two_calls() -> None:
    with serving(answer(200, documents.found_ids("tx1", "tx2")), FOUND_TWO) as server:
        found = adapter(server.url).find_transactions(["tx1", "tx2", "tx3"])
    assert [transaction.transaction_id for transaction in found] == ["tx1", "tx2"]
    assert server.received[0].xml == {"search": {"ids": ["tx1", "tx2", "tx3"]}}
    assert len(server.received) == 2


def test_nothing_is_asked_about_no_transactions() -> None:
    with serving(APPROVAL) as server:
        assert adapter(server.url).find_transactions([]) == []
    assert server.received == []


def test_one_transaction_that_cannot_be_read_does_not_hide_the_others(caplog: pytest.LogCaptureFixture) -> None:
    strange = answer(200, documents.found({"id": "tx1", "status": "dreaming"}, {"id": "tx2"}))
    with serving(answer(200, documents.found_ids("tx1", "tx2")), strange) as server:
        [found] = adapter(server.url).find_transactions(["tx1", "tx2"])
    assert found.transaction_id == "tx2"
    assert "tx1" in caplog.text


def test_an_operation_is_found_by_the_order_id_of_its_transactions() -> None:
    with serving(answer(200, documents.found_ids("tx1")), answer(200, documents.found({"id": "tx1"}))) as server:
        [found] = adapter(server.url).find_by_operation(OPERATION)
    assert found.order_id == "op_1"
    assert server.received[0].xml == {"search": {"order_id": {"is": "op_1"}}}


def test_an_operation_is_found_under_the_mark_and_as_older_versions_sent_it() -> None:
    operation_id = OperationId("op_0000000000000000000000000a")
    marked = OrderIds(lambda: "k7m2q9xw3f")
    older = {"id": "tx1", "order-id": operation_id}
    pages = [documents.found_ids(), documents.found_ids("tx1"), documents.found(older)]
    with serving(*(answer(200, page) for page in pages)) as server:
        [found] = adapter(server.url, order_ids=marked).find_by_operation(operation_id)
    assert (found.order_id, found.is_marked) == (operation_id, False)
    assert [request.xml["search"] for request in server.received[:2]] == [
        {"order_id": {"is": f"k7m2q9xw3f-{operation_id}"}},
        {"order_id": {"ends_with": operation_id}},
    ]


def test_an_operation_is_found_at_once_behind_the_merchants_reference() -> None:
    operation_id = OperationId("op_0000000000000000000000000a")
    showing = OrderIds(lambda: "k7m2q9xw3f", shows_reference=True)
    sent = {"id": "tx1", "order-id": showing.of(operation_id, "order-17")}
    foreign = {"id": "tx2", "order-id": f"order-17-k7m2q9xw3f-{operation_id}x"}
    pages = [documents.found_ids("tx1", "tx2"), documents.found(sent, foreign)]
    with serving(*(answer(200, page) for page in pages)) as server:
        [found] = adapter(server.url, order_ids=showing).find_by_operation(operation_id)
    assert (found.transaction_id, found.order_id, found.is_marked) == ("tx1", operation_id, True)
    assert server.received[0].xml["search"] == {"order_id": {"ends_with": operation_id}}


def test_an_operation_is_found_under_the_mark_that_its_database_had_before() -> None:
    operation_id = OperationId("op_0000000000000000000000000a")
    before = {"id": "tx1", "order-id": f"0000000000-{operation_id}"}
    pages = [documents.found_ids(), documents.found_ids("tx1"), documents.found(before)]
    with serving(*(answer(200, page) for page in pages)) as server:
        [found] = adapter(server.url, order_ids=OrderIds(lambda: "k7m2q9xw3f")).find_by_operation(operation_id)
    assert (found.order_id, found.is_marked) == (operation_id, False)


def test_an_operation_that_left_no_trace_is_found_nowhere() -> None:
    with serving(answer(200, documents.found_ids())) as server:
        assert adapter(server.url).find_by_operation(OPERATION) == []


@pytest.mark.parametrize(
    "page",
    [documents.found({"id": "tx1", "status": "dreaming"}), documents.found()],
    ids=["unreadable", "missing from the page"],
)
def test_a_trace_that_cannot_be_read_is_never_taken_for_absence(page: str) -> None:
    with serving(answer(200, documents.found_ids("tx1")), answer(200, page)) as server:
        gateway = adapter(server.url)
        with pytest.raises(GatewayUnavailable):
            gateway.find_by_operation(OPERATION)


def test_a_search_that_takes_the_gateway_too_long_is_no_answer() -> None:
    with serving(answer(422, "<search-error/>")) as server, pytest.raises(GatewayUnavailable):
        adapter(server.url).find_by_operation(OPERATION)


# Results of a search by time

START = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def created(*acts: Act) -> list[Transaction | Unreadable]:
    with serving(*acts) as server:
        return list(adapter(server.url).transactions_created(START, START + DAY))


@pytest.mark.parametrize(
    ("strange", "shown"),
    [
        ({"currency-iso-code": "BGN"}, "BGN"),
        ({"currency-iso-code": None}, "UnknownCurrency"),
        ({"status": "dreaming"}, "dreaming"),
        ({"status": None}, "KeyError"),
        ({"amount": "10.505"}, "10.505"),
        ({"created-at": None}, "AttributeError"),
        ({"type": "gift"}, "gift"),
        ({"amount": "NaN"}, "NaN"),
    ],
)
def test_a_strange_transaction_is_reported_and_hides_no_other(strange: documents.Elements, shown: str) -> None:
    page = documents.found({"id": "tx1"}, {"id": "tx2"} | strange, {"id": "tx3"})
    found = created(answer(200, documents.found_ids("tx1", "tx2", "tx3")), answer(200, page))
    assert [one.transaction_id for one in found] == ["tx1", "tx2", "tx3"]
    assert isinstance(found[1], Unreadable)
    assert shown in found[1].detail
    assert all(isinstance(found[place], Transaction) for place in (0, 2))


@pytest.mark.parametrize("amount", ["a lot", "", None])
def test_a_transaction_that_spoils_its_page_is_asked_for_alone(amount: str | None) -> None:
    ids = [f"tx{number}" for number in range(52)]
    spoilt = documents.found(*({"id": one} for one in ids[:49]), {"id": "tx49", "amount": amount})
    acts = [answer(200, documents.found_ids(*ids)), answer(200, spoilt)]
    acts += [answer(200, documents.transaction(id=one)) for one in ids[:49]]
    acts += [answer(200, documents.transaction(id="tx49", amount=amount))]
    acts += [answer(200, documents.found_ids(*ids[50:])), answer(200, documents.found({"id": "tx50"}, {"id": "tx51"}))]
    found = created(*acts)
    assert [one.transaction_id for one in found] == ids
    assert [one.transaction_id for one in found if isinstance(one, Unreadable)] == ["tx49"]


def test_a_gateway_that_falls_silent_on_the_way_is_no_strange_transaction() -> None:
    with pytest.raises(GatewayUnavailable):
        created(answer(200, documents.found_ids("tx1")), answer(500))


def test_a_transaction_that_cannot_be_read_by_its_id_is_not_unknown() -> None:
    with serving(answer(200, documents.transaction(status="dreaming"))) as server:
        gateway = adapter(server.url)
        with pytest.raises(TransactionUnreadable):
            gateway.find_transaction("tx1")
