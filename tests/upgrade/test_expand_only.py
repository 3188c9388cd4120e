"""A migration that breaks the version before is refused here, and so is a value that it cannot read."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import Engine

from adapters.persistence import migrate
from adapters.persistence.migrate import compatible_from, last_migration, scripts, upgrade
from adapters.persistence.sql.engine import create_engine
from tests.databases import Postgres
from tests.upgrade import version_before
from tests.upgrade.expand_only import STORED_ENUMS, description, faults_of_schema, faults_of_statements, new_values

# A value of an enum that this version stores and the version before cannot read, with the reason why that is safe:
# callers of the version before get UNAVAILABLE for the record until the upgrade is over, and forever after a way back.
# The usual way is two releases: one that reads the value, and the next one that writes it.
ACCEPTED_VALUES: Final[dict[str, str]] = {
    "FeedKind checkout": "no checkout exists before BAYAR_CHECKOUT_ADDRESS is set, which the version before refuses to "
    "start with: its description says to set it once every replica is upgraded"
}


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> version_before.VersionBefore:
    return version_before.unpack(tmp_path_factory.mktemp("version_before"))


@pytest.fixture(scope="module")
def before(old: version_before.VersionBefore) -> dict[str, Any]:
    return description(old.python_path)


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


def _new_migrations(old: version_before.VersionBefore) -> list[str]:
    return [one.revision for one in scripts().walk_revisions() if one.revision > old.last_migration]


def test_the_archive_is_the_code_of_its_commit(old: version_before.VersionBefore) -> None:
    """A clone without that commit cannot compare; it says so, and the other tests run all the same."""
    files = version_before.files_of(old.commit)
    if files is None:
        pytest.skip(f"this clone has no history that reaches {old.commit}")
    assert version_before.archived_files() == files


def test_new_migrations_only_expand(old: version_before.VersionBefore) -> None:
    """A migration that removes something says from which version on the schema serves, and that version is old."""
    for revision in _new_migrations(old):
        oldest = compatible_from(scripts().get_revision(revision))
        assert oldest is None or oldest <= old.last_migration, f"{revision} does not serve the version before"
        assert list(faults_of_statements(revision)) == []


def test_the_version_before_finds_everything_in_the_schema(engine: Engine, before: dict[str, Any]) -> None:
    upgrade(engine)
    assert list(faults_of_schema(engine, before)) == []


def test_the_version_before_reads_every_value_that_this_version_stores(before: dict[str, Any]) -> None:
    now = description()
    assert set(now["values"]) == {"events", *STORED_ENUMS}
    unreadable = [value for value in new_values(before, now) if value not in ACCEPTED_VALUES]
    assert unreadable == [], "read it in one release and write it in the next, or accept it here with a reason"


# The checks themselves


Plant = Callable[[str], str]


@pytest.fixture
def plant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plant:
    """Adds a migration to this version. Returns its number."""
    scripts = tmp_path / "migrations"
    shutil.copytree(migrate._SCRIPTS, scripts, ignore=shutil.ignore_patterns("__pycache__"))

    def plant(body: str) -> str:
        revision = f"{int(last_migration()) + 1:04}"
        lines = [
            '"""Planted."""',
            "import sqlalchemy as sa",
            "from alembic import op",
            "from adapters.persistence.migrations import online",
            f'revision = "{revision}"',
            f'down_revision = "{last_migration()}"',
            "def upgrade():",
            f"    {body}",
        ]
        (scripts / "versions" / f"{revision}_planted.py").write_text("\n".join(lines))
        monkeypatch.setattr(migrate, "_SCRIPTS", scripts)
        return revision

    return plant


@pytest.mark.parametrize(
    "body",
    [
        'op.drop_table("requests")',
        'op.drop_column("payments", "brand")',
        'online.drop_column("payments", "brand")',
        'op.alter_column("payments", "brand", new_column_name="scheme")',
        'op.rename_table("payments", "charges")',
        'op.alter_column("payments", "minor_units", type_=sa.Text())',
        'op.alter_column("payments", "customer_id", nullable=False)',
        'op.add_column("payments", sa.Column("channel", sa.Text(), nullable=False))',
        'op.create_check_constraint("positive", "payments", "minor_units > 0")',
        'op.create_unique_constraint("once", "payments", ["reference"])',
        'online.create_index("once", "payments", ["reference"], unique=True)',
        'online.create_index("once", "payments", ["reference"], unique=True, where="is_live")',
        'op.create_index("slow", "payments", ["creator"])',
        'op.execute("DELETE FROM payment_events")',
        'op.execute("CREATE TRIGGER t BEFORE INSERT ON payments BEGIN SELECT 1; END")',
    ],
)
def test_a_migration_that_breaks_or_blocks_the_version_before_is_refused(plant: Plant, body: str) -> None:
    only_postgresql = ("alter_column", "constraint")
    if any(name in body for name in only_postgresql) and "new_column_name" not in body:
        body = f"online.is_postgresql() and {body}"
    assert list(faults_of_statements(plant(body)))


@pytest.mark.parametrize(
    "body",
    [
        'online.add_column("payments", sa.Column("channel", sa.Text()))',
        'online.add_column("payments", sa.Column("channel", sa.Text(), nullable=False, server_default="web"))',
        'online.create_index("quick", "payments", ["creator"])',
        'online.create_index("new", "payments", ["creator"], unique=True, where="channel IS NOT NULL")',
        'op.create_table("notes", sa.Column("n", sa.Text(), nullable=False)); op.create_index("ix", "notes", ["n"])',
        'online.update("payments", "payment_id", {"brand": "\'visa\'"}, "brand = \'Visa\'")',
    ],
)
def test_a_migration_that_expands_is_accepted(plant: Plant, body: str) -> None:
    assert list(faults_of_statements(plant(body))) == []


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ('op.drop_table("event_lines")', "the table event_lines is gone"),
        ('op.drop_column("payments", "creator")', "the column payments.creator is gone"),
        (
            'op.create_table("later", sa.Column("x", sa.Text())); '
            'op.drop_table("encryption_keys"); op.create_table("encryption_keys", sa.Column("key_id", sa.Text()), '
            'sa.Column("proof", sa.Text()), sa.Column("curve", sa.Text(), nullable=False))',
            "the version before writes no encryption_keys.curve, which needs a value",
        ),
    ],
)
def test_a_schema_that_the_version_before_cannot_use_is_refused(
    engine: Engine, plant: Plant, before: dict[str, Any], body: str, fault: str
) -> None:
    plant(body)
    upgrade(engine)
    assert fault in list(faults_of_schema(engine, before))


def test_a_value_that_the_version_before_cannot_read_is_refused() -> None:
    now = description()
    after = {"values": {name: list(values) for name, values in now["values"].items()}}
    after["values"]["OperationKind"].append("levitate")
    after["values"]["events"].append("teleported")
    assert new_values(now, after) == ["events teleported", "OperationKind levitate"]
