"""The feed through the socket: everything once and in order, from any position, to its caller only."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from itertools import islice

import pytest

from bayar.messages import BayarClient, BayarError, PaymentState
from bayar.payments.v1.event_pb2 import Event, EventType
from bayar.payments.v1.event_service_pb2 import StreamEventsRequest
from bayar.payments.v1.event_service_pb2_grpc import EventServiceStub
from tests.end_to_end.payment_steps import a_card, pay
from tests.end_to_end.service import Pair, run_bayar


def _end(bayar: BayarClient) -> int:
    """The position after everything that has happened so far."""
    marker = bayar.create_customer(given_name="Marker")
    stream = bayar.stream_events(customer_id=marker.customer_id, timeout_seconds=30)
    return next(stream).position


def _take(stream: Iterator[Event], count: int) -> list[Event]:
    taken = list(islice(stream, count))
    assert len(taken) == count
    return taken


def test_every_change_comes_once_in_order_and_as_it_was_then(bayar: BayarClient) -> None:
    start = _end(bayar)
    customer = bayar.create_customer(given_name="Ani", email="ani@example.com")
    payment = pay(bayar, customer_id=customer.customer_id)
    bayar.refund_payment(payment_id=payment.payment_id)
    bayar.update_customer(customer_id=customer.customer_id, given_name="Ina")
    method = bayar.add_payment_method(customer_id=customer.customer_id, card=a_card())
    stream = bayar.stream_events(after_position=start, timeout_seconds=30)
    seen: list[Event] = []
    while not seen or seen[-1].payment_method.state != method.state:
        seen.append(next(stream))
    assert [event.position for event in seen] == list(range(start + 1, start + 1 + len(seen)))
    assert len({event.event_id for event in seen}) == len(seen)
    assert {event.payload_version for event in seen} == {1}
    named = [event.customer.given_name for event in seen if event.HasField("customer")]
    assert named == ["Ani", "Ina"]
    changes = [event.payment_change for event in seen if event.HasField("payment_change")]
    assert [change.event.sequence for change in changes] == list(range(1, len(changes) + 1))
    states = [change.payment.state for change in changes]
    assert PaymentState.PAYMENT_STATE_CAPTURED in states
    assert states[-1] == PaymentState.PAYMENT_STATE_VOIDED
    assert seen[-1].payment_method.instrument.last_four == "1111"
    assert all(event.actor.startswith("default/") for event in seen if event.HasField("customer"))
    # From the middle on, the same again.
    middle = seen[3].position
    again = _take(bayar.stream_events(after_position=middle, timeout_seconds=30), len(seen) - 4)
    assert again == seen[4:]


def test_types_and_customers_are_picked(bayar: BayarClient) -> None:
    start = _end(bayar)
    one, other = (bayar.create_customer(given_name=name) for name in ("One", "Other"))
    payment = pay(bayar, customer_id=one.customer_id)
    types = [EventType.EVENT_TYPE_PAYMENT_CHANGED]
    first = next(bayar.stream_events(after_position=start, types=types, timeout_seconds=30))
    assert first.payment_change.payment.payment_id == payment.payment_id
    mine = next(bayar.stream_events(after_position=start, customer_id=other.customer_id, timeout_seconds=30))
    assert mine.customer.given_name == "Other"


def test_a_heartbeat_moves_past_what_does_not_match(bayar: BayarClient) -> None:
    start = _end(bayar)
    bayar.create_customer(given_name="Somebody")
    request = StreamEventsRequest(after_position=start, types=[EventType.EVENT_TYPE_DISPUTE_CHANGED])
    for answer in EventServiceStub(bayar.channel).StreamEvents(request, timeout=30):
        assert answer.HasField("heartbeat")
        if answer.heartbeat.position > start:
            return
    raise AssertionError("the stream ended")


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        ({"after_position": -1}, "after_position"),
        ({"after_position": 10**9}, "after_position"),
        ({"types": [99]}, "types"),
        ({"customer_id": "x"}, "customer_id"),
    ],
)
def test_each_violation_is_named(bayar: BayarClient, request_: dict[str, object], field: str) -> None:
    with pytest.raises(BayarError) as raised:
        next(bayar.stream_events(**request_))  # type: ignore[arg-type]
    assert raised.value.reason == "INVALID_REQUEST"
    assert [violation.field for violation in raised.value.violations] == [field]


def test_another_caller_sees_nothing_of_it(pair: Pair, bayar: BayarClient) -> None:
    start = _end(bayar)
    made = run_bayar("keys", "create", "stranger", environment=pair.service.environment)
    stranger = BayarClient(pair.service.address, credential=made.stdout.strip().splitlines()[-1])
    mine = bayar.create_customer(given_name="Mine")
    theirs = stranger.create_customer(given_name="Theirs")
    assert next(stranger.stream_events(after_position=start, timeout_seconds=30)).customer == theirs
    first = _take(bayar.stream_events(after_position=start, timeout_seconds=30), 1)
    assert first[0].customer.customer_id == mine.customer_id
    stranger.close()


def test_a_reader_goes_on_after_a_restart(pair: Pair) -> None:
    port = pair.service.address.rpartition(":")[2]
    before = pair.service.environment["BAYAR_GRPC_ADDRESS"]
    client = pair.service.client(retries=True)
    start = _end(client)
    stream = client.stream_events(after_position=start, timeout_seconds=90)
    client.create_customer(given_name="Before")
    assert next(stream).customer.given_name == "Before"
    pair.service.kill()
    pair.service.environment["BAYAR_GRPC_ADDRESS"] = f"127.0.0.1:{port}"
    pair.service.restart()
    pair.service.environment["BAYAR_GRPC_ADDRESS"] = before
    client.create_customer(given_name="After")
    assert next(stream).customer.given_name == "After"


def test_a_slow_reader_delays_no_caller_and_loses_nothing(pair: Pair) -> None:
    client = pair.service.client()
    start = _end(client)
    slow = client.stream_events(after_position=start, timeout_seconds=110)
    client.create_customer(given_name="0")
    first = next(slow)

    def write(who: int) -> None:
        for number in range(60):
            client.create_customer(given_name=f"{who}-{number}" + "x" * 200)

    writers = [threading.Thread(target=write, args=(who,)) for who in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
        assert not writer.is_alive()
    seen = [first, *_take(slow, 240)]
    assert [event.position for event in seen] == list(range(start + 1, start + 242))
