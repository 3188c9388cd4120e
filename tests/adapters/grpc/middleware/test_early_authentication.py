"""A peer without a valid credential holds no resources: its request is not awaited, and it takes no slot."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import grpc
import pytest

from adapters.grpc.connections import connection_guard
from adapters.grpc.connections.connection_guard import MOST_REFUSED, SHARED_STRIKES, address_of
from adapters.grpc.middleware import early_authentication as strangers
from adapters.grpc.middleware.early_authentication import MAX_OPEN_CALLS
from application.common.api_key import ApiKey, format_key, hash_of
from application.common.caller import EVERY_SCOPE
from domain.ids import CallerId
from tests.adapters.grpc import raw_http2 as http2
from tests.adapters.grpc.raw_http2 import Connection, call_headers, frame, message
from tests.adapters.grpc.serving import House, a_house, serving
from tests.end_to_end.service import until

LIST = "/bayar.payments.v1.PaymentService/ListPayments"
FEED = "/bayar.payments.v1.EventService/StreamEvents"
CHECK, WATCH = "/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch"
REFLECTION = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
UNAUTHENTICATED, RESOURCE_EXHAUSTED, DEADLINE_EXCEEDED = 16, 8, 4
PLACES = 40
SECONDS = 20.0

KEY_ID = "key_01kb00000000000000000000te"
SECRET = "for-tests-only".ljust(43, "0")
KEY = format_key(KEY_ID, SECRET)


def house_with_a_key(failed_logins_per_minute: int = 0) -> House:
    house = a_house(
        authentication="required", grpc_connections=PLACES, failed_logins_per_minute=failed_logins_per_minute
    )
    with house.container.store().begin() as work:
        work.api_keys.add(
            ApiKey(
                key_id=KEY_ID,
                caller_id=CallerId("default"),
                scopes=EVERY_SCOPE,
                secret_hash=hash_of(SECRET),
                create_time=house.clock.now(),
            )
        )
    return house


@pytest.fixture(scope="module")
def channel() -> Iterator[grpc.Channel]:
    with serving(house_with_a_key()) as channel:
        yield channel


@pytest.fixture
def address(channel: grpc.Channel) -> str:
    return address_in(channel)


def address_in(channel: grpc.Channel) -> str:
    target: bytes = channel._channel.target()  # type: ignore[attr-defined]
    return target.decode().rpartition("/")[2]


@pytest.fixture(autouse=True)
def _known_callers_are_served(channel: grpc.Channel) -> Iterator[None]:
    assert ask_as_known(channel) is not None
    yield
    assert ask_as_known(channel) is not None


def ask_as_known(channel: grpc.Channel) -> object:
    call: Any = channel.unary_unary(LIST)
    return call(b"", timeout=SECONDS, metadata=(("authorization", f"Bearer {KEY}"),))


def begin(connection: Connection, path: str, *more: tuple[str, str], stream: int = 1, whole: bool = False) -> None:
    """A call whose request does not come, unless it is to be whole."""
    connection.send(frame(http2.HEADERS, http2.END_HEADERS, stream, call_headers(path, *more)))
    if whole:
        connection.send(frame(http2.DATA, http2.END_STREAM, stream, message(b"")))


def statuses(connection: Connection, count: int, seconds: float = SECONDS) -> list[int]:
    """The grpc-status of each call that ended, once so many have or the connection was closed."""

    def found() -> list[int]:
        parts = connection.received.split(b"grpc-status")[1:]
        # A status is spelled out once, and after that stands in the table of header fields.
        return [int(part[1 : 1 + part[0]]) for part in parts if part[0] <= 2]

    def ended() -> int:
        return sum(kind == http2.HEADERS and bool(flags & http2.END_STREAM) for kind, flags, *_ in connection.frames())

    connection.read_until(lambda: ended() >= count, seconds)
    return found() + found()[-1:] * (ended() - len(found()))


@pytest.mark.parametrize("path", [LIST, FEED])
@pytest.mark.parametrize(
    "shown", [(), (("authorization", "Bearer byr_nonsense"),), (("authorization", f"Bearer {KEY}x"),)]
)
def test_an_unauthenticated_peer_is_refused_before_the_request_has_come(
    address: str, path: str, shown: tuple[tuple[str, str], ...]
) -> None:
    with Connection.to(address) as connection:
        begin(connection, path, *shown)
        assert statuses(connection, 1) == [UNAUTHENTICATED]


def test_a_new_connection_with_a_key_is_let_in_whether_or_not_the_key_was_seen() -> None:
    with serving(house_with_a_key()) as channel:
        for _ in range(3):
            assert ask_as_known(channel) is not None
        stream: Any = channel.unary_stream(FEED)
        stream(b"", timeout=SECONDS, metadata=(("authorization", f"Bearer {KEY}"),)).cancel()


def test_a_connection_that_goes_on_being_refused_is_closed() -> None:
    with serving(house_with_a_key(failed_logins_per_minute=20)) as channel:
        address = address_in(channel)
        with Connection.to(address) as stranger, Connection.to(address) as known, Connection.to(address) as other:
            begin(known, LIST, ("authorization", f"Bearer {KEY}"), whole=True)
            assert statuses(known, 1) == [0]
            for n in range(1, MOST_REFUSED + 60):
                begin(stranger, LIST, stream=1 + 2 * n)
                begin(known, LIST, stream=1 + 2 * n)
            assert stranger.wait_closed(SECONDS)
            begin(other, CHECK, whole=True)
            assert statuses(other, 1) == [0], "those beside it go on"
            assert len(statuses(known, MOST_REFUSED + 60)) == MOST_REFUSED + 60, (
                "and so does one with a good credential"
            )
            assert not known.closed


@pytest.mark.parametrize("path", [WATCH, REFLECTION, CHECK])
def test_of_what_needs_no_credential_a_connection_has_a_few_open(address: str, path: str) -> None:
    with Connection.to(address) as connection:
        for n in range(MAX_OPEN_CALLS + 3):
            begin(connection, path, stream=1 + 2 * n, whole=path == WATCH)
        assert statuses(connection, 3) == [RESOURCE_EXHAUSTED] * 3
        with Connection.to(address) as other:
            begin(other, CHECK, whole=True)
            assert statuses(other, 1) == [0]


def test_a_request_has_some_seconds_to_come(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strangers, "REQUEST_SECONDS", 0.2)
    with Connection.to(address) as connection:
        begin(connection, CHECK)
        assert statuses(connection, 1) == [DEADLINE_EXCEEDED]


@pytest.mark.parametrize("greets", [True, False], ids=["greeted", "silent"])
def test_connections_of_unauthenticated_peers_make_room_for_new_ones(
    address: str, channel: grpc.Channel, greets: bool
) -> None:
    before = len(os.listdir("/dev/fd"))
    with ExitStack() as stack:
        held = [stack.enter_context(Connection.to(address, greets=greets)) for _ in range(2 * PLACES)]
        for _ in range(3):
            with grpc.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)]) as fresh:
                call: Any = fresh.unary_unary(LIST)
                shown = (("authorization", f"Bearer {KEY}"),)
                assert call(b"", timeout=SECONDS, metadata=shown, wait_for_ready=True) is not None
        assert ask_as_known(channel) is not None, "and whoever was known before keeps the place"
        for connection in held:
            connection.read(0.001)
        assert sum(not connection.closed for connection in held) <= PLACES
    for _ in range(50):
        if len(os.listdir("/dev/fd")) <= before + 5:
            break
        assert ask_as_known(channel) is not None
    assert len(os.listdir("/dev/fd")) <= before + 5, "no descriptor is lost"


def flood(connection: Connection, *shown: tuple[str, str], calls: int = MOST_REFUSED + 60) -> None:
    """Many calls in one packet."""
    head = call_headers(LIST, *shown)
    connection.send(b"".join(frame(http2.HEADERS, http2.END_HEADERS, 1 + 2 * n, head) for n in range(calls)))


def test_a_connection_without_a_credential_that_sends_too_much_is_closed(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_guard, "FREE_BYTES", 20_000)
    monkeypatch.setattr(connection_guard, "FREE_BYTES_A_SECOND", 0)
    with Connection.to(address) as stranger, Connection.to(address) as known:
        begin(known, LIST, ("authorization", f"Bearer {KEY}"), whole=True)
        assert statuses(known, 1) == [0]
        for connection in (stranger, known):
            # Priorities of streams are frames that the core reads and forgets.
            connection.send(frame(2, 0, 1, b"\0\0\0\0\x10") * 2_000)
        assert stranger.wait_closed(SECONDS)
        begin(known, LIST, ("authorization", f"Bearer {KEY}"), stream=3, whole=True)
        assert statuses(known, 2) == [0, 0]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux filters for a listener, and has 127.0.0.2")
def test_an_address_that_goes_on_gets_no_new_connections_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_guard, "DROP_SECONDS", 2.0)
    with serving(house_with_a_key(failed_logins_per_minute=20)) as channel:
        address = address_in(channel)

        def is_let_in(source: str) -> bool:
            try:
                Connection.to(address, source=source, seconds=0.2).socket.close()
            except TimeoutError:
                return False
            return True

        def attack_until_dropped(source: str, attacks: int) -> bool:
            for _ in range(attacks):
                try:
                    with Connection.to(address, source=source, seconds=0.5) as stranger:
                        flood(stranger)
                        stranger.wait_closed(SECONDS)
                except TimeoutError:
                    return True
            return not is_let_in(source)

        assert attack_until_dropped("127.0.0.2", attacks=20)
        assert is_let_in("127.0.0.1"), "others are not concerned"
        assert ask_as_known(channel) is not None
        until(lambda: is_let_in("127.0.0.2"), seconds=SECONDS, what="the address is let in again")
        with Connection.to(address, source="127.0.0.3") as known:
            begin(known, LIST, ("authorization", f"Bearer {KEY}"), whole=True)
            assert statuses(known, 1) == [0]
            assert not attack_until_dropped("127.0.0.3", attacks=SHARED_STRIKES), "shared with somebody known"
            assert attack_until_dropped("127.0.0.3", attacks=20)
            begin(known, LIST, ("authorization", f"Bearer {KEY}"), stream=3, whole=True)
            assert statuses(known, 2) == [0, 0], "its connection stays"
        until(lambda: is_let_in("127.0.0.3"), seconds=SECONDS, what="the shared address is let in again")


@pytest.mark.parametrize("shown", [(), (("authorization", "Bearer byr_nonsense"),)], ids=["nothing", "a wrong key"])
def test_no_call_of_others_is_cancelled_beside_a_flood(shown: tuple[tuple[str, str], ...]) -> None:
    with serving(house_with_a_key(failed_logins_per_minute=20)) as channel, ExitStack() as stack:
        assert ask_as_known(channel) is not None
        crowd = [stack.enter_context(Connection.to(address_in(channel))) for _ in range(25)]
        for connection in crowd:
            flood(connection, *shown, calls=1_000)
        for _ in range(20):
            assert ask_as_known(channel) is not None


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("ipv4:192.0.2.1:5000", "192.0.2.1"),
        ("ipv6:%5B2001:db8::1%5D:5000", "2001:db8::/64"),
        ("ipv6:[::ffff:192.0.2.1]:5000", "192.0.2.1"),
        ("unix:", "unix"),
        ("ipv4:nonsense", "ipv4"),
    ],
)
def test_the_address_of_a_peer_has_no_port(peer: str, address: str) -> None:
    assert address_of(peer) == address
