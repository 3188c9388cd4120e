"""The service keeps serving when its output is blocked: a full pipe, a full disk, closed streams."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from bayar.messages import BayarClient, PaymentState, RetryPolicy
from braintree_twin.testing import Twin, start_twin
from tests.api_keys import let_in
from tests.databases import Postgres
from tests.end_to_end.payment_steps import pay
from tests.end_to_end.service import environment_of, run_bayar, until

CAPTURED = PaymentState.PAYMENT_STATE_CAPTURED
SERVE = (sys.executable, "-m", "bootstrap.cli.main", "serve")


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    with start_twin(tmp_path_factory.mktemp("twin")) as twin:
        yield twin


@contextmanager
def serving(
    twin: Twin, database_url: str, redirected: str, *options: str, stdout: int | None = None
) -> Iterator[tuple[subprocess.Popen[bytes], BayarClient, str]]:
    """A service whose output goes where the shell's redirection says; its process, a client, and the HTTP address."""
    environment = environment_of(twin, database_url)
    command = ["sh", "-c", f'exec "$@" {redirected}', "sh", *SERVE, *options]
    process, ports = _started(command, environment, stdout)
    client = BayarClient(f"127.0.0.1:{ports[0]}", retry=RetryPolicy(attempts=1), timeout_seconds=30)
    try:
        assert process.poll() is None, "the service did not start"
        let_in(environment["BAYAR_DATABASE_URL"])
        yield process, client, f"http://127.0.0.1:{ports[1]}"
    finally:
        client.close()
        process.kill()
        process.wait()


def _started(
    command: list[str], environment: dict[str, str], stdout: int | None
) -> tuple[subprocess.Popen[bytes], list[int]]:
    """The ready or ended process, and its ports. Its output goes nowhere, so a port cannot be read from there, and
    somebody else may take a free one first: then it starts with others.
    """
    for _ in range(3):
        ports = _free_ports()
        environment["BAYAR_GRPC_ADDRESS"] = f"127.0.0.1:{ports[0]}"
        environment["BAYAR_HTTP_ADDRESS"] = f"127.0.0.1:{ports[1]}"
        process = subprocess.Popen(command, env=environment, stdout=stdout, stderr=stdout)
        until(lambda: _ready(ports[1]) or process.poll() is not None, seconds=30)  # noqa: B023 (called at once)
        if process.poll() is None:
            break
    return process, ports


def _free_ports() -> list[int]:
    found = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    ports = [one.getsockname()[1] for one in found]
    for one in found:
        one.close()
    return ports


def _ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
@pytest.mark.parametrize("redirected", [">&- 2>&- <&-", ">/dev/full 2>&1"], ids=["closed streams", "a full disk"])
def test_a_service_without_output_starts_takes_payments_and_stops(redirected: str, twin: Twin, tmp_path: Path) -> None:
    with serving(twin, f"sqlite:///{tmp_path}/bayar.db", redirected) as (process, client, _):
        if redirected.startswith(">&-"):
            standard = {one.path for one in psutil.Process(process.pid).open_files() if one.fd <= 2}
            assert not standard, "no file took the number of a stream"
        assert pay(client).state == CAPTURED
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0


@pytest.mark.parametrize("options", [(), ("--workers", "2")], ids=["one process", "two workers"])
def test_a_pipe_without_a_reader_stops_nothing(options: tuple[str, ...], twin: Twin, postgres: Postgres) -> None:
    reads, writes = os.pipe()
    os.set_blocking(writes, False)
    while True:
        try:
            os.write(writes, b"x" * 512)
        except BlockingIOError:
            break
    os.set_blocking(writes, True)
    database_url = postgres.new_database()
    assert run_bayar("migrate", environment=environment_of(twin, database_url)).returncode == 0
    with serving(twin, database_url, "", *options, stdout=writes) as (process, client, http_url):
        for _ in range(3):
            assert pay(client).state == CAPTURED
        assert _ready(int(http_url.rpartition(":")[2]))
        with urllib.request.urlopen(f"{http_url}/metrics", timeout=5) as answer:  # noqa: S310 (our own http)
            assert b'bayar_log_lines_dropped_total{stream="stderr"} 0' in answer.read()
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
    os.close(writes)
    os.close(reads)
