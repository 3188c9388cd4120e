"""Reads of the feed, and an administrator's view of endpoints and redeliveries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from application.common.caller import Caller, Scope
from application.common.errors import InvalidRequest, RequestIdReused, Rule
from application.events.archive_events import ArchiveEvents
from application.events.relay_events import RelayEvents
from application.events.resend_events import ListDeliveries, ListEndpoints, ResendEvents
from application.ports.deliveries import Delivery, DeliveryState, Endpoint
from application.ports.feed import FeedEntry, FeedFilter, FeedItem, FeedKind, HistoryEntry
from domain.ids import CallerId, CustomerId, EventId
from domain.payment import Payment
from domain.payment_state import PaymentState
from tests.application.events.test_deliver_events import SECRET, House
from tests.application.shop import SHOP, STRANGER, Shop, a_request_id
from tests.fakes.runtime import START

EVERYTHING = FeedFilter()
CUSTOMER = CustomerId("cus_00000000000000000000000001")
OTHER = CustomerId("cus_00000000000000000000000002")


@pytest.fixture
def house() -> House:
    return House()


def faults(call: Any) -> list[tuple[str, Rule]]:
    with pytest.raises(InvalidRequest) as refusal:
        call()
    return [(fault.field, fault.rule) for fault in refusal.value.violations]


# Permissions to read


def test_a_caller_reads_what_is_its_own_of_the_kinds_it_asks_for(house: House) -> None:
    assert house.read.check(0, [], "", SHOP) == FeedFilter(caller_id=SHOP.caller_id)
    kinds = [FeedKind.PAYMENT, FeedKind.DISPUTE]
    assert house.read.check(0, kinds, CUSTOMER, SHOP) == FeedFilter(
        caller_id=SHOP.caller_id, kinds=frozenset(kinds), customer_id=CUSTOMER
    )


def test_an_administrator_reads_what_is_any_caller_s(house: House) -> None:
    admin = Caller(CallerId("ops"), frozenset({Scope.ADMIN}))
    assert house.read.check(0, [], "", admin).caller_id is None


def test_a_customer_reads_what_is_their_own_and_of_others_nothing(house: House) -> None:
    herself = Caller(SHOP.caller_id, customer_id=CUSTOMER)
    own = FeedFilter(caller_id=SHOP.caller_id, customer_id=CUSTOMER)
    assert house.read.check(0, [], "", herself) == own
    assert house.read.check(0, [], CUSTOMER, herself) == own
    assert house.read.check(0, [], OTHER, herself).caller_id == ""


def test_a_place_that_was_never_given_is_no_place_to_read_from(house: House) -> None:
    house.customers(3)
    for position in (0, 1, 3):
        assert house.read.check(position, [], "", SHOP)
    with pytest.raises(InvalidRequest) as refusal:
        house.read.check(4, [], "", SHOP)
    (fault,) = refusal.value.violations
    assert (fault.field, fault.rule, fault.limit) == ("after_position", Rule.AT_MOST, "3")


def test_the_first_place_may_be_read_from_while_nothing_is_there(house: House) -> None:
    assert house.read.check(0, [], "", SHOP)
    assert faults(lambda: house.read.check(1, [], "", SHOP)) == [("after_position", Rule.AT_MOST)]


def test_every_violation_in_a_reader_is_named(house: House) -> None:
    assert faults(lambda: house.read.check(-1, [FeedKind.PAYMENT, None], "no id", SHOP)) == [
        ("types", Rule.KNOWN_VALUE),
        ("customer_id", Rule.ID),
        ("after_position", Rule.NOT_NEGATIVE),
    ]


# Reading


def items(house: House, position: int = 0, *, limit: int = 1_000) -> list[FeedItem]:
    while house.relay():
        pass
    return house.read.after(position, EVERYTHING, limit=limit).items


def test_an_event_of_a_payment_comes_with_the_payment_as_it_was_after_it(house: House) -> None:
    customer = house.shop.customer()
    payment = house.shop.authorize()
    house.shop.capture(payment)
    found = items(house)
    assert (found[0].entry.kind, found[0].change) == (FeedKind.CUSTOMER, None)
    assert found[0].entry.customer_id == customer.customer_id
    changes = [item.change for item in found[1:] if item.change is not None]
    assert [change.event for change in changes] == history(house.shop, payment)
    assert [change.payment.state for change in changes] == [
        PaymentState.PENDING,
        PaymentState.PENDING,
        PaymentState.AUTHORIZED,
        PaymentState.PENDING,
        PaymentState.CAPTURED,
    ]
    assert len(changes[0].payment.operations) == 1


def history(shop: Shop, payment: Payment) -> Sequence[HistoryEntry]:
    with shop.store.read() as work:
        return work.payments.history(payment.terms.payment_id)


def test_payments_whose_events_are_mixed_are_distinguished(house: House) -> None:
    first, second = house.shop.authorize(), house.shop.authorize()
    house.shop.void(first)
    house.shop.capture(second)
    for item in items(house):
        assert item.change is not None
        assert item.change.payment.terms.payment_id == item.entry.payment_id
    assert [item.change.payment.state for item in items(house)[-3::2] if item.change] == [
        PaymentState.VOIDED,
        PaymentState.CAPTURED,
    ]


def test_the_feed_is_read_on_from_where_a_page_ended(house: House) -> None:
    house.customers(5)
    first = house.read.after(0, EVERYTHING, limit=2)
    assert ([item.entry.position for item in first.items], first.position) == ([1, 2], 2)
    rest = house.read.after(first.position, EVERYTHING, limit=10)
    assert ([item.entry.position for item in rest.items], rest.position) == ([3, 4, 5], 5)
    for position in (5, 6):
        nothing = house.read.after(position, EVERYTHING, limit=10)
        assert (nothing.items, nothing.position) == ([], position)


def test_one_event_is_found_by_its_id(house: House) -> None:
    house.shop.pay()
    (first, *_) = items(house)
    assert house.read.find(first.entry.event_id) == first
    assert house.read.find(EventId("evt_unknown")) is None


# Giving places, and putting away


def note(house: House, count: int) -> None:
    with house.shop.store.begin() as work:
        feed: Any = work.feed
        for number in range(count):
            feed._state.unsequenced.append(
                FeedEntry(
                    position=0,
                    event_id=EventId(f"evt {number}"),
                    kind=FeedKind.CUSTOMER,
                    time=START,
                    actor="",
                    caller_id=SHOP.caller_id,
                )
            )


@pytest.mark.parametrize(("waiting", "told"), [(0, [0]), (499, [0, 0]), (500, [500, 0]), (1_001, [500, 500, 0])])
def test_the_relay_is_called_again_at_once_only_where_more_may_wait(
    house: House, waiting: int, told: list[int]
) -> None:
    note(house, waiting)
    relay = RelayEvents(house.shop.store)
    assert [relay() for _ in told] == told
    assert house.read.end() == waiting


def test_histories_are_archived_in_steps_of_five_hundred_events(house: House) -> None:
    shop = house.shop
    payments = [shop.pay() for _ in range(168)]
    for payment in payments:
        shop.real_gateway.settle(payment.authorization.transaction_id)
        shop.verify(payment)
    while house.relay():
        pass
    events = sorted(entry.event_id for payment in payments for entry in history(shop, payment))
    shop.wait(timedelta(days=1))
    steps = list(ArchiveEvents(shop.store)(shop.clock.now()))
    assert [step.go_on_after for step in steps] == [events[499], None]
    assert sum(step.event_count for step in steps) == len(events)
    assert [step.event_count for step in ArchiveEvents(shop.store)(shop.clock.now())] == [0]


# Endpoints


def test_an_endpoint_that_was_never_served_has_no_line_and_is_not_behind(house: House) -> None:
    house.customers(2)
    (status,) = house.status()
    assert (status.endpoint, status.cursor, status.behind, status.dead_count) == (house.endpoint, None, 0, 0)


def test_dead_deliveries_are_counted_for_each_endpoint(house: House) -> None:
    house.customers(2)
    other = replace(house.endpoint, name="other")
    keep(house, house.feed()[0], DeliveryState.DEAD)
    keep(house, house.feed()[1], DeliveryState.WAITING)
    statuses = ListEndpoints(house.shop.store, [other, house.endpoint])()
    assert [(one.endpoint.name, one.dead_count) for one in statuses] == [("other", 0), ("shop", 1)]


def keep(house: House, event_id: str, state: DeliveryState) -> None:
    with house.shop.store.begin() as work:
        entry = work.feed.find(EventId(event_id))
        assert entry is not None
        work.deliveries.upsert(
            Delivery(
                endpoint="shop",
                event_id=entry.event_id,
                position=entry.position,
                state=state,
                reason="HTTP 503",
                time=START,
            )
        )


def test_dead_deliveries_are_listed_in_pages_in_feed_order(house: House) -> None:
    house.customers(3)
    for event_id in reversed(house.feed()):
        keep(house, event_id, DeliveryState.DEAD)
    first = house.list("shop", after_position=0, page_size=2)
    rest = house.list("shop", after_position=first[-1].position, page_size=2)
    assert [one.event_id for one in first + rest] == house.feed()
    assert len(first) == 2


def test_every_violation_in_a_list_of_deliveries_is_named(house: House) -> None:
    assert faults(lambda: house.list("nobody", after_position=-1, page_size=-1)) == [
        ("page_size", Rule.NOT_NEGATIVE),
        ("endpoint", Rule.EXISTS),
        ("after_position", Rule.NOT_NEGATIVE),
    ]
    assert ListDeliveries(house.shop.store, [house.endpoint])("shop", after_position=0, page_size=0) == []


# Sending again


def test_a_requested_redelivery_waits_with_its_requester(house: House) -> None:
    house.customers(3)
    wanted = house.feed()[1]
    assert (
        house.resend(
            a_request_id(), "shop", [wanted], Caller(CallerId("ops"), frozenset({Scope.ADMIN}), credential="key_1")
        )
        == 1
    )
    (waiting,) = house.list("shop", after_position=0, page_size=0)
    assert (waiting.endpoint, waiting.event_id, waiting.position, waiting.state, waiting.reason, waiting.time) == (
        "shop",
        wanted,
        2,
        DeliveryState.WAITING,
        "asked for by ops/key_1",
        START,
    )


def test_an_event_that_is_named_twice_is_sent_once(house: House) -> None:
    house.customers(2)
    house.run()
    first, second = house.feed()
    request_id = a_request_id()
    assert house.resend(request_id, "shop", [second, first, second], SHOP) == 2
    house.pass_time(timedelta(seconds=2), timedelta(seconds=1))
    assert sorted(house.mailbox.received) == sorted([first, second] * 2)
    assert house.resend(request_id, "shop", [second, first], SHOP) == 2
    house.pass_time(timedelta(seconds=2), timedelta(seconds=1))
    assert len(house.mailbox.received) == 4
    with pytest.raises(RequestIdReused) as refusal:
        house.resend(request_id, "shop", [first, second], SHOP)
    assert refusal.value.fields == ("event_ids",)


def test_a_failed_redelivery_is_listed_with_its_error_and_not_retried(house: House) -> None:
    house.customers(1)
    house.run()
    house.mailbox.is_open = False
    house.resend(a_request_id(), "shop", house.feed(), SHOP)
    house.shop.clock.advance(timedelta(minutes=1))
    assert house.deliver() == 0
    (dead,) = house.list("shop", after_position=0, page_size=0)
    assert (dead.state, dead.reason, dead.time) == (DeliveryState.DEAD, "HTTP 503", START + timedelta(minutes=1))
    attempts = house.mailbox.attempts
    house.pass_time(timedelta(minutes=2), timedelta(minutes=1))
    assert house.mailbox.attempts == attempts


def test_an_incomplete_request_is_not_sent(house: House) -> None:
    house.customers(1)
    house.shop.pay(caller=STRANGER)
    house.relay()
    mine, theirs = house.feed()[:2]
    for wrong in (theirs, "evt_unknown"):
        request_id = a_request_id()
        assert faults(
            lambda wrong=wrong, request_id=request_id: house.resend(request_id, "shop", [mine, wrong], SHOP)
        ) == [("event_ids", Rule.EXISTS)]
        assert house.list("shop", after_position=0, page_size=0) == []
        # The request was not used up.
        assert house.resend(request_id, "shop", [mine], SHOP) == 1
        with house.shop.store.begin() as work:
            work.deliveries.delete("shop", EventId(mine))


@pytest.mark.parametrize(
    ("request_id", "endpoint", "event_ids", "expected"),
    [
        ("no uuid", "nobody", [], [("request_id", Rule.UUID), ("endpoint", Rule.EXISTS), ("event_ids", Rule.REQUIRED)]),
        (a_request_id(), "shop", ["x"] * 101, [("event_ids", Rule.MAX_ENTRIES)]),
        (
            a_request_id(),
            "shop",
            ["x", "4111111111111111", "\0"],
            [("event_ids[1]", Rule.NO_CARD_DATA), ("event_ids[2]", Rule.NO_CONTROL_CHARACTERS)],
        ),
        (a_request_id(), "shop", ["x"] * 100, [("event_ids", Rule.EXISTS)]),
        (a_request_id(), "shop", ["x"] * 99 + ["\0"], [("event_ids[99]", Rule.NO_CONTROL_CHARACTERS)]),
        (a_request_id(), "shop", ["x"] * 100 + ["\0"], [("event_ids", Rule.MAX_ENTRIES)]),
    ],
)
def test_a_redelivery_request_without_events_is_refused_with_every_violation(
    house: House, request_id: str, endpoint: str, event_ids: list[str], expected: list[tuple[str, Rule]]
) -> None:
    assert faults(lambda: house.resend(request_id, endpoint, event_ids, SHOP)) == expected


def test_a_hundred_events_may_be_sent_again_at_once(house: House) -> None:
    house.customers(100)
    assert house.resend(a_request_id(), "shop", house.feed(), SHOP) == 100


def test_the_endpoint_that_is_named_is_the_one_that_gets_it(house: House) -> None:
    house.customers(1)
    other = Endpoint(name="other", url="https://other.example", caller_id=SHOP.caller_id, secrets=(SECRET,))
    ResendEvents(house.shop.store, house.shop.clock, house.shop.guard, [house.endpoint, other])(
        a_request_id(), "other", house.feed(), SHOP
    )
    assert house.list("shop", after_position=0, page_size=0) == []
    assert len(ListDeliveries(house.shop.store, [other])("other", after_position=0, page_size=0)) == 1
