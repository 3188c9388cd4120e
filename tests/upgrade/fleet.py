"""Two replicas of one service on one database, which are upgraded and taken back one after the other, under load."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Final

import psutil  # type: ignore[import-untyped]

from bayar.messages import BayarClient, CaptureMode, FailureReason, Operation, OperationState, Payment, PaymentState
from tests.crash.replica import free_port
from tests.end_to_end.payment_steps import pay, usd
from tests.end_to_end.service import Service, until

# As long as a real replica may take on a busy machine.
_STOP_SECONDS: Final = 60.0
SHOPPERS: Final = 3
_AFTERWARDS: Final = {
    "capture": PaymentState.PAYMENT_STATE_CAPTURED,
    "void": PaymentState.PAYMENT_STATE_VOIDED,
    "refund": PaymentState.PAYMENT_STATE_VOIDED,
}
_ENDED: Final = {
    OperationState.OPERATION_STATE_SUCCEEDED,
    OperationState.OPERATION_STATE_DECLINED,
    OperationState.OPERATION_STATE_FAILED,
}


@dataclass(frozen=True, slots=True)
class Version:
    name: str
    # PYTHONPATH, empty for the version that is installed.
    python_path: str

    def run(self, *arguments: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """One command of the command line of this version, to its end."""
        command = [sys.executable, "-P", "-m", "bootstrap.cli.main", *arguments]
        with_path = {**environment, "PYTHONPATH": self.python_path}
        return subprocess.run(command, env=with_path, capture_output=True, text=True, timeout=120, check=False)


class Fleet:
    """Replicas at fixed addresses. A client's channel reaches all of them, and another when one says goodbye."""

    def __init__(self, environment: Mapping[str, str], directory: Path, replicas: int = 2) -> None:
        self.environment = dict(environment)
        # The time of each kill -9.
        self.kills: list[datetime] = []
        self._services = [
            Service(
                self.environment | {"BAYAR_GRPC_ADDRESS": f"127.0.0.1:{free_port()}"},
                directory / f"replica-{number}.log",
                program=("-P", "-m", "bootstrap.cli.main", "serve"),
            )
            for number in range(replicas)
        ]

    @property
    def address(self) -> str:
        addresses = [service.environment["BAYAR_GRPC_ADDRESS"] for service in self._services]
        return "ipv4:" + ",".join(addresses)

    @property
    def log(self) -> str:
        return "".join(service.log for service in self._services)

    def start(self, version: Version) -> None:
        for service in self._services:
            self._start(service, version)

    def roll(self, version: Version) -> None:
        """Replaces every replica: the next one once this one is ready."""
        for service in self._services:
            service.ask_to_stop(signal.SIGTERM)
            assert service.wait(_STOP_SECONDS) == 0, service.log[-3000:]
            self._start(service, version)

    def kill_a_process(self, version: Version) -> None:
        """Kills a worker, or the only process of a replica, and returns once its successor is ready."""
        service = self._services[0]
        workers = _workers(service)
        self.kills.append(datetime.now(UTC))
        if not workers:
            service.kill()
            self._start(service, version)
            return
        number, worker = max(workers.items())
        worker.kill()

        def successor() -> bool:
            found = _workers(service).get(number)
            return found is not None and found.pid != worker.pid

        until(successor, seconds=60, what="a successor of the worker")
        until(lambda: _is_ready(service), seconds=60, what="all workers")

    def close(self) -> None:
        for service in self._services:
            service.close()

    def _start(self, service: Service, version: Version) -> None:
        service.environment["PYTHONPATH"] = version.python_path
        service.start()


def _is_ready(service: Service) -> bool:
    with suppress(OSError), urllib.request.urlopen(f"{service.http_url}/readyz", timeout=10) as page:  # noqa: S310 (ours)
        return page.status == HTTPStatus.OK and f"{service.environment['BAYAR_WORKERS']} of" in page.read().decode()
    return False


def _workers(service: Service) -> dict[int, psutil.Process]:
    found = {}
    for child in psutil.Process(service.process.pid).children():
        with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            _, _, rest = " ".join(child.cmdline()).partition(" bootstrap.process.worker_process ")
            if rest and int(rest.split()[0]):
                found[int(rest.split()[0])] = child
    return found


@dataclass(slots=True)
class Shoppers:
    """Callers that pay, capture, void, refund, read and list, with nothing but the client's own retries."""

    address: str
    errors: list[str] = field(default_factory=list)
    paid: list[Payment] = field(default_factory=list)
    # Operations of which the gateway never heard, since their process was killed before it sent them.
    never_sent: list[Operation] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)
    _stopping: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        threads = [threading.Thread(target=self._shop, name=f"shopper {n}", daemon=True) for n in range(SHOPPERS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stopping.set()
            for thread in threads:
                thread.join(120)

    def some_more(self, payments: int = 6) -> None:
        """Waits until more payments were made from now on."""
        wanted = len(self.paid) + payments
        until(lambda: len(self.paid) >= wanted or self.errors, seconds=90, what=f"{payments} more payments")
        assert self.errors == []

    def _shop(self) -> None:
        with BayarClient(self.address, timeout_seconds=60) as bayar:
            while not self._stopping.is_set():
                for act in _AFTERWARDS:
                    try:
                        self._buy(bayar, act)
                    except Exception as error:
                        self.errors.append(f"{act}: {error}")
                        return

    def _buy(self, bayar: BayarClient, act: str) -> None:
        manual = act in ("capture", "void")
        mode = CaptureMode.CAPTURE_MODE_MANUAL if manual else CaptureMode.CAPTURE_MODE_AUTOMATIC
        payment = self._done(bayar, lambda: pay(bayar, "10.00", capture_mode=mode))
        own = payment.payment_id
        acts: Mapping[str, Callable[[], Payment]] = {
            "capture": lambda: bayar.capture_payment(payment_id=own, amount=usd("7.00")),
            "void": lambda: bayar.void_payment(payment_id=own),
            "refund": lambda: bayar.refund_payment(payment_id=own),
        }
        done = self._done(bayar, acts[act])
        assert done.state == _AFTERWARDS[act], f"{own} is {done.state} after {act}"
        assert own in [one.payment_id for one in bayar.list_payments(reference=payment.reference)]
        self.calls.update(["pay", act, "list"])
        self.paid.append(done)

    def _done(self, bayar: BayarClient, act: Callable[[], Payment]) -> Payment:
        """The payment once the outcome of the act is known. One that a killed process never sent is done anew."""
        while True:
            own = act().payment_id

            def known(own: str = own) -> Payment | None:
                self.calls["get"] += 1
                payment = bayar.get_payment(payment_id=own)
                return payment if payment.operations[-1].state in _ENDED else None

            # The answer of a process that died is unknown until the resolver has asked.
            payment = until(known, seconds=60, what=f"the outcome of {own}")
            last = payment.operations[-1]
            if last.failure_reason != FailureReason.FAILURE_REASON_NOT_FOUND_AT_GATEWAY:
                return payment
            self.never_sent.append(last)
