"""Starts the web console beside the service as a subprocess. For development only."""

import os
import subprocess
import sys
from importlib.util import find_spec
from typing import Final

ADDRESS: Final = "127.0.0.1:8090"
INSTALL: Final = "The web console is not installed: pip install bayar-console, or `make console` in the repository."

_PACKAGE: Final = "bayar_console"
_STOP_SECONDS: Final = 10


def is_installed() -> bool:
    return find_spec(_PACKAGE) is not None


def command() -> list[str]:
    """The command that runs the console, without its options."""
    return [sys.executable, "-P", "-m", _PACKAGE]


class Console:
    """A console that ends with the service: its standard input is a pipe from here."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def start(self, service_address: str) -> str:
        """Starts it for the service at this gRPC address. Returns a sentence that says where it is, or why not."""
        if not is_installed():
            return INSTALL
        address = os.environ.get("BAYAR_CONSOLE_ADDRESS", ADDRESS)
        self._process = subprocess.Popen(  # noqa: S603 (our own command)
            [*command(), "--address", address, "--service", service_address, "--stop-with-stdin"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            # In a session of its own, so that Ctrl-C at the terminal ends the service first.
            start_new_session=True,
        )
        line = self._process.stdout.readline() if self._process.stdout is not None else ""
        return line.strip() or f"The web console did not start at {address}; BAYAR_CONSOLE_ADDRESS names another one."

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
