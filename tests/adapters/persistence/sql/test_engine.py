"""Database URLs, and the behaviour of their connections."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import psycopg
import psycopg.conninfo
import pytest
import sqlalchemy
from hypothesis import example, given
from hypothesis import strategies as st
from psycopg.sql import SQL, Identifier, Literal
from sqlalchemy import Column, Engine, MetaData, Table, select, text

from adapters import cooperation
from adapters.persistence.sql.engine import Limits, create_engine, max_connections_of, unsafe_durability_settings
from adapters.persistence.tables import UtcTime
from tests.databases import Postgres


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "no database URL"),
        ("bayar.db", "no database URL"),
        ("postgresql://bayar:s3cret@[::1/bayar", "no database URL"),
        ("postgresql://bayar:s3cret@db:port/bayar", "no database URL"),
        ("mysql://bayar:s3cret@db/bayar", "'mysql'"),
        ("postgresql+asyncpg://bayar:s3cret@db/bayar", "'postgresql\\+asyncpg'"),
        ("sqlite://", "must name a file"),
        ("sqlite:///:memory:", "must name a file"),
        ("sqlite:///file::memory:?cache=shared&uri=true", "must name a file"),
        ("sqlite://s3cret/bayar.db", "three slashes"),
    ],
)
def test_a_wrong_url_is_refused_with_a_sentence_and_examples(url: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as refusal:
        create_engine(url)
    assert "for example sqlite:///bayar.db or postgresql://" in str(refusal.value)
    assert "s3cret" not in str(refusal.value)
    assert refusal.value.__cause__ is None


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_every_way_to_write_postgresql_means_psycopg(scheme: str) -> None:
    engine = create_engine(f"{scheme}://bayar:s3cret@db/bayar")
    assert (engine.dialect.name, engine.dialect.driver) == ("postgresql", "psycopg")
    assert "s3cret" not in repr(engine)


def test_sqlite_is_durable_keeps_foreign_keys_and_lets_readers_be(sqlite_engine: Engine) -> None:
    with sqlite_engine.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in (
                "journal_mode",
                "foreign_keys",
                "synchronous",
                "busy_timeout",
                "secure_delete",
                "wal_autocheckpoint",
            )
        }
    assert pragmas == {
        "journal_mode": "wal",
        "foreign_keys": 1,
        "synchronous": 2,
        "busy_timeout": 5000,
        "secure_delete": 1,
        "wal_autocheckpoint": 4000,
    }


def test_sqlite_opens_a_transaction_before_it_reads(sqlite_engine: Engine) -> None:
    with sqlite_engine.connect() as first, sqlite_engine.connect() as second:
        first.execute(text("CREATE TABLE t (n INTEGER)"))
        assert second.execute(text("SELECT count(*) FROM sqlite_master WHERE name = 't'")).scalar() == 0
        first.rollback()
        assert first.execute(text("SELECT count(*) FROM sqlite_master WHERE name = 't'")).scalar() == 0


def test_postgresql_is_told_its_limits(postgres_url: str) -> None:
    limits = Limits(statement_timeout=timedelta(seconds=7), lock_timeout=timedelta(milliseconds=300))
    engine = create_engine(postgres_url, limits)
    settings = ("application_name", "statement_timeout", "lock_timeout", "TimeZone", "transaction_isolation")
    with engine.connect() as connection:
        told = [connection.execute(text(f"SHOW {name}")).scalar() for name in settings]
        idle = connection.execute(text("SHOW idle_in_transaction_session_timeout")).scalar()
    assert told == ["bayar", "7s", "300ms", "UTC", "read committed"]
    assert idle == "1min"
    engine.dispose()


def test_options_in_a_postgresql_url_are_kept(postgres_url: str) -> None:
    engine = create_engine(f"{postgres_url}&application_name=shop&options=-c%20search_path%3Delsewhere")
    with engine.connect() as connection:
        assert connection.execute(text("SHOW application_name")).scalar() == "shop"
        assert connection.execute(text("SHOW search_path")).scalar() == "elsewhere"
        assert connection.execute(text("SHOW lock_timeout")).scalar() == "5s"
    engine.dispose()


moments = Table("moments", MetaData(), Column("moment", UtcTime))


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(2026, 1, 2, 3, 4, 5, 1, tzinfo=timezone(timedelta(hours=7))),
    ],
)
def test_a_moment_comes_back_in_utc_to_the_microsecond(engine: Engine, moment: datetime) -> None:
    with engine.connect() as connection:
        moments.create(connection)
        connection.execute(moments.insert(), {"moment": moment})
        found = connection.execute(select(moments.c.moment)).scalar_one()
        connection.rollback()
    assert found == moment
    assert found.tzinfo is UTC


@given(st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=7))])))
@example(datetime.min.replace(tzinfo=UTC))
@example(datetime.max.replace(tzinfo=UTC))
def test_sqlite_gets_the_text_that_sqlalchemy_would_write(moment: datetime) -> None:
    dialect = sqlalchemy.create_engine("sqlite://").dialect
    ours, theirs = UtcTime().dialect_impl(dialect), sqlalchemy.DateTime().dialect_impl(dialect)
    write, read = ours.bind_processor(dialect), ours.result_processor(dialect, None)
    write_plain = theirs.bind_processor(dialect)
    assert write is not None
    assert read is not None
    assert write_plain is not None
    try:
        in_utc = moment.astimezone(UTC)
    except OverflowError:
        return
    assert write(moment) == write_plain(in_utc)
    assert read(write(moment)) == moment
    assert write(None) is None
    assert read(None) is None


def test_a_time_without_a_zone_is_refused(engine: Engine) -> None:
    with engine.connect() as connection, pytest.raises(Exception, match="no time zone"):
        connection.execute(select(moments).where(moments.c.moment == datetime(2026, 1, 1)))  # noqa: DTZ001


def test_how_many_connections_a_server_has_is_asked_of_it(engine: Engine) -> None:
    most = max_connections_of(engine)
    assert most is None if engine.dialect.name == "sqlite" else most == 97


def two_at_rest(engine: Engine) -> list[int]:
    """The server's processes of two connections in the pool."""
    with engine.connect() as one, engine.connect() as other:
        return [each.exec_driver_sql("SELECT pg_backend_pid()").scalar_one() for each in (one, other)]


def test_connections_that_the_server_ended_while_they_rested_are_replaced_before_anybody_uses_them(
    postgres: Postgres, postgres_url: str
) -> None:
    engine = create_engine(postgres_url)
    try:
        pids = two_at_rest(engine)
        for pid in pids:
            with psycopg.connect(postgres.server.get_uri(), autocommit=True) as server:
                # Waits for the end.
                assert server.execute("SELECT pg_terminate_backend(%s, 10000)", (pid,)).fetchone() == (True,)
        assert not set(two_at_rest(engine)) & set(pids)
    finally:
        engine.dispose()


def test_a_connection_that_is_closed_as_it_rests_is_replaced_and_one_in_order_is_used_again(postgres_url: str) -> None:
    engine = create_engine(postgres_url)
    try:
        pids = two_at_rest(engine)
        assert sorted(two_at_rest(engine)) == sorted(pids)
        borrowed = engine.raw_connection()
        resting = borrowed.driver_connection
        borrowed.close()
        assert resting is not None
        resting.close()
        assert len(set(two_at_rest(engine)) - set(pids)) == 2, "the others were opened to the same server"
    finally:
        engine.dispose()


@pytest.mark.parametrize(
    ("weak", "used"),
    [("off", "on"), ("local", "on"), ("remote_write", "on"), ("on", "on"), ("remote_apply", "remote_apply")],
)
def test_a_commit_is_durable_whatever_the_database_is_set_to(weak: str, used: str, postgres: Postgres) -> None:
    url = postgres.new_database()
    name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    postgres.execute(SQL("ALTER DATABASE {} SET synchronous_commit = {}").format(Identifier(str(name)), Literal(weak)))
    engine = create_engine(url)
    try:
        for _ in range(2):
            with engine.connect() as connection:
                assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == used
                connection.rollback()
                assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == used
    finally:
        engine.dispose()
        postgres.drop(url)


def test_a_server_that_a_crash_would_damage_is_reported(postgres_engine: Engine, sqlite_engine: Engine) -> None:
    # The tests' own server is one: no test crashes the machine.
    assert unsafe_durability_settings(postgres_engine) == ["fsync"]
    assert unsafe_durability_settings(sqlite_engine) == []


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777])
def test_a_database_s_files_are_its_owner_s_alone_whatever_the_umask(umask: int, tmp_path: Path) -> None:
    before = os.umask(umask)
    try:
        engine = create_engine(f"sqlite:///{tmp_path / 'bayar.db'}")
        with engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE t (x)")
        files = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
        engine.dispose()
    finally:
        os.umask(before)
    assert files == {"bayar.db": 0o600, "bayar.db-wal": 0o600, "bayar.db-shm": 0o600}


def test_files_that_others_could_read_are_narrowed_with_a_word(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "bayar.db"
    sqlite3.connect(path).close()
    for name in ("bayar.db", "bayar.db-wal", "bayar.db-shm"):
        (tmp_path / name).touch()
        (tmp_path / name).chmod(0o644)
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE t (x)")
        assert {one.stat().st_mode & 0o777 for one in tmp_path.iterdir()} == {0o600}
    engine.dispose()
    assert "was open to other users (mode 644)" in caplog.text


def test_the_first_connections_of_an_engine_opened_together_by_work_do_not_stop_the_event_loop(
    postgres_url: str,
) -> None:
    engine, answers = create_engine(postgres_url), list[int]()

    def connects() -> None:
        with engine.connect() as connection:
            answers.append(connection.execute(text("SELECT 1")).scalar_one())

    async def story() -> None:
        for _ in range(3):
            cooperation.start(connects)
        while len(answers) < 3:
            await asyncio.sleep(0.005)

    # A loop that stands still would end no timeout of its own.
    thread = threading.Thread(target=lambda: asyncio.run(story()), daemon=True)
    thread.start()
    thread.join(10)
    assert answers == [1, 1, 1]
    engine.dispose()
