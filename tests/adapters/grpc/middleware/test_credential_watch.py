"""Open streams end within moments once their credential is revoked, expires, or no longer allows them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import grpc
import pytest
from dependency_injector import providers

from application.access.authenticate import PresentedCredentials
from application.common.caller import Caller, Scope
from bayar.payments.v1.customer_service_pb2 import CreateCustomerRequest
from bayar.payments.v1.customer_service_pb2_grpc import CustomerServiceStub
from bayar.payments.v1.event_service_pb2 import StreamEventsRequest
from bayar.payments.v1.event_service_pb2_grpc import EventServiceStub
from tests.adapters.grpc.credentials import ANN, EVE, a_guarded_house, change_key, give_key, revoke
from tests.adapters.grpc.middleware.test_admission_control import refusal
from tests.adapters.grpc.serving import House, serving
from tests.fakes.runtime import START

READ = frozenset({Scope.EVENTS_READ})
Open = Callable[[Any], Any]


@contextmanager
def streaming(house: House) -> Iterator[tuple[EventServiceStub, Open]]:
    with serving(house) as channel:
        events = EventServiceStub(channel)

        def open_stream(metadata: Any) -> Any:
            stream = events.StreamEvents(StreamEventsRequest(), metadata=metadata, timeout=20)
            assert next(stream).HasField("heartbeat")
            return stream

        yield events, open_stream


def end_of(stream: Any) -> tuple[grpc.StatusCode, str]:
    began = time.monotonic()
    code, reason, _ = refusal(lambda: list(stream))
    assert time.monotonic() - began < 5
    return code, reason


CHANGES: dict[str, tuple[Callable[[House], None], grpc.StatusCode, str]] = {
    "revoked": (lambda house: revoke(house, "listener"), grpc.StatusCode.UNAUTHENTICATED, "CREDENTIAL_REVOKED"),
    "expired": (
        lambda house: house.clock.advance(timedelta(hours=2)),
        grpc.StatusCode.UNAUTHENTICATED,
        "CREDENTIAL_EXPIRED",
    ),
    "scope lost": (
        lambda house: change_key(house, "listener", scopes=frozenset({Scope.PAYMENTS_READ})),
        grpc.StatusCode.PERMISSION_DENIED,
        "SCOPE_MISSING",
    ),
    "of another customer": (
        lambda house: change_key(house, "listener", customer_id=EVE),
        grpc.StatusCode.UNAUTHENTICATED,
        "CREDENTIAL_INVALID",
    ),
    "of no customer": (
        lambda house: change_key(house, "listener", customer_id=None),
        grpc.StatusCode.UNAUTHENTICATED,
        "CREDENTIAL_INVALID",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_stream_ends_once_its_credential_does(name: str) -> None:
    change, code, reason = CHANGES[name]
    house = a_guarded_house()
    lost = give_key(house, "listener", scopes=READ, customer_id=ANN, expire_time=START + timedelta(hours=1))
    kept = give_key(house, "other")
    with streaming(house) as (_, open_stream):
        stream, other = open_stream(lost), open_stream(kept)
        change(house)
        assert end_of(stream) == (code, reason)
        assert other.is_active()
        assert [one.outcome for one in refused(house)] != []


def refused(house: House) -> list[Any]:
    house.container.refused_calls()()
    with house.container.store().read() as work:
        return work.audit.page(after=None, limit=10)


def test_a_stream_without_a_reader_ends_too_and_counts_until_it_did(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "bayar.calls")
    house = a_guarded_house(streams_per_caller=1, slowest_read_seconds=0.2)
    mine = give_key(house, "listener")
    # The reader's window stays as small as it is at first.
    with serving(house, ("grpc.http2.bdp_probe", 0)) as channel:
        customers = CustomerServiceStub(channel)
        for number in range(300):
            customers.CreateCustomer(
                CreateCustomerRequest(request_id=f"11111111-0000-4000-8000-{number:012d}", given_name="🦆" * 200),
                metadata=mine,
                timeout=30,
            )
        house.container.relay_events()()
        events = EventServiceStub(channel)
        stream = events.StreamEvents(StreamEventsRequest(), metadata=mine, timeout=30)
        next(stream)
        until_said(caplog, "STREAM_READ_TOO_SLOWLY")
        again = events.StreamEvents(StreamEventsRequest(), metadata=mine, timeout=30)
        assert refusal(lambda: list(again))[1] == "TOO_MANY_STREAMS", "what is held for the reader is still there"
        read: list[Any] = []
        code, reason, _ = refusal(lambda: read.extend(stream))
        assert (code, reason) == (grpc.StatusCode.UNAVAILABLE, "STREAM_READ_TOO_SLOWLY")
        position = read[-1].event.position
        assert position < 300
        rest = events.StreamEvents(StreamEventsRequest(after_position=position), metadata=mine, timeout=30)
        next(rest)
        assert [next(rest).event.position for _ in range(300 - position)] == list(range(position + 1, 301))


def until_said(log: pytest.LogCaptureFixture, text: str) -> None:
    deadline = time.monotonic() + 10
    while text not in log.text:
        assert time.monotonic() < deadline, log.text[-2000:]
        time.sleep(0.02)


def test_one_look_is_enough_for_all_streams_of_a_credential() -> None:
    house = a_guarded_house()
    mine = give_key(house, "listener")
    looks: list[PresentedCredentials] = []
    authenticate = house.container.authenticate()

    def counted(shown: PresentedCredentials) -> Caller:
        looks.append(shown)
        return authenticate(shown)

    house.container.authenticate.override(providers.Object(counted))
    with streaming(house) as (_, open_stream):
        streams = [open_stream(mine) for _ in range(30)]
        looks.clear()
        time.sleep(0.5)
        assert 1 < len(looks) <= 11
        assert all(stream.is_active() for stream in streams)
