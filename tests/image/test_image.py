"""The images, built from the Dockerfile and run with the settings of compose.yaml, beside PostgreSQL and Prometheus."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from shutil import copy
from typing import Any, Final

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from psycopg import sql

from tests.databases import Postgres
from tests.deploy.test_compose import service as composed
from tests.deploy.test_prometheus import alerts, queries
from tests.deploy.tools import DEPLOY, ROOT, promtool
from tests.end_to_end.service import until
from tests.image.builder import Image, built, bytes_of
from tests.image.containers import Container, Network, network
from tests.languages.toolchain import debian, run

pytestmark = pytest.mark.timeout(900)

_MEGABYTE: Final = 1_000_000
_NAMES: Final = ("postgres", "twin", "bayar", "prometheus")


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    with built("service") as one:
        yield one


@pytest.fixture(scope="module")
def twin_image() -> Iterator[Image]:
    with built("twin") as one:
        yield one


def test_the_image_is_small(image: Image) -> None:
    assert bytes_of(image.root) < 340 * _MEGABYTE


def test_the_image_has_no_compiler_no_installer_and_no_program_that_gives_rights(image: Image) -> None:
    programs = {
        path.name for folder in ("usr/bin", "usr/sbin", "opt/bayar/bin") for path in (image.root / folder).iterdir()
    }
    assert programs & {"cc", "gcc", "g++", "clang", "make", "ld", "as", "pip", "pip3", "curl", "wget"} == set()
    assert "sleep" in programs  # the preStop of Kubernetes
    found = run(["find", image.root, "-xdev", "-type", "f", "-perm", "/6000"]).stdout
    assert found == ""


def test_the_program_is_read_only(image: Image) -> None:
    found = run(
        ["find", image.root / "opt", "-xdev", "(", "-perm", "/0002", "-o", "!", "-user", "0", ")", "!", "-type", "l"]
    )
    assert found.stdout == ""


def test_the_image_has_no_twin_no_tests_and_no_secrets(image: Image) -> None:
    packages = image.root / "opt/bayar/lib/python3.11/site-packages"
    assert (packages / "bootstrap").is_dir()
    assert not (packages / "braintree_twin").exists()
    assert not (image.root / "build").exists() or not any((image.root / "build").iterdir())


def test_the_image_says_what_it_is_and_runs_without_rights(image: Image) -> None:
    assert image.config["User"] == "10001:10001"
    assert image.config["Entrypoint"] == ["bayar"]
    assert image.config["StopSignal"] == "SIGTERM"
    assert image.config["Healthcheck"]["Test"] == ["CMD", "python3", "/opt/bayar/healthcheck.py"]
    labels = {key.rpartition(".")[2] for key in image.config["Labels"] if key.startswith("org.opencontainers.image.")}
    assert labels >= {"title", "description", "licenses", "version", "revision", "created"}


def test_the_bill_of_materials_names_every_package_of_the_image(image: Image) -> None:
    text = (image.root / "opt/bayar/sbom.cdx.json").read_text("utf-8")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    bill = json.loads(text)
    named = {(_normal(one["name"]), one["version"]) for one in bill["components"]}
    pinned = re.findall(r"^([\w.-]+)==([\w.]+)", (ROOT / "requirements/runtime.txt").read_text("utf-8"), re.MULTILINE)
    installed = {
        (_normal(name), version)
        for name, _, version in (
            path.name.removesuffix(".dist-info").partition("-")
            for path in (image.root / "opt/bayar/lib/python3.11/site-packages").glob("*.dist-info")
        )
    }
    assert installed - {("bayar-service", bill["metadata"]["component"]["version"])} == named
    assert {name for name, _ in named} - {"bayar-client"} <= {_normal(name) for name, _ in pinned}
    assert all(one["purl"].startswith("pkg:pypi/") for one in bill["components"] if one["name"] != "bayar-client")


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@dataclass(frozen=True, slots=True)
class Stack:
    """The containers of compose.yaml, as far as images can be built here."""

    net: Network
    bayar: Container
    folder: Path

    def ask(self, url: str) -> str:
        """The answer of an address in the containers' network."""
        program = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=10).read().decode())"
        asked = subprocess.run(
            [*self.net.enter(), sys.executable, "-c", program, url], capture_output=True, text=True, check=False
        )
        return asked.stdout.strip()

    def prometheus(self, path: str, **parameters: str) -> Any:
        text = self.ask(f"http://127.0.0.1:9090/api/v1/{path}?{urllib.parse.urlencode(parameters)}")
        return json.loads(text)["data"] if text else None


@pytest.fixture(scope="module")
def stack(
    image: Image, twin_image: Image, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("stack")
    secrets = _secrets(folder, postgres)
    twin_state = folder / "twin"
    twin_state.mkdir()
    os.chown(twin_state, 10001, 10001)
    with network(folder, _NAMES) as net, _relay(net, postgres):
        twin = net.start(
            "twin", twin_image, composed("twin")["command"], environment={}, writable={"/var/lib/twin": twin_state}
        )
        until(lambda: "ready at" in twin.log, seconds=60, what=twin.log)
        mounts = {"/run/secrets": secrets, "/var/lib/twin": twin_state}
        migration = net.start(
            "migrate", image, ["migrate"], environment=composed("migrate")["environment"], mounts=mounts
        )
        assert migration.wait(120) == 0, migration.log
        bayar = net.start("bayar", image, ["serve"], environment=composed("bayar")["environment"], mounts=mounts)
        until(lambda: "Bayar listens on" in bayar.log or not bayar.is_running(), seconds=60, what="the start")
        assert bayar.is_running(), bayar.log
        yield Stack(net, bayar, folder)


def _secrets(folder: Path, postgres: Postgres) -> Path:
    """Those of the script, and a database with its user and password."""
    copy(DEPLOY / "compose" / "make-secrets.sh", folder)
    run(["sh", folder / "make-secrets.sh"])
    secrets = folder / "secrets"
    # Docker mounts each file by itself, so that the folder's rights do not matter there.
    secrets.chmod(0o755)
    password = (secrets / "postgres-password").read_text("utf-8").strip()
    postgres.execute(sql.SQL("CREATE ROLE bayar LOGIN PASSWORD {}").format(sql.Literal(password)))
    postgres.execute(sql.SQL("CREATE DATABASE bayar OWNER bayar"))
    return secrets


def _relay(net: Network, postgres: Postgres) -> Any:
    """PostgreSQL's port in the containers' network."""
    debian("socat", programs=("socat",))
    socket_folder = urllib.parse.parse_qs(urllib.parse.urlsplit(postgres.server.get_uri()).query)["host"][0]
    (socket,) = Path(socket_folder).glob(".s.PGSQL.*[0-9]")
    listen = "TCP-LISTEN:5432,bind=127.0.0.1,fork,reuseaddr"
    return _Running([*net.enter(), "socat", listen, f"UNIX-CONNECT:{socket}"])


class _Running:
    """A process that ends with the `with`."""

    def __init__(self, command: list[str]) -> None:
        self._command = command

    def __enter__(self) -> subprocess.Popen[bytes]:
        self._process = subprocess.Popen(self._command)
        return self._process

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(20)


def test_the_service_becomes_healthy(stack: Stack) -> None:
    def check() -> bool:
        return stack.net.execute(stack.bayar, "python3", "/opt/bayar/healthcheck.py").returncode == 0

    until(check, seconds=30, what="the health check")
    assert stack.ask("http://127.0.0.1:8080/readyz") == "ok, 2 of 2 workers"


def test_the_process_has_no_rights_and_cannot_write(stack: Stack) -> None:
    status = Path(f"/proc/{stack.bayar.first_process.pid}/status").read_text("utf-8")
    assert re.search(r"^Uid:\s+10001\s+10001\s", status, re.MULTILINE)
    assert re.search(r"^CapBnd:\s+0+$", status, re.MULTILINE)
    assert re.search(r"^NoNewPrivs:\s+1$", status, re.MULTILINE)
    refused = stack.net.execute(stack.bayar, "python3", "-c", "open('/opt/bayar/new', 'w')")
    assert "Read-only file system" in refused.stderr


def test_a_payment_is_taken(stack: Stack) -> None:
    created = stack.net.execute(stack.bayar, "bayar", "keys", "create", "shop")
    assert created.returncode == 0, created.stderr
    program = """
from bayar import BayarClient, card, money
with BayarClient("127.0.0.1:50051") as client:
    payment = client.create_payment(reference="order-1", amount=money("25.00", "USD"),
        card=card(number="4111111111111111", expiration_month=12, expiration_year=2035, cvv="123"))
    print(payment.payment_id, payment.state)
"""
    key = created.stdout.strip()
    paid = subprocess.run(
        [*stack.net.enter(), sys.executable, "-c", program],
        env={**os.environ, "BAYAR_API_KEY": key},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert re.fullmatch(r"pay_\w+ CAPTURED\n", paid.stdout), paid.stderr
    assert (
        "CAPTURED"
        in stack.net.execute(
            stack.bayar,
            "env",
            f"BAYAR_API_KEY={key}",
            "BAYAR_GRPC_ADDRESS=127.0.0.1:50051",
            "bayar",
            "payments",
            "list",
        ).stdout
    )


def test_prometheus_scrapes_the_service_and_answers_every_query_of_the_dashboard(stack: Stack) -> None:
    data = stack.folder / "prometheus"
    configuration = DEPLOY / "prometheus" / "prometheus.yaml"
    program = promtool().with_name("prometheus")
    hosts = f"mount --make-rprivate / && mount --bind {stack.folder}/hosts /etc/hosts && exec "
    flags = f"{program} --config.file={configuration} --storage.tsdb.path={data} --web.listen-address=127.0.0.1:9090"
    with _Running([*stack.net.enter(), "unshare", "--mount", "sh", "-c", hosts + flags]):
        until(lambda: _is_up(stack), seconds=60, what="the first scrape")
        loaded = [rule for group in stack.prometheus("rules")["groups"] for rule in group["rules"]]
        assert {rule["name"] for rule in loaded if rule["type"] == "alerting"} == {rule["alert"] for rule in alerts()}
        until(lambda: all(rule["health"] == "ok" for rule in _rules(stack)), seconds=60, what="the rules' evaluation")
        (dashboard,) = (DEPLOY / "grafana" / "dashboards").glob("*.json")
        # Of the counters of webhooks there is nothing yet, and rates need two scrapes.
        answered = [one for one in queries(dashboard) if stack.prometheus("query", query=one)["result"]]
        assert 'sum(up{job="bayar"})' in answered
        assert len(answered) >= 8
        firing = stack.prometheus("query", query='ALERTS{alertstate="firing"}')["result"]
        assert firing == []


def _is_up(stack: Stack) -> bool:
    found = stack.prometheus("query", query='up{job="bayar"} == 1')
    return bool(found and found["result"])


def _rules(stack: Stack) -> list[dict[str, Any]]:
    return [rule for group in stack.prometheus("rules")["groups"] for rule in group["rules"]]


def test_a_stop_ends_the_service_in_order(stack: Stack) -> None:
    """The last test of this file."""
    assert stack.bayar.stop() == 0
    assert stack.bayar.log.rstrip().endswith("Stopped.")
