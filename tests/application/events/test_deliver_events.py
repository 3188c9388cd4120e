"""Events reach their endpoints in order and at least once, through an outage of hours, and are given up after days."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from application.events.deliver_events import GIVE_UP_AFTER, DeliverEvents
from application.events.read_feed import ReadFeed
from application.events.relay_events import RelayEvents
from application.events.resend_events import ListDeliveries, ListEndpoints, ResendEvents
from application.ports.deliveries import DeliveryState, Endpoint
from application.ports.feed import FeedFilter, FeedItem, FeedKind
from tests.application.shop import SHOP, Shop, a_request_id

SECRET = b"a secret of enough bytes"


class Mailbox:
    """Receives, unless it is closed or refuses an event."""

    def __init__(self) -> None:
        self.is_open = True
        self.refused: set[str] = set()
        self.received: list[str] = []
        self.attempts = 0

    def send(self, endpoint: Endpoint, item: FeedItem, time: datetime) -> str:
        self.attempts += 1
        if not self.is_open or item.entry.event_id in self.refused:
            return "HTTP 503"
        self.received.append(item.entry.event_id)
        return ""


class House:
    def __init__(self, **changes: object) -> None:
        self.shop = Shop()
        self.mailbox = Mailbox()
        endpoint = Endpoint(
            name="shop", url="https://shop.example", caller_id=SHOP.caller_id, secrets=(SECRET,), from_beginning=True
        )
        self.endpoint = replace(endpoint, **changes)  # type: ignore[arg-type]
        self.relay = RelayEvents(self.shop.store)
        self.read = ReadFeed(self.shop.store)
        self.deliver = DeliverEvents(self.shop.store, self.read, self.mailbox, self.shop.clock, [self.endpoint])
        self.resend = ResendEvents(self.shop.store, self.shop.clock, self.shop.guard, [self.endpoint])
        self.list = ListDeliveries(self.shop.store, [self.endpoint])
        self.status = ListEndpoints(self.shop.store, [self.endpoint])

    def customers(self, count: int) -> None:
        for number in range(count):
            self.shop.customer(external_id=f"{a_request_id()}-{number}")
        while self.relay():
            pass

    def feed(self) -> list[str]:
        with self.shop.store.read() as work:
            entries, _ = work.feed.after(0, FeedFilter(), until=work.feed.end(), limit=10_000)
        return [entry.event_id for entry in entries]

    def run(self) -> None:
        while self.deliver():
            pass

    def pass_time(self, span: timedelta, step: timedelta) -> None:
        end = self.shop.clock.now() + span
        while self.shop.clock.now() < end:
            self.shop.clock.advance(step)
            self.run()


def test_events_come_once_each_and_in_order() -> None:
    house = House()
    house.customers(120)
    house.run()
    assert house.mailbox.received == house.feed()
    house.run()
    assert house.mailbox.attempts == 120


def test_an_outage_of_an_hour_loses_nothing_and_keeps_the_order() -> None:
    house = House()
    house.customers(3)
    house.mailbox.is_open = False
    house.run()
    house.customers(3)
    house.pass_time(timedelta(hours=1), timedelta(seconds=5))
    assert house.mailbox.received == []
    # Ever more rarely, not every five seconds.
    assert house.mailbox.attempts < 15
    (status,) = house.status()
    assert status.cursor is not None
    assert status.cursor.last_error == "HTTP 503"
    assert status.behind == 6
    house.mailbox.is_open = True
    house.pass_time(timedelta(hours=1), timedelta(minutes=1))
    assert house.mailbox.received == house.feed()
    (status,) = house.status()
    assert status.cursor is not None
    assert (status.behind, status.cursor.attempt_count, status.cursor.last_error) == (0, 0, "")


def test_an_event_that_fails_for_days_is_given_up_and_the_next_ones_go_on() -> None:
    house = House()
    house.customers(4)
    poison = house.feed()[1]
    house.mailbox.refused.add(poison)
    house.pass_time(GIVE_UP_AFTER + timedelta(hours=2), timedelta(minutes=10))
    assert house.mailbox.received == [event_id for event_id in house.feed() if event_id != poison]
    (dead,) = house.list("shop", after_position=0, page_size=0)
    assert (dead.event_id, dead.state, dead.reason) == (poison, DeliveryState.DEAD, "HTTP 503")
    house.mailbox.refused.clear()
    request_id = a_request_id()
    assert house.resend(request_id, "shop", [poison], SHOP) == 1
    assert house.resend(request_id, "shop", [poison], SHOP) == 1
    house.pass_time(timedelta(seconds=2), timedelta(seconds=1))
    assert house.mailbox.received[-1] == poison
    assert house.mailbox.received.count(poison) == 1
    assert house.list("shop", after_position=0, page_size=0) == []


def test_a_process_that_dies_after_sending_sends_the_same_event_again() -> None:
    house = House()
    house.customers(2)
    first = house.feed()[0]

    class Dies(BaseException):
        pass

    class Deadly(Mailbox):
        def send(self, endpoint: Endpoint, item: FeedItem, time: datetime) -> str:
            super().send(endpoint, item, time)
            raise Dies

    deadly = Deadly()
    with pytest.raises(Dies):
        replace(house.deliver, sender=deadly)()
    assert deadly.received == [first]
    # Another replica waits for the lease, then goes on where the record is.
    house.run()
    assert house.mailbox.received == []
    house.pass_time(timedelta(minutes=2), timedelta(seconds=30))
    assert house.mailbox.received == house.feed()


def test_two_replicas_never_serve_one_endpoint_at_once() -> None:
    house = House()
    house.customers(1)
    second = Mailbox()

    class Meanwhile(Mailbox):
        def send(self, endpoint: Endpoint, item: FeedItem, time: datetime) -> str:
            replace(house.deliver, sender=second)()
            return super().send(endpoint, item, time)

    assert replace(house.deliver, sender=Meanwhile())() == 1
    assert second.received == []


def test_only_the_kinds_and_the_caller_asked_for_are_sent() -> None:
    house = House(kinds=frozenset({FeedKind.PAYMENT}))
    house.customers(2)
    house.run()
    assert house.mailbox.received == []
    house.shop.pay()
    house.relay()
    house.run()
    assert len(house.mailbox.received) >= 2
    (status,) = house.status()
    assert status.behind == 0


def test_a_new_endpoint_begins_now_by_default() -> None:
    house = House(from_beginning=False)
    house.customers(3)
    house.run()
    assert house.mailbox.received == []
    house.customers(1)
    house.run()
    assert house.mailbox.received == house.feed()[-1:]


def test_pauses_grow_to_an_hour() -> None:
    house = House()
    house.customers(1)
    house.mailbox.is_open = False
    pauses = []
    for _ in range(12):
        house.run()
        (status,) = house.status()
        assert status.cursor is not None
        pause = status.cursor.next_attempt_time - house.shop.clock.now()
        pauses.append(pause.total_seconds())
        house.shop.clock.advance(pause)
    assert pauses == [5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600]
    assert house.mailbox.attempts == 12
