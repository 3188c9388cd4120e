"""`bayar serve --workers N`: processes on one port and one PostgreSQL, as those who run and call them see it."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import grpc
import psutil  # type: ignore[import-untyped]
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest
from grpc_health.v1.health_pb2_grpc import HealthStub

from bayar.messages import BayarClient, BayarError, Payment, PaymentState
from braintree_twin.testing import Twin, start_twin
from tests.databases import Postgres
from tests.end_to_end.checkout_steps import a_checkout, at_page, page_settings, state_of
from tests.end_to_end.payment_steps import an_order, pay
from tests.end_to_end.service import Service, environment_of, run_bayar, until
from tests.order_ids import operation_of
from tests.token_issuer import Authority

WORKERS = 2
READY = f"ok, {WORKERS} of {WORKERS} workers\n"


@dataclass(frozen=True, slots=True)
class WorkerPoolStatus:
    """A service with several workers."""

    service: Service
    twin: Twin

    def processes(self) -> dict[int, psutil.Process]:
        """By number: 0 does the chores."""
        found = {}
        for child in psutil.Process(self.service.process.pid).children():
            with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                _, _, rest = " ".join(child.cmdline()).partition(" bootstrap.process.worker_process ")
                # Between fork and exec it still looks like its parent.
                if rest:
                    found[int(rest.split()[0])] = child
        return found

    def successor(self, number: int, of: psutil.Process) -> psutil.Process:

        def look() -> psutil.Process | None:
            now = self.processes().get(number)
            return now if now is not None and now.pid != of.pid else None

        return until(look, seconds=30, what="a successor")

    def await_all(self) -> None:
        """A new worker loads everything anew, and on a busy machine that takes a while."""
        until(lambda: self.ready() == READY, seconds=30, what="all workers")

    def ready(self) -> str:
        return read(f"{self.service.http_url}/readyz")

    def clients_by_worker(self) -> dict[int, list[BayarClient]]:
        """Connections to each of them. One belongs to a worker if it has no answer while that one is frozen."""
        found: dict[int, list[BayarClient]] = {number: [] for number in range(1, WORKERS + 1)}
        while not all(found.values()):
            clients = [self.service.client() for _ in range(8)]
            assert all(answers(client, 5) for client in clients)
            for number, process in self.processes().items():
                if number:
                    process.suspend()
                    try:
                        silent = [client for client in clients if not answers(client, 0.25)]
                    finally:
                        process.resume()
                    found[number] += silent
        return found


def answers(client: BayarClient, seconds: float) -> bool:
    try:
        HealthStub(client.channel).Check(HealthCheckRequest(), timeout=seconds)  # type: ignore[attr-defined]
    except grpc.RpcError:
        return False
    return True


def read(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=10) as page:  # noqa: S310 (our own address)
            return str(page.read().decode())
    except urllib.error.HTTPError as refused:
        return f"{refused.code} {refused.read().decode()}"


def charges(twin: Twin, payment: Payment) -> list[str]:
    ours = {operation.operation_id for operation in payment.operations}
    return [entry.amount for entry in twin.control.ledger() if operation_of(entry.order_id) in ours]


@pytest.fixture(scope="module")
def twin() -> Iterator[Twin]:
    with start_twin() as twin:
        yield twin


@pytest.fixture(scope="module")
def environment(twin: Twin, postgres: Postgres) -> Iterator[dict[str, str]]:
    url = postgres.new_database()
    # The resolver looks for a killed worker's operations once their lease is over: the timeouts and fifteen seconds.
    hasty = {"BAYAR_BRAINTREE_READ_TIMEOUT_SECONDS": "3", "BAYAR_BRAINTREE_CONNECT_TIMEOUT_SECONDS": "0.5"}
    hasty["BAYAR_ABSENCE_HORIZON_SECONDS"] = "2"
    few = {"BAYAR_GRPC_THREADS": "8", "BAYAR_DATABASE_CONNECTIONS": "16", "BAYAR_WORKERS": str(WORKERS)}
    environment = environment_of(twin, url, hasty | few)
    assert run_bayar("migrate", environment=environment).returncode == 0
    yield environment
    postgres.drop(url)


@contextmanager
def running(environment: dict[str, str], twin: Twin, directory: Path, *program: str) -> Iterator[WorkerPoolStatus]:
    service = Service(environment, directory / "bayar.log")
    service.program = program or service.program
    try:
        service.start()
        yield WorkerPoolStatus(service, twin)
        assert "Traceback" not in service.log, service.log[-4000:]
    finally:
        service.close()


@pytest.fixture(scope="module")
def crew(
    environment: dict[str, str], twin: Twin, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WorkerPoolStatus]:
    # The page's port is a fixed one, which services of other tests cannot have beside it.
    with running(environment | page_settings(), twin, tmp_path_factory.mktemp("crew")) as crew:
        yield crew


# Paying


def test_the_same_request_at_all_workers_at_once_pays_once(crew: WorkerPoolStatus) -> None:
    clients = [client for some in crew.clients_by_worker().values() for client in some]
    request_id, reference = str(uuid.uuid4()), an_order()
    with ThreadPoolExecutor(30) as pool:
        repeats = range(30)
        told = list(
            pool.map(lambda n: pay(clients[n % len(clients)], request_id=request_id, reference=reference), repeats)
        )
    assert {payment.payment_id for payment in told} == {told[0].payment_id}
    assert charges(crew.twin, told[0]) == ["10.00"]
    for client in clients:
        assert pay(client, request_id=request_id, reference=reference).state == PaymentState.PAYMENT_STATE_CAPTURED


def test_each_worker_takes_payments_that_all_others_see(crew: WorkerPoolStatus) -> None:
    clients = {number: some[0] for number, some in crew.clients_by_worker().items()}
    paid = {number: pay(client) for number, client in clients.items()}
    for payment in paid.values():
        assert charges(crew.twin, payment) == ["10.00"]
        for client in clients.values():
            assert client.get_payment(payment_id=payment.payment_id) == payment


def test_a_lost_answer_is_found_by_the_one_process_that_looks(crew: WorkerPoolStatus) -> None:
    bayar = crew.service.client()
    crew.twin.control.add_fault("reset_after", method="POST", path="/transactions", next=1)
    payment = pay(bayar)
    assert payment.state == PaymentState.PAYMENT_STATE_PENDING
    found = until(lambda: _unless_pending(bayar, payment))
    assert found.state == PaymentState.PAYMENT_STATE_CAPTURED
    assert charges(crew.twin, payment) == ["10.00"]


def test_the_checkout_page_is_of_the_background_process_and_comes_back_with_it(crew: WorkerPoolStatus) -> None:
    bayar = crew.service.client()
    first, second = a_checkout(bayar), a_checkout(bayar)
    assert at_page(first).pay().state == "paid"
    assert state_of(bayar, first) == "COMPLETED"
    before = crew.processes()[0]
    before.kill()
    crew.successor(0, of=before)

    def comes_back() -> bool:
        with suppress(OSError):
            return at_page(second).pay().state == "paid"
        return False

    assert until(comes_back, seconds=30)
    assert state_of(bayar, second) == "COMPLETED"


# Those who look after it


def test_the_http_side_reports_on_all_workers(crew: WorkerPoolStatus) -> None:
    crew.await_all()
    metrics = read(f"{crew.service.http_url}/metrics").splitlines()
    assert f"bayar_workers_wanted {WORKERS}.0" in metrics
    assert f"bayar_workers_ready {WORKERS}.0" in metrics
    before = {number: moves_of(crew, number) for number in range(1, WORKERS + 1)}
    for number, clients in crew.clients_by_worker().items():
        pay(clients[0])
        # Each tells every second.
        until(partial(has_sent, crew, number, before[number] + 1))


def has_sent(crew: WorkerPoolStatus, worker: int, moves: int) -> bool:
    return moves_of(crew, worker) == moves


def moves_of(crew: WorkerPoolStatus, worker: int) -> int:
    """How many payments and the like the worker has sent to the gateway, as the metrics say."""
    name = f'bayar_gateway_calls_total{{calls="moves",end="answered",worker="{worker}"}} '
    lines = read(f"{crew.service.http_url}/metrics").splitlines()
    return int(float(next((line.removeprefix(name) for line in lines if line.startswith(name)), -1)))


@pytest.fixture(scope="module")
def paid_under_fire(crew: WorkerPoolStatus) -> list[Payment]:
    """The answers to many callers while one of the workers was killed."""
    clients = [crew.service.client(retries=True) for _ in range(8)]
    orders = [(str(uuid.uuid4()), an_order()) for _ in range(64)]
    victim = crew.processes()[1]
    with ThreadPoolExecutor(8) as pool:
        paying = [
            pool.submit(pay, clients[n % 8], request_id=request_id, reference=reference)
            for n, (request_id, reference) in enumerate(orders)
        ]
        until(lambda: sum(one.done() for one in paying) > 12)
        victim.kill()
        told = [one.result() for one in paying]
    crew.successor(1, victim)
    return told


def test_a_killed_worker_is_replaced_and_callers_that_try_again_notice_nothing(
    crew: WorkerPoolStatus, paid_under_fire: list[Payment]
) -> None:
    crew.await_all()
    assert "bayar_workers_replaced_total 1.0\n" in read(f"{crew.service.http_url}/metrics")
    killed = [line for line in crew.service.log.splitlines() if "was ended by SIGKILL" in line]
    assert sum("worker 1" in line for line in killed) == 1, killed
    assert len({payment.payment_id for payment in paid_under_fire}) == 64
    for payment in paid_under_fire:
        assert len(charges(crew.twin, payment)) <= 1


def test_with_fewer_than_half_of_the_workers_it_is_not_ready_and_soon_is_again(crew: WorkerPoolStatus) -> None:
    for number, process in crew.processes().items():
        if number:
            process.kill()
    assert until(lambda: (page := crew.ready()).startswith("503") and page) == f"503 0 of {WORKERS} workers\n"
    crew.await_all()
    assert pay(crew.service.client()).state == PaymentState.PAYMENT_STATE_CAPTURED


def test_the_background_process_is_replaced_while_callers_wait(crew: WorkerPoolStatus) -> None:
    before = crew.processes()[0]
    before.kill()
    assert "workers" in crew.ready()
    crew.successor(0, before)
    crew.await_all()


def test_a_worker_that_is_stopped_finishes_its_calls_and_is_replaced(crew: WorkerPoolStatus) -> None:
    # A call that arrives as its worker stops is cancelled, and is no call of that worker: then once more.
    assert any(_finishes_its_call(crew) for _ in range(3))


def _finishes_its_call(crew: WorkerPoolStatus) -> bool:
    clients = crew.clients_by_worker()
    before = crew.processes()[2]
    with slow_answers(crew.twin, 1, seconds=1.5), ThreadPoolExecutor(1) as pool:
        slow = pool.submit(pay, clients[2][0])
        until(lambda: crew.twin.control.faults()[0].struck == 1)
        before.terminate()
        until(lambda: crew.ready() == f"ok, {WORKERS - 1} of {WORKERS} workers\n")
        failure = slow.exception() if slow.done() else None
        came_too_late = isinstance(failure, BayarError) and failure.code is grpc.StatusCode.CANCELLED
        if not came_too_late:
            assert not slow.done(), failure or "it ended too soon"
            assert slow.result().state == PaymentState.PAYMENT_STATE_CAPTURED
    crew.successor(2, before)
    crew.await_all()
    return not came_too_late


def test_operations_of_a_killed_worker_are_found_and_charged_once(
    crew: WorkerPoolStatus, paid_under_fire: list[Payment]
) -> None:
    bayar = crew.service.client()
    for payment in paid_under_fire:
        known = until(partial(_unless_pending, bayar, payment), seconds=40)
        # It died either before it had sent anything, or after.
        is_paid = known.state == PaymentState.PAYMENT_STATE_CAPTURED
        assert is_paid or known.state == PaymentState.PAYMENT_STATE_FAILED
        assert charges(crew.twin, known) == ["10.00"] * is_paid


def _unless_pending(bayar: BayarClient, payment: Payment) -> Payment | None:
    now = bayar.get_payment(payment_id=payment.payment_id)
    return None if now.state == PaymentState.PAYMENT_STATE_PENDING else now


@contextmanager
def slow_answers(twin: Twin, number: int, *, seconds: float) -> Iterator[None]:
    twin.control.add_fault("delay", seconds=seconds, method="POST", path="/transactions", next=number)
    try:
        yield
    finally:
        twin.control.clear_faults()


def test_a_worker_that_hangs_is_killed_and_replaced(environment: dict[str, str], twin: Twin, tmp_path: Path) -> None:
    program = "import sys; from bootstrap.config.settings import load_settings; "
    program += "from bootstrap.process.supervisor import Supervisor; "
    program += "sys.exit(Supervisor(load_settings(), silence_seconds=3).run())"
    with running(environment, twin, tmp_path, "-c", program) as crew:
        frozen = crew.processes()[2]
        frozen.suspend()
        starting = crew.successor(2, frozen)
        # The next one hangs before it is ready.
        starting.suspend()
        crew.successor(2, starting)
        crew.await_all()
        assert crew.service.log.count("is unresponsive, and is killed") == 2


def test_a_system_that_has_no_room_for_a_successor_ends_nobody_else(
    environment: dict[str, str], twin: Twin, tmp_path: Path
) -> None:
    with running(environment, twin, tmp_path) as crew:
        before = crew.processes()
        supervisor = psutil.Process(crew.service.process.pid)
        limits = supervisor.rlimit(psutil.RLIMIT_NOFILE)
        supervisor.rlimit(psutil.RLIMIT_NOFILE, (3, limits[1]))
        before[2].kill()
        until(lambda: "worker 2 cannot be started: Too many open files" in crew.service.log)
        now = crew.processes()
        assert {number: child.pid for number, child in now.items()} == {0: before[0].pid, 1: before[1].pid}
        supervisor.rlimit(psutil.RLIMIT_NOFILE, limits)
        crew.successor(2, before[2])
        crew.await_all()


# Stopping


def test_a_stop_finishes_what_is_under_way_in_every_worker(
    environment: dict[str, str], twin: Twin, tmp_path: Path
) -> None:
    with running(environment, twin, tmp_path) as crew:
        clients = [some[0] for some in crew.clients_by_worker().values()]
        children = list(crew.processes().values())
        with slow_answers(twin, WORKERS, seconds=1.5), ThreadPoolExecutor(WORKERS) as pool:
            slow = [pool.submit(pay, client) for client in clients]
            until(lambda: twin.control.faults()[0].struck == WORKERS)
            # The process that started it may no longer read its output.
            assert crew.service.process.stdout is not None
            crew.service.process.stdout.close()
            crew.service.ask_to_stop(signal.SIGTERM)
            assert {one.result().state for one in slow} == {PaymentState.PAYMENT_STATE_CAPTURED}
        assert crew.service.wait() == 0
        assert [child for child in children if child.is_running()] == []


def test_a_second_signal_ends_it_at_once(environment: dict[str, str], twin: Twin, tmp_path: Path) -> None:
    many = {"BAYAR_DATABASE_CONNECTIONS": "200"}
    with running(environment | many, twin, tmp_path) as crew:
        assert (
            crew.service.log.count("the service may open 600 database connections (200 for each of 3 processes)") == 1
        )
        children = list(crew.processes().values())
        with slow_answers(twin, 1, seconds=2.5), ThreadPoolExecutor(1) as pool:
            doomed = pool.submit(pay, crew.service.client())
            until(lambda: twin.control.faults()[0].struck == 1)
            crew.service.ask_to_stop(signal.SIGINT)
            until(lambda: "Stopping" in (crew.service.process.stdout or sys.stdin).readline())
            crew.service.ask_to_stop(signal.SIGINT)
            assert crew.service.wait(3) == -signal.SIGINT
            assert doomed.exception() is not None
        until(lambda: not any(is_alive(child) for child in children), what="the end of all children")


def test_no_child_outlives_a_supervisor_that_is_killed_and_its_port_is_free_for_the_next(
    environment: dict[str, str], twin: Twin, tmp_path: Path
) -> None:
    with running(environment, twin, tmp_path) as crew:
        children = list(crew.processes().values())
        assert len(children) == WORKERS + 1
        service, address, authority = crew.service, crew.service.address, Authority(tmp_path)
        pay(service.client())
        service.kill()
        until(lambda: not any(is_alive(child) for child in children), what="the end of all children")
        certificate, key = authority.issue("server")
        tls = {"BAYAR_TLS_CERTIFICATE_FILE": str(certificate), "BAYAR_TLS_KEY_FILE": str(key)}
        service.environment = service.environment | tls | {"BAYAR_GRPC_ADDRESS": address}
        service.restart()
        assert service.address == address
        with BayarClient(address, root_certificates=authority.write_own().read_bytes()) as bayar:
            assert pay(bayar).state == PaymentState.PAYMENT_STATE_CAPTURED


def is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


# Starting


def refused(environment: dict[str, str], *arguments: str, status: int = 1) -> str:
    """The message of a start that ends with the status and leaves no process behind."""
    run = run_bayar("serve", *arguments, environment=environment)
    assert run.returncode == status, run.stderr
    assert "Traceback" not in run.stderr
    assert "Bayar listens" not in run.stdout
    return run.stderr


def test_a_schema_that_is_not_up_to_date_is_reported_once(postgres: Postgres, environment: dict[str, str]) -> None:
    url = postgres.new_database()
    assert refused(environment | {"BAYAR_DATABASE_URL": url}).count("bayar migrate") == 1
    postgres.drop(url)


def test_a_wrong_certificate_is_reported_once(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "wrong.pem").write_text("nonsense")
    wrong = dict.fromkeys(("BAYAR_TLS_CERTIFICATE_FILE", "BAYAR_TLS_KEY_FILE"), str(tmp_path / "wrong.pem"))
    assert refused(environment | wrong).count("BAYAR_TLS_KEY_FILE") == 1


def test_a_file_that_only_a_worker_reads_is_reported_once_as_a_wrong_setting(
    environment: dict[str, str], tmp_path: Path
) -> None:
    wrong = {"BAYAR_EVENT_WEBHOOKS_FILE": str(tmp_path / "none.toml")}
    assert refused(environment | wrong, status=2).count("BAYAR_EVENT_WEBHOOKS_FILE") == 1


def test_a_database_that_does_not_answer_is_reported_once(environment: dict[str, str]) -> None:
    away = {"BAYAR_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
    assert refused(environment | away).count("BAYAR_DATABASE_URL") == 1


def test_sqlite_is_refused_with_the_remedy(environment: dict[str, str], tmp_path: Path) -> None:
    embedded = environment | {"BAYAR_DATABASE_URL": f"sqlite:///{tmp_path / 'b.db'}"}
    told = refused(embedded, status=2)
    assert "BAYAR_DATABASE_URL" in told
    assert "PostgreSQL" in told
    del embedded["BAYAR_WORKERS"]
    assert "PostgreSQL" in refused(embedded, "--workers", "2", status=2)
    assert "--with-twin" in refused(embedded, "--workers", "2", "--with-twin", status=2)


@contextmanager
def a_foreign_service() -> Iterator[str]:
    """Of the same user, and willing to share its port."""
    with socket.socket() as foreign:
        foreign.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        foreign.bind(("127.0.0.1", 0))
        foreign.listen()
        yield f"127.0.0.1:{foreign.getsockname()[1]}"


@pytest.mark.parametrize("variable", ["BAYAR_GRPC_ADDRESS", "BAYAR_HTTP_ADDRESS"])
def test_a_port_in_use_is_not_shared(variable: str, environment: dict[str, str]) -> None:
    with a_foreign_service() as address:
        told = refused(environment | {variable: address})
        assert f"cannot listen on {address}" in told
        assert variable in told


def test_a_second_service_does_not_join_the_workers_of_the_first(
    crew: WorkerPoolStatus, environment: dict[str, str]
) -> None:
    same = environment | {"BAYAR_GRPC_ADDRESS": crew.service.address}
    assert "cannot listen" in refused(same)
    assert "cannot listen" in refused(same, "--workers", "1")


def test_a_signal_during_the_start_ends_it(environment: dict[str, str], tmp_path: Path) -> None:
    service = Service(environment, tmp_path / "bayar.log")
    started = time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        starting = pool.submit(service.start)
        until(lambda: service._process and psutil.Process(service.process.pid).children())
        os.kill(service.process.pid, signal.SIGTERM)
        assert "did not start" in str(starting.exception())
    assert service.wait() == 0
    assert time.monotonic() - started < 10
