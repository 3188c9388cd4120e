"""A stop behind a balancer: not ready first, then a delay, then no new calls, all within a bounded time."""

from __future__ import annotations

import signal
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any, Final

import grpc
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest
from grpc_reflection.v1alpha.reflection_pb2_grpc import ServerReflectionStub

from bayar.messages import BayarClient, BayarError, Payment, PaymentState
from braintree_twin.testing import start_twin
from tests.databases import Postgres
from tests.end_to_end.payment_steps import an_order, pay
from tests.end_to_end.service import Service, end_leases, environment_of, run_bayar, running_pair, until
from tests.end_to_end.test_workers import charges, read

SERVING, NOT_SERVING = HealthCheckResponse.SERVING, HealthCheckResponse.NOT_SERVING
# A process ends this long after the grace at the latest.
ENDING_SECONDS: Final = 4


def health(client: BayarClient) -> Any:
    """Generated without types."""
    return HealthStub(client.channel)


def status(client: BayarClient) -> Any:
    return health(client).Check(HealthCheckRequest(), timeout=5).status


def test_a_stop_reports_itself_first_and_takes_calls_for_the_delay(tmp_path: Path) -> None:
    with running_pair(tmp_path, {"BAYAR_STOP_DELAY_SECONDS": "2"}) as pair:
        service, bayar = pair.service, pair.service.client()
        assert status(bayar) == SERVING
        watch = health(bayar).Watch(HealthCheckRequest(), timeout=20)
        assert next(watch).status == SERVING
        service.ask_to_stop(signal.SIGTERM)
        stopped = time.monotonic()
        until(lambda: read(f"{service.http_url}/readyz") == "503 stopping\n", seconds=1)
        assert next(watch).status == NOT_SERVING
        assert status(bayar) == NOT_SERVING
        assert read(f"{service.http_url}/healthz") == "ok\n"
        assert pay(service.client()).state == PaymentState.PAYMENT_STATE_CAPTURED, "a new connection"
        assert pay(bayar).state == PaymentState.PAYMENT_STATE_CAPTURED
        assert time.monotonic() - stopped < 2
        assert service.wait(6) == 0
        assert time.monotonic() - stopped >= 2
        with pytest.raises(BayarError) as refused:
            pay(bayar)
        assert refused.value.code is grpc.StatusCode.UNAVAILABLE


def test_ctrl_c_does_not_wait_for_a_balancer(tmp_path: Path) -> None:
    with running_pair(tmp_path, {"BAYAR_STOP_DELAY_SECONDS": "30"}) as pair:
        assert pair.service.stop(signal.SIGINT) == 0


def test_a_silent_gateway_and_open_probes_do_not_outlast_the_grace(tmp_path: Path) -> None:
    with running_pair(tmp_path, {"BAYAR_STOP_GRACE_SECONDS": "1"}) as pair, ThreadPoolExecutor(1) as pool:
        service, bayar = pair.service, pair.service.client()
        order, request_id = an_order(), str(uuid.uuid4())
        watch = health(bayar).Watch(HealthCheckRequest(), timeout=30)
        next(watch)
        hold = Event()
        reflected = reflect(bayar, hold)
        pair.twin.control.add_fault("delay", seconds=6, method="POST", path="/transactions", next=1)
        waiting = pool.submit(pay, bayar, reference=order, request_id=request_id)
        until(lambda: pair.twin.control.faults()[0].struck == 1)
        began = time.monotonic()
        service.ask_to_stop(signal.SIGTERM)
        refused = waiting.exception()
        assert isinstance(refused, BayarError)
        assert (refused.code, refused.reason) == (grpc.StatusCode.UNAVAILABLE, "SERVICE_STOPPING")
        assert service.wait(10) == 0
        assert time.monotonic() - began < 1 + ENDING_SECONDS
        assert "1 calls did not end within the grace" in service.log
        (cut,) = (line for line in service.log.splitlines() if "reason=SERVICE_STOPPING" in line)
        assert " WARNING " in cut
        assert " caller=default credential=" in cut
        assert f" request_id={request_id} payment_id=pay_" in cut
        for stream in (watch, reflected):
            with pytest.raises(grpc.RpcError) as ended:
                list(stream)
            assert ended.value.code() is grpc.StatusCode.UNAVAILABLE
        hold.set()
        # The gateway works for longer than the service waited.
        charge = until(lambda: pair.twin.control.ledger())
        assert len(charge) == 1
        end_leases(pair)
        service.restart()
        repeated = service.client(retries=True)
        payment = until(lambda: captured(pay(repeated, reference=order, request_id=request_id)))
        assert len(charges(pair.twin, payment)) == 1


def reflect(client: BayarClient, hold: Event) -> Iterator[Any]:
    """A reflection stream whose caller keeps it open."""

    def requests() -> Iterator[ServerReflectionRequest]:
        yield ServerReflectionRequest(list_services="")
        hold.wait(60)

    stub: Any = ServerReflectionStub
    answers = stub(client.channel).ServerReflectionInfo(requests(), timeout=60)
    next(answers)
    return iter(answers)


def captured(payment: Payment) -> Payment | None:
    return payment if payment.state == PaymentState.PAYMENT_STATE_CAPTURED else None


@pytest.fixture(scope="module")
def postgres_url(postgres: Postgres) -> Iterator[str]:
    url = postgres.new_database()
    yield url
    postgres.drop(url)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_callers_that_retry_notice_nothing_of_a_rolling_restart(
    workers: str, postgres_url: str, tmp_path: Path
) -> None:
    more = {"BAYAR_WORKERS": workers, "BAYAR_DATABASE_CONNECTIONS": "8", "BAYAR_STOP_DELAY_SECONDS": "1"}
    with start_twin(tmp_path) as twin:
        old, new = (
            Service(environment_of(twin, postgres_url, more), tmp_path / f"{name}.log") for name in ("old", "new")
        )
        assert run_bayar("migrate", environment=old.environment).returncode == 0
        try:
            old.start()
            new.start()
            both = "ipv4:" + ",".join(one.address for one in (old, new))
            over = Event()
            with ThreadPoolExecutor(4) as pool:
                loads = [pool.submit(pay_until, over, both) for _ in range(4)]
                # Each of them pays before, while and after the first replica stops.
                until(lambda: len(twin.control.ledger()) >= 20, seconds=30)
                old.ask_to_stop(signal.SIGTERM)
                assert old.wait(15) == 0
                count = len(twin.control.ledger())
                until(lambda: len(twin.control.ledger()) >= count + 20, seconds=30)
                over.set()
                paid = [payment for load in loads for payment in load.result()]
            assert {payment.state for payment in paid} == {PaymentState.PAYMENT_STATE_CAPTURED}
            assert len(twin.control.ledger()) == len(paid)
            assert "Traceback" not in old.log
        finally:
            old.close()
            new.close()


def pay_until(over: Event, addresses: str) -> list[Payment]:
    """Raises the first error that a retry does not hide."""
    paid = []
    with BayarClient(addresses, insecure=True) as client:
        while not over.is_set():
            paid.append(pay(client))
    return paid
