"""`bayar migrate --check` and `--plan`: exit statuses and sentences; they need no setting but the database's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from adapters.persistence.migrate import UnknownSchema, last_migration, upgrade
from adapters.persistence.sql.engine import create_engine
from bootstrap.cli.main import main


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    url = f"sqlite:///{tmp_path}/bayar.db"
    monkeypatch.setenv("BAYAR_DATABASE_URL", url)
    return url


def _set_revision(url: str, revision: str, oldest: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})
        connection.execute(text("UPDATE schema_compatibility SET oldest_revision = :oldest"), {"oldest": oldest})
    engine.dispose()


def _migrate(url: str, to: str = "head") -> None:
    engine = create_engine(url)
    upgrade(engine, to)
    engine.dispose()


def test_check_exits_with_3_while_migrations_are_missing(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["migrate", "--check"]) == 3
    assert "schema is empty" in capsys.readouterr().out
    _migrate(database, "0015")
    assert main(["migrate", "--check"]) == 3
    printed = capsys.readouterr().out
    assert "The database's schema is at migration 0015, and this version needs" in printed
    assert "run `bayar migrate` first" in printed


@pytest.mark.parametrize(("option", "status"), [("--check", 3), ("--plan", 0)])
@pytest.mark.usefixtures("database")
def test_check_and_plan_create_no_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, status: int
) -> None:
    assert main(["migrate", option]) == status
    assert "empty" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", ["--check", "--plan"])
@pytest.mark.parametrize("to", ["nothing", "0015"])
def test_check_and_plan_leave_the_file_as_it_is(database: str, tmp_path: Path, option: str, to: str) -> None:
    file = tmp_path / "bayar.db"
    if to == "nothing":
        file.touch()
    else:
        _migrate(database, to)
    # As another version of the service, or a restore, may have left it.
    file.chmod(0o640)
    before = (file.read_bytes(), file.stat().st_mode, file.stat().st_mtime_ns, sorted(tmp_path.iterdir()))
    assert main(["migrate", option]) in (0, 3)
    assert (file.read_bytes(), file.stat().st_mode, file.stat().st_mtime_ns, sorted(tmp_path.iterdir())) == before


def test_check_exits_with_0_where_this_version_runs(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    _migrate(database)
    assert main(["migrate", "--check"]) == 0
    assert capsys.readouterr().out == f"The schema is up to date: migration {last_migration()}.\n"
    _set_revision(database, "9999", last_migration())
    assert main(["migrate", "--check"]) == 0
    assert "of a newer version. This version" in capsys.readouterr().out


def test_check_exits_with_1_where_this_version_cannot_run(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    _migrate(database)
    _set_revision(database, "9999", "9998")
    assert main(["migrate", "--check"]) == 1
    assert "start a version that knows migration 9998" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["--check"], ["--plan"], ["--check", "--json"]], ids=" ".join)
def test_the_tables_of_another_application_are_named_with_the_remedy(
    database: str, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    engine = create_engine(database)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE payments (id INTEGER PRIMARY KEY, total TEXT)"))
        connection.execute(text("CREATE VIEW customers AS SELECT id FROM payments"))
        connection.execute(text("CREATE TABLE invoices (id INTEGER PRIMARY KEY)"))
    assert main(["migrate", *arguments]) == 1
    printed = capsys.readouterr().out
    if "--json" in arguments:
        shown = json.loads(printed)
        assert (shown["state"], shown["foreign_tables"]) == ("FOREIGN", ["customers", "payments"])
    else:
        assert printed == (
            "The database has tables that Bayar did not make, with names that Bayar needs (customers, payments). Name "
            "a database of its own for Bayar in BAYAR_DATABASE_URL. Nothing was changed.\n"
        )
    with pytest.raises(UnknownSchema):
        upgrade(engine)
    assert sorted(inspect(engine).get_table_names()) == ["invoices", "payments"]
    engine.dispose()


def test_the_migrations_of_another_application_are_not_taken_for_a_newer_version(
    database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = create_engine(database)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('ae1027a6acf')"))
    engine.dispose()
    assert main(["migrate", "--check"]) == 1
    assert "belongs to another application, whose migrations are at ae1027a6acf. Name" in capsys.readouterr().out


def test_tables_with_other_names_do_no_harm(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    engine = create_engine(database)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE invoices (id INTEGER PRIMARY KEY)"))
    engine.dispose()
    _migrate(database)
    assert main(["migrate", "--check"]) == 0
    assert "up to date" in capsys.readouterr().out


def test_check_exits_with_1_where_the_database_does_not_answer(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BAYAR_DATABASE_URL", "postgresql://bayar@127.0.0.1:1/bayar")
    assert main(["migrate", "--check"]) == 1
    assert "the database does not answer (BAYAR_DATABASE_URL)" in capsys.readouterr().err


def test_plan_shows_statements_locks_and_the_way_back(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    _migrate(database, "0016")
    assert main(["migrate", "--plan"]) == 0
    printed = capsys.readouterr().out
    assert "The schema is at migration 0016." in printed
    assert "CREATE TABLE schema_compatibility" in printed
    assert "waits: writers of the whole file; less than a second" in printed
    assert "Processes of the version before go on, restart, and can take over again afterwards." in printed
    _migrate(database, "0017")


def test_plan_says_when_the_way_back_is_closed(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    _migrate(database, "0015")
    assert main(["migrate", "--plan"]) == 0
    assert "afterwards only versions run that know migration 0016" in capsys.readouterr().out


def test_plan_has_nothing_to_show_on_a_current_schema(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    _migrate(database)
    assert main(["migrate", "--plan"]) == 0
    assert capsys.readouterr().out == f"The schema is up to date: migration {last_migration()}.\n"
