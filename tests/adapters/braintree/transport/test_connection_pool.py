"""One bounded pool for all threads, which sends nothing twice and reads whatever is HTTP."""

from __future__ import annotations

import gzip
import io
import socket
import ssl
import threading
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from adapters.braintree.transport import connection
from adapters.braintree.transport import connection_pool as transport
from adapters.braintree.transport.connection import Address, AnswerLost, Connection, RequestNotSent
from adapters.braintree.transport.connection_pool import PooledTransport
from braintree_twin.server.tls import prepare_tls
from tests.adapters.braintree.server import (
    Act,
    Server,
    answer,
    answer_and_close,
    hang,
    in_pieces,
    raw,
    raw_and_close,
    reset,
    serving,
)

XML = b"<a>\xc3\xa9</a>"
PACKED = gzip.compress(XML)
OK = b"HTTP/1.1 200 OK\r\n"


def pool(url: str, **changes: Any) -> PooledTransport:
    options: dict[str, Any] = {
        "ca_file": None,
        "connect_timeout_seconds": 5,
        "read_timeout_seconds": 5,
        "max_connections": 4,
    }
    return PooledTransport(url, **options | changes)


def ask(pooled: PooledTransport, url: str, verb: str = "GET", body: Any = None, **headers: Any) -> list[int | str]:
    return pooled.http_do(verb, f"{url}/transactions", headers, body)


def bytewise(data: bytes) -> Act:
    return in_pieces(*(data[at : at + 1] for at in range(len(data))))


CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\n<a>\r\n6;x=y\r\n\xc3\xa9</a>\r\n0\r\nX-Late: 1\r\n\r\n"
WHOLE: dict[str, Act] = {
    "a length": raw(OK + b"Content-Length: 9\r\n\r\n" + XML),
    "chunks": raw(CHUNKED),
    "chunks, byte by byte": bytewise(CHUNKED),
    "packed": raw(OK + b"content-ENCODING: GZIP\r\nContent-Length: %d\r\n\r\n" % len(PACKED) + PACKED),
    "packed, byte by byte": bytewise(
        OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(PACKED) + PACKED
    ),
    "announced": raw(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK + b"Content-Length: 9\r\n\r\n" + XML),
    "announced in a packet of its own": in_pieces(
        b"HTTP/1.1 100 Continue\r\n\r\n", OK + b"Content-Length: 9\r\n\r\n" + XML
    ),
}
LAST: dict[str, Act] = {
    "until the end of the connection": raw_and_close(OK + b"\r\n" + XML),
    "and says that it closes": raw_and_close(OK + b"Connection: close\r\nContent-Length: 9\r\n\r\n" + XML),
    "of an old server": raw_and_close(b"HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\n" + XML),
    "and a second one that nobody asked for": raw((OK + b"Content-Length: 9\r\n\r\n" + XML) * 2),
    "and then noise": raw(OK + b"Content-Length: 9\r\n\r\n" + XML + b"\x00noise"),
}


@pytest.mark.parametrize("act", WHOLE.values(), ids=WHOLE.keys())
def test_a_whole_answer_is_read_and_its_connection_used_again(act: Act) -> None:
    with serving(act) as server:
        pooled = pool(server.url)
        assert [ask(pooled, server.url) for _ in range(3)] == [[200, "<a>é</a>"]] * 3
        assert server.connections == 1


@pytest.mark.parametrize("act", LAST.values(), ids=LAST.keys())
def test_a_whole_answer_after_which_nothing_can_be_told_is_the_last_of_its_connection(act: Act) -> None:
    with serving(act) as server:
        pooled = pool(server.url)
        assert [ask(pooled, server.url) for _ in range(3)] == [[200, "<a>é</a>"]] * 3
        assert server.connections == 3


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_that_has_no_body_by_its_status_ends_with_its_head(status: int) -> None:
    with serving(raw(b"HTTP/1.1 %d Said\r\nContent-Encoding: gzip\r\n\r\n" % status)) as server:
        pooled = pool(server.url)
        assert [ask(pooled, server.url) for _ in range(2)] == [[status, ""]] * 2
        assert server.connections == 1


LOST: dict[str, tuple[Act, str]] = {
    "half a head": (raw_and_close(OK + b"Content-Le"), "closed before the answer was complete"),
    "half a body": (raw_and_close(OK + b"Content-Length: 9\r\n\r\n<a>"), "closed before the answer was complete"),
    "only announced": (raw_and_close(b"HTTP/1.1 100 Continue\r\n\r\n"), "closed before the answer was complete"),
    "half of what is packed": (
        raw(OK + b"Content-Encoding: gzip\r\nContent-Length: 20\r\n\r\n" + PACKED[:20]),
        "the answer is cut off",
    ),
    "packed otherwise": (raw(OK + b"Content-Encoding: br\r\nContent-Length: 1\r\n\r\nx"), "not requested"),
    "two lengths": (raw(OK + b"Content-Length: 9\r\nContent-Length: 5\r\n\r\n" + XML), "no HTTP"),
    "a length and chunks": (raw(OK + b"Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n" + XML), "no HTTP"),
    "another protocol": (raw(b"HTTP/1.1 101 Other\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n"), "no HTTP"),
    "silence": (hang, "no answer in time"),
    "a head that never ends": (lambda server, peer: _drip(server, peer, OK + b"X: "), "the answer arrives too slowly"),
}


def _drip(server: Server, peer: socket.socket, beginning: bytes) -> None:
    peer.sendall(beginning)
    while not server.stopped.wait(0.02):
        peer.sendall(b"x")


@pytest.mark.parametrize(("act", "told"), LOST.values(), ids=LOST.keys())
def test_an_incomplete_answer_is_lost_and_closes_its_connection(act: Act, told: str) -> None:
    with serving(act, answer(200, "<b/>")) as server:
        pooled = pool(server.url, read_timeout_seconds=0.3)
        with pytest.raises(AnswerLost, match=told):
            ask(pooled, server.url)
        assert ask(pooled, server.url) == [200, "<b/>"]
        assert server.connections == 2
        assert len(server.received) == 2


def test_a_small_answer_that_unpacks_to_a_huge_one_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "MAX_ANSWER_BYTES", 100_000)
    with serving(answer(200, "x" * 1_000_000)) as server, pytest.raises(AnswerLost, match="too large"):
        ask(pool(server.url), server.url)


@pytest.mark.parametrize("beginning", [OK + b"X: ", OK + b"X" * 10, OK + b"Transfer-Encoding: chunked\r\n\r\n1;"])
def test_an_answer_without_end_is_given_up_wherever_it_has_none(
    beginning: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "MAX_ANSWER_BYTES", 100_000)

    def flood(server: Server, peer: socket.socket) -> None:
        peer.sendall(beginning)
        while not server.stopped.is_set():
            peer.sendall(b"x" * 10_000)

    with serving(flood) as server, pytest.raises(AnswerLost, match="too large"):
        ask(pool(server.url, read_timeout_seconds=20), server.url)


def test_a_request_leaves_in_one_piece_with_all_that_http_wants() -> None:
    with serving(answer(200)) as server:
        pooled = pool(server.url)
        ask(pooled, server.url, "POST", "<a>é</a>", **{"X-One": b"1", "X-Two": "2"})
        ask(pooled, server.url, "PUT")
        ask(pooled, server.url, "DELETE")
        host = f"127.0.0.1:{server.port}"
        assert [(one.verb, one.path, one.headers, one.body) for one in server.received] == [
            (
                "POST",
                "/transactions",
                {"host": host, "x-one": "1", "x-two": "2", "content-length": "9"},
                "<a>é</a>".encode(),
            ),
            ("PUT", "/transactions", {"host": host, "content-length": "0"}, b""),
            ("DELETE", "/transactions", {"host": host}, b""),
        ]


@pytest.mark.parametrize("path", ["/a b", "/a\r\nX: y", "/a\tb", "/é", "@elsewhere", ""])
def test_an_address_that_is_none_is_not_sent(path: str) -> None:
    with serving() as server:
        with pytest.raises(RequestNotSent):
            pool(server.url).http_do("GET", server.url + path, {}, None)
        with pytest.raises(RequestNotSent):
            pool(server.url).http_do("GET", "http://elsewhere.invalid/", {}, None)
        assert server.connections == 0


@pytest.mark.parametrize("value", ["a\r\nX: y", "a\nX: y", "a\r", "é", b"\xff"])
def test_a_header_that_would_be_another_one_is_not_sent(value: Any) -> None:
    with serving() as server:
        with pytest.raises(RequestNotSent):
            ask(pool(server.url), server.url, X=value)
        assert server.connections == 0


def test_a_body_that_cannot_be_written_or_read_is_not_sent() -> None:
    closed = io.BytesIO()
    closed.close()
    with serving() as server:
        bodies: list[Any] = ["<a>\ud800</a>", ({}, {"file": ("evidence.pdf", closed)})]
        for body in bodies:
            with pytest.raises(RequestNotSent):
                ask(pool(server.url), server.url, "POST", body)
        assert server.connections == 0


# Requests that surely were not sent ----------------------------------------------------------------------------------


def test_of_a_request_on_a_connection_that_was_reset_the_system_takes_nothing() -> None:
    connected = threading.Event()

    def reset_once_connected(server: Server, peer: socket.socket) -> None:
        connected.wait(20)
        reset(server, peer)

    with serving(on_accept=reset_once_connected) as server:
        broken = Connection(Address(host="127.0.0.1", port=server.port, tls=None, connect_timeout_seconds=5))
        connected.set()
        while broken.is_quiet:
            pass
        with pytest.raises(RequestNotSent, match="the connection was closed"):
            broken.send(b"GET / HTTP/1.1\r\n\r\n", 5)
        assert server.received == []


@pytest.mark.parametrize("is_tls", [False, True], ids=["plain", "TLS"])
def test_a_request_on_a_just_reset_connection_is_sent_on_a_new_one(
    is_tls: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = prepare_tls(tmp_path, "localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)

    def answer_and_reset(server: Server, peer: socket.socket) -> None:
        answer(200, "<a/>")(server, peer)
        told.wait(20)
        reset(server, peer)

    told = threading.Event()
    with serving(answer_and_reset, answer(201, "<b/>"), tls=(lambda: context) if is_tls else None) as server:
        pooled = pool(server.url, ca_file=str(files.ca))
        assert ask(pooled, server.url) == [200, "<a/>"]
        idle = pooled._pool._idle[0]
        told.set()
        while idle.is_quiet:
            pass
        # As if the reset came between the look and the sending.
        monkeypatch.setattr(Connection, "is_quiet", True)
        assert ask(pooled, server.url, "POST", "<b/>") == [201, "<b/>"]
        assert server.connections == 2
        assert [one.verb for one in server.received] == ["GET", "POST"]


def test_a_connection_that_was_closed_while_idle_is_left_alone() -> None:
    with serving(answer_and_close(200, "<a/>"), answer(200, "<b/>")) as server:
        pooled = pool(server.url)
        ask(pooled, server.url)
        assert server.closed.wait(5)
        assert ask(pooled, server.url, "POST", "<b/>") == [200, "<b/>"]
        assert server.connections == 2


def test_the_second_address_is_tried_when_the_first_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(answer(200, "<a/>")) as server:
        addresses = [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, server.port)) for host in ("127.0.0.2", "127.0.0.1")
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: addresses)
        pooled = pool(f"http://gateway.invalid:{server.port}")
        assert ask(pooled, f"http://gateway.invalid:{server.port}") == [200, "<a/>"]


# The pool ------------------------------------------------------------------------------------------------------------


def test_many_threads_share_few_connections_and_what_is_open_is_what_was_needed_at_once() -> None:
    together = threading.Barrier(3)

    def answer_together(server: Server, peer: socket.socket) -> None:
        together.wait(20)
        answer(200, "<a/>")(server, peer)

    with serving(answer_together) as server:
        pooled = pool(server.url, max_connections=3)
        with ThreadPoolExecutor(24) as threads:
            answers = list(threads.map(lambda _: ask(pooled, server.url), range(60)))
        assert answers == [[200, "<a/>"]] * 60
        assert server.connections == 3


def test_one_caller_needs_one_connection_however_many_there_may_be() -> None:
    with serving(answer(200, "<a/>")) as server:
        pooled = pool(server.url, max_connections=50)
        for _ in range(20):
            ask(pooled, server.url)
        assert server.connections == 1


def test_connections_that_are_not_needed_any_more_are_closed_although_others_are_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    together = threading.Barrier(3)
    is_busy = [True]

    def act(server: Server, peer: socket.socket) -> None:
        if is_busy[0]:
            together.wait(20)
        answer(200, "<a/>")(server, peer)

    with serving(act) as server:
        pooled = pool(server.url)
        with ThreadPoolExecutor(3) as threads:
            list(threads.map(lambda _: ask(pooled, server.url), range(3)))
        is_busy[0] = False
        assert server.open == 3
        monkeypatch.setattr(transport, "MAX_IDLE_SECONDS", 0.05)
        while server.open > 1:
            ask(pooled, server.url)
        assert server.connections <= 4


def test_a_call_without_a_free_connection_is_reported_as_unsent() -> None:
    with serving(hang) as server:
        pooled = pool(server.url, max_connections=1, connect_timeout_seconds=0.1)
        with ThreadPoolExecutor(1) as threads:
            first = threads.submit(ask, pooled, server.url)
            assert server.arrived.wait(5)
            with pytest.raises(RequestNotSent, match="every connection is busy"):
                ask(pooled, server.url)
            server.stopped.set()
            with pytest.raises(AnswerLost):
                first.result()


def test_once_closed_it_keeps_no_connection() -> None:
    with serving(answer(200, "<a/>")) as server:
        pooled = pool(server.url)
        ask(pooled, server.url)
        pooled.close()
        ask(pooled, server.url)
        ask(pooled, server.url)
        assert server.connections == 3


# Through a proxy -----------------------------------------------------------------------------------------------------


@contextmanager
def proxy(status: int = 200) -> Iterator[tuple[str, list[bytes]]]:
    """A proxy that takes CONNECT, and what it was asked."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            near, _ = listener.accept()
            with near:
                head = b""
                while b"\r\n\r\n" not in head:
                    head += near.recv(1000)
                asked.append(head)
                near.sendall(b"HTTP/1.1 %d Said\r\n\r\n" % status)
                if status != 200:
                    return
                host, _, port = head.split()[1].partition(b":")
                with socket.create_connection((host.decode(), int(port))) as far:
                    back = threading.Thread(target=pump, args=(far, near), daemon=True)
                    back.start()
                    pump(near, far)
                    back.join()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://us%40er:pass@127.0.0.1:{listener.getsockname()[1]}", asked
        thread.join(20)


def pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


@pytest.mark.parametrize("is_tls", [False, True], ids=["plain", "TLS"])
def test_a_proxy_is_asked_for_a_tunnel_and_told_who_asks_and_nothing_else(is_tls: bool, tmp_path: Path) -> None:
    files = prepare_tls(tmp_path, "localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    with (
        serving(answer(200, "<a/>"), tls=(lambda: context) if is_tls else None) as server,
        proxy() as (proxy_url, asked),
    ):
        pooled = pool(server.url, proxy_url=proxy_url, ca_file=str(files.ca))
        assert ask(pooled, server.url, Authorization="secret") == [200, "<a/>"]
        assert ask(pooled, server.url, Authorization="secret") == [200, "<a/>"]
        pooled.close()
        [head] = asked
        assert head.startswith(b"CONNECT 127.0.0.1:%d " % server.port)
    assert b64encode(b"us@er:pass") in head
    assert b"secret" not in head


def test_a_proxy_that_refuses_means_that_nothing_was_sent() -> None:
    with serving() as server, proxy(status=407) as (proxy_url, _):
        with pytest.raises(RequestNotSent) as refused:
            ask(pool(server.url, proxy_url=proxy_url), server.url)
        assert "pass" not in str(refused.value)
        assert server.connections == 0
