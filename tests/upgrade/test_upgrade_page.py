"""The commands of docs/operate/upgrade.md upgrade two machines and bring them back under load, as they stand there."""

from __future__ import annotations

import base64
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from adapters.persistence.migrate import last_migration
from bayar.messages import BayarClient
from braintree_twin.testing import Twin, start_twin
from tests.api_keys import let_in
from tests.crash.replica import free_port
from tests.databases import Postgres
from tests.end_to_end.service import environment_of
from tests.upgrade import version_before
from tests.upgrade.fleet import Shoppers
from tests.upgrade.test_rolling_upgrade import HASTE

PAGE: Final = Path(__file__).parents[2] / "docs/operate/upgrade.md"
_SECRETS: Final = ("database-url", "secret-key", "encryption-keys", "braintree-private-key")
# Six starts and stops of each replica; seconds on a quiet machine, minutes on a busy one.
pytestmark = pytest.mark.timeout(600)


def block(name: str) -> str:
    """The page's commands of this name."""
    (found,) = re.findall(rf"^```sh {name}\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    return str(found)


@dataclass(frozen=True, slots=True)
class Machine:
    """A folder in the place of a machine's root, with both versions installed, and stand-ins for systemctl and curl."""

    root: Path
    grpc_port: int
    http_port: int

    def run(self, commands: str) -> str:
        """Runs a block of the page in a shell that ends at the first failure. Returns its output."""
        for folder in ("/opt/bayar", "/etc/bayar"):
            commands = commands.replace(folder, f"{self.root}{folder}")
        commands = commands.replace("127.0.0.1:8080", f"127.0.0.1:{self.http_port}")
        path = f"{self.root}/bin:{os.environ['PATH']}"
        done = subprocess.run(
            ["sh", "-e", "-c", commands],
            env={"PATH": path, "HOME": str(self.root)},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, f"{commands}\n{done.stdout}\n{done.stderr}\n{self.log[-2000:]}"
        return done.stdout

    @property
    def log(self) -> str:
        path = self.root / "journal"
        return path.read_text("utf-8", errors="replace") if path.exists() else ""

    def prepare(self, environment: dict[str, str], keys: dict[str, str], old: version_before.VersionBefore) -> None:
        for folder in ("bin", "etc/bayar/secrets", "opt/bayar/0.1.0/bin", "opt/bayar/0.2.0/bin"):
            (self.root / folder).mkdir(parents=True)
        settings = environment | {
            "BAYAR_GRPC_ADDRESS": f"127.0.0.1:{self.grpc_port}",
            "BAYAR_HTTP_ADDRESS": f"127.0.0.1:{self.http_port}",
        }
        lines = [f"{name}={value}" for name, value in settings.items() if name.startswith("BAYAR_")]
        (self.root / "etc/bayar/bayar.env").write_text("\n".join(lines) + "\n")
        for name, value in keys.items():
            (self.root / "etc/bayar/secrets" / name).write_text(value)
        self._script("opt/bayar/0.1.0/bin/bayar", _BAYAR.format(path=old.python_path, python=sys.executable))
        self._script("opt/bayar/0.2.0/bin/bayar", _BAYAR.format(path="", python=sys.executable))
        unit = {f"BAYAR_{name.upper().replace('-', '_')}_FILE": f"etc/bayar/secrets/{name}" for name in _SECRETS}
        self._script("bin/systemctl", _SYSTEMCTL.format(python=sys.executable, root=str(self.root), secrets=unit))
        self._script("bin/curl", _CURL.format(python=sys.executable))

    def _script(self, name: str, text: str) -> None:
        (self.root / name).write_text(text)
        (self.root / name).chmod(0o755)


_BAYAR = """#!/bin/sh
PYTHONPATH="{path}" exec {python} -P -m bootstrap.cli.main "$@"
"""
# The unit of deploy/systemd, as far as an upgrade needs it: SIGTERM, the end, a start of /opt/bayar/current.
_SYSTEMCTL = """#!{python}
import os, pathlib, signal, subprocess, sys, time
root = pathlib.Path({root!r})
pid_file = root / "pid"
command, *units = sys.argv[1:]
assert (command, units) in (("restart", ["bayar"]), ("stop", ["bayar"])), sys.argv
if pid_file.exists():
    pid = int(pid_file.read_text())
    os.kill(pid, signal.SIGTERM)
    while os.path.exists(f"/proc/{{pid}}") and open(f"/proc/{{pid}}/stat").read().rpartition(")")[2].split()[0] != "Z":
        time.sleep(0.05)
    pid_file.unlink()
if command == "restart":
    settings = dict(line.split("=", 1) for line in (root / "etc/bayar/bayar.env").read_text().splitlines())
    settings |= {{name: str(root / path) for name, path in {secrets!r}.items()}}
    with (root / "journal").open("ab") as journal:
        started = subprocess.Popen(
            [root / "opt/bayar/current/bin/bayar", "serve"], stdin=subprocess.DEVNULL, stdout=journal, stderr=journal,
            env={{"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1"}} | settings, start_new_session=True,
        )
    pid_file.write_text(str(started.pid))
"""
_CURL = """#!{python}
import sys, urllib.request
try:
    print(urllib.request.urlopen(sys.argv[-1], timeout=5).read().decode())
except OSError:
    sys.exit(22)
"""


@pytest.fixture
def machines(tmp_path: Path, postgres: Postgres, twin: Twin) -> Iterator[list[Machine]]:
    old = version_before.unpack(tmp_path / "version_before")
    url = postgres.new_database()
    environment = environment_of(twin, url, HASTE | {"BAYAR_WORKERS": "1"})
    own_keys = {
        "database-url": environment.pop("BAYAR_DATABASE_URL"),
        "secret-key": secrets.token_urlsafe(32),
        "encryption-keys": f"first:{base64.b64encode(secrets.token_bytes(32)).decode()}",
        "braintree-private-key": environment.pop("BAYAR_BRAINTREE_PRIVATE_KEY"),
    }
    found = [Machine(tmp_path / f"machine-{n}", free_port(), free_port()) for n in (1, 2)]
    for machine in found:
        machine.prepare(environment, own_keys, old)
    try:
        yield found
    finally:
        for machine in found:
            machine.run("systemctl stop bayar")
        postgres.drop(url)


@pytest.fixture
def twin(tmp_path: Path) -> Iterator[Twin]:
    with start_twin(tmp_path) as twin:
        yield twin


def test_an_upgrade_works_by_the_page_alone(machines: list[Machine]) -> None:
    first = machines[0]
    first.run(block("migrate").replace("0.2.0", "0.1.0"))
    let_in((first.root / "etc/bayar/secrets/database-url").read_text())
    for machine in machines:
        machine.run(block("back"))
    shoppers = Shoppers("ipv4:" + ",".join(f"127.0.0.1:{machine.grpc_port}" for machine in machines))
    with shoppers.at_work():
        shoppers.some_more()
        looked = first.run(block("look"))
        assert "exit status 3" in looked
        assert f"{last_migration()}  " in looked
        assert "Processes of the version before go on" in looked
        assert f"migration {last_migration()}." in first.run(block("migrate"))
        for machine in machines:
            machine.run(block("replace"))
        shoppers.some_more()
        for machine in machines:
            machine.run(block("back"))
        shoppers.some_more()
        for machine in machines:
            machine.run(block("replace"))
        shoppers.some_more()
    assert (shoppers.errors, shoppers.never_sent) == ([], [])
    assert "Traceback" not in "".join(machine.log for machine in machines)
    with BayarClient(shoppers.address) as bayar:
        for payment in shoppers.paid:
            assert bayar.get_payment(payment_id=payment.payment_id).state == payment.state


def test_the_page_names_only_commands_that_exist() -> None:
    commands = " ".join(block(name) for name in ("install", "look", "migrate", "replace", "back"))
    assert set(re.findall(r"bayar migrate (--\w+)", commands)) == {"--check", "--plan"}
    root = PAGE.parents[2]
    assert (root / "requirements/runtime.txt").exists()
    for folder in re.findall(r"--kustomize (\S+)", PAGE.read_text("utf-8")):
        assert (root / folder / "kustomization.yaml").exists()
