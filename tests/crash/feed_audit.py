"""Readers of the feed that reconnect again and again during the storm, and the comparison of what they read."""

from __future__ import annotations

import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

import grpc

from bayar.messages import BayarClient, BayarError, RetryPolicy
from bayar.payments.v1.event_pb2 import Event
from bayar.payments.v1.event_service_pb2 import StreamEventsRequest
from bayar.payments.v1.event_service_pb2_grpc import EventServiceStub
from tests.crash.database_records import Record
from tests.crash.payment_views import FIRST_WHOLE, view_of_answer
from tests.crash.worker_threads import Worker

_LONGEST_STREAM_SECONDS: Final = 3.0
_FAR_BACK: Final = 40
_POLICY: Final = RetryPolicy(attempts=4, first_delay_seconds=0.05)


class FeedReader(Worker):
    """Reads on from its last position, sometimes from an earlier one."""

    def __init__(self, addresses: Sequence[str], seed: int, number: int) -> None:
        super().__init__(name=f"feed reader {number}", daemon=True)
        self._addresses = addresses
        self._draw = random.Random(f"{seed} reader {number}")  # noqa: S311
        # The client drops consecutive repeats; the other readers use the raw stream.
        self._by_client = number % 2 == 1
        self._stopping = threading.Event()
        self.events: list[Event] = []
        self.errors: list[str] = []

    @property
    def position(self) -> int:
        return int(self.events[-1].position) if self.events else 0

    def stop(self) -> None:
        self._stopping.set()

    def work(self) -> None:
        while not self._stopping.is_set():
            self.read_on(self._draw.choice(self._addresses), self._draw.uniform(0.2, _LONGEST_STREAM_SECONDS))
            self._stopping.wait(0.05)

    def read_on(self, address: str, seconds: float, until_position: int | None = None) -> None:
        """Read for `seconds`, until a position, or until the connection is lost."""
        again = self._go_back() if self._draw.random() < 0.2 else []
        after = self.position
        if until_position is not None and after >= until_position:
            return
        try:
            with BayarClient(address, retry=_POLICY) as client:
                stream = client.stream_events if self._by_client else _raw_stream(client)
                for event in stream(after_position=after, timeout_seconds=seconds):
                    self._take(event, again)
                    if self._stopping.is_set() and until_position is None:
                        return
                    if until_position is not None and event.position >= until_position:
                        return
        except (BayarError, grpc.RpcError) as error:
            code = error.code if isinstance(error, BayarError) else error.code()
            if code.name in ("INTERNAL", "INVALID_ARGUMENT"):
                self.errors.append(f"{self.name}, after {after}: {error}")

    def _go_back(self) -> list[Event]:
        """Drop the last events: they must come again unchanged."""
        count = self._draw.randint(0, min(_FAR_BACK, len(self.events)))
        again = self.events[len(self.events) - count :]
        del self.events[len(self.events) - count :]
        return again

    def _take(self, event: Event, again: list[Event]) -> None:
        if event.position <= self.position:
            self.errors.append(f"{self.name} got position {event.position} after {self.position}")
        if again and (expected := again.pop(0)).event_id != event.event_id:
            self.errors.append(f"{self.name} got {event.event_id} again, where {expected.event_id} was")
            again.clear()
        self.events.append(event)


def _raw_stream(client: BayarClient) -> Callable[..., Iterator[Event]]:
    def stream(*, after_position: int, timeout_seconds: float) -> Iterator[Event]:
        request = StreamEventsRequest(after_position=after_position)
        for answer in EventServiceStub(client.channel).StreamEvents(request, timeout=timeout_seconds):
            if answer.HasField("event"):
                yield answer.event

    return stream


def read_all(address: str, until_position: int) -> list[Event]:
    """The whole feed, read without faults. `until_position` is its last position."""
    reader = FeedReader([address], 0, 0)
    give_up = time.monotonic() + 60
    while reader.position < until_position and time.monotonic() < give_up:
        reader._draw = random.Random(0)  # noqa: S311
        reader.read_on(address, 20, until_position)
    return reader.events


def compare_feed(
    feed: Sequence[Event], readers: Sequence[FeedReader], records: Sequence[Record], resources: Mapping[str, object]
) -> Iterator[str]:
    """Findings: events that are missing, doubled, out of order or differ from the history.

    `resources` has, by id, how the API shows each customer, payment method and dispute at the end.
    """
    positions = [event.position for event in feed]
    for before, after in pairwise(positions):
        if after <= before:
            yield f"position {after} follows {before}"
    for reader in readers:
        yield from reader.errors
        yield from _other_readings(feed, reader)
    yield from _other_than_histories(feed, records)
    yield from _resources_told_otherwise(feed, resources)


def _other_readings(feed: Sequence[Event], reader: FeedReader) -> Iterator[str]:
    whole = [(event.position, event.event_id) for event in feed]
    read = [(event.position, event.event_id) for event in reader.events]
    if read == whole:
        return
    missing, more = sorted(set(whole) - set(read)), sorted(set(read) - set(whole))
    yield (
        f"{reader.name} read {len(read)} of {len(whole)} events; missing {missing[:5]}, not in the feed {more[:5]}, "
        f"{len(read) - len(set(read))} twice"
    )


def _other_than_histories(feed: Sequence[Event], records: Sequence[Record]) -> Iterator[str]:
    told: defaultdict[str, list[Event]] = defaultdict(list)
    for event in feed:
        if event.HasField("payment_change"):
            told[event.payment_change.payment.payment_id].append(event)
    for record in records:
        payment_id = str(record.payment.terms.payment_id)
        events = told.pop(payment_id, [])
        ids = [event.event_id for event in events]
        if ids != record.event_ids:
            lost = [each for each in record.event_ids if each not in ids]
            yield f"{payment_id} has {len(record.event_ids)} events, and the feed told {len(ids)}; missing {lost}"
        for event in events:
            count = max(FIRST_WHOLE, event.payment_change.event.sequence)
            known = record.snapshots.views.get(count)
            view = view_of_answer(event.payment_change.payment)
            if known is None or view != known:
                yield f"event {event.event_id}: {view.difference(known) if known else 'no such event'}"
    for unknown in told:
        yield f"the feed tells of {unknown}, which nobody made"


def _resources_told_otherwise(feed: Sequence[Event], resources: Mapping[str, object]) -> Iterator[str]:
    """Findings: resources whose last event is missing or differs from the API."""
    last: dict[str, object] = {}
    for event in feed:
        if not event.HasField("payment_change"):
            resource = event.customer.customer_id or event.payment_method.payment_method_id or event.dispute.dispute_id
            last[resource] = shown_in_the_feed(getattr(event, event.WhichOneof("payload") or "customer"))
    for resource_id, shown in resources.items():
        if last.get(resource_id) != shown:
            yield f"the feed tells of {resource_id} last as {last.get(resource_id)}, and the API as {shown}"


def shown_in_the_feed(resource: Any) -> tuple[object, ...]:
    """The fields of a customer, method or dispute that change with an event."""
    return tuple(getattr(resource, name, None) for name in ("state", "phone", "given_name", "amount"))
