"""Debian's Prometheus, with the rules of deploy/prometheus, on a faster clock."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from tests.deploy.tools import DEPLOY, Document, promtool

RULES: Final = DEPLOY / "prometheus" / "alerts.yaml"
_CONFIGURATION: Final = DEPLOY / "prometheus" / "prometheus.yaml"
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION: Final = re.compile(r"(\[|offset )(\d+)([smhd])\b")
# An age that is compared with seconds; quantiles of histograms are no ages.
_AGE: Final = re.compile(r"(_seconds(?:\{[^}]*\})?\)? > )(\d+)\b")


def scaled_rules(scale: Callable[[int], int]) -> Document:
    """The rules, with each of their durations and ages, in seconds, changed by the function."""
    rules: Document = yaml.safe_load(RULES.read_text("utf-8"))
    for group in rules["groups"]:
        for rule in group["rules"]:
            if "for" in rule:
                rule["for"] = f"{scale(_seconds(rule['for']))}s"
            rule["expr"] = _AGE.sub(lambda found: found[1] + str(scale(int(found[2]))), faster(rule["expr"], scale))
    return rules


def faster(expression: str, scale: Callable[[int], int]) -> str:
    """With each window and offset changed by the function."""
    return _DURATION.sub(lambda found: f"{found[1]}{scale(int(found[2]) * _UNITS[found[3]])}s", expression)


def _seconds(text: str) -> int:
    return int(text[:-1]) * _UNITS[text[-1]]


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A running server."""

    url: str

    def alerts(self) -> list[Document]:
        answer = json.loads(self._read("/api/v1/alerts"))
        return [alert for alert in answer["data"]["alerts"] if alert["state"] == "firing"]

    def value(self, query: str) -> float:
        """The value of a query with one sample; 0 without any."""
        with suppress(OSError):
            found = self.query("query", query=query)
            return float(found[0]["value"][1]) if found else 0.0
        return 0.0

    def query(self, kind: str, **arguments: str) -> list[Any]:
        """The result of an instant query, or with kind query_range that of a range."""
        found: list[Any] = json.loads(self._read(f"/api/v1/{kind}?{urllib.parse.urlencode(arguments)}"))["data"][
            "result"
        ]
        return found

    def _read(self, path: str) -> str:
        with urllib.request.urlopen(self.url + path, timeout=20) as page:  # noqa: S310 (our own address)
            return str(page.read().decode())


@contextmanager
def running_prometheus(
    folder: Path, targets: Mapping[str, str], rules: Document, interval_seconds: int = 1
) -> Iterator[Prometheus]:
    """Scrapes the targets, by the instance's name, and evaluates the rules each interval."""
    folder.mkdir(exist_ok=True)
    (folder / "alerts.yaml").write_text(yaml.safe_dump(rules), "utf-8")
    configuration = yaml.safe_load(_CONFIGURATION.read_text("utf-8"))
    pause = f"{interval_seconds}s"
    configuration["global"] = {"scrape_interval": pause, "scrape_timeout": pause, "evaluation_interval": pause}
    configuration["scrape_configs"][0]["static_configs"] = [
        {"targets": [address], "labels": {"instance": name}} for name, address in targets.items()
    ]
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(configuration), "utf-8")
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [str(promtool().with_name("prometheus")), f"--config.file={folder / 'prometheus.yaml'}"]
    command += [f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address={address}", "--log.level=error"]
    process = subprocess.Popen(command)
    try:
        yield Prometheus(f"http://{address}")
    finally:
        process.terminate()
        process.wait(30)
