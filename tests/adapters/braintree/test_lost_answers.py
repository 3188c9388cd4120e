"""Every way in which an answer can fail to come, on a real socket."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from adapters.braintree.gateway import BraintreeAdapter
from adapters.braintree.transport import connection
from adapters.braintree.transport import connection_pool as transport
from application.ports.gateway import (
    Approved,
    GatewayNotReached,
    GatewayRefusedCredentials,
    GatewayUnavailable,
    Outcome,
    Rejected,
    Unknown,
)
from tests.adapters.braintree import documents
from tests.adapters.braintree.asking import (
    ADJUST,
    CAPTURE,
    CARD_NUMBER,
    CVV,
    PART,
    PRIVATE_KEY,
    REFUND,
    VOID,
    adapter,
    authorization,
    new_method,
)
from tests.adapters.braintree.server import (
    Act,
    answer,
    answer_and_close,
    drip,
    hang,
    raw,
    raw_and_close,
    refusing,
    reset,
    serving,
    truncated,
)
from tests.fakes.runtime import HELD

Move = Callable[[BraintreeAdapter], object]

MOVES: dict[str, Move] = {
    "authorize": lambda gateway: gateway.authorize(authorization(), HELD),
    "capture": lambda gateway: gateway.capture(CAPTURE, HELD),
    "capture in part": lambda gateway: gateway.capture(PART, HELD),
    "adjust": lambda gateway: gateway.adjust(ADJUST, HELD),
    "void": lambda gateway: gateway.void(VOID, HELD),
    "refund": lambda gateway: gateway.refund(REFUND, HELD),
    "store": lambda gateway: gateway.store_method(new_method(), HELD),
}
QUESTIONS: dict[str, Move] = {
    "find": lambda gateway: gateway.find_transaction("tx1"),
    "find many": lambda gateway: gateway.find_transactions(["tx1"]),
    "find by operation": lambda gateway: gateway.find_by_operation(authorization().operation_id),
    "find method": lambda gateway: gateway.find_method("pm_1"),
    "delete method": lambda gateway: gateway.delete_method("pm_1", HELD),
    "client token": lambda gateway: gateway.create_client_token(None, ""),
}
# A deletion has no answer that could be unreadable.
READING_QUESTIONS = {name: question for name, question in QUESTIONS.items() if name != "delete method"}

TRANSACTION = documents.transaction()
BROKEN: dict[str, Act] = {
    "reset after reading": reset,
    "closed without a word": raw_and_close(b""),
    "half a status line": raw_and_close(b"HTTP/1."),
    "not HTTP": raw_and_close(b"220 smtp.example.com ESMTP\r\n\r\n"),
    "truncated body": truncated(200, TRANSACTION),
    "truncated XML": answer(200, TRANSACTION[:-20]),
    "garbage instead of XML": answer(200, "<html><body>Bad gateway"),
    "XML of something else": answer(200, "<html><body>Welcome</body></html>"),
    "no gzip although it says so": raw(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\n<xml>"),
    "no UTF-8": raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n<a>\xff\xfe</a>"),
    "a length that is none": raw_and_close(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"),
    "a broken chunk": raw_and_close(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n<transaction>"),
    "redirect": raw(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n"),
    "empty 200": answer(200),
    "400": answer(400),
    "408": answer(408),
    "429": answer(429),
    "500": answer(500, "<html>Oops</html>"),
    "502": answer(502),
    "503": answer(503),
    "504": answer(504),
}


@pytest.mark.parametrize("move", MOVES.values(), ids=MOVES.keys())
@pytest.mark.parametrize("act", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_answer_to_a_call_that_moves_money_leaves_its_outcome_unknown(act: Act, move: Move) -> None:
    with serving(act) as server:
        assert isinstance(move(adapter(server.url)), Unknown)
        assert len(server.received) == 1, "nothing is sent twice"


@pytest.mark.parametrize("question", READING_QUESTIONS.values(), ids=READING_QUESTIONS.keys())
@pytest.mark.parametrize("act", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_answer_to_a_question_is_no_answer(act: Act, question: Move) -> None:
    with serving(act) as server, pytest.raises(GatewayUnavailable) as raised:
        question(adapter(server.url))
    assert not isinstance(raised.value, GatewayNotReached)


@pytest.mark.parametrize("move", [*MOVES.values(), *QUESTIONS.values()], ids=[*MOVES, *QUESTIONS])
def test_where_nobody_listens_nothing_was_sent(move: Move) -> None:
    with refusing() as url, pytest.raises(GatewayNotReached):
        move(adapter(url))


@pytest.mark.parametrize("move", MOVES.values(), ids=MOVES.keys())
def test_a_name_that_resolves_to_nothing_means_that_nothing_was_sent(move: Move) -> None:
    with pytest.raises(GatewayNotReached):
        move(adapter("http://nobody.invalid:8443"))


@pytest.mark.parametrize("move", MOVES.values(), ids=MOVES.keys())
def test_a_tls_handshake_that_fails_means_that_nothing_was_sent(move: Move) -> None:
    speaks_no_tls = raw_and_close(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    with serving(on_accept=speaks_no_tls) as server, pytest.raises(GatewayNotReached):
        move(adapter(f"https://127.0.0.1:{server.port}"))


def test_a_connection_reset_before_the_request_is_read_is_not_taken_for_unsent() -> None:
    with serving(on_accept=reset) as server:
        gateway = adapter(server.url)
        try:
            outcome: Outcome | None = gateway.authorize(authorization(), HELD)
        except GatewayNotReached:
            outcome = None  # the reset came before the connection stood
        assert outcome is None or isinstance(outcome, Unknown)


def test_a_silence_longer_than_the_read_timeout_leaves_the_outcome_unknown() -> None:
    with serving(hang) as server:
        outcome = adapter(server.url, read_timeout_seconds=0.1).authorize(authorization(), HELD)
    assert outcome == Unknown("no answer in time")


def test_an_answer_that_never_ends_is_given_up() -> None:
    with serving(drip) as server:
        outcome = adapter(server.url, read_timeout_seconds=0.2).authorize(authorization(), HELD)
    assert outcome == Unknown("the answer arrives too slowly")


def test_an_answer_without_end_in_size_is_given_up_and_frees_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "MAX_ANSWER_BYTES", 1000)
    with serving(answer(200, "<a>" + "x" * 100_000 + "</a>", compressed=False)) as server:
        gateway = adapter(server.url, max_connections=1, connect_timeout_seconds=0.5)
        for _ in range(3):
            assert gateway.authorize(authorization(), HELD) == Unknown("the answer is too large")


def test_with_every_connection_busy_nothing_was_sent() -> None:
    with serving(hang) as server:
        gateway = adapter(server.url, max_connections=1, connect_timeout_seconds=0.2, read_timeout_seconds=5)
        first = threading.Thread(target=gateway.authorize, args=(authorization(), HELD))
        first.start()
        assert server.arrived.wait(5)
        with pytest.raises(GatewayNotReached):
            gateway.authorize(authorization(), HELD)
        assert len(server.received) == 1
    first.join()


def test_a_connection_is_used_again() -> None:
    with serving(answer(200, TRANSACTION)) as server:
        gateway = adapter(server.url)
        for _ in range(5):
            gateway.find_transaction("tx1")
        assert server.connections == 1


def test_a_connection_closed_while_idle_is_not_used_again() -> None:
    with serving(answer_and_close(200, TRANSACTION), answer(201, TRANSACTION)) as server:
        gateway = adapter(server.url)
        gateway.find_transaction("tx1")
        assert server.closed.wait(5)
        assert isinstance(gateway.authorize(authorization(), HELD), Approved)
        assert server.connections == 2


def test_a_connection_idle_for_long_is_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "MAX_IDLE_SECONDS", 0.0)
    with serving(answer(200, TRANSACTION)) as server:
        gateway = adapter(server.url)
        gateway.find_transaction("tx1")
        gateway.find_transaction("tx1")
        assert server.connections == 2


def test_threads_share_the_pool_and_each_gets_its_own_answer() -> None:
    with serving(answer(200, TRANSACTION)) as server:
        gateway = adapter(server.url, max_connections=4)
        found: list[object] = []
        threads = [
            threading.Thread(target=lambda: found.extend(gateway.find_transaction("tx1") for _ in range(5)))
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(found) == 40
        assert None not in found
        assert server.connections <= 4


def test_a_failed_call_does_not_use_up_a_connection_of_the_pool() -> None:
    with serving(*BROKEN.values(), answer(201, TRANSACTION)) as server:
        gateway = adapter(server.url, max_connections=1, connect_timeout_seconds=0.5)
        for _ in BROKEN:
            assert isinstance(gateway.authorize(authorization(), HELD), Unknown)
        assert isinstance(gateway.authorize(authorization(), HELD), Approved)


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"])
def test_proxy_variables_do_not_lead_the_connection_astray(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with refusing() as nowhere, serving(answer(201, TRANSACTION)) as server:
        monkeypatch.setenv(name, nowhere)
        assert isinstance(adapter(server.url).authorize(authorization(), HELD), Approved)


@pytest.mark.parametrize("status", [401, 403, 426])
@pytest.mark.parametrize("move", [*MOVES.values(), *QUESTIONS.values()], ids=[*MOVES, *QUESTIONS])
def test_refused_credentials_have_no_effect_and_are_reported_once(
    move: Move, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    with serving(answer(status)) as server:
        gateway = adapter(server.url)
        for _ in range(2):
            with pytest.raises(GatewayRefusedCredentials):
                move(gateway)
    assert [record.levelname for record in caplog.records if "credentials" in record.message] == ["ERROR"]


@pytest.mark.parametrize("name", ["capture", "capture in part", "void", "refund"])
def test_a_transaction_that_the_gateway_does_not_know_cannot_be_acted_on(name: str) -> None:
    with serving(answer(404)) as server:
        assert isinstance(MOVES[name](adapter(server.url)), Rejected)


def test_an_unknown_transaction_is_absent_and_no_error() -> None:
    with serving(answer(404)) as server:
        gateway = adapter(server.url)
        assert gateway.find_transaction("tx1") is None
        assert gateway.find_method("pm_1") is None
        gateway.delete_method("pm_1", HELD)


@pytest.mark.parametrize("act", [*BROKEN.values(), answer(422, documents.invalid("91513")), answer(401)])
def test_nothing_that_is_told_of_a_failure_repeats_what_was_sent(act: Act, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    with serving(act) as server:
        url = server.url
        try:
            told = repr(adapter(url).authorize(authorization(), HELD))
        except GatewayUnavailable as failure:
            told = repr(failure) + repr(failure.__cause__) + repr(failure.__context__)
    for secret in (CARD_NUMBER, CVV, PRIVATE_KEY, "dGhlLXB1YmxpYy1rZXk6"):
        # A free port can have any digits.
        assert secret not in told.replace(url, "")
        assert secret not in caplog.text.replace(url, "")
