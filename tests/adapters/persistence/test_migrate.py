"""The schema: one truth in tables.py, reached step by step."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, event, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from adapters.persistence import migrate
from adapters.persistence.migrate import UnknownSchema, current, is_current, upgrade
from adapters.persistence.sql.engine import create_engine
from adapters.persistence.tables import metadata
from application.common.errors import StoreUnavailable
from tests import history_generator as long_history
from tests.databases import Postgres

HEAD = max(path.name[:4] for path in Path(migrate.__file__).with_name("migrations").glob("versions/0*.py"))

_DEFINITIONS = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'alembic%' AND type = 'index' AND sql > ''",
    "postgresql": """
        SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version'
        UNION ALL
        SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
            AND conname NOT LIKE 'alembic%'
    """,
}


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_urls(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[str]]:
    """Two empty databases of each kind in turn."""
    if request.param == "sqlite":
        yield [f"sqlite:///{tmp_path}/{number}.db" for number in (1, 2)]
        return
    postgres: Postgres = request.getfixturevalue("postgres")
    urls = [postgres.new_database() for _ in range(2)]
    yield urls
    for url in urls:
        postgres.drop(url)


@pytest.fixture
def empty(empty_urls: list[str]) -> Iterator[Engine]:
    engine = create_engine(empty_urls[0])
    yield engine
    engine.dispose()


def test_an_empty_database_is_brought_up_to_date_once(empty: Engine) -> None:
    assert current(empty) is None
    assert not is_current(empty)
    upgrade(empty)
    assert current(empty) == HEAD
    assert is_current(empty)
    upgrade(empty)
    assert current(empty) == HEAD


def test_the_steps_lead_to_the_tables(empty: Engine, empty_urls: list[str]) -> None:
    upgrade(empty)
    with empty.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []
    # Alembic overlooks what an index is partial by.
    straight = create_engine(empty_urls[1])
    metadata.create_all(straight)
    assert _definitions(empty) == _definitions(straight)
    straight.dispose()


def _definitions(engine: Engine) -> dict[str, str]:
    with engine.connect() as connection:
        rows = connection.execute(text(_DEFINITIONS[engine.dialect.name]))
        return {name: " ".join(definition.split()) for name, definition in rows}


def test_processes_that_migrate_at_once_wait_for_one_another(empty: Engine, empty_urls: list[str]) -> None:
    code = (
        "import sys\n"
        "from adapters.persistence.sql.engine import create_engine\n"
        "from adapters.persistence.migrate import is_current, upgrade\n"
        "engine = create_engine(sys.argv[1])\n"
        "sys.stdin.readline()\n"
        "upgrade(engine)\n"
        "sys.exit(not is_current(engine))\n"
    )
    command = [sys.executable, "-c", code, empty_urls[0]]
    environment = {"PYTHONPATH": ":".join(sys.path)}
    processes = [
        subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(3)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"go\n")
        process.stdin.flush()
    outcomes = [process.communicate(timeout=30)[1].decode() for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], outcomes
    assert is_current(empty)


def test_a_step_that_fails_leaves_nothing_behind(empty: Engine) -> None:
    with empty.begin() as connection:
        # The name of an index, which is created after its table.
        connection.execute(text("CREATE TABLE ix_payments_caller (stranger INTEGER)"))
    with pytest.raises((SQLAlchemyError, StoreUnavailable), match="already"):
        upgrade(empty)
    assert current(empty) is None
    assert "payments" not in inspect(empty).get_table_names()
    with empty.begin() as connection:
        connection.execute(text("DROP TABLE ix_payments_caller"))
    upgrade(empty)
    assert is_current(empty)


def test_the_files_of_the_migrations_show_their_order() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
    steps = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    assert migrate._steps() == steps[::-1]


def test_a_schema_from_the_future_is_not_touched(empty: Engine) -> None:
    upgrade(empty)
    with empty.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        connection.execute(text("UPDATE schema_compatibility SET oldest_revision = '9999'"))
    assert not is_current(empty)
    with pytest.raises(UnknownSchema, match="9999"):
        upgrade(empty)


def test_no_database_is_said_to_be_unavailable(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/missing/bayar.db")
    for ask in (upgrade, current, is_current):
        with pytest.raises(StoreUnavailable):
            ask(engine)


@pytest.fixture
def empty_postgres(postgres: Postgres) -> Iterator[Engine]:
    url = postgres.new_database()
    engine = create_engine(url)
    yield engine
    engine.dispose()
    postgres.drop(url)


def test_no_step_locks_a_table_that_may_be_big(empty_postgres: Engine) -> None:
    """An index is built beside whoever writes, unless its table is new; rows are changed some at a time."""
    statements: list[str] = []
    event.listen(empty_postgres, "before_cursor_execute", lambda *given: statements.append(" ".join(given[2].split())))
    upgrade(empty_postgres)
    new: set[str] = set()
    for statement in statements:
        if statement.startswith("UPDATE alembic_version"):
            new = set()
        elif made := re.match(r"CREATE TABLE (\w+)", statement):
            new.add(made[1])
        elif re.match(r"(CREATE|DROP) (UNIQUE )?INDEX|REINDEX|CLUSTER", statement):
            table = re.search(r" ON (\w+)", statement)
            assert " CONCURRENTLY " in statement or (table and table[1] in new), statement
        elif re.match(r"UPDATE|DELETE", statement):
            assert "LIMIT" in statement, statement
        elif re.match(r"ALTER TABLE", statement):
            assert re.search(r"ADD COLUMN IF NOT EXISTS|DROP COLUMN", statement), statement
    assert len(statements) > 50


def test_an_index_is_built_while_others_write(empty_postgres: Engine) -> None:
    upgrade(empty_postgres, "0009")
    _add_later_columns(empty_postgres)
    with empty_postgres.begin() as connection:
        # The present code writes to it.
        metadata.tables["movements"].create(connection)
    long_history.fill(empty_postgres, 2_000)
    with empty_postgres.begin() as connection:
        metadata.tables["movements"].drop(connection)
    stop = Event()

    def write() -> int:
        count = 0
        while not stop.is_set():
            with empty_postgres.begin() as connection:
                connection.execute(text("SET LOCAL lock_timeout = '2s'"))
                connection.execute(text("UPDATE payments SET version = version + 1 WHERE payment_id LIKE '%00001'"))
                connection.execute(text("UPDATE customers SET phone = '' WHERE customer_id LIKE '%00001'"))
            count += 1
        return count

    with ThreadPoolExecutor(1) as pool:
        writer = pool.submit(write)
        try:
            upgrade(empty_postgres)
        finally:
            stop.set()
        assert writer.result(10) > 1
    assert is_current(empty_postgres)


def _add_later_columns(engine: Engine) -> None:
    """Columns that the present code writes; the steps that add them accept that they exist."""
    with engine.begin() as connection:
        for name in inspect(connection).get_table_names():
            if name in metadata.tables:
                there = {column["name"] for column in inspect(connection).get_columns(name)}
                for column in metadata.tables[name].columns:
                    if column.name not in there:
                        kind = column.type.compile(engine.dialect)
                        connection.execute(text(f"ALTER TABLE {name} ADD COLUMN {column.name} {kind}"))


def test_an_index_whose_build_was_interrupted_is_built_again(empty_postgres: Engine) -> None:
    upgrade(empty_postgres, "0009")
    with empty_postgres.begin() as connection:
        connection.execute(text("CREATE INDEX ix_payments_last_four ON payments (caller_id)"))
        connection.execute(
            text("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_payments_last_four'::regclass")
        )
    upgrade(empty_postgres)
    definitions = _definitions(empty_postgres)
    assert "last_four" in definitions["ix_payments_last_four"]
    with empty_postgres.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM pg_index WHERE NOT indisvalid")).scalar() == 0


@pytest.mark.parametrize(("before", "obstacle"), [("0003", "encryption_keys"), ("0007", "feed_events")])
def test_a_step_that_failed_half_way_is_taken_again(empty_postgres: Engine, before: str, obstacle: str) -> None:
    upgrade(empty_postgres, before)
    with empty_postgres.begin() as connection:
        connection.execute(text(f"CREATE TABLE {obstacle} (stranger INTEGER)"))
    with pytest.raises((SQLAlchemyError, StoreUnavailable), match="already exists"):
        upgrade(empty_postgres)
    with empty_postgres.begin() as connection:
        connection.execute(text(f"DROP TABLE {obstacle}"))
    upgrade(empty_postgres)
    assert is_current(empty_postgres)


@pytest.mark.parametrize("before", ["0005", "0009"])
def test_a_step_that_was_taken_but_not_noted_is_taken_again(empty_postgres: Engine, before: str) -> None:
    upgrade(empty_postgres)
    with empty_postgres.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :before"), {"before": before})
    after = f"{int(before) + 1:04}"
    upgrade(empty_postgres, after)
    assert current(empty_postgres) == after
