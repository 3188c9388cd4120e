"""A version runs on the schema of a newer one, until a migration takes away something that it needs."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, inspect, text

from adapters.persistence import migrate
from adapters.persistence.migrate import SchemaState, UnknownSchema, last_migration, schema_of, upgrade
from adapters.persistence.migration_plan import plan
from adapters.persistence.sql.engine import create_engine
from tests.databases import Postgres

_HEADER = """
import sqlalchemy as sa
from adapters.persistence.migrations import online
from alembic import op

revision = "{revision}"
down_revision = "{before}"
"""
EXPAND = '''"""Something new."""
{header}
def upgrade():
    online.add_column("payments", sa.Column("later", sa.Text()))
    online.create_index("ix_payments_later", "payments", ["later"], where="later IS NOT NULL")
'''
CONTRACT = '''"""Something is removed."""
{header}
compatible_from = "{revision}"

def upgrade():
    online.drop_column("payments", "brand")
'''

Plant = Callable[..., str]


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    if request.param == "sqlite":
        engine = create_engine(f"sqlite:///{tmp_path}/bayar.db")
        yield engine
        engine.dispose()
        return
    postgres: Postgres = request.getfixturevalue("postgres")
    url = postgres.new_database()
    engine = create_engine(url)
    yield engine
    engine.dispose()
    postgres.drop(url)


@pytest.fixture
def plant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plant:
    """Makes this the version after, with the migrations besides. Returns the last one's number."""
    scripts = tmp_path / "migrations"
    shutil.copytree(migrate._SCRIPTS, scripts, ignore=shutil.ignore_patterns("__pycache__"))

    def plant(*sources: str) -> str:
        before = last_migration()
        for source in sources:
            revision = f"{int(before) + 1:04}"
            filled = source.replace("{header}", _HEADER).replace("{revision}", revision).replace("{before}", before)
            (scripts / "versions" / f"{revision}_planted.py").write_text(filled)
            before = revision
        monkeypatch.setattr(migrate, "_SCRIPTS", scripts)
        return before

    return plant


def test_a_version_runs_on_the_schema_of_the_version_after(
    engine: Engine, plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrade(engine)
    with monkeypatch.context() as after:
        after.setattr(migrate, "_SCRIPTS", migrate._SCRIPTS)
        newest = plant(EXPAND, EXPAND.replace("later", "much_later"))
        assert schema_of(engine).state is SchemaState.BEHIND
        assert len(schema_of(engine).missing) == 2
        upgrade(engine)
        assert schema_of(engine).state is SchemaState.CURRENT
    monkeypatch.undo()
    schema = schema_of(engine)
    assert (schema.state, schema.is_usable, schema.revision) == (SchemaState.NEWER, True, newest)
    upgrade(engine)
    assert schema_of(engine) == schema


def test_a_version_does_not_run_once_something_that_it_needs_is_gone(
    engine: Engine, plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrade(engine)
    newest = plant(EXPAND, CONTRACT)
    upgrade(engine)
    monkeypatch.undo()
    schema = schema_of(engine)
    assert (schema.state, schema.is_usable, schema.oldest_revision) == (SchemaState.TOO_NEW, False, newest)
    with pytest.raises(UnknownSchema, match=newest):
        upgrade(engine)


def test_nothing_older_starts_while_something_is_being_removed(
    engine: Engine, plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrade(engine)
    newest = plant(EXPAND, CONTRACT.replace('"brand"', '"brand"); op.execute("SELECT no_such_function()"'))
    with pytest.raises(Exception, match="no_such_function"):
        upgrade(engine)
    monkeypatch.undo()
    schema = schema_of(engine)
    # SQLite rolls everything back; PostgreSQL has run the migration before, and refuses the version before already.
    expected = (SchemaState.CURRENT, None) if engine.dialect.name == "sqlite" else (SchemaState.TOO_NEW, newest)
    assert (schema.state, schema.oldest_revision) == expected


def test_a_schema_that_says_nothing_about_older_versions_serves_none(engine: Engine) -> None:
    upgrade(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        connection.execute(text("DROP TABLE schema_compatibility"))
    assert schema_of(engine).state is SchemaState.TOO_NEW


def test_a_plan_changes_nothing_and_names_each_statement(engine: Engine, plant: Plant) -> None:
    upgrade(engine)
    planted = plant(EXPAND)
    before = schema_of(engine)
    found = plan(engine)
    assert schema_of(engine) == before
    (migration,) = found.migrations
    assert (migration.revision, migration.summary, migration.compatible_from) == (planted, "Something new.", None)
    assert [one.sql.split("(")[0].strip() for one in migration.statements if "INDEX" not in one.sql] == [
        "ALTER TABLE payments ADD COLUMN later TEXT"
        if engine.dialect.name == "sqlite"
        else "ALTER TABLE payments ADD COLUMN IF NOT EXISTS later TEXT"
    ]
    locks = [one.lock for one in migration.statements]
    if engine.dialect.name == "sqlite":
        assert set(locks) == {"writers of the whole file"}
    else:
        assert "users of payments for an instant" in locks[0]
        assert locks[-1] == "nobody: it is built beside readers and writers"


def test_a_plan_of_an_empty_database_names_every_migration(engine: Engine) -> None:
    found = plan(engine)
    assert [one.revision for one in found.migrations] == migrate._steps()
    assert found.seconds < 10


def test_a_plan_grows_with_the_table(engine: Engine, plant: Plant) -> None:
    upgrade(engine)
    plant(EXPAND.replace("payments", "attempt_counts"))
    small = plan(engine).seconds
    with engine.begin() as connection:
        rows = [{"key": str(n), "bucket": "2026-01-01 00:00:00"} for n in range(20_000)]
        statement = "INSERT INTO attempt_counts (\"key\", bucket, card, total) VALUES (:key, :bucket, '', 1)"
        connection.execute(text(statement), rows)
    assert plan(engine).seconds > small


def test_a_change_of_a_table_waits_for_a_long_transaction_without_blocking_others(
    postgres: Postgres, plant: Plant
) -> None:
    url = postgres.new_database()
    engine = create_engine(url)
    upgrade(engine)
    plant(EXPAND)
    try:
        with engine.connect() as report:
            report.execute(text("SELECT count(*) FROM payments"))
            migration = threading.Thread(target=upgrade, args=(engine,))
            migration.start()
            slowest = max(_seconds_of_a_query(engine) for _ in range(20))
            assert migration.is_alive()
            assert slowest < 2
        migration.join(30)
        assert schema_of(engine).state is SchemaState.CURRENT
    finally:
        engine.dispose()
        postgres.drop(url)


def _seconds_of_a_query(engine: Engine) -> float:
    """The time that a user of the table waits, as the database measures it, after a pause in which locks are taken."""
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_sleep(0.15)"))
        connection.execute(text("SET LOCAL lock_timeout = '3s'"))
        connection.execute(text("UPDATE payments SET version = version"))
        waited = "SELECT extract(epoch FROM clock_timestamp() - transaction_timestamp()) - 0.15"
        return float(connection.execute(text(waited)).scalar() or 0)


def test_the_tables_of_another_application_are_left_as_they_are(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE payments (total INTEGER)"))
    with pytest.raises(UnknownSchema):
        upgrade(engine)
    schema = schema_of(engine)
    assert (schema.state, schema.is_usable, schema.foreign_tables) == (SchemaState.FOREIGN, False, ["payments"])
    assert inspect(engine).get_table_names() == ["payments"]
