"""Unauthenticated bytes on the HTTP port cost little, delay no other request, and are not logged."""

from __future__ import annotations

import asyncio
import gzip
import logging
import socket
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import pytest

from adapters.http import connections
from adapters.http.connections import MOST_CONNECTIONS, MOST_OF_ONE_ADDRESS
from adapters.http.server import MAX_AT_ONCE, HttpHandlers, HttpServer
from adapters.http.worker_pool_status import WorkerPoolStatus
from application.gateway_webhooks.receive_gateway_webhook import Received
from application.ports.gateway_webhooks import ForgedGatewayWebhook

SECRET = "byr-very-secret"
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"
POST = b"POST /webhooks/braintree HTTP/1.1\r\nHost: bayar\r\n" + FORM
GENUINE = b"bt_signature=good&bt_payload=x"


@dataclass(slots=True)
class House:
    """An HTTP side without a database behind it."""

    address: tuple[str, int] = ("", 0)
    # While it is not set, whatever is stored waits.
    may_store: threading.Event = field(default_factory=threading.Event)
    asked: int = 0

    def receive(self, signature: str, payload: str) -> Received:
        if signature != "good":
            raise ForgedGatewayWebhook
        assert self.may_store.wait(30)
        return Received(kind="check", is_new=True)

    def check_database(self) -> None:
        self.asked += 1
        time.sleep(0.001)  # as a database takes a moment

    def connect(self) -> socket.socket:
        return socket.create_connection(self.address, timeout=20)

    def ask(self, request: bytes) -> bytes:
        """Everything that is answered until the server closes."""
        with self.connect() as connection:
            connection.sendall(request)
            return rest(connection)

    def get(self, path: str) -> bytes:
        return self.ask(f"GET {path} HTTP/1.1\r\nHost: bayar\r\nConnection: close\r\n\r\n".encode())

    def post(self, body: bytes, *more: bytes, path: bytes = b"/webhooks/braintree") -> bytes:
        head = b"POST %b HTTP/1.1\r\nHost: bayar\r\nConnection: close\r\n%bContent-Length: %d\r\n%b\r\n"
        return self.ask(head % (path, FORM, len(body), b"".join(more)) + body)


def rest(connection: socket.socket) -> bytes:
    answer = b""
    try:
        while chunk := connection.recv(65536):
            answer += chunk
    except ConnectionResetError:
        pass
    return answer


def status(answer: bytes) -> int:
    return int(answer.split()[1]) if answer else 0


@contextmanager
def serving() -> Iterator[House]:
    house = House()
    house.may_store.set()

    def challenge(_: str) -> str:
        raise ForgedGatewayWebhook

    handlers = HttpHandlers(
        house.receive,
        challenge,
        check_database=house.check_database,
        scrape=lambda _: (b"up 1\n", "text/plain"),
        count_received=lambda _kind, _outcome: None,
        worker_pool=WorkerPoolStatus(),
    )
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = HttpServer(handlers)
    try:
        summary = asyncio.run_coroutine_threadsafe(server.start("127.0.0.1:0"), loop).result(10)
        house.address = "127.0.0.1", int(summary.rpartition(":")[2])
        yield house
    finally:
        house.may_store.set()
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture
def house(caplog: pytest.LogCaptureFixture) -> Iterator[House]:
    with caplog.at_level(logging.DEBUG), serving() as house:
        yield house
        assert status(house.get("/healthz")) == 200, "everybody else is served"
        assert status(house.post(GENUINE)) == 200
    assert SECRET not in caplog.text
    assert "Traceback" not in caplog.text
    assert not [one for one in caplog.records if one.levelno > logging.WARNING]


@pytest.mark.parametrize(
    "encoding", ["gzip", "deflate", "br", "zstd", "GZIP", "x-gzip", "gzip, gzip", "identity, gzip", "?"]
)
@pytest.mark.parametrize(
    ("path", "expected"), [("/webhooks/braintree", 415), ("/healthz", 405), ("/readyz", 405), ("/anything", 404)]
)
def test_a_compressed_body_is_refused_by_its_head_and_never_inflated(
    house: House, encoding: str, path: str, expected: int
) -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: b\r\nContent-Encoding: {encoding}\r\nContent-Length: 1000000\r\n".encode()
    with house.connect() as connection:
        connection.sendall(head + FORM + b"\r\n")
        assert status(connection.recv(65536)) == expected, "nothing of the body was sent yet"


def test_bombs_cost_nothing(house: House) -> None:
    bomb = gzip.compress(b"\0" * (100 * 2**20), 1)
    raw = zlib.compress(b"\0" * (100 * 2**20), 1)
    started = time.process_time()
    for body, encoding in ((bomb, b"gzip"), (raw, b"deflate")):
        for path in (b"/webhooks/braintree", b"/", b"/healthz"):
            assert status(house.post(body, b"Content-Encoding: %b\r\n" % encoding, path=path)) in (404, 405, 415)
        chunked = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        for coding in (b"chunked", b"gzip, chunked"):
            head = b"%bContent-Encoding: %b\r\nTransfer-Encoding: %b\r\n\r\n" % (POST, encoding, coding)
            assert status(house.ask(head + chunked)) in (400, 415)
    assert status(house.get("/healthz")) == 200
    assert time.process_time() - started < 1, "to inflate all of them takes some seconds"


@pytest.mark.parametrize(
    "request_text",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + SECRET.encode(),
        b"GET /" + SECRET.encode() + b" HTTP/9.9\r\n\r\n",
        SECRET.encode() + b" / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: b\r\n" + SECRET.encode() + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: b\r\nX: " + SECRET.encode() + b"\0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: b\r\nX: " + SECRET.encode() * 1000 + b"\r\n\r\n",
        b"GET /?" + SECRET.encode() * 1000 + b" HTTP/1.1\r\nHost: b\r\n\r\n",
        b"GET http://[" + SECRET.encode() + b" HTTP/1.1\r\nHost: b\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: b\r\nContent-Length: " + SECRET.encode() + b"\r\n\r\n",
        POST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /webhooks/braintree HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\n"
        + FORM
        + b"\r\n"
        + SECRET.encode(),
        b"GET /readyz?" + SECRET.encode() + b" HTTP/1.1\r\nHost: b\r\nUpgrade: websocket\r\nConnection: close\r\n\r\n",
        b"GET /" + SECRET.encode() + b" HTTP/1.1\r\nHost: b\r\nAccept: text/html\r\n\r\n",
        b"PUT /healthz HTTP/1.1\r\nHost: b\r\n\r\n",
        b"CONNECT " + SECRET.encode() + b":443 HTTP/1.1\r\nHost: b\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
        b"\r\n" * 5000,
    ],
)
def test_no_answer_reveals_the_server_or_the_request(house: House, request_text: bytes) -> None:
    with house.connect() as connection:
        connection.sendall(request_text)
        connection.shutdown(socket.SHUT_WR)
        answer = rest(connection)
    head, _, body = answer.partition(b"\r\n\r\n")
    for word in (b"server:", b"aiohttp", b"python", SECRET.encode(), b"traceback", b"via:", b"x-powered"):
        assert word not in answer.lower()
    assert body in (b"", b"ok\n"), "a page of an error tells what made it"
    assert not answer or status(head) < 500


def test_malformed_requests_are_logged_in_one_line(house: House, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(50):
        assert status(house.ask(b"no http at all\r\n\r\n")) == 400
    assert [one.getMessage() for one in caplog.records if one.levelno == logging.WARNING] == [
        "1 requests to the HTTP side were no HTTP"
    ]


def test_heads_that_do_not_end_take_no_place_from_anybody(house: House, caplog: pytest.LogCaptureFixture) -> None:
    with ExitStack() as stack:
        half = [stack.enter_context(house.connect()) for _ in range(MOST_CONNECTIONS + 50)]
        for connection in half:
            try:
                connection.sendall(b"GET /readyz HTTP/1.1\r\nHost: b\r\nX-")
            except OSError:
                continue  # closed already
        for path in ("/healthz", "/readyz", "/metrics"):
            assert status(house.get(path)) == 200
        assert status(house.post(GENUINE)) == 200
        assert sum(map(_is_open, half)) <= MOST_OF_ONE_ADDRESS
    assert len([one for one in caplog.records if one.levelno == logging.WARNING]) == 1


def _is_open(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return connection.recv(1) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


@pytest.mark.parametrize("drips", [False, True], ids=["silent", "dripping"])
def test_a_head_has_some_seconds_to_end(drips: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.6)
    with serving() as house:
        after_answer = stays_open(house, b"GET /healthz HTTP/1.1\r\nHost: b\r\n\r\n", b"")
        assert 0.4 < stays_open(house, b"GET /healthz HTTP/1.1\r\n", b"X: y\r\n" if drips else b"") < 3
        assert 0.4 < stays_open(house, b"", b"") < 3
        assert 0.4 < after_answer < 3


def stays_open(house: House, begins: bytes, goes_on: bytes) -> float:
    """For how many seconds a connection is open that begins so, and goes on sending."""
    with house.connect() as connection:
        started = time.monotonic()
        connection.sendall(begins)
        connection.settimeout(0.1)
        while time.monotonic() - started < 20:
            try:
                connection.sendall(goes_on)
                if not connection.recv(65536):
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        return time.monotonic() - started


def test_slow_bodies_keep_neither_health_nor_webhooks_from_being_served(house: House) -> None:
    head = POST + b"Content-Length: 500000\r\n\r\nbt_signature="
    with ExitStack() as stack:
        for _ in range(MOST_OF_ONE_ADDRESS):
            stack.enter_context(house.connect()).sendall(head)
        started = time.monotonic()
        for path in ("/healthz", "/readyz", "/metrics"):
            assert status(house.get(path)) == 200
        assert status(house.post(GENUINE)) == 200
        assert time.monotonic() - started < 3


def test_a_body_has_some_seconds_to_come(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.http.server._BODY_SECONDS", 0.3)
    with house.connect() as connection:
        connection.sendall(POST + b"Content-Length: 9\r\n\r\nb")
        assert status(rest(connection)) == 408


def test_webhooks_that_are_stored_slowly_keep_health_from_nothing(house: House) -> None:
    house.may_store.clear()
    request = POST + b"Content-Length: %d\r\n\r\n%b" % (len(GENUINE), GENUINE)
    with ExitStack() as stack:
        waiting = [stack.enter_context(house.connect()) for _ in range(MOST_OF_ONE_ADDRESS - 10)]
        for connection in waiting:
            connection.sendall(request)
        for path in ("/healthz", "/readyz", "/metrics"):
            assert status(house.get(path)) == 200
        house.may_store.set()
        summary = [status(connection.recv(65536)) for connection in waiting]
    assert set(summary) == {200, 503}
    assert summary.count(200) >= MAX_AT_ONCE


def test_many_who_ask_at_once_ask_the_database_once(house: House) -> None:
    many = b"GET /readyz HTTP/1.1\r\nHost: b\r\n\r\n" * 20
    with ExitStack() as stack:
        askers = [stack.enter_context(house.connect()) for _ in range(50)]
        for asker in askers:
            asker.sendall(many + b"GET /readyz HTTP/1.0\r\n\r\n")
        answers = [rest(asker) for asker in askers]
    assert sum(answer.count(b" 200 OK") for answer in answers) == 50 * 21
    assert house.asked < 50 * 21 / 4


def test_a_peer_that_reads_no_answers_takes_no_place_from_anybody(house: House) -> None:
    with ExitStack() as stack:
        for _ in range(MOST_OF_ONE_ADDRESS):
            deaf = socket.socket()
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
            deaf.connect(house.address)
            stack.enter_context(deaf).sendall(b"GET /metrics HTTP/1.1\r\nHost: b\r\n\r\n" * 30)
        for path in ("/healthz", "/readyz", "/metrics"):
            assert status(house.get(path)) == 200
