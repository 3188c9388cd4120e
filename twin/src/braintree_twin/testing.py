"""Runs a twin for a test: a process on a free port, ready on entry and stopped on exit."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from braintree_twin.browser.chromium import chromium_arguments
from braintree_twin.control import TwinControl
from braintree_twin.merchants import READY_MADE

START_SECONDS = 20.0
STOP_SECONDS = 5.0
READY = "braintree-twin ready at "
BROWSERS = "browsers: "


@dataclass(slots=True)
class Twin:
    """A running twin. `kill` and `restart` keep its address, its state and its certificates."""

    url: str
    control_url: str
    # The CA file for clients; None for plain http.
    ca_file: Path | None
    control: TwinControl
    merchant_id: str
    public_key: str
    private_key: str
    _arguments: list[str] = field(repr=False)
    _process: subprocess.Popen[str] = field(repr=False)
    # The address for a person's browser, with --browser-address; otherwise empty.
    browser_url: str = ""

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or "localhost"

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 443

    @property
    def chromium_arguments(self) -> list[str]:
        """The arguments that lead a Chromium to this twin, if it was started with --gateway-hosts and https."""
        if self.ca_file is None:
            raise ValueError("a twin without https has no certificate that a browser could accept")
        return chromium_arguments(self.url, self.ca_file.with_name("server.pem"))

    @property
    def pid(self) -> int:
        return self._process.pid

    def kill(self) -> None:
        """Kill the process, as kill -9 does."""
        self._process.kill()
        self._process.wait(STOP_SECONDS)

    def stop(self) -> int:
        """Send SIGTERM and wait; returns the exit status."""
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(STOP_SECONDS)

    def restart(self) -> None:
        """Start it again after `kill` or `stop`."""
        self._process, _ = _start(self._arguments)


@contextmanager
def start_twin(
    directory: Path | None = None,
    *,
    plain: bool = False,
    separate_control: bool = False,
    arguments: tuple[str, ...] = (),
) -> Iterator[Twin]:
    """Run a twin with its state and certificates in the directory (by default a temporary one).

    `separate_control` gives the control API its own address: tests can reach it while connections
    of merchants are refused.
    """
    with tempfile.TemporaryDirectory(prefix="braintree-twin-") as temporary:
        twin = _first_start(directory or Path(temporary), plain, separate_control, arguments)
        try:
            yield twin
        finally:
            twin.control.close()
            if twin._process.poll() is None:
                try:
                    twin.stop()
                except subprocess.TimeoutExpired:
                    twin.kill()


def _first_start(directory: Path, plain: bool, separate_control: bool, more: tuple[str, ...]) -> Twin:
    arguments = [
        *("--address", "127.0.0.1:0"),
        *("--state", str(directory / "twin.db")),
        *("--tls-dir", str(directory / "tls")),
        "--quiet",
        *(["--plain"] if plain else []),
        *(["--control-address", "127.0.0.1:0"] if separate_control else []),
        *more,
    ]
    process, ready = _start(arguments)
    arguments[1] = urlsplit(ready["at"]).netloc
    control_url = ready["control"].removesuffix("/_twin/")
    if separate_control:
        arguments[arguments.index("--control-address") + 1] = urlsplit(control_url).netloc
    if "--browser-address" in arguments:
        port = urlsplit(ready["browsers"]).port
        arguments[arguments.index("--browser-address") + 1] = f"127.0.0.1:{port}"
    ca_file = Path(ready["ca"]) if "ca" in ready else None
    return Twin(
        url=ready["at"],
        control_url=control_url,
        ca_file=ca_file,
        control=TwinControl(control_url, ca_file),
        merchant_id=READY_MADE.id,
        public_key=READY_MADE.public_key,
        private_key=READY_MADE.private_key,
        _arguments=arguments,
        _process=process,
        browser_url=ready.get("browsers", ""),
    )


def _start(arguments: list[str]) -> tuple[subprocess.Popen[str], dict[str, str]]:
    """The process, and the addresses of its readiness lines: at, control, ca, browsers."""
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "braintree_twin", "serve", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    watchdog = threading.Timer(START_SECONDS, process.kill)
    watchdog.start()
    assert process.stdout is not None  # noqa: S101
    line = process.stdout.readline()
    watchdog.cancel()
    if not line.startswith(READY):
        process.kill()
        raise RuntimeError(f"the twin did not start; it said {line!r}")
    url, *rest = line.removeprefix(READY).strip().split(" ", 2)
    ready = {"at": url, **dict(part.split("=", 1) for part in rest)}
    if "--browser-address" in arguments:
        ready["browsers"] = process.stdout.readline().removeprefix(BROWSERS).strip()
    return process, ready
