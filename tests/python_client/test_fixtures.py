"""The pytest fixtures of bayar-client, as a shop uses them: the service in its own environment, named by a variable."""

from __future__ import annotations

import shutil
import socket
import sys
from pathlib import Path
from typing import Final

import pytest

from bayar.testing import COMMAND_VARIABLE, BayarDidNotStart, running_bayar
from tests.python_client.environments import Environment, build_environment

OUTSIDE: Final = Path(__file__).parent / "outside"
BAYAR: Final = Path(sys.executable).with_name("bayar")


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return build_environment(tmp_path_factory.mktemp("shop"), wheel, "pytest")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    shutil.copy(OUTSIDE / "shop_with_fixtures.py", tmp_path)
    return tmp_path


@pytest.mark.timeout(300)  # it starts a service and waits for outcomes
def test_a_shops_tests_pass(environment: Environment, shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(COMMAND_VARIABLE, str(BAYAR))
    monkeypatch.setenv("BAYAR_API_KEY", "bayar_key_of_somebody_else")
    done = environment.run("-m", "pytest", "-q", "-p", "no:cacheprovider", "shop_with_fixtures.py", folder=shop)
    assert "7 passed" in done.stdout, done.stdout + done.stderr


def test_without_the_service_a_test_says_what_to_do(
    environment: Environment, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(COMMAND_VARIABLE, raising=False)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    done = environment.run("-m", "pytest", "-q", "-x", "shop_with_fixtures.py", folder=shop)
    assert "Build them with `make dev` in Bayar's repository" in done.stdout


def test_the_plugin_costs_nothing_to_those_who_do_not_use_it(environment: Environment, tmp_path: Path) -> None:
    (tmp_path / "test_other.py").write_text(
        "import sys\n\n\ndef test_nothing_is_imported():\n    assert 'grpc' not in sys.modules\n"
    )
    done = environment.run("-m", "pytest", "-q", folder=tmp_path)
    assert "1 passed" in done.stdout, done.stdout


def test_a_service_that_does_not_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(COMMAND_VARIABLE, str(BAYAR))
    with pytest.raises(BayarDidNotStart, match="BAYAR_LOG_LEVEL"), running_bayar({"BAYAR_LOG_LEVEL": "loud"}):
        pass


def test_a_server_shows_no_key_and_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(COMMAND_VARIABLE, str(BAYAR))
    with running_bayar() as server:
        assert repr(server) == f"BayarServer('{server.address}')"
        assert server.api_key not in repr(server.client())
        host, _, port = server.address.rpartition(":")
        socket.create_connection((host, int(port)), 5).close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), 5)
