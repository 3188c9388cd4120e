"""The client for Go: its own tests, the conformance suite, and drift of its stubs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.conformance.cases import load_cases
from tests.conformance.serve import running
from tests.languages import toolchain
from tests.languages.go_path import go, go_path
from tests.languages.go_stubs import CLIENT, GENERATED, STUBS, generate

# A fresh machine installs and compiles first.
pytestmark = pytest.mark.timeout(2 * toolchain.LONG_SECONDS)

_VERSIONS: Final = re.compile(r"^// \t\S+ +\(?v.+$", re.MULTILINE)


@pytest.fixture(scope="module")
def gopath() -> Path:
    return go_path()


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, str]]:
    with running() as told:
        yield told


def test_the_clients_own_tests_and_every_conformance_case_pass(gopath: Path, servers: dict[str, str]) -> None:
    package = gopath / "src" / "bayar.internal" / "bayar"
    told = {"BAYAR_CONFORMANCE": json.dumps(servers), "GRPC_GO_RETRY": "on"}
    printed = go(gopath, "test", "-count=1", "-v", "-json", ".", cwd=package, **told)
    events = [json.loads(line) for line in printed.splitlines()]
    passed = {event["Test"] for event in events if event["Action"] == "pass" and "Test" in event}
    assert [event["Test"] for event in events if event["Action"] == "skip"] == []
    assert {f"TestConformance/{re.sub(r' ', '_', case.id)}" for case in load_cases()} <= passed
    assert len([name for name in passed if "/" not in name]) >= 15


def test_the_code_is_formatted_and_has_no_suspicious_construct(gopath: Path) -> None:
    own = sorted(CLIENT.glob("*.go"))
    assert toolchain.run(["gofmt", "-l", *own]).stdout == ""
    go(gopath, "vet", ".", cwd=gopath / "src" / "bayar.internal" / "bayar")


def test_the_committed_stubs_are_those_of_the_contract(tmp_path: Path) -> None:
    generate(tmp_path)
    for name in (STUBS, *GENERATED):
        assert contents(tmp_path / name) == contents(CLIENT / name), "Run `make go-stubs` and commit what changes."


def contents(path: Path) -> dict[str, str]:
    """The content of the files, apart from the versions of the generators."""
    files = sorted(path.glob("*.go")) if path.is_dir() else [path]
    return {file.name: _VERSIONS.sub("", file.read_text("utf-8")) for file in files}
