"""A drill: a fault, the alerts that it makes fire, the commands of their pages, and the transcript."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from tests.deploy.drills.stack import Stack, operators_environment
from tests.deploy.tools import promtool
from tests.end_to_end.service import until

_WITHIN_SECONDS: Final = 240.0
_MOST_LINES: Final = 12


@dataclass(frozen=True, slots=True)
class Plan:
    """A drill before it runs: the alerts whose pages show its transcript, and settings of the service."""

    alerts: tuple[str, ...]
    run: Callable[[Drill], None]
    settings: Mapping[str, str] = field(default_factory=dict)
    replicas: int = 1

    @property
    def name(self) -> str:
        return self.run.__name__


@dataclass(slots=True)
class Drill:
    """A run, and its transcript."""

    stack: Stack
    lines: list[str] = field(default_factory=list)
    fault_time: float = 0.0

    def say(self, text: str) -> None:
        self._write(f"{time.monotonic() - self.fault_time:5.0f} s  {text}")

    def fault(self, text: str) -> None:
        """From here the seconds are counted."""
        self.fault_time = time.monotonic()
        self.say(text)

    def fires(self, *names: str) -> None:
        """Waits until the alerts fire."""
        for name in names:
            summary = until(partial(self._summary, name), seconds=_WITHIN_SECONDS, what=f"{name} fires")
            self.say(f"{name} fires: {summary}")

    def is_over(self, *names: str) -> None:
        """Waits until the alerts do not fire any more."""
        for name in names:
            until(partial(self._is_silent, name), seconds=_WITHIN_SECONDS, what=f"{name} ends")
            self.say(f"{name} is over")

    def is_firing(self, name: str) -> bool:
        return bool(self._summary(name))

    def _is_silent(self, name: str) -> bool:
        return not self._summary(name)

    def _summary(self, name: str) -> str:
        """Empty while it does not fire."""
        for alert in self.stack.prometheus.alerts():
            if alert["labels"]["alertname"] == name:
                return str(alert["annotations"]["summary"])
        return ""

    def shell(self, command: str, *, shown: str = "", lines: int = _MOST_LINES) -> str:
        """Runs a command of a page in the shell of the person who reads it, and returns the output."""
        done = subprocess.run(
            ["bash", "-c", self._here(command)],
            env=operators_environment(self.stack),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        output = self._public(done.stdout + done.stderr).rstrip()
        self._write(f"$ {shown or command}")
        found = output.splitlines()
        for line in found[:lines]:
            self._write(line[:230].rstrip())
        if len(found) > lines:
            self._write(f"... and {len(found) - lines} lines more")
        return output

    def query(self, expression: str) -> str:
        """Asks Prometheus."""
        escaped = expression.replace("'", "'\\''")
        command = f"{promtool()} query instant {self.stack.prometheus.url} '{escaped}'"
        return self.shell(command, shown=f"promtool query instant http://prometheus:9090 '{expression}'")

    def log(self, pattern: str, replica: int = 1, most: int = 2) -> None:
        """Looks for lines in the log of a replica."""
        path = self.stack.logs[replica - 1].path
        command = f"grep -E '{pattern}' '{path}' | tail -{most}"
        self.shell(command, shown=f"grep -E '{pattern}' bayar-{replica}.log | tail -{most}")

    def resolved(self) -> None:
        """Waits until no outcome is unknown, as `bayar unresolved` tells."""
        client = self.stack.service.client()
        until(lambda: not list(client.list_unresolved_operations()), seconds=120, what="the resolver")
        self.shell("bayar unresolved")

    def ready(self, replica: int = 1) -> str:
        """The body of /readyz, quietly."""
        command = f"curl -s -m 5 {self.stack.replicas[replica - 1].http_url}/readyz"
        return subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False).stdout

    def _here(self, text: str) -> str:
        for number, replica in enumerate(self.stack.replicas, start=1):
            text = text.replace(f"http://bayar-{number}:8080", replica.http_url)
        # A terminal shows no progress of so short an answer.
        text = text.replace("curl -i", "curl -sSi")
        return text.replace("'api.braintreegateway.com', 443", f"'{self.stack.twin.host}', {self.stack.twin.port}")

    def _public(self, text: str) -> str:
        """Without this machine's addresses and folders."""
        for number, replica in enumerate(self.stack.replicas, start=1):
            host, _, port = replica.http_url.removeprefix("http://").rpartition(":")
            text = text.replace(replica.http_url, f"http://bayar-{number}:8080")
            text = text.replace(f"{host} port {port}", f"bayar-{number} port 8080")
            text = text.replace(replica.address, f"bayar-{number}:50051")
        text = text.replace(self.stack.endpoint.url, "https://shop.example/bayar")
        text = text.replace(f"{self.stack.twin.host}:{self.stack.twin.port}", "api.braintreegateway.com:443")
        text = text.replace(str(self.stack.folder), "/var/log/bayar").replace(sys.prefix, "/opt/bayar")
        return re.sub(r"/tmp/[\w./-]+", "/run/postgresql", text)  # noqa: S108 (a text, no file)

    def _write(self, line: str) -> None:
        self.lines.append(line)
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def needs_curl() -> None:
    if shutil.which("curl") is None:
        sys.exit("The drills run the commands of the pages, and this machine has no curl. On Debian: apt install curl")
