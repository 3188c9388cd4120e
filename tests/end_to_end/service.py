"""Runs the real service for a test: another process, against a real twin over TLS, as an operator would start it."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

from bayar.messages import BayarClient, RetryPolicy
from braintree_twin.testing import Twin, start_twin
from tests.api_keys import let_in

PROGRAM: Final = ("-m", "bootstrap.cli.main", "serve")
READY: Final = "Bayar listens on "
START_SECONDS: Final = 30.0
STOP_SECONDS: Final = 15.0

MERCHANT_ACCOUNTS: Final = ",".join(
    f"{currency}=twin_{currency.lower()}" for currency in ("USD", "EUR", "GBP", "IDR", "JPY", "KWD", "SGD", "AUD")
)

Value = TypeVar("Value")

# Soon rather than sparing: what takes minutes in production takes a moment here.
HASTE: Final = {
    "BAYAR_FIRST_CHECK_SECONDS": "0.2",
    "BAYAR_RESOLVER_INTERVAL_SECONDS": "0.1",
    "BAYAR_STOP_DELAY_SECONDS": "0",
    "BAYAR_BRAINTREE_CONNECT_TIMEOUT_SECONDS": "2",
    "BAYAR_BRAINTREE_READ_TIMEOUT_SECONDS": "20",
}
# Every test of a module pays with the same few cards, and many are about declines.
PATIENCE: Final = {"BAYAR_DECLINES_PER_CARD": "0", "BAYAR_DECLINES_PER_CUSTOMER": "0", "BAYAR_CARDS_PER_CUSTOMER": "0"}


def until(look: Callable[[], Value | None], *, seconds: float = 15.0, what: str = "") -> Value:
    """Looks again and again until it sees something true, and gives that."""
    deadline = time.monotonic() + seconds
    while not (seen := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what or look}; last seen: {seen!r}")
        time.sleep(0.03)
    return seen


def environment_of(twin: Twin, database_url: str, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """An operator's settings, and nothing that this test run was started with."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("BAYAR_")}
    return {
        **inherited,
        "PYTHONUNBUFFERED": "1",
        "PYTHONFAULTHANDLER": "1",
        "BAYAR_DATABASE_URL": database_url,
        "BAYAR_GRPC_ADDRESS": "127.0.0.1:0",
        "BAYAR_HTTP_ADDRESS": "127.0.0.1:0",
        "BAYAR_BRAINTREE_ENVIRONMENT": "twin",
        "BAYAR_BRAINTREE_URL": twin.url,
        "BAYAR_BRAINTREE_CA_FILE": str(twin.ca_file),
        "BAYAR_BRAINTREE_MERCHANT_ID": twin.merchant_id,
        "BAYAR_BRAINTREE_PUBLIC_KEY": twin.public_key,
        "BAYAR_BRAINTREE_PRIVATE_KEY": twin.private_key,
        "BAYAR_BRAINTREE_MERCHANT_ACCOUNTS": MERCHANT_ACCOUNTS,
        **HASTE,
        **PATIENCE,
        **(more or {}),
    }


def run_bayar(*arguments: str, environment: Mapping[str, str], seconds: float = 60) -> subprocess.CompletedProcess[str]:
    """One command of the command line, to its end."""
    return subprocess.run(
        [sys.executable, "-m", "bootstrap.cli.main", *arguments],
        env=dict(environment),
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


@dataclass(slots=True)
class Service:
    """A running `bayar serve`. `kill` and `restart` keep its database, and `restart` its settings."""

    environment: dict[str, str]
    log_path: Path
    address: str = ""
    http_url: str = ""
    # The program that Python runs.
    program: tuple[str, ...] = PROGRAM
    start_seconds: float = START_SECONDS
    _process: subprocess.Popen[str] | None = field(default=None, repr=False)
    _clients: list[BayarClient] = field(default_factory=list, repr=False)

    @property
    def process(self) -> subprocess.Popen[str]:
        assert self._process is not None, "it was not started"
        return self._process

    @property
    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def start(self) -> None:
        with self.log_path.open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, *self.program], stdout=subprocess.PIPE, stderr=log, text=True, env=self.environment
            )
        watchdog = threading.Timer(self.start_seconds, self._process.kill)
        watchdog.start()
        assert self._process.stdout is not None
        line, second_line = self._process.stdout.readline(), self._process.stdout.readline()
        watchdog.cancel()
        assert line.startswith(READY), f"the service did not start: {line!r} {self.log[-2000:]}"
        self.address = line.removeprefix(READY).split()[0]
        self.http_url = second_line.split()[2].removesuffix("/webhooks/braintree;")
        if self.environment.get("BAYAR_AUTHENTICATION") != "none":
            let_in(self.environment["BAYAR_DATABASE_URL"])

    def restart(self) -> None:
        """Starts it again after `stop` or `kill`, on a new port."""
        self.start()

    def ask_to_stop(self, number: int = signal.SIGINT) -> None:
        self.process.send_signal(number)

    def wait(self, seconds: float = STOP_SECONDS) -> int:
        """The exit status. A process that does not end in time leaves the stacks of its threads in the log."""
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)
            self.process.wait(seconds)
            raise AssertionError(f"the service did not end within {seconds:g} s: {self.log[-8000:]}") from None
        if self.process.stdout is not None:
            self.process.stdout.close()
        return status

    def stop(self, number: int = signal.SIGINT) -> int:
        self.ask_to_stop(number)
        return self.wait()

    def kill(self) -> None:
        """As kill -9 does it."""
        self.process.kill()
        self.wait()

    def client(self, *, retries: bool = False, language: str = "", timeout_seconds: float = 60) -> BayarClient:
        """A client of its own connection. Without retries, the test sees each answer."""
        retry = RetryPolicy() if retries else RetryPolicy(attempts=1)
        client = BayarClient(self.address, retry=retry, language=language, timeout_seconds=timeout_seconds)
        self._clients.append(client)
        return client

    def close(self) -> None:
        for client in self._clients:
            client.close()
        if self._process is not None and self._process.poll() is None:
            self.ask_to_stop()
            self.wait()


@dataclass(frozen=True, slots=True)
class Pair:
    """A service and the gateway that it talks to."""

    service: Service
    twin: Twin
    directory: Path

    @property
    def database(self) -> Path:
        return self.directory / "bayar.db"


def end_leases(pair: Pair) -> None:
    """Ends the leases of operations while no process runs, so that the next one looks for their outcomes at once."""
    with closing(sqlite3.connect(pair.database)) as database, database:
        database.execute("UPDATE operations SET next_check_time = create_time WHERE state = 'started'")


@contextmanager
def running_pair(
    directory: Path, more: Mapping[str, str] | None = None, database_url: str = "", program: tuple[str, ...] = PROGRAM
) -> Iterator[Pair]:
    """Both, on free ports; gone when you leave."""
    with start_twin(directory) as twin:
        url = database_url or f"sqlite:///{directory / 'bayar.db'}"
        service = Service(environment_of(twin, url, more), directory / "bayar.log", program=program)
        try:
            service.start()
            yield Pair(service, twin, directory)
        finally:
            service.close()
