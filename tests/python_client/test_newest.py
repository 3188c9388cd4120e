"""The client's wheel on the newest releases: the conformance suite, and its types as a shop sees them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any, Final

import pytest

from tests.python_client.environments import Environment, build_environment

OUTSIDE: Final = Path(__file__).parent / "outside"


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return build_environment(tmp_path_factory.mktemp("newest"), wheel)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shop's code in a folder that has nothing of this repository."""
    folder = tmp_path_factory.mktemp("shop")
    for file in OUTSIDE.glob("*.py"):
        (folder / file.name).write_text(file.read_text("utf-8"), "utf-8")
    return folder


@pytest.mark.timeout(400)  # two clients, one case after the other
def test_every_case_passes(environment: Environment, told: dict[str, str]) -> None:
    done = environment.run("-m", "tests.conformance.runner", told=json.dumps(told) + "\n")
    assert done.stdout.endswith(" cases, 0 problems\n"), done.stdout + done.stderr


def test_the_wheel_holds_the_client_and_nothing_else(wheel: Path) -> None:
    release, names = wheel.name.split("-")[1], zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} == {"bayar", "bayar_pytest.py", f"bayar_client-{release}.dist-info"}
    assert "bayar/py.typed" in names
    assert "bayar/payments/v1/payment_pb2.pyi" in names


def test_a_program_that_imports_the_client_needs_nothing_else(environment: Environment, tmp_path: Path) -> None:
    modules = "bayar, bayar.messages, bayar.webhooks, bayar.payments.v1.payment_service_pb2_grpc"
    done = environment.run("-W", "error", "-c", f"import {modules}", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def _mypy(environment: Environment, shop: Path, name: str) -> list[int]:
    """The lines of which mypy complains."""
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--no-incremental", "--show-error-codes"]
    done = subprocess.run(
        [*command, "--python-executable", environment.python, name],
        cwd=shop,
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.stderr, done.stderr
    return [int(number) for number in re.findall(rf"^{name}:(\d+): error", done.stdout, re.MULTILINE)]


def _pyright(environment: Environment, shop: Path, name: str) -> list[int]:
    """The lines of which pyright, as strict as it can be, complains."""
    (shop / "pyrightconfig.json").write_text(json.dumps({"typeCheckingMode": "strict", "pythonVersion": "3.11"}))
    command = [sys.executable, "-m", "basedpyright", "--outputjson", "--pythonpath", environment.python, name]
    done = subprocess.run(command, cwd=shop, capture_output=True, text=True, check=False)
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["summary"]["filesAnalyzed"] == 1
    return [each["range"]["start"]["line"] + 1 for each in found["generalDiagnostics"] if each["severity"] == "error"]


CHECKERS: Final = pytest.mark.parametrize("check", [_mypy, _pyright], ids=["mypy", "pyright"])


@CHECKERS
def test_a_shop_is_clean(check: Any, environment: Environment, shop: Path) -> None:
    assert check(environment, shop, "shop.py") == []


@CHECKERS
def test_a_mistake_is_seen(check: Any, environment: Environment, shop: Path) -> None:
    lines = (shop / "mistakes.py").read_text("utf-8").splitlines()
    wrong = [number for number, line in enumerate(lines, 1) if line.endswith("# wrong")]
    assert set(check(environment, shop, "mistakes.py")) >= set(wrong)
    assert len(wrong) == 10
