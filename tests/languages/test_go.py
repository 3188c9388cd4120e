"""The client for Go: its own tests, the conformance suite, and its README in a program of somebody else."""

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
from tests.languages.go_stubs import CLIENT, GENERATED, GENERATORS, PACKAGES, STUBS, generate, need_go

# A fresh machine installs and compiles first.
pytestmark = pytest.mark.timeout(2 * toolchain.LONG_SECONDS)

GO_SECONDS: Final = toolchain.LONG_SECONDS
TELEMETRY: Final = ("golang-opentelemetry-otel-dev",)
_VERSIONS: Final = re.compile(r"^// \t\S+ +\(?v.+$", re.MULTILINE)


@pytest.fixture(scope="module")
def gopath() -> Path:
    """A GOPATH with the client, whose other packages are Debian's: nothing is fetched."""
    need_go()
    there = toolchain.BUILD / "gopath"
    place = there / "src" / "bayar.internal"
    place.mkdir(parents=True, exist_ok=True)
    if not (place / "bayar").is_symlink():
        (place / "bayar").symlink_to(CLIENT)
    return there


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, str]]:
    with running() as told:
        yield told


def go(gopath: Path, *arguments: str | Path, cwd: Path, **variables: str) -> str:
    finished = toolchain.attempt(
        ["go", *arguments],
        cwd=cwd,
        seconds=GO_SECONDS,
        GO111MODULE="off",
        GOPATH=f"{gopath}:/usr/share/gocode",
        GOCACHE=str(toolchain.BUILD / "gocache"),
        # Where the program is started in, a symlink's name counts.
        PWD=str(cwd),
        **variables,
    )
    assert finished.returncode == 0, finished.stdout[-8000:] + finished.stderr[-4000:]
    return finished.stdout


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


def test_the_readme_takes_a_payment(gopath: Path, servers: dict[str, str]) -> None:
    text = (CLIENT / "README.md").read_text("utf-8")
    program, printed = re.findall(r"```(?:go)?\n(.*?)```", text.partition("<!-- runs: main.go -->")[2], re.DOTALL)[:2]
    shop = gopath / "src" / "shop"
    shop.mkdir(exist_ok=True)
    # The service of the test has a certificate of its own authority.
    read = 'pem, _ := os.ReadFile(os.Getenv("BAYAR_ROOTS")); return bayar.WithRootCertificates(pem)'
    option = f"bayar.New(address, func() bayar.Option {{ {read} }}())"
    assert "bayar.New(address)" in program
    (shop / "main.go").write_text(program.replace("bayar.New(address)", option), "utf-8")
    seen = go(
        gopath,
        "run",
        ".",
        cwd=shop,
        BAYAR_ADDRESS=servers["service"],
        BAYAR_API_KEY=servers["api_key"],
        BAYAR_ROOTS=servers["root_certificates"],
    )
    assert re.sub(r"pay_\w{26}", "pay_", seen) == re.sub(r"pay_\w{26}", "pay_", printed)


def test_the_readme_names_the_packages_that_the_tests_install() -> None:
    text = (CLIENT / "README.md").read_text("utf-8")
    assert f"apt install {' '.join(package for package in PACKAGES if package not in GENERATORS)}\n" in text
    assert all(package in text for package in TELEMETRY)


def test_the_other_snippets_of_the_readme_compile(gopath: Path) -> None:
    toolchain.debian(*TELEMETRY, files=("/usr/share/gocode/src/go.opentelemetry.io/otel/propagation/propagation.go",))
    snippets = re.findall(r"```go\n(.*?)```", (CLIENT / "README.md").read_text("utf-8"), re.DOTALL)[1:]
    assert len(snippets) >= 4
    folder = gopath / "src" / "snippets"
    folder.mkdir(exist_ok=True)
    functions = [f"func example{number}() error {{\n{body}\nreturn nil\n}}" for number, body in enumerate(snippets)]
    head = (Path(__file__).parent / "readme_head.go.txt").read_text("utf-8")
    (folder / "snippets.go").write_text("\n".join([head, *functions]), "utf-8")
    go(gopath, "vet", ".", cwd=folder)
