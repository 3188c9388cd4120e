"""Peers without credentials or with malformed requests get a clear refusal, no log line, and delay no other caller."""

from __future__ import annotations

import http.client
import re
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.adapters.grpc import raw_http2 as http2
from tests.adapters.grpc.raw_http2 import Connection, frame, message
from tests.api_keys import TEST_KEY
from tests.end_to_end.service import Pair

UNAUTHENTICATED, UNIMPLEMENTED = 16, 12
SECRET = b"byr-very-secret-0123456789"
LIST = "/bayar.payments.v1.PaymentService/ListPayments"
WATCH = "/bayar.payments.v1.EventService/StreamEvents"
ADMIN = "/bayar.payments.v1.AdminService/ListUnresolvedOperations"

KEY = TEST_KEY.encode()
AUTHORIZATIONS = {
    "not UTF-8": b"Bearer " + SECRET + b"\xa0",
    "bytes alone": b"\xff\xfe" + SECRET,
    "a good key and a byte": b"Bearer " + KEY + b"\xa0",
    "a good key in Latin-1": b"Bearer\xa0" + KEY,
    "a key's beginning": b"Bearer byr_" + SECRET,
    "a key with a strange id": b"Bearer byr_key_\xc3\xa9" + SECRET + b"_" + SECRET,
    "an empty one": b"",
    "a scheme alone": b"Bearer",
    "another scheme": b"Basic " + SECRET,
    "a token": b"Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0." + SECRET,
    "a token of no text": b"Bearer \xf0\x9f\x92\xa9.\xf0." + SECRET,
    "a long one": b"Bearer " + SECRET * 300,
    "surrogates": b"Bearer \xed\xa0\x80" + SECRET,
    "an overlong NUL": b"Bearer \xc0\x80" + SECRET,
    "spaces": b"Bearer   " + SECRET + b"   ",
    "two with a comma": b"Bearer " + SECRET + b", Bearer " + SECRET,
}
OTHER_METADATA = {
    "accept-language": b"\xff" + SECRET,
    "user-agent": b"\xa0" + SECRET,
    "x-secret": b"\xff\xfe\xfd" + SECRET,
    "x-secret-bin": b"!not base64!" + SECRET,
    "grpc-timeout": SECRET,
    "grpc-previous-rpc-attempts": SECRET,
    "grpc-trace-bin": SECRET,
    "grpc-tags-bin": b"\xff" + SECRET,
    "cookie": b"session=" + SECRET + b"\xa0",
    "content-type": b"text/" + SECRET,
    "grpc-encoding": SECRET,
    "grpc-accept-encoding": SECRET,
    "te": SECRET,
    ":authority": SECRET + b"\xff",
    ":path": b"/bayar.payments.v1." + SECRET + b"/\xff",
    "host": SECRET,
    "grpc-status-details-bin": SECRET,
    "traceparent": SECRET,
    "lb-token": SECRET,
    "lb-cost-bin": SECRET,
}

OF_THE_PROTOCOL = {":path", "grpc-timeout", "grpc-previous-rpc-attempts", "grpc-encoding", "te"} | {
    name for name in OTHER_METADATA if name.endswith("-bin")
}


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    # Independent of the log settings.
    return {"BAYAR_LOG_LEVEL": "debug", "GRPC_VERBOSITY": "debug", "GRPC_TRACE": "all", "PYTHONASYNCIODEBUG": "1"}


@pytest.fixture(autouse=True)
def _nothing_of_it_is_logged(pair: Pair) -> Iterator[None]:
    yield
    log = pair.service.log_path.read_bytes()
    # Also not in pieces, as escaped bytes, or with the good key in it.
    assert SECRET[:20] not in log
    assert SECRET[:20].hex().encode() not in log
    assert KEY[-20:] not in log
    assert b"incident" not in log
    assert b"Traceback" not in log, log.decode()[-6000:]


def literal(name: str, value: bytes) -> bytes:
    """A header field of any bytes."""
    length = len(value)
    if length < 127:
        return b"\0" + bytes([len(name)]) + name.encode() + bytes([length]) + value
    encoded, left = bytearray([127]), length - 127
    while left >= 128:
        encoded.append(left % 128 + 128)
        left //= 128
    encoded.append(left)
    return b"\0" + bytes([len(name)]) + name.encode() + bytes(encoded) + value


def ask(pair: Pair, *fields: tuple[str, bytes], path: str = LIST) -> int | None:
    """The grpc-status of a call with these header fields, None where the connection was cut."""
    replaced = {name for name, _ in fields}
    usual = [(":method", b"POST"), (":scheme", b"http"), (":path", path.encode()), (":authority", b"bayar")]
    usual += [("te", b"trailers"), ("content-type", b"application/grpc")]
    # Those of HTTP/2 itself stand first.
    both = sorted([*(one for one in usual if one[0] not in replaced), *fields], key=lambda one: one[0][0] != ":")
    head = b"".join(literal(name, value) for name, value in both)
    with Connection.to(pair.service.address) as connection:
        connection.send(frame(http2.HEADERS, http2.END_HEADERS, 1, head))
        connection.send(frame(http2.DATA, http2.END_STREAM, 1, message(b"")))
        connection.read_until(lambda: b"grpc-status" in connection.received or _is_reset(connection), 5)
        connection.read(0.05)
        found = re.search(rb"grpc-status(.)(\d+)", connection.received, re.DOTALL)
        return int(found[2][: found[1][0]]) if found else None


def _is_reset(connection: Connection) -> bool:
    return any(kind in (http2.RST_STREAM, http2.GOAWAY) for kind, *_ in connection.frames())


@pytest.mark.parametrize("authorization", AUTHORIZATIONS.values(), ids=AUTHORIZATIONS)
def test_a_malformed_credential_is_unauthenticated(pair: Pair, authorization: bytes) -> None:
    for path in (LIST, WATCH, ADMIN):
        assert ask(pair, ("authorization", authorization), path=path) == UNAUTHENTICATED
    assert ask(pair, ("authorization", authorization), ("authorization", authorization)) == UNAUTHENTICATED


@pytest.mark.parametrize("name", OTHER_METADATA)
def test_metadata_of_any_bytes_is_no_fault_and_never_logged(pair: Pair, name: str) -> None:
    if name in OF_THE_PROTOCOL:
        # The core cannot read it and answers by itself, with a code of its own choice.
        assert ask(pair, (name, OTHER_METADATA[name])) in (2, 13)
    else:
        assert ask(pair, (name, OTHER_METADATA[name])) in (UNAUTHENTICATED, UNIMPLEMENTED, None)
    ask(pair, (name, OTHER_METADATA[name]), ("authorization", b"Bearer " + KEY))
    ask(pair, (name, OTHER_METADATA[name]), path="/grpc.health.v1.Health/Check")


def test_a_path_of_any_bytes_does_not_end_the_server(pair: Pair) -> None:
    own = b"/bayar.payments.v1.PaymentService/"
    for path in (b"\xff", b"/\xff/\xfe", own + b"\xa0", own + b"\xed\xa0\x80", b"/", b"x" * 9000):
        ask(pair, (":path", path))
    assert pair.service.client().list_payments() is not None


def test_the_same_nonsense_again_and_again_is_one_line_of_the_log(pair: Pair) -> None:
    for _ in range(20):
        ask(pair, ("x-secret", b"\xff" + SECRET))
    lines = [line for line in pair.service.log.splitlines() if " grpc." in line]
    assert 1 <= len(lines) <= 3


def test_nothing_of_an_http_request_is_logged_either(pair: Pair) -> None:
    where = urlsplit(pair.service.http_url)
    for path in ("/webhooks/braintree?bt_challenge=", "/readyz?x=", "/"):
        connection = http.client.HTTPConnection(where.netloc, timeout=10)
        connection.request("GET", path + SECRET.decode(), headers={"Authorization": SECRET.decode()})
        answer = connection.getresponse()
        assert SECRET not in answer.read()
        assert answer.getheader("Server") is None
        connection.close()
    for text in (SECRET, b"GET /" + SECRET + b" HTTP/7\r\n\r\n", b"GET / HTTP/1.1\r\n" + SECRET + b"\xff\r\n\r\n"):
        with socket.create_connection((where.hostname, where.port), timeout=10) as raw:
            raw.sendall(text + b"\r\n\r\n")
            assert b" 400 " in raw.recv(65536)
