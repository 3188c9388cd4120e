"""The console beside a service for development: the terminal names it, and it ends with the service."""

from __future__ import annotations

import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from bayar import BayarClient
from bayar.models import OperatorRight
from bootstrap.cli.main import main
from bootstrap.development import console_process
from tests.crash.replica import free_port
from tests.end_to_end.service import until


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def service(tmp_path: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    settings = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        "PYTHONUNBUFFERED": "1",
        "BAYAR_GRPC_ADDRESS": "127.0.0.1:0",
        "BAYAR_HTTP_ADDRESS": "127.0.0.1:0",
        "BAYAR_CONSOLE_ADDRESS": f"127.0.0.1:{port}",
    }
    command = [sys.executable, "-m", "bootstrap.cli.main", "serve", "--with-twin", "--console"]
    running = subprocess.Popen(
        [*command, "--state-dir", str(tmp_path / "state")], env=settings, stdout=subprocess.PIPE, text=True
    )
    yield running
    running.kill()
    running.communicate()


def answers(port: int) -> bool:
    with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as page:
        return bool(page.status == 200)
    return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_console_is_told_with_an_operators_key_and_ends_with_the_service(
    service: subprocess.Popen[str], port: int, number: signal.Signals
) -> None:
    assert service.stdout is not None
    address = service.stdout.readline().split()[3]
    until(lambda: "The console is at" in service.stdout.readline(), seconds=60, what="the console's address")  # type: ignore[union-attr]
    line = service.stdout.readline()
    assert "Sign in there with the key in" in line
    key = Path(line.split("key in ")[1].split(":")[0])
    with BayarClient(address, credential=key) as bayar:
        operator = bayar.get_credential().operator
    assert operator is not None
    assert operator.rights == tuple(OperatorRight)[1:]
    until(lambda: answers(port), what="the console")
    service.send_signal(number)
    service.wait(30)
    until(lambda: not answers(port), what="the end of the console")


def test_a_machine_without_the_console_gets_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(console_process, "is_installed", lambda: False)
    assert main(["console"]) == 1
    # A thread writes it.
    until(lambda: "pip install bayar-console" in capfd.readouterr().err, what="the sentence")
