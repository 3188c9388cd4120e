"""Database fixtures. They import inside functions, so the domain's tests start fast."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from tests.databases import Postgres


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server."""
    from tests.databases import running_postgres

    with running_postgres() as server:
        yield server


@pytest.fixture(scope="module")
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """A PostgreSQL database for the tests of one module, empty at first."""
    url = postgres.new_database()
    yield url
    postgres.drop(url)


@pytest.fixture(scope="module")
def migrated_postgres_engine(postgres_url: str) -> Iterator[Engine]:
    from adapters.persistence.migrate import upgrade
    from adapters.persistence.sql.engine import create_engine

    engine = create_engine(postgres_url)
    upgrade(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def postgres_engine(migrated_postgres_engine: Engine) -> Engine:
    """A migrated PostgreSQL database without rows."""
    from adapters.persistence.tables import metadata

    with migrated_postgres_engine.begin() as connection:
        # The audit log lets nobody delete. This is the one way past its triggers, for superusers only.
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
    return migrated_postgres_engine


@pytest.fixture(scope="session")
def migrated_sqlite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with all tables and no rows. Copy it."""
    from adapters.persistence.migrate import upgrade
    from adapters.persistence.sql.engine import create_engine

    path = tmp_path_factory.mktemp("sqlite") / "empty.db"
    engine = create_engine(f"sqlite:///{path}")
    upgrade(engine)
    engine.dispose()
    return path


@pytest.fixture
def sqlite_url(migrated_sqlite_file: Path, tmp_path: Path) -> str:
    """A migrated SQLite database of the test's own, without rows."""
    return f"sqlite:///{shutil.copy(migrated_sqlite_file, tmp_path / 'bayar.db')}"


@pytest.fixture
def sqlite_engine(sqlite_url: str) -> Iterator[Engine]:
    from adapters.persistence.sql.engine import create_engine

    engine = create_engine(sqlite_url)
    yield engine
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> Engine:
    """A migrated database without rows: each kind in turn."""
    name = {"sqlite": "sqlite_engine", "postgresql": "postgres_engine"}[request.param]
    engine: Engine = request.getfixturevalue(name)
    return engine
