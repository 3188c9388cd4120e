"""Starts the gateway's offline twin as a subprocess. For development only."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from ssl import create_default_context
from typing import Any, Final

MERCHANT_ID: Final = "twin_merchant"
PUBLIC_KEY: Final = "twin_public_key"
PRIVATE_KEY: Final = "twin_private_key"
# Where programs beside the service, such as the client's test fixtures, find the twin.
URL_FILE: Final = "twin_url"

_STOP_SECONDS: Final = 10
_BROWSERS: Final = "browsers: "


class TwinFailed(Exception):
    """The twin did not start, or ended. The text says why."""


@dataclass(frozen=True, slots=True)
class Twin:
    url: str
    ca_file: Path
    process: subprocess.Popen[bytes] = field(repr=False)
    # The folder of braintree-web's scripts at the twin's address for browsers; empty without one.
    scripts_url: str = ""
    stopping: threading.Event = field(repr=False, default_factory=threading.Event)

    def ended_by_itself(self) -> bool:
        """Waits until the twin has ended. Returns whether it ended by itself."""
        self.process.wait()
        return not self.stopping.is_set()

    def environment(self) -> dict[str, str]:
        """The settings that point the service at it."""
        return self._checkout() | {
            "BAYAR_BRAINTREE_ENVIRONMENT": "twin",
            "BAYAR_BRAINTREE_URL": self.url,
            "BAYAR_BRAINTREE_CA_FILE": str(self.ca_file),
            "BAYAR_BRAINTREE_MERCHANT_ID": MERCHANT_ID,
            "BAYAR_BRAINTREE_PUBLIC_KEY": PUBLIC_KEY,
            "BAYAR_BRAINTREE_PRIVATE_KEY": PRIVATE_KEY,
        }

    def _checkout(self) -> dict[str, str]:
        """The checkout page loads the gateway's browser code from the twin."""
        if not self.scripts_url:
            return {}
        origin = self.scripts_url.partition("/web/")[0]
        return {"BAYAR_CHECKOUT_SCRIPTS_URL": self.scripts_url, "BAYAR_CHECKOUT_GATEWAY_ORIGINS": origin}

    def settle(self) -> None:
        """Runs the nightly settlement batch now. Raises TwinFailed."""
        self._control("POST", "/_twin/settle")

    def tell(self, url: str) -> None:
        """Sends the twin's webhooks to the address from now on. Raises TwinFailed."""
        self._control("POST", "/_twin/webhooks", {"url": url})

    def ledger(self) -> list[dict[str, Any]]:
        """Every transaction of the twin. Raises TwinFailed."""
        transactions: list[dict[str, Any]] = self._control("GET", "/_twin/ledger")["transactions"]
        return transactions

    def _control(self, method: str, path: str, fields: dict[str, str] | None = None) -> Any:
        body = json.dumps(fields or {}).encode() if method == "POST" else None
        request = urllib.request.Request(self.url + path, data=body, method=method)  # noqa: S310 (our own https)
        request.add_header("Content-Type", "application/json")
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPSHandler(context=create_default_context(cafile=str(self.ca_file))),
        )
        try:
            with opener.open(request, timeout=_STOP_SECONDS) as answer:
                return json.load(answer)
        except (OSError, ValueError) as error:
            raise TwinFailed(f"the twin of the gateway does not answer any more ({error})") from error


@contextlib.contextmanager
def running_twin(state_dir: Path, web_package: Path | None = None) -> Iterator[Twin]:
    """A twin with its state and certificates in the directory. It ends with the `with`. Raises TwinFailed.

    web_package: npm's braintree-web, which the twin then serves to browsers on this machine.
    """
    tls_dir = state_dir / "tls"
    command = [sys.executable, "-P", "-m", "braintree_twin", "serve", "--address", "127.0.0.1:0", "--quiet"]
    command += ["--state", str(state_dir / "twin.db"), "--tls-dir", str(tls_dir)]
    if web_package is not None:
        command += ["--braintree-web", str(web_package), "--browser-address", "127.0.0.1:0"]
    log_path = state_dir / "twin.log"
    with log_path.open("ab") as log:
        # In a session of its own, so that Ctrl-C at the terminal ends the service first, and the twin after it. Its
        # standard input is a pipe from here: if this process dies, the twin reads the end of the pipe, and stops.
        process = subprocess.Popen(  # noqa: S603 (our own command)
            [*command, "--stop-with-stdin"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
    try:
        url = _wait_for_url(process, log_path)
        twin = Twin(url, tls_dir / "ca.pem", process, _scripts_url(process, web_package) if web_package else "")
        (state_dir / URL_FILE).write_text(twin.url)
        try:
            yield twin
        finally:
            twin.stopping.set()
    finally:
        _stop(process)


def _wait_for_url(process: subprocess.Popen[bytes], log_path: Path) -> str:
    if process.stdout is None:
        raise RuntimeError("the pipe was asked for")
    for line in process.stdout:
        for word in line.decode(errors="replace").split():
            if word.startswith("https://127.0.0.1:"):
                return word.rstrip(".,;/")
    last_lines = log_path.read_text(errors="replace").splitlines()[-3:]
    if last_lines and last_lines[-1].endswith("database is locked"):
        raise TwinFailed(
            f"Bayar runs already with a twin in this folder, and both would use {log_path.parent}. Stop the other one "
            "with Ctrl-C, or start this one in another folder"
        )
    raise TwinFailed("the twin of the gateway did not start: " + " ".join(last_lines))


def _scripts_url(process: subprocess.Popen[bytes], web_package: Path) -> str:
    """Where browsers find the scripts of the package, whose version is part of their address."""
    line = process.stdout.readline().decode(errors="replace") if process.stdout is not None else ""
    version = json.loads((web_package / "package.json").read_text(encoding="utf-8"))["version"]
    return f"{line.removeprefix(_BROWSERS).strip()}/web/{version}/js"


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
