"""python -m tests.deploy.alert_drill [NAME...]: makes each alert fire in a real Prometheus, by a real fault.

Each drill starts PostgreSQL, the twin, the service with two workers and Prometheus, pays all the while, makes its fault
and prints when the alerts fire. Prometheus looks every two seconds, and each `for:` of the rules is divided by ten;
nothing else of them is changed. A few minutes each; docs/operate/runbooks shows the transcripts.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import psutil  # type: ignore[import-untyped]
import yaml

from bayar import BayarError
from bayar.payments.v1.admin_service_pb2 import ListUnresolvedOperationsRequest
from bayar.payments.v1.admin_service_pb2_grpc import AdminServiceStub
from braintree_twin.testing import Twin, start_twin
from tests.api_keys import in_environment
from tests.databases import Postgres, running_postgres
from tests.deploy.tools import DEPLOY, promtool
from tests.end_to_end.payment_steps import pay
from tests.end_to_end.service import Service, environment_of, run_bayar, until

_RULES: Final = DEPLOY / "prometheus" / "alerts.yaml"
_SHORTER: Final = 10
_SCRAPE: Final = "2s"
_CALLERS: Final = 3
_FIRES_WITHIN_SECONDS: Final = 240.0
_SETTINGS: Final = {
    "BAYAR_WORKERS": "2",
    "BAYAR_DATABASE_CONNECTIONS": "6",
    "BAYAR_GRPC_THREADS": "20",
    "BAYAR_BRAINTREE_MAX_CALLS": "4",
    "BAYAR_BRAINTREE_CONNECT_TIMEOUT_SECONDS": "1",
    "BAYAR_BRAINTREE_READ_TIMEOUT_SECONDS": "2",
    "BAYAR_WEBHOOK_ATTEMPTS": "2",
    "BAYAR_READS_PER_SECOND": "0",
}


@dataclass(slots=True)
class Drill:
    """One run: what it needs to make faults, and to tell of them."""

    postgres: Postgres
    twin: Twin
    service: Service
    prometheus_url: str
    log: _PausableLog
    fault_time: float = 0.0

    def say(self, text: str) -> None:
        sys.stdout.write(f"{time.monotonic() - self.fault_time:5.0f} s  {text}\n")
        sys.stdout.flush()

    def fault(self, text: str) -> None:
        """From here the seconds are counted."""
        self.fault_time = time.monotonic()
        self.say(text)

    def expect(self, *names: str) -> None:
        """Waits until the alerts fire."""
        for name in names:
            found = until(partial(self._firing, name), seconds=_FIRES_WITHIN_SECONDS, what=name)
            self.say(f"{name} fires: {found}")

    def _firing(self, name: str) -> str:
        """Its summary; empty while it does not fire."""
        answer = json.loads(read(f"{self.prometheus_url}/api/v1/alerts"))
        for alert in answer["data"]["alerts"]:
            if alert["labels"]["alertname"] == name and alert["state"] == "firing":
                return str(alert["annotations"]["summary"])
        return ""

    def unresolved(self) -> int:
        """The entries of AdminService.ListUnresolvedOperations."""
        stub = AdminServiceStub(self.service.client().channel)
        return len(stub.ListUnresolvedOperations(ListUnresolvedOperationsRequest()).operations)

    def ready(self) -> str:
        """The answer of /readyz."""
        try:
            return "200 " + read(f"{self.service.http_url}/readyz").strip()
        except urllib.error.HTTPError as refused:
            return f"{refused.code} {refused.read().decode().strip()}"

    def bayar(self, *arguments: str) -> str:
        """The output of a command."""
        done = run_bayar(*arguments, environment=self.service.environment)
        return (done.stdout + done.stderr).strip()

    def workers(self) -> dict[int, psutil.Process]:
        found = {}
        for child in psutil.Process(self.service.process.pid).children():
            with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                if match := re.search(r" bootstrap\.process\.worker_process (\d+)", " ".join(child.cmdline())):
                    found[int(match[1])] = child
        return {number: child for number, child in found.items() if number}

    def is_busy(self) -> bool:
        """Whether Prometheus has seen some payments."""
        query = urllib.parse.urlencode({"query": 'sum(bayar_gateway_calls_total{calls="moves", end="answered"}) > 20'})
        with suppress(OSError):
            return bool(json.loads(read(f"{self.prometheus_url}/api/v1/query?{query}"))["data"]["result"])
        return False


class _PausableLog:
    """The reader of the service's standard error, a named pipe, as under a container runtime; it can stop to read."""

    def __init__(self, pipe: Path, path: Path) -> None:
        os.mkfifo(pipe)
        self._path = path
        self._reads = threading.Event()
        self._reads.set()
        # For reading and writing: the pipe has no end while the service restarts.
        self._output = os.open(pipe, os.O_RDWR)
        threading.Thread(target=self._copy, daemon=True).start()

    def pause(self) -> None:
        self._reads.clear()

    def go_on(self) -> None:
        self._reads.set()

    def _copy(self) -> None:
        with self._path.open("ab", buffering=0) as file:
            while self._reads.wait():
                file.write(os.read(self._output, 65536))


def read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as page:  # noqa: S310 (our own address)
        return str(page.read().decode())


def post_forged(url: str) -> None:
    form = urllib.parse.urlencode({"bt_signature": "key|0000", "bt_payload": "Zm9yZ2Vk"}).encode()
    with suppress(urllib.error.HTTPError):
        urllib.request.urlopen(url, data=form, timeout=10)  # noqa: S310 (our own address)


@contextmanager
def running() -> Iterator[Drill]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bayar-drill-")))
        stack.enter_context(in_environment())
        postgres = stack.enter_context(running_postgres(own=True))
        twin = stack.enter_context(start_twin(folder, separate_control=True))
        log = _PausableLog(folder / "stderr", folder / "stderr.log")
        stack.callback(log.go_on)
        environment = environment_of(twin, postgres.new_database(), _SETTINGS)
        migrated = run_bayar("migrate", environment=environment)
        assert migrated.returncode == 0, migrated.stderr
        service = Service(environment, folder / "bayar.log")
        service.program = ("-c", _INTO_THE_PIPE, str(folder / "stderr"), *service.program)
        stack.callback(service.close)
        service.start()
        twin.control.set_webhook_address(f"{service.http_url}/webhooks/braintree")
        url = stack.enter_context(_prometheus(folder, service.http_url.removeprefix("http://")))
        done = threading.Event()
        stack.callback(done.set)
        for _ in range(_CALLERS):
            threading.Thread(target=_pay_on, args=(service, done), daemon=True).start()
        one = Drill(postgres, twin, service, url, log)
        until(partial(one.is_busy), seconds=60, what="payments in Prometheus")
        yield one


_INTO_THE_PIPE: Final = """
import os, sys
os.dup2(os.open(sys.argv[1], os.O_WRONLY), 2)
os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""


@contextmanager
def _prometheus(folder: Path, target: str) -> Iterator[str]:
    rules = yaml.safe_load(_RULES.read_text("utf-8"))
    for group in rules["groups"]:
        for rule in group["rules"]:
            if "for" in rule:
                rule["for"] = f"{_seconds(rule['for']) // _SHORTER}s"
    (folder / "alerts.yaml").write_text(yaml.safe_dump(rules), "utf-8")
    configuration = yaml.safe_load((_RULES.parent / "prometheus.yaml").read_text("utf-8"))
    configuration["global"] = {"scrape_interval": _SCRAPE, "scrape_timeout": _SCRAPE, "evaluation_interval": _SCRAPE}
    configuration["scrape_configs"][0]["static_configs"] = [{"targets": [target]}]
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(configuration), "utf-8")
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [str(promtool().with_name("prometheus")), f"--config.file={folder / 'prometheus.yaml'}"]
    command += [f"--storage.tsdb.path={folder / 'prometheus'}", f"--web.listen-address={address}", "--log.level=warn"]
    process = subprocess.Popen(command)
    try:
        yield f"http://{address}"
    finally:
        process.terminate()
        process.wait(30)


def _seconds(text: str) -> int:
    return int(text[:-1]) * {"s": 1, "m": 60, "h": 3600}[text[-1]]


def _pay_on(service: Service, done: threading.Event) -> None:
    client = service.client()
    while not done.wait(0.3):
        with suppress(BayarError):
            pay(client)


def a_gateway_that_refuses_connections(run: Drill) -> None:
    run.twin.control.add_fault("refuse")
    run.fault("the gateway refuses every connection")
    run.expect("BayarGatewayNotReached")
    run.say(f"unresolved operations: {run.unresolved()}")


def a_silent_gateway(run: Drill) -> None:
    run.twin.control.add_fault("delay", seconds=30)
    run.fault("the gateway takes every request, and answers none")
    run.expect("BayarGatewayAnswersLost", "BayarGatewayBreakerOpen", "BayarGatewaySearchBreakerOpen")
    run.say(f"unresolved operations: {run.unresolved()}")
    run.twin.control.clear_faults()
    run.say("the gateway answers again")
    until(lambda: run.unresolved() == 0, seconds=120, what="the resolver")
    run.say("unresolved operations: 0")


def a_slow_gateway_under_load(run: Drill) -> None:
    run.twin.control.add_fault("delay", seconds=1)
    run.fault("each answer of the gateway takes a second, and 24 callers pay")
    done = threading.Event()
    threads = [threading.Thread(target=_pay_on, args=(run.service, done), daemon=True) for _ in range(24)]
    for thread in threads:
        thread.start()
    run.expect("BayarGatewayCallsRefusedBusy")
    done.set()


def workers_that_are_killed(run: Drill) -> None:
    run.fault("kill -9 to both workers, three times")
    for _ in range(3):
        killed = list(run.workers().values())
        for child in killed:
            child.kill()
        until(partial(_are_replaced, run, killed), seconds=120, what="two new workers")
    run.expect("BayarWorkersDying")
    run.say(f"/readyz: {run.ready()}")


def _are_replaced(run: Drill, killed: list[psutil.Process]) -> bool:
    successors = run.workers().values()
    return len(successors) == 2 and not set(successors) & set(killed) and "2 of 2" in run.ready()


def workers_that_cannot_start(run: Drill) -> None:
    run.fault("every worker is killed, and each successor is stopped as it starts")
    for child in run.workers().values():
        child.kill()
    done = threading.Event()
    threading.Thread(target=_stop_all, args=(run, done), daemon=True).start()
    until(lambda: "0 of 2" in run.ready(), seconds=30, what="no worker")
    run.say(f"/readyz: {run.ready()}")
    run.expect("BayarWorkersTooFew", "BayarWorkersMissing")
    done.set()
    for child in run.workers().values():
        child.resume()
    until(lambda: "2 of 2" in run.ready(), seconds=90, what="all workers")
    run.say(f"the workers go on; /readyz: {run.ready()}")


def _stop_all(run: Drill, done: threading.Event) -> None:
    while not done.wait(0.05):
        for child in run.workers().values():
            with suppress(psutil.NoSuchProcess):
                child.suspend()


def a_log_that_nobody_reads(run: Drill) -> None:
    run.log.pause()
    run.fault("the reader of standard error stops, and many calls are logged")
    done = threading.Event()
    for _ in range(8):
        threading.Thread(target=_look_up_nothing, args=(run.service, done), daemon=True).start()
    run.expect("BayarLogLinesDropped")
    done.set()
    run.log.go_on()


def _look_up_nothing(service: Service, done: threading.Event) -> None:
    """Each call is a line of the log, and each process keeps 4 MB of lines that nobody reads yet."""
    client = service.client()
    while not done.is_set():
        with suppress(BayarError):
            client.get_payment(payment_id="pay_01kb0000000000000000000000")


def webhooks_that_fail(run: Drill) -> None:
    run.twin.control.add_fault("reset_before", path="/transactions/*")
    run.twin.control.add_fault("reset_before", path="/transactions/advanced_search")
    run.fault("the gateway resets every search, and sends a webhook about a payment")
    run.twin.control.send_webhook("transaction_settled", run.twin.control.ledger()[-1].id)
    run.expect("BayarWebhooksDead")


def webhooks_that_wait(run: Drill) -> None:
    held = run.bayar("background", "hold", "--reason", "drill")
    run.fault(f"110 webhooks arrive while work is held: {held}")
    for number in range(110):
        run.twin.control.send_webhook("transaction_settled", f"drill{number}")
    run.expect("BayarWebhooksWaiting")
    run.say(run.bayar("background", "status"))
    run.say(run.bayar("background", "release"))


def webhooks_that_are_forged(run: Drill) -> None:
    run.fault("thirty webhooks with a wrong signature")
    for _ in range(30):
        post_forged(f"{run.service.http_url}/webhooks/braintree")
    run.expect("BayarWebhooksForged")


def a_database_that_is_down(run: Drill) -> None:
    run.postgres.crash()
    run.fault("PostgreSQL is killed")
    run.expect("BayarAbsent", "BayarDown")
    run.say(f"/readyz: {run.ready()}")
    run.twin.control.send_webhook("transaction_settled", "drill")
    run.postgres.start()
    run.say("PostgreSQL is started")
    until(lambda: run.ready().startswith("200"), seconds=60, what="readiness")
    run.say(f"/readyz: {run.ready()}")
    run.expect("BayarWebhooksNotStored")


_DRILLS: Final[tuple[Callable[[Drill], None], ...]] = (
    a_gateway_that_refuses_connections,
    a_silent_gateway,
    a_slow_gateway_under_load,
    workers_that_are_killed,
    workers_that_cannot_start,
    a_log_that_nobody_reads,
    webhooks_that_fail,
    webhooks_that_wait,
    webhooks_that_are_forged,
    a_database_that_is_down,
)


def main(names: Sequence[str]) -> int:
    for one in _DRILLS:
        if not names or one.__name__ in names:
            sys.stdout.write(f"\n{one.__name__.replace('_', ' ').capitalize()}\n")
            with running() as run:
                one(run)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
