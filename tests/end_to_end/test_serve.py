"""The command `bayar serve`: start, stop, crash, restart, health, reflection, invalid settings."""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import psutil  # type: ignore[import-untyped]
import pytest
from google.rpc.error_details_pb2 import BadRequest  # type: ignore[import-untyped]
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from bayar.messages import BayarClient, CaptureMode, PaymentState
from bayar.payments.v1.payment_service_pb2 import CreatePaymentRequest
from bayar.payments.v1.payment_service_pb2_grpc import PaymentServiceStub
from tests.api_keys import TEST_KEY
from tests.end_to_end.dispute_steps import DISPUTED, Disputes
from tests.end_to_end.payment_steps import NEXT_YEARS, VISA, a_card, an_order, pay, usd
from tests.end_to_end.service import Pair, Service, environment_of, run_bayar, running_pair, until

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
SERVICES = [
    f"bayar.payments.v1.{name}Service"
    for name in ("Admin", "Checkout", "Customer", "Dispute", "Event", "Payment", "PaymentMethod")
]


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    return {"BAYAR_GRPC_THREADS": "8", "BAYAR_BRAINTREE_READ_TIMEOUT_SECONDS": "6"}


# Reflection, with a client that is not ours


def buf_curl(pair: Pair, *arguments: str) -> subprocess.CompletedProcess[str]:
    shown = ("-H", f"authorization: Bearer {TEST_KEY}")
    return subprocess.run(
        [BIN / "buf", "curl", "--protocol", "grpc", "--http2-prior-knowledge", *shown, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "BUF_CACHE_DIR": str(pair.directory / "buf")},
    )


@pytest.mark.parametrize("version", ["grpc-v1", "grpc-v1alpha"])
def test_buf_curl_lists_services_and_methods_by_reflection(version: str, pair: Pair) -> None:
    url = f"http://{pair.service.address}"
    listed = buf_curl(pair, "--reflect-protocol", version, "--list-services", url)
    assert listed.returncode == 0, listed.stderr
    assert set(SERVICES) <= set(listed.stdout.split())
    assert "grpc.health.v1.Health" in listed.stdout
    methods = buf_curl(pair, "--reflect-protocol", version, "--list-methods", url)
    assert "bayar.payments.v1.PaymentService/CreatePayment" in methods.stdout


def test_buf_curl_takes_a_payment_and_shows_what_was_wrong(pair: Pair) -> None:
    url = f"http://{pair.service.address}/bayar.payments.v1.PaymentService/CreatePayment"
    request = {
        "request_id": str(uuid.uuid4()),
        "reference": an_order(),
        "amount": {"minor_units": 2500, "currency_code": "USD"},
        "card": {"number": VISA, "expiration_month": 12, "expiration_year": NEXT_YEARS, "cvv": "123"},
    }
    paid = buf_curl(pair, url, "-d", json.dumps(request))
    assert paid.returncode == 0, paid.stderr
    assert json.loads(paid.stdout)["payment"]["state"] == "PAYMENT_STATE_CAPTURED"
    wrong = buf_curl(pair, url, "-d", "{}")
    assert wrong.returncode != 0
    told = json.loads(wrong.stderr)
    assert told["code"] == "invalid_argument"
    fields = []
    for detail in told["details"]:
        if detail["type"].endswith("google.rpc.BadRequest"):
            content = base64.b64decode(detail["value"] + "==")
            fields += [violation.field for violation in BadRequest.FromString(content).field_violations]
    assert {"request_id", "reference", "amount", "source"} <= set(fields)


# Health


def check(bayar: BayarClient, service: str, timeout: float) -> int:
    stub: Any = HealthStub(bayar.channel)
    status: int = stub.Check(HealthCheckRequest(service=service), timeout=timeout).status
    return status


@pytest.mark.parametrize("service", ["", *SERVICES])
def test_each_service_says_that_it_serves(service: str, bayar: BayarClient) -> None:
    assert check(bayar, service, timeout=10) == HealthCheckResponse.SERVING


def test_the_health_of_an_unknown_service_is_not_found(bayar: BayarClient) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        check(bayar, "nobody", timeout=10)
    assert raised.value.code() is grpc.StatusCode.NOT_FOUND


def test_health_and_streams_answer_while_every_thread_that_may_waits_for_a_hanging_gateway(
    pair: Pair, bayar: BayarClient
) -> None:
    held = pay(bayar, capture_mode=CaptureMode.CAPTURE_MODE_MANUAL)
    pair.twin.control.add_fault("delay", seconds=2.5, method="POST", path="/transactions", next=6)
    # As many as may wait for the gateway at once.
    with ThreadPoolExecutor(6) as pool:
        slow = [pool.submit(pay, bayar) for _ in range(6)]
        until(lambda: pair.twin.control.faults()[0].struck == 6)
        started = time.monotonic()
        for _ in range(20):
            assert check(bayar, "", timeout=1) == HealthCheckResponse.SERVING
        assert next(bayar.watch_payment(payment_id=held.payment_id, timeout_seconds=2)).payment_id == held.payment_id
        assert time.monotonic() - started < 2
        assert not any(call.done() for call in slow)
        assert {call.result().state for call in slow} == {PaymentState.PAYMENT_STATE_CAPTURED}


def test_two_hundred_watches_hold_no_thread(pair: Pair, bayar: BayarClient) -> None:
    held = pay(bayar, capture_mode=CaptureMode.CAPTURE_MODE_MANUAL)
    process = psutil.Process(pair.service.process.pid)
    before = process.num_threads()
    # One connection carries 128 calls at most, and each client has its own.
    clients = [pair.service.client() for _ in range(2)]
    watches = [
        client.watch_payment(payment_id=held.payment_id, timeout_seconds=60) for client in clients for _ in range(100)
    ]
    for watch in watches:
        next(watch)
    assert process.num_threads() - before < 40
    assert pay(bayar).state == PaymentState.PAYMENT_STATE_CAPTURED
    bayar.void_payment(payment_id=held.payment_id)
    assert {list(watch)[-1].state for watch in watches} == {PaymentState.PAYMENT_STATE_VOIDED}


# Callers that leave, and requests that are no requests


def test_a_caller_that_hangs_up_does_not_abandon_the_payment(pair: Pair, bayar: BayarClient) -> None:
    pair.twin.control.add_fault("delay", seconds=1, method="POST", path="/transactions", next=1)
    request = CreatePaymentRequest(
        request_id=str(uuid.uuid4()), reference=an_order(), amount=usd("7.00"), payment_method_nonce="fake-valid-nonce"
    )
    call = PaymentServiceStub(bayar.channel).CreatePayment.future(request, timeout=30)
    until(lambda: pair.twin.control.faults()[0].struck == 1)
    call.cancel()
    [payment] = bayar.list_payments(reference=request.reference)
    done = until(lambda: _unless_pending(bayar, payment.payment_id))
    assert done.state == PaymentState.PAYMENT_STATE_CAPTURED
    assert PaymentServiceStub(bayar.channel).CreatePayment(request, timeout=30).payment == done


def _unless_pending(bayar: BayarClient, payment_id: str) -> Any:
    payment = bayar.get_payment(payment_id=payment_id)
    return payment if payment.state != PaymentState.PAYMENT_STATE_PENDING else None


def test_a_deadline_that_passes_does_not_abandon_the_payment(pair: Pair, bayar: BayarClient) -> None:
    pair.twin.control.add_fault("delay", seconds=1, method="POST", path="/transactions", next=1)
    request = CreatePaymentRequest(
        request_id=str(uuid.uuid4()), reference=an_order(), amount=usd("8.00"), payment_method_nonce="fake-valid-nonce"
    )
    stub = PaymentServiceStub(bayar.channel)
    with pytest.raises(grpc.RpcError) as raised:
        stub.CreatePayment(request, timeout=0.4)
    assert raised.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert stub.CreatePayment(request, timeout=30).payment.state == PaymentState.PAYMENT_STATE_CAPTURED
    assert len([e for e in pair.twin.control.ledger() if e.amount == "8.00"]) == 1


def test_a_message_too_large_is_refused_and_the_connection_lives(bayar: BayarClient) -> None:
    stub = PaymentServiceStub(bayar.channel)
    with pytest.raises(grpc.RpcError) as raised:
        stub.CreatePayment(CreatePaymentRequest(reference="x" * (7 * 1024 * 1024)), timeout=30)
    assert raised.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert pay(bayar).state == PaymentState.PAYMENT_STATE_CAPTURED


def test_a_method_that_is_not_there_is_unimplemented(bayar: BayarClient) -> None:
    call: Any = bayar.channel.unary_unary("/bayar.payments.v1.PaymentService/StealPayment")
    with pytest.raises(grpc.RpcError) as raised:
        call(b"", timeout=10)
    assert raised.value.code() is grpc.StatusCode.UNIMPLEMENTED


# Stop, crash and start again


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_finishes_what_is_under_way_and_the_next_start_finds_it(number: int, tmp_path: Path) -> None:
    with running_pair(tmp_path) as pair:
        bayar = pair.service.client()
        pair.twin.control.add_fault("delay", seconds=1.5, method="POST", path="/transactions", next=1)
        with ThreadPoolExecutor(1) as pool:
            slow = pool.submit(pay, bayar)
            until(lambda: pair.twin.control.faults()[0].struck == 1)
            pair.service.ask_to_stop(number)
            payment = slow.result()
        assert payment.state == PaymentState.PAYMENT_STATE_CAPTURED
        assert pair.service.wait(8) == 0
        assert "Traceback" not in pair.service.log
        pair.service.restart()
        assert pair.service.client().get_payment(payment_id=payment.payment_id) == payment


def test_a_stop_does_not_wait_for_those_who_only_watch(tmp_path: Path) -> None:
    with running_pair(tmp_path) as pair:
        bayar = pair.service.client()
        held = pay(bayar, capture_mode=CaptureMode.CAPTURE_MODE_MANUAL)
        watch = bayar.watch_payment(payment_id=held.payment_id, timeout_seconds=60)
        next(watch)
        started = time.monotonic()
        assert pair.service.stop() == 0
        assert time.monotonic() - started < 6


def test_the_next_start_finds_operations_that_a_crash_interrupted(tmp_path: Path) -> None:
    # A crash is noticed when the lease ends.
    fast = {"BAYAR_BRAINTREE_READ_TIMEOUT_SECONDS": "1", "BAYAR_BRAINTREE_CONNECT_TIMEOUT_SECONDS": "0.5"}
    with running_pair(tmp_path, fast, program=("-m", "tests.end_to_end.in_haste", "serve")) as pair:
        bayar = pair.service.client()
        reference, request_id = an_order(), str(uuid.uuid4())
        pair.twin.control.add_fault("delay", seconds=0.8, method="POST", path="/transactions", next=1)

        def doomed() -> None:
            with pytest.raises(Exception, match="broke"):
                pay(bayar, reference=reference, request_id=request_id)

        thread = threading.Thread(target=doomed)
        thread.start()
        until(lambda: pair.twin.control.faults()[0].struck == 1)
        [payment] = bayar.list_payments(reference=reference)
        assert payment.state == PaymentState.PAYMENT_STATE_PENDING
        pair.service.kill()
        thread.join()
        until(lambda: len(pair.twin.control.ledger()) == 1)
        pair.service.restart()
        bayar = pair.service.client()
        found = until(lambda: _unless_pending(bayar, payment.payment_id), seconds=30)
        assert found.state == PaymentState.PAYMENT_STATE_CAPTURED
        assert pay(bayar, reference=reference, request_id=request_id) == found
        assert len(pair.twin.control.ledger()) == 1


# The command line


def test_an_address_in_use_is_reported_with_the_remedy(pair: Pair, tmp_path: Path) -> None:
    taken = {"BAYAR_GRPC_ADDRESS": pair.service.address}
    run = run_bayar("serve", environment=environment_of(pair.twin, f"sqlite:///{tmp_path / 'b.db'}", taken))
    assert run.returncode == 1
    assert f"cannot listen on {pair.service.address}" in run.stderr
    assert "BAYAR_GRPC_ADDRESS" in run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize("command", ["serve", "migrate"])
def test_every_wrong_setting_is_named_with_an_example(command: str, pair: Pair) -> None:
    wrong = {"BAYAR_GRPC_ADDRESS": "here", "BAYAR_GRPC_THREADS": "many", "BAYAR_BRAINTREE_MERCHANT_ID": ""}
    run = run_bayar(command, environment=environment_of(pair.twin, "sqlite://", wrong))
    assert run.returncode == 2
    for name in wrong:
        [line] = [line for line in run.stderr.splitlines() if line.startswith(name)]
        assert "Example:" in line
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize(
    "url", ["nonsense", "mysql://localhost/bayar", "postgresql://nobody@127.0.0.1:1/none", "sqlite:////nowhere/b.db"]
)
def test_a_database_that_cannot_be_used_is_reported_in_a_sentence(url: str, pair: Pair) -> None:
    run = run_bayar("serve", environment=environment_of(pair.twin, url))
    assert run.returncode in (1, 2)
    assert "BAYAR_DATABASE_URL" in run.stderr
    assert "Traceback" not in run.stderr


def test_the_version_and_the_help_are_reported() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BAYAR_")}
    assert run_bayar("version", environment=environment).stdout.startswith("bayar ")
    assert "serve" in run_bayar("--help", environment=environment).stdout
    assert run_bayar("dance", environment=environment).returncode == 2


def test_the_demo_runs_and_leaves_nothing(tmp_path: Path) -> None:
    marker = f"BAYAR_TEST_{uuid.uuid4().hex}"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BAYAR_")}
    environment |= {marker.removeprefix("BAYAR_"): "1", "TMPDIR": str(tmp_path), "COLUMNS": "160"}
    started = time.monotonic()
    run = run_bayar("demo", environment=environment)
    assert run.returncode == 0, run.stdout + run.stderr
    assert time.monotonic() - started < 40
    for word in ("very same payment", "REFERENCE_ALREADY_PAID", "INSUFFICIENT_FUNDS", "(id)", "(en)", "order-1003"):
        assert word in run.stdout
    assert list(tmp_path.iterdir()) == []
    left = [p for p in psutil.process_iter() if _has(p, marker.removeprefix("BAYAR_"))]
    assert left == []


def _has(process: psutil.Process, variable: str) -> bool:
    try:
        return variable in process.environ()
    except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
        return False


def test_make_run_s_service_keeps_its_state_and_frees_its_ports(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BAYAR_")}
    environment |= dict.fromkeys(("BAYAR_GRPC_ADDRESS", "BAYAR_HTTP_ADDRESS"), "127.0.0.1:0")
    environment |= {"PYTHONUNBUFFERED": "1"}
    seen: list[str] = []
    output = tmp_path / "output"
    for _ in range(2):
        with output.open("w") as both:
            process = subprocess.Popen(
                [sys.executable, "-m", "bootstrap.cli.main", "serve", "--with-twin", "--state-dir", tmp_path / "state"],
                env=environment,
                stdout=both,
                stderr=both,
            )
        until(lambda: "bayar.create_payment" in output.read_text(), seconds=30, what="the hint")
        address = output.read_text().partition("Bayar listens on ")[2].split()[0]
        with BayarClient(address, credential=tmp_path / "state" / "api_key") as bayar:
            seen.append(pay(bayar, card=a_card()).payment_id)
            assert [payment.payment_id for payment in bayar.list_payments()] == seen[::-1]
        curl, python = _snippets(output.read_text())
        assert "PAYMENT_STATE_CAPTURED" in run_as_printed(curl)
        assert " CAPTURED " in run_as_printed(python)
        with BayarClient(address, credential=tmp_path / "state" / "api_key") as bayar:
            # The twin's webhooks reach it: nothing is searched for within the first hour after the start.
            assert Disputes.of(bayar).await_one(pay(bayar, card=a_card(DISPUTED))).payment_id
            seen = [payment.payment_id for payment in bayar.list_payments()][::-1]
        files = [path for path in (tmp_path / "state").rglob("*") if path.is_file()]
        assert {"api_key", "bayar.db", "bayar.db-wal", "twin.db"} <= {path.name for path in files}
        assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
        children = psutil.Process(process.pid).children(recursive=True)
        assert children
        process.send_signal(signal.SIGINT)
        assert process.wait(15) == 0
        assert "buf curl" in output.read_text()
        assert "Traceback" not in output.read_text()
        assert [child for child in children if child.is_running()] == []
        host, _, port = address.rpartition(":")
        with socket.socket() as probe:
            assert probe.connect_ex((host, int(port))) != 0


def test_eleven_declines_block_no_card_beside_a_twin(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BAYAR_")}
    environment |= dict.fromkeys(("BAYAR_GRPC_ADDRESS", "BAYAR_HTTP_ADDRESS"), "127.0.0.1:0")
    output = tmp_path / "output"
    with output.open("w") as both:
        process = subprocess.Popen(
            [sys.executable, "-m", "bootstrap.cli.main", "serve", "--with-twin", "--state-dir", tmp_path / "state"],
            env=environment | {"PYTHONUNBUFFERED": "1"},
            stdout=both,
            stderr=both,
        )
    try:
        until(lambda: "bayar.create_payment" in output.read_text(), seconds=30, what="the hint")
        address = output.read_text().partition("Bayar listens on ")[2].split()[0]
        with BayarClient(address, credential=tmp_path / "state" / "api_key") as bayar:
            for _ in range(11):
                declined = pay(bayar, "2046.00", client_address="203.0.113.7")
                assert declined.state == PaymentState.PAYMENT_STATE_DECLINED
            paid = pay(bayar, client_address="203.0.113.7")
            assert paid.state == PaymentState.PAYMENT_STATE_CAPTURED
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(15) == 0


def _snippets(printed: str) -> tuple[str, str]:
    """The snippets to paste: the call with buf curl, and the one with Python."""
    curl, python = printed.split("buf curl:\n", 1)[1].split("The same with Python:\n", 1)
    return curl, python.split("\nEND\n")[0] + "\nEND\n"


def run_as_printed(snippet: str) -> str:
    run = subprocess.run(["bash", "-c", snippet], capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_a_second_service_on_the_same_sqlite_file_is_possible_or_refused_clearly(tmp_path: Path) -> None:
    with running_pair(tmp_path) as pair:
        other = Service(dict(pair.service.environment), tmp_path / "other.log")
        try:
            other.start()
            payment = pay(pair.service.client())
            assert other.client().get_payment(payment_id=payment.payment_id) == payment
        finally:
            other.close()
