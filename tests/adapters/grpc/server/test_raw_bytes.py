"""Arbitrary bytes on the port are refused or cut off, cost little memory, and do not disturb other callers."""

from __future__ import annotations

import gzip
import logging
import random
import re
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import psutil  # type: ignore[import-untyped]
import pytest

from adapters.grpc.connections import connection_guard
from adapters.grpc.server import server_options as connections
from tests.adapters.grpc import raw_http2 as http2
from tests.adapters.grpc.raw_http2 import Connection, call_headers, frame, message
from tests.adapters.grpc.serving import a_house, serving

LIST = "/bayar.payments.v1.PaymentService/ListPayments"
GET = "/bayar.payments.v1.PaymentService/GetPayment"
INTERNAL, UNKNOWN = 13, 2
LONG_SECONDS = 60.0


@pytest.fixture(scope="module")
def channel() -> Iterator[grpc.Channel]:
    # No message of a module's tests may be cut for being slow on a busy machine, only what is meant to be.
    with serving(a_house(grpc_connections=200)) as channel:
        yield channel


@pytest.fixture
def address(channel: grpc.Channel) -> str:
    return _address_of(channel)


def _address_of(channel: grpc.Channel) -> str:
    target: bytes = channel._channel.target()  # type: ignore[attr-defined]
    return target.decode().rpartition("/")[2]


@pytest.fixture(autouse=True)
def _everybody_else_is_served(channel: grpc.Channel, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with caplog.at_level(logging.WARNING):
        yield
    assert _listed(channel) is not None
    assert "Traceback" not in caplog.text
    # That connections were closed is told once a minute, whichever test they belonged to.
    assert not [record for record in caplog.records if record.name != connection_guard.__name__]


def _listed(channel: grpc.Channel) -> object:
    call: Any = channel.unary_unary(LIST)
    return call(b"", timeout=30)


def memory_mib() -> float:
    return float(psutil.Process().memory_info().rss) / 2**20


def ask(address: str, body: bytes, *headers: tuple[str, str], path: str = GET, seconds: float = 10.0) -> int | None:
    """The grpc-status of a call with these bytes as its body, None where the connection was cut or nothing came."""
    with Connection.to(address) as connection:
        connection.send(frame(http2.HEADERS, http2.END_HEADERS, 1, call_headers(path, *headers)))
        chunks = [body[start : start + 16_384] for start in range(0, len(body), 16_384)] or [b""]
        for n, chunk in enumerate(chunks):
            last = n == len(chunks) - 1
            connection.send(frame(http2.DATA, http2.END_STREAM if last else 0, 1, chunk))
        connection.read_until(lambda: ended(connection), seconds)
        return status_of(connection)


def ended(connection: Connection) -> bool:
    """Whether the stream of the call is over."""
    return any(
        kind == http2.RST_STREAM or (kind == http2.HEADERS and flags & http2.END_STREAM)
        for kind, flags, stream, _ in connection.frames()
        if stream == 1
    )


def status_of(connection: Connection) -> int | None:
    found = re.search(rb"grpc-status(.)(\d+)", connection.received, re.DOTALL)
    return int(found[2][: found[1][0]]) if found else None


@pytest.mark.parametrize("seed", range(20))
def test_noise_is_cut(address: str, seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311 (noise)
    with Connection.to(address, greets=False) as connection:
        connection.send(draw.randbytes(draw.randrange(24, 5000)))
        assert connection.wait_closed(LONG_SECONDS)


@pytest.mark.parametrize(
    "text", [b"GET / HTTP/1.1\r\nHost: bayar\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"]
)
def test_other_protocols_are_cut(address: str, text: bytes) -> None:
    with Connection.to(address, greets=False) as connection:
        connection.send(text + b"\r\n" * 20)
        assert connection.wait_closed(LONG_SECONDS)


@pytest.mark.parametrize("seed", range(30))
def test_noise_in_frames_is_survived(address: str, seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311 (noise)
    with Connection.to(address) as connection:
        for _ in range(50):
            kind, flags, stream = draw.randrange(12), draw.randrange(256), draw.randrange(9)
            connection.send(frame(kind, flags, stream, draw.randbytes(draw.randrange(200))))
        connection.read(0.05)
        assert status_of(connection) != UNKNOWN
        # The core itself reports bytes that are no HTTP/2.
        assert status_of(connection) != INTERNAL or b"arsing" in connection.received


@pytest.mark.parametrize("seed", range(30))
def test_noise_in_a_message_is_an_invalid_request(address: str, seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311 (noise)
    body = message(b"\xff\xff\xff" + draw.randbytes(draw.randrange(300)))
    assert ask(address, body) == grpc.StatusCode.INVALID_ARGUMENT.value[0]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (message(b"abc", length=2**32 - 1), 8),
        (message(b"abc", length=6 * 2**20 + 1), 8),
        (message(b"x" * 60_000), 3),
        (b"", None),
    ],
    ids=["a length of 4 GiB", "more than the most", "noise", "nothing"],
)
def test_lengths_and_flags_that_lie_are_refused(address: str, body: bytes, status: int | None) -> None:
    before = memory_mib()
    told = ask(address, body, seconds=2)
    assert told not in (INTERNAL, UNKNOWN)
    if status is not None:
        assert told == status
    assert memory_mib() - before < 50


def test_a_message_that_is_marked_as_compressed_without_saying_how_is_refused(address: str) -> None:
    assert ask(address, message(b"\0" * 10, compressed=True)) == grpc.StatusCode.INVALID_ARGUMENT.value[0]


def test_a_compressed_bomb_is_never_unpacked(address: str) -> None:
    bomb = gzip.compress(b"\0" * (60 * 2**20))
    before = memory_mib()
    told = ask(address, message(bomb, compressed=True), ("grpc-encoding", "gzip"))
    assert told == grpc.StatusCode.UNIMPLEMENTED.value[0]
    assert memory_mib() - before < 30


def test_metadata_that_is_too_large_is_refused(address: str) -> None:
    assert ask(address, message(b""), ("x-a", "a" * 12_000), path=LIST) == 0
    assert ask(address, message(b""), *((f"x-{n}", "a" * 8_000) for n in range(5)), path=LIST, seconds=5) in (8, None)


def test_headers_without_an_end_fill_no_memory(address: str) -> None:
    before = memory_mib()
    with Connection.to(address) as connection:
        connection.send(frame(http2.HEADERS, 0, 1, call_headers(GET)))
        for n in range(3000):
            connection.send(frame(http2.CONTINUATION, 0, 1, http2.literal(f"x-{n}", "y" * 1000)))
            if connection.closed:
                break
        connection.read(0.2)
    assert memory_mib() - before < 30


def test_a_flood_of_pings_is_cut(address: str) -> None:
    with Connection.to(address) as connection:
        for _ in range(20):
            connection.send(frame(http2.PING, 0, 0, b"12345678"))
        assert connection.wait_closed(LONG_SECONDS)


def test_calls_that_are_reset_at_once_fill_no_memory(address: str) -> None:
    def flood(calls: int) -> None:
        with Connection.to(address) as connection:
            for n in range(calls):
                stream = 1 + 2 * n
                connection.send(
                    frame(http2.HEADERS, http2.END_HEADERS, stream, call_headers(GET))
                    + frame(http2.RST_STREAM, 0, stream, b"\0\0\0\x08")
                )
                if connection.closed:
                    break
                if n % 200 == 0:
                    connection.read(0.001)

    flood(2000)
    before = memory_mib()
    flood(10_000)
    assert memory_mib() - before < 40


def test_connections_that_do_nothing_are_closed() -> None:
    with serving(a_house(connection_idle_seconds=1)) as channel:
        address = _address_of(channel)
        with Connection.to(address) as connection:
            assert connection.wait_closed(LONG_SECONDS)
            assert any(kind == http2.GOAWAY for kind, *_ in connection.frames())
        assert _listed(channel) is not None, "whoever comes again is served"


def test_a_greeting_that_never_ends_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "GREETING_SECONDS", 0.5)
    with serving(a_house()) as channel:
        address = _address_of(channel)
        with Connection.to(address, greets=False) as silent, Connection.to(address, greets=False) as half:
            half.send(http2.PREFACE[:10])
            assert silent.wait_closed(LONG_SECONDS)
            assert half.wait_closed(LONG_SECONDS)


def test_there_are_so_many_connections_and_no_more() -> None:
    with serving(a_house(grpc_connections=5)) as channel:
        assert _listed(channel) is not None
        connections = [Connection.to(_address_of(channel)) for _ in range(10)]

        def still_open() -> int:
            for connection in connections:
                connection.read(0.01)
            return sum(not connection.closed for connection in connections)

        assert _comes_true(lambda: still_open() <= 5)
        assert _listed(channel) is not None, "who was there first is served"
        for connection in connections:
            connection.socket.close()


def _comes_true(look: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + LONG_SECONDS
    while not (seen := look()) and time.monotonic() < deadline:
        pass
    return seen


def test_a_port_that_is_knocked_at_and_left_is_fine(address: str) -> None:
    for _ in range(200):
        host, _, port = address.rpartition(":")
        socket.create_connection((host, int(port)), timeout=30).close()
