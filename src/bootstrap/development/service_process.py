"""Starts the service as a subprocess with the twin as its gateway, for the demo and for tests."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bootstrap.development.development_key import KEY_FILE, issue_development_key
from bootstrap.development.twin_process import Twin

_READY: Final = "Bayar listens on "
_STOP_SECONDS: Final = 20


class ServiceFailed(Exception):
    """The service did not start. The text says why."""


@contextmanager
def running_service(directory: Path, twin: Twin) -> Iterator[str]:
    """A service with its database, log and an API key (KEY_FILE) in the directory; yields its address.

    Raises ServiceFailed.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BAYAR_")}
    environment |= twin.environment() | {
        "BAYAR_DATABASE_URL": f"sqlite:///{directory / 'bayar.db'}",
        "BAYAR_GRPC_ADDRESS": "127.0.0.1:0",
        "BAYAR_HTTP_ADDRESS": "127.0.0.1:0",
        "BAYAR_LOG_LEVEL": "warning",
        "BAYAR_STOP_DELAY_SECONDS": "0",
        "PYTHONUNBUFFERED": "1",
    }
    log_path = directory / "bayar.log"
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "bootstrap.cli.main", "serve"],
            stdout=subprocess.PIPE,
            stderr=log,
            env=environment,
        )
    try:
        address = _wait_for_address(process, log_path)
        issue_development_key(environment["BAYAR_DATABASE_URL"], directory / KEY_FILE)
        yield address
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _wait_for_address(process: subprocess.Popen[bytes], log_path: Path) -> str:
    for line in process.stdout or ():
        text = line.decode(errors="replace")
        if text.startswith(_READY):
            return text.removeprefix(_READY).split()[0]
    raise ServiceFailed("the service did not start: " + log_path.read_text(errors="replace")[-2000:])
