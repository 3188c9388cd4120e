"""The client of the control API: retries, idempotency, and errors without a usable answer."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta

import braintree
import pytest
from braintree.exceptions.unexpected_error import UnexpectedError
from twin_sdk import card, gateway_to, sale, sale_request

from braintree_twin.control import ControlError, TwinControl
from braintree_twin.control_api.request_log import RequestLog
from braintree_twin.http_messages import Request
from braintree_twin.testing import start_twin

HANG_UP = b""
NOW = {"now": "2026-01-01T00:00:00Z"}
RULE = {"fault": {"id": 1, "fault": "garbage", "matched": 0, "struck": 0}}


def answer(status: int, body: bytes) -> bytes:
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)


def ok(content: object) -> bytes:
    return answer(200, json.dumps(content).encode())


class ScriptedServer:
    """Gives each request the next answer of the script; hangs up after each where it is told to."""

    def __init__(self, script: list[bytes], *, hangs_up_after_each: bool = False) -> None:
        self.requests: list[str] = []
        self.keys: list[bytes] = []
        self._script = list(script)
        self._hangs_up = hangs_up_after_each
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(10)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.hung_up = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._listener.close()
        self._thread.join(10)

    def _serve(self) -> None:
        while self._script:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as lines:
                while self._script and (first := lines.readline()):
                    self.keys.append(self._read_rest(lines))
                    self.requests.append(first.decode().rpartition(" ")[0])
                    told = self._script.pop(0)
                    connection.sendall(told)
                    if told == HANG_UP or self._hangs_up:
                        break
            self.hung_up.set()

    @staticmethod
    def _read_rest(lines: object) -> bytes:
        """The idempotency key of the request, and nothing left to read of it."""
        length, key = 0, b""
        while (line := lines.readline().strip()) != b"":  # type: ignore[attr-defined]
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
            key = value if name.lower() == b"idempotency-key" else key
        lines.read(length)  # type: ignore[attr-defined]
        return key


@contextmanager
def scripted(*script: bytes, hangs_up_after_each: bool = False) -> Iterator[tuple[ScriptedServer, TwinControl]]:
    server = ScriptedServer(list(script), hangs_up_after_each=hangs_up_after_each)
    with TwinControl(server.url, timeout_seconds=5, patience_seconds=0.5) as control:
        try:
            yield server, control
        finally:
            server.close()


@pytest.mark.parametrize(
    "nonsense", [answer(413, b""), answer(200, b""), answer(200, b"<html>"), answer(500, b"\xff"), answer(200, b"[]")]
)
def test_an_answer_that_is_no_json_object_is_a_control_error_with_its_text(nonsense: bytes) -> None:
    with scripted(nonsense, ok(NOW)) as (_, control):
        with pytest.raises(ControlError, match="no JSON object") as caught:
            control.now()
        assert caught.value.status == int(nonsense.split()[1])
        assert control.now() == NOW["now"]


def test_a_408_is_retried() -> None:
    with scripted(answer(408, b""), ok(RULE)) as (server, control):
        assert control.add_fault("garbage").id == 1
        assert server.requests == ["POST /_twin/faults"] * 2


def test_a_get_without_an_answer_is_retried() -> None:
    with scripted(HANG_UP, ok(NOW)) as (server, control):
        assert control.now() == NOW["now"]
        assert server.requests == ["GET /_twin/clock"] * 2


def test_a_post_without_an_answer_is_retried_with_its_idempotency_key() -> None:
    with scripted(HANG_UP, HANG_UP, ok(RULE), ok(RULE)) as (server, control):
        assert control.add_fault("garbage").id == 1
        assert server.requests == ["POST /_twin/faults"] * 3
        assert len(set(server.keys)) == 1
        control.add_fault("garbage")
        assert len(set(server.keys)) == 2


def test_a_missing_answer_is_a_control_error() -> None:
    with scripted(*[HANG_UP] * 50) as (_, control):
        with pytest.raises(ControlError, match="not known") as caught:
            control.add_fault("garbage")
        assert caught.value.status is None


def test_a_call_on_a_closed_connection_opens_a_new_one() -> None:
    with scripted(ok(RULE), ok(RULE), hangs_up_after_each=True) as (server, control):
        control.add_fault("garbage")
        assert server.hung_up.wait(5)
        assert control.add_fault("garbage").id == 1
        assert len(server.requests) == 2


def test_an_unreachable_twin_is_a_control_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with TwinControl(url, patience_seconds=0.1) as control, pytest.raises(ControlError, match="Refused"):
        control.now()


def test_the_fault_refuse_can_be_added_and_deleted_without_a_pause() -> None:
    with start_twin(separate_control=True) as twin:
        for _ in range(50):
            twin.control.add_fault("refuse", seconds=5)
            twin.control.clear_faults()
        assert twin.control.now()


def test_the_fault_refuse_spares_an_unused_control_connection() -> None:
    with start_twin(separate_control=True) as twin:
        host, _, port = twin.control_url.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port)), timeout=5) as fresh, fresh.makefile("rb") as lines:
            twin.control.add_fault("refuse", seconds=0.1)
            fresh.sendall(b"GET /_twin/clock HTTP/1.1\r\nHost: twin\r\n\r\n")
            assert lines.readline().startswith(b"HTTP/1.1 200")


def test_a_control_client_survives_the_fault_refuse_on_a_shared_address() -> None:
    with start_twin() as twin:
        twin.control.add_fault("refuse", seconds=0.5)
        with TwinControl(twin.control_url, twin.ca_file) as another:
            another.settle()


def test_the_fault_refuse_ends_after_its_seconds_whoever_asks_then() -> None:
    with start_twin(separate_control=True) as twin:
        twin.control.add_fault("refuse", seconds=0.3)
        gateway = gateway_to(twin)
        deadline = time.monotonic() + 20
        answered = 0
        while answered < 3:
            assert time.monotonic() < deadline, "the twin goes on refusing"
            with suppress(UnexpectedError, OSError):
                sale(gateway)
                answered += 1


def test_a_change_repeated_under_its_idempotency_key_is_made_once() -> None:
    with start_twin() as twin:
        before = datetime.fromisoformat(twin.control.now())
        headers = {"Content-Type": "application/json", "Idempotency-Key": "one"}
        body = json.dumps({"advance_seconds": 86400})
        answers = {twin.control._send("POST", "/_twin/clock", body, headers) for _ in range(3)}
        assert len(answers) == 1
        assert datetime.fromisoformat(twin.control.now()) - before < timedelta(days=2)
        rules = [twin.control.add_fault("garbage", path="/nowhere").id for _ in range(2)]
        assert len(set(rules)) == 2


def test_the_request_log_has_processed_and_unprocessed_requests() -> None:
    with start_twin() as twin:
        gateway = gateway_to(twin)
        for fault, order_id in (("reset_before", "cut-before"), ("reset_after", "cut-after")):
            twin.control.add_fault(fault, method="POST", path="/transactions", next=1)  # type: ignore[arg-type]
            with pytest.raises(UnexpectedError):
                gateway.transaction.sale(sale_request(order_id=order_id, credit_card=card()))
        transaction = gateway.transaction.sale(sale_request(order_id="whole", credit_card=card())).transaction
        gateway.transaction.void(transaction.id)
        gateway.transaction.find(transaction.id)
        list(gateway.transaction.search(braintree.TransactionSearch.order_id == "whole").items)
        log = twin.control.request_log()
    assert [(each.method, each.path, each.order_id, each.outcome) for each in log] == [
        ("POST", "/transactions", "cut-before", "reset_before"),
        ("POST", "/transactions", "cut-after", "reset_after"),
        ("POST", "/transactions", "whole", 201),
        ("PUT", f"/transactions/{transaction.id}/void", None, 200),
    ]
    assert "4111" not in str(log)


def test_a_request_log_counts_dropped_requests() -> None:
    log = RequestLog(capacity=2)
    for number in range(3):
        log.arrived(Request("POST", f"/merchants/m/transactions/{number}/void", "", {}, b""))
    shown = log.as_json()
    assert shown["dropped"] == 1
    assert [each["path"] for each in shown["requests"]] == ["/transactions/1/void", "/transactions/2/void"]


def test_disputes_and_the_vault_are_listed() -> None:
    with start_twin() as twin:
        gateway = gateway_to(twin)
        customer = gateway.customer.create({"credit_card": card(token="kept")}).customer
        sale = gateway.transaction.sale(sale_request(credit_card=card(number="4023898493988028"))).transaction
        [dispute] = twin.control.disputes()
        gateway.dispute.add_text_evidence(dispute.id, "It was delivered.")
        [dispute] = twin.control.disputes()
        assert (dispute.transaction_id, dispute.status, dispute.amount) == (sale.id, "open", str(sale.amount))
        assert dispute.texts == ["It was delivered."]
        assert twin.control.vault() == {"kept": customer.id}
