"""The README of the client for Go runs from an empty home: its commands, its program, and its other snippets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.languages import toolchain
from tests.languages.go_path import CACHE, go, go_path
from tests.languages.go_stubs import CLIENT, GENERATORS, PACKAGES, need_go
from tests.languages.readme import Readme, readme, same
from tests.languages.webhook import SECRET, genuine_webhook

# A fresh machine installs and compiles first.
pytestmark = pytest.mark.timeout(2 * toolchain.LONG_SECONDS)

PAGE: Final = "clients/go/README.md"
TELEMETRY: Final = ("golang-opentelemetry-otel-dev",)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Readme]:
    need_go()
    with readme(PAGE, tmp_path_factory.mktemp("go")) as page:
        (page.checkout / "clients").mkdir()
        (page.checkout / "clients" / "go").symlink_to(CLIENT)
        yield page


def test_the_program_prints_what_the_page_shows(page: Readme) -> None:
    _, install, run = page.commands()
    packages, commands = install.split("\n", 1)
    assert packages == f"apt install {' '.join(package for package in PACKAGES if package not in GENERATORS)}"
    (program,) = page.programs()
    (page.home / program.file).write_text(program.text)
    printed = page.shell(commands + run, page.home, GOCACHE=str(CACHE))
    assert same(printed, program.output), printed


def test_the_module_replaces_its_name_by_the_checkout(page: Readme, tmp_path: Path) -> None:
    edit, tidy = page.commands()[0].splitlines()
    assert tidy == "go mod tidy"  # it fetches grpc-go, which CI has from Debian
    page.shell(f"go mod init shop && {edit}", tmp_path, GOCACHE=str(CACHE))
    written = json.loads(page.shell("go mod edit -json", tmp_path, GOCACHE=str(CACHE)))
    (replaced,) = written["Replace"]
    assert replaced["Old"]["Path"] == written["Require"][0]["Path"] == "bayar.internal/bayar"
    assert (Path(replaced["New"]["Path"]) / "go.mod").is_file()


def test_the_other_snippets_run(page: Readme) -> None:
    toolchain.debian(*TELEMETRY, files=("/usr/share/gocode/src/go.opentelemetry.io/otel/propagation/propagation.go",))
    assert TELEMETRY[0] in (toolchain.ROOT / PAGE).read_text("utf-8")
    snippets = page.others("go")
    names = ", ".join(f"example{number}" for number in range(len(snippets)))
    functions = [f"func example{number}() error {{\n{body}\nreturn nil\n}}" for number, body in enumerate(snippets)]
    program = (Path(__file__).parent / "readme_main.go.txt").read_text("utf-8").replace("EXAMPLES", names)
    gopath = go_path()
    folder = gopath / "src" / "readme"
    folder.mkdir(exist_ok=True)
    (folder / "main.go").write_text("\n".join([program, *functions]), "utf-8")
    go(gopath, "vet", ".", cwd=folder)
    told = {
        "BAYAR_ADDRESS": page.address,
        "BAYAR_API_KEY": page.api_key,
        "SHOP_WEBHOOK_SECRET": SECRET,
        "WEBHOOK": json.dumps(genuine_webhook()),
    }
    assert go(gopath, "run", ".", cwd=folder, **told).splitlines() == [
        "order-2 USD 7.00",
        "Read the payment's state; the message names the alternative.",
        "evt_1 EVENT_TYPE_PAYMENT_CHANGED",
    ]
