"""Connections go on with the session of an earlier one, and verify no less for it."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.braintree.transport import connection_pool as transport
from adapters.braintree.transport import tls
from adapters.braintree.transport.connection import RequestNotSent
from adapters.braintree.transport.connection_pool import PooledTransport
from adapters.braintree.transport.tls import Handshakes, ResumingContext
from braintree_twin.server.tls import TlsFiles, prepare_tls
from braintree_twin.testing import start_twin
from tests.adapters.braintree.server import answer_and_close, raw_and_close, serving

BYE = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

NewContext = Callable[[], ssl.SSLContext]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> TlsFiles:
    return prepare_tls(tmp_path_factory.mktemp("tls"), "localhost")


@pytest.fixture(params=[ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["TLS 1.2", "TLS 1.3"])
def new_context(request: pytest.FixtureRequest, files: TlsFiles) -> NewContext:
    """A server that speaks this version only, and remembers no session of another one."""

    def make() -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = context.maximum_version = request.param
        context.load_cert_chain(files.certificate, files.key)
        return context

    return make


def connect(url: str, files: TlsFiles) -> PooledTransport:
    return PooledTransport(
        url, ca_file=str(files.ca), connect_timeout_seconds=5, read_timeout_seconds=5, max_connections=4
    )


def ask(pooled: PooledTransport, url: str) -> int | str:
    return pooled.http_do("GET", f"{url}/", {}, None)[0]


def test_the_next_connection_goes_on_with_the_session_of_the_last(files: TlsFiles, new_context: NewContext) -> None:
    context = new_context()
    with serving(answer_and_close(200, "<a/>"), tls=lambda: context) as server:
        pooled = connect(server.url, files)
        for _ in range(4):
            server.closed.clear()
            assert ask(pooled, server.url) == 200
            assert server.closed.wait(5)
        assert server.resumed == [False, True, True, True]
        assert pooled.handshakes == Handshakes(full=1, resumed=3)


def test_a_server_that_forgot_the_session_makes_a_full_handshake(files: TlsFiles, new_context: NewContext) -> None:
    with serving(raw_and_close(BYE), tls=new_context) as server:
        pooled = connect(server.url, files)
        for _ in range(3):
            assert ask(pooled, server.url) == 200
        assert server.resumed == [False, False, False]
        assert pooled.handshakes == Handshakes(full=3)


def test_a_server_that_grants_no_session_is_answered_all_the_same(files: TlsFiles, new_context: NewContext) -> None:
    context = new_context()
    context.options |= ssl.OP_NO_TICKET
    context.num_tickets = 0
    with serving(raw_and_close(BYE), tls=lambda: context) as server:
        pooled = connect(server.url, files)
        assert [ask(pooled, server.url) for _ in range(3)] == [200, 200, 200]


def test_after_a_handshake_that_failed_the_next_one_offers_no_session(files: TlsFiles, new_context: NewContext) -> None:
    context = new_context()
    hangs_up = iter([False, True, False])

    def maybe_hang_up(_server: object, connection: socket.socket) -> None:
        if next(hangs_up):
            connection.close()
            raise ConnectionAbortedError

    with serving(raw_and_close(BYE), on_accept=maybe_hang_up, tls=lambda: context) as server:
        pooled = connect(server.url, files)
        assert ask(pooled, server.url) == 200
        with pytest.raises(RequestNotSent):
            ask(pooled, server.url)
        assert ask(pooled, server.url) == 200
        assert server.resumed == [False, False]


def test_a_certificate_is_looked_at_again_after_a_while(
    files: TlsFiles, new_context: NewContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = new_context()
    with serving(raw_and_close(BYE), tls=lambda: context) as server:
        pooled = connect(server.url, files)
        for _ in range(3):
            ask(pooled, server.url)
        # The tickets are young. What they go back to is not.
        monkeypatch.setattr(tls, "MAX_SESSION_SECONDS", -1.0)
        ask(pooled, server.url)
        assert server.resumed == [False, True, True, False]


def handshake(context: ResumingContext, port: int, name: str) -> bool:
    """Whether it went on with an earlier session."""
    with (
        socket.create_connection(("127.0.0.1", port)) as plain,
        context.wrap_socket(plain, server_hostname=name) as wrapped,
    ):
        wrapped.sendall(b"GET / HTTP/1.1\r\n\r\n")
        wrapped.recv(1000)
        assert isinstance(wrapped, tls.TlsSocket)
        context.keep_session(wrapped)
        return bool(wrapped.session_reused)


def test_a_session_is_offered_to_no_other_name_and_saves_no_other_name_from_being_verified(
    files: TlsFiles, new_context: NewContext
) -> None:
    context = new_context()
    ours = ResumingContext(str(files.ca))
    with serving(raw_and_close(BYE), tls=lambda: context) as server:
        assert not handshake(ours, server.port, "localhost")
        assert handshake(ours, server.port, "localhost")
        assert not handshake(ours, server.port, "127.0.0.1")
        assert handshake(ours, server.port, "127.0.0.1")
        with pytest.raises(ssl.SSLCertVerificationError, match=r"not valid for 'evil\.invalid'"):
            handshake(ours, server.port, "evil.invalid")


def test_an_untrusted_certificate_is_refused(new_context: NewContext, tmp_path: Path) -> None:
    others = prepare_tls(tmp_path, "localhost")
    with serving(raw_and_close(BYE), tls=new_context) as server:
        for ca_file in (str(others.ca), None):
            pooled = PooledTransport(
                server.url, ca_file=ca_file, connect_timeout_seconds=5, read_timeout_seconds=5, max_connections=1
            )
            with pytest.raises(RequestNotSent, match="certificate verify failed"):
                ask(pooled, server.url)
        assert server.received == []


def test_older_tls_than_1_2_is_not_spoken(files: TlsFiles) -> None:
    assert ResumingContext(str(files.ca)).minimum_version >= ssl.TLSVersion.TLSv1_2
    assert ResumingContext(str(files.ca)).check_hostname
    assert ResumingContext(str(files.ca)).verify_mode is ssl.CERT_REQUIRED


def test_the_twin_resumes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "MAX_IDLE_SECONDS", 0.0)
    with start_twin(tmp_path) as twin:
        pooled = PooledTransport(
            twin.url, ca_file=str(twin.ca_file), connect_timeout_seconds=5, read_timeout_seconds=5, max_connections=1
        )
        for _ in range(5):
            assert ask(pooled, twin.url) == 401
    assert pooled.handshakes == Handshakes(full=1, resumed=4)
