"""HTTP beyond the SDKs: invalid bytes, limits, pipelining, TLS, and the gateway's headers."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

import pytest
from raw_http import RawHttp, assert_in_the_gateways_shape, exchange, statuses

from braintree_twin.testing import Twin, start_twin

SALE = (
    b"<transaction><type>sale</type><amount>%d.%02d</amount><credit_card><number>4111111111111111</number>"
    b"<expiration_date>05/2030</expiration_date></credit_card></transaction>"
)


@pytest.fixture
def raw(twin: Twin) -> Iterator[RawHttp]:
    connection = RawHttp(twin)
    yield connection
    connection.close()


def _head(twin: Twin, raw: RawHttp, method: str = "POST", path: str = "/customers", **headers: str) -> bytes:
    named = {"Authorization": raw.keys, "Content-Type": "application/xml", **headers}
    lines = [f"{method} {raw.base}{path} HTTP/1.1", f"Host: {twin.host}"]
    lines += [f"{name.replace('_', '-')}: {text}" for name, text in named.items()]
    return "\r\n".join([*lines, "", ""]).encode()


NOT_HTTP = {
    "not http": b"hello\r\n\r\n",
    "binary": bytes(range(256)),
    "an unknown method": b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n",
    "an unknown version": b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
    "http/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a header without a name": b"GET / HTTP/1.1\r\n: x\r\n\r\n",
    "a space in a header's name": b"GET / HTTP/1.1\r\nHo st: x\r\n\r\n",
    "a length that is no number": b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
    "a negative length": b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    "an endless length": b"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "a length and chunks": b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a wrong chunk": b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n\r\n",
    "a null byte in a header": b"GET / HTTP/1.1\r\nHost: \x00\r\n\r\n",
    "a length beyond the limit": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n",
    "a header beyond the limit": b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
    "headers beyond the limit": b"GET / HTTP/1.1\r\n" + b"X-Filler: x\r\n" * 20_000 + b"\r\n",
    "a path beyond the limit": b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "an upgrade": b"GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
    "a tunnel": b"CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n",
}


@pytest.mark.parametrize("kind", NOT_HTTP)
def test_bytes_that_are_not_http_get_a_4xx_and_a_close(twin: Twin, raw: RawHttp, kind: str) -> None:
    (status,) = statuses(exchange(twin, NOT_HTTP[kind]))
    assert status in (400, 401, 413)
    assert raw.ask("GET", "/_twin/health").status == 200


def test_a_body_beyond_the_limit_is_refused_while_it_arrives(twin: Twin, raw: RawHttp) -> None:
    data = _head(twin, raw, Transfer_Encoding="chunked") + b"%x\r\n" % 9_000_000 + b" " * 9_000_000
    assert statuses(exchange(twin, data)) == [413]


def test_chunked_bodies_are_read(twin: Twin, raw: RawHttp) -> None:
    body = b"<customer><first-name>Ada</first-name></customer>"
    chunks = b"".join(b"%x\r\n%c\r\n" % (1, byte) for byte in body) + b"0\r\n\r\n"
    received = exchange(twin, _head(twin, raw, Transfer_Encoding="chunked", Connection="close") + chunks)
    assert statuses(received) == [201]
    assert b"<first-name>Ada</first-name>" in received


def test_pipelined_requests_are_answered_in_order(twin: Twin, raw: RawHttp) -> None:
    wanted = ("/customers/no", "/customers", "/customers/no", "/customers")
    parts = [_head(twin, raw, "GET" if path.endswith("no") else "POST", path) for path in wanted]
    parts.append(_head(twin, raw, "GET", "/customers/no", Connection="close"))
    posts = [part.replace(b"\r\n\r\n", b"\r\nContent-Length: 0\r\n\r\n") if b"POST" in part else part for part in parts]
    assert statuses(exchange(twin, b"".join(posts))) == [404, 201, 404, 201, 404]


def test_a_request_before_invalid_bytes_is_answered(twin: Twin, raw: RawHttp) -> None:
    received = exchange(twin, _head(twin, raw, "GET", "/customers/no") + b"rubbish\r\n\r\n")
    assert statuses(received) == [404, 400]


def test_expect_100_continue_is_answered(twin: Twin, raw: RawHttp) -> None:
    head = _head(twin, raw, Expect="100-continue", Content_Length="11", Connection="close")
    assert statuses(exchange(twin, head + b"<customer/>")) == [100, 201]


@pytest.mark.parametrize("method", ["HEAD", "PATCH", "OPTIONS", "TRACE", "DELETE", "PUT"])
def test_an_unknown_method_of_a_path_is_not_found(raw: RawHttp, method: str) -> None:
    reply = raw.ask(method, f"{raw.base}/transactions")
    assert (reply.status, reply.body) == (404, b"")
    assert raw.ask("GET", "/_twin/health").status == 200


@pytest.mark.parametrize(
    "authorization",
    [
        *(None, "", "Basic", "Basic ", "Basic !!!", "Basic \u00e9", "Bearer x", "Basic Og==", "Basic " + "A" * 9999),
        *("Basic dHdpbl9wdWJsaWNfa2V5Og==", "Digest x", "basic"),
    ],
)
def test_wrong_keys_are_401_whatever_the_path(raw: RawHttp, authorization: str | None) -> None:
    for path in ("/transactions/x", "/no/such/path", "/transactions"):
        assert raw.ask("GET", raw.base + path, Authorization=authorization).status == 401
        assert raw.ask("POST", raw.base + path, b"<x>", Authorization=authorization).status == 401


@pytest.mark.parametrize("path", ["/merchants/other/transactions", "/merchants//transactions", "/", "/merchants", "//"])
def test_another_merchants_path_is_401(raw: RawHttp, path: str) -> None:
    assert raw.ask("POST", path, b"<transaction/>").status == 401


@pytest.mark.parametrize(
    "path",
    ["/transactions/%00", "/transactions/%ff%fe", "/transactions/..%2f..", "/customers/%F0%9F%98%80", "/x?%ff=%00&a"],
)
def test_malformed_paths_are_not_found(raw: RawHttp, path: str) -> None:
    reply = raw.ask("GET", raw.base + path)
    assert (reply.status, reply.body) == (404, b"")


@pytest.mark.parametrize(
    ("version", "status"), [("6", 201), ("5", 201), (None, 201), ("0", 426), ("x", 426), ("", 426)]
)
def test_an_unknown_api_version_is_426(raw: RawHttp, version: str | None, status: int) -> None:
    reply = raw.ask("POST", f"{raw.base}/customers", b"<customer/>", X_ApiVersion=version)
    assert reply.status == status
    if status == 426:
        assert_in_the_gateways_shape(reply)


@pytest.mark.parametrize(
    ("accepted", "gzipped"),
    [
        *(("gzip", True), ("gzip, deflate", True), ("deflate, gzip;q=0.5", True), ("*", True), ("GZIP", True)),
        *((None, False), ("identity", False), ("gzip;q=0", False), ("deflate", False), ("", False)),
    ],
)
def test_answers_are_compressed_if_the_client_accepts_it(raw: RawHttp, accepted: str | None, gzipped: bool) -> None:
    if accepted is None:
        raw_headers: dict[str, str | None] = {"Accept_Encoding": "identity"}
    else:
        raw_headers = {"Accept_Encoding": accepted}
    reply = raw.ask("POST", f"{raw.base}/customers", b"<customer/>", **raw_headers)
    assert (reply.headers["Content-Encoding"] == "gzip") == gzipped
    assert reply.headers["Vary"] == "Accept-Encoding"
    assert reply.body.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n<customer>')


def test_answers_carry_the_headers_of_the_recorded_ones(raw: RawHttp) -> None:
    reply = raw.ask("POST", f"{raw.base}/customers", b"<customer/>")
    expected = {
        "Content-Type": "application/xml; charset=utf-8",
        "X-Frame-Options": "SAMEORIGIN",
        "X-Xss-Protection": "1; mode=block",
        "X-Content-Type-Options": "nosniff",
        "X-Authentication": "basic_auth",
        "Cache-Control": "max-age=0, private, must-revalidate",
        "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    }
    assert {name: reply.headers[name] for name in expected} == expected
    assert abs(parsedate_to_datetime(reply.headers["Date"]).timestamp() - time.time()) < 5
    missing = raw.ask("GET", f"{raw.base}/customers/no")
    assert (missing.status, missing.body, missing.headers["Cache-Control"]) == (404, b"", "no-cache")
    assert missing.headers["Content-Type"] == "application/xml; charset=utf-8"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_1_2_and_1_3_are_accepted(twin: Twin, version: ssl.TLSVersion) -> None:
    context = ssl.create_default_context(cafile=str(twin.ca_file))
    context.minimum_version = context.maximum_version = version
    with socket.create_connection((twin.host, twin.port), timeout=5) as plain:
        context.wrap_socket(plain, server_hostname=twin.host).close()


def test_old_tls_and_plain_http_are_refused(twin: Twin) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(str(twin.ca_file))
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with socket.create_connection((twin.host, twin.port), timeout=5) as plain, pytest.raises(OSError):  # noqa: PT011
        context.wrap_socket(plain, server_hostname=twin.host)
    with socket.create_connection((twin.host, twin.port), timeout=5) as plain:
        plain.sendall(b"GET /_twin/health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"HTTP/1.1 200" not in plain.recv(1000)


def test_a_request_that_arrives_too_slowly_is_closed() -> None:
    with start_twin(arguments=("--request-timeout", "1")) as twin:
        context = ssl.create_default_context(cafile=str(twin.ca_file))
        with (
            socket.create_connection((twin.host, twin.port), timeout=10) as plain,
            context.wrap_socket(plain, server_hostname=twin.host) as connection,
        ):
            enough = threading.Event()

            def dribble() -> None:
                connection.sendall(b"POST /merchants/x HTTP/1.1\r\n")
                while not enough.wait(0.02):
                    connection.sendall(b"X-A: b\r\n")

            slow = threading.Thread(target=dribble)
            slow.start()
            received = connection.recv(1000)
            enough.set()
            slow.join()
        assert statuses(received) == [408]


def test_an_idle_connection_is_closed_and_a_used_one_is_not() -> None:
    with start_twin(arguments=("--idle-timeout", "0.3")) as twin:
        context = ssl.create_default_context(cafile=str(twin.ca_file))
        with (
            socket.create_connection((twin.host, twin.port), timeout=10) as plain,
            context.wrap_socket(plain, server_hostname=twin.host) as connection,
        ):
            assert connection.recv(1000) == b""
        raw = RawHttp(twin)
        port = raw.local_port
        until = time.monotonic() + 0.6
        while time.monotonic() < until:
            assert raw.ask("GET", "/_twin/health").status == 200
        assert raw.local_port == port
        raw.close()


def test_many_silent_clients_do_not_delay_others(twin: Twin, raw: RawHttp) -> None:
    silent = [socket.create_connection((twin.host, twin.port), timeout=5) for _ in range(100)]
    reply = raw.ask("POST", f"{raw.base}/transactions", SALE % (812, 33))
    assert reply.status == 201
    for each in silent:
        each.close()
