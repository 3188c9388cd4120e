"""Statements that go to PostgreSQL without the driver's cursor: the same values, errors and transactions as with it."""

from __future__ import annotations

from collections.abc import Generator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

import psycopg
import pytest
from psycopg.types.json import Json
from sqlalchemy import Engine, text

from adapters.persistence.sql.db_errors import translate_db_errors
from adapters.persistence.sql.postgres_connection import PostgresConnection
from application.common.errors import StoreUnavailable

_ADD: Final = b"INSERT INTO things (id, name) VALUES ($1, $2)"
_ALL: Final = b"SELECT id, name FROM things ORDER BY id"
_TYPES: Final = {
    "bigint": 2**63 - 1,
    "boolean": True,
    "text": "ä \N{PILE OF POO} ' \\ % $1",
    "bytea": b"\0\xff\\'",
    "timestamptz": datetime(2026, 2, 28, 23, 59, 59, 1, tzinfo=UTC),
    "date": date(2026, 2, 28),
    "numeric": Decimal("0.10"),
    "double precision": 0.1,
    "json": Json({"a": [None, 1.5, "ä"]}),
    "varchar": None,
}


@pytest.fixture
def driver(postgres_engine: Engine) -> Generator[PostgresConnection]:
    with postgres_engine.connect() as connection:
        found = connection.connection.driver_connection
        assert isinstance(found, PostgresConnection)
        found.run(b"CREATE TEMPORARY TABLE things (id bigint PRIMARY KEY, name text)", [])
        found.commit()
        yield found
        connection.invalidate()


def ids(driver: PostgresConnection) -> list[Any]:
    return [row[0] for row in driver.run(_ALL, [])[0]]


@pytest.mark.parametrize("kind", _TYPES)
def test_values_are_those_of_the_cursor(driver: PostgresConnection, kind: str) -> None:
    value = _TYPES[kind]
    cursor = driver.execute(f"SELECT %s::{kind}", [value])
    assert driver.run(f"SELECT $1::{kind}".encode(), [value])[0] == [list(row) for row in cursor]


def test_a_text_that_postgresql_cannot_have_is_refused_before_anything_is_sent(driver: PostgresConnection) -> None:
    driver.run(_ADD, [1, "one"])
    with pytest.raises(psycopg.DataError, match="NUL"):
        driver.run(_ADD, [2, "two\0"])
    with pytest.raises(psycopg.DataError, match="NUL"):
        driver.leave_for_later(_ADD, [3, "three\0"])
    driver.commit()
    assert ids(driver) == [1]


def test_the_first_error_is_raised_and_nothing_after_it_is_executed(driver: PostgresConnection) -> None:
    driver.leave_for_later(_ADD, [1, "one"], [1, "again"])
    driver.leave_for_later(b"SELECT nonsense", [])
    with pytest.raises(psycopg.errors.UniqueViolation):
        driver.run(_ADD, [2, "two"])
    driver.rollback()
    assert ids(driver) == []


def test_a_statement_that_cannot_be_prepared_leaves_the_connection_intact(driver: PostgresConnection) -> None:
    for _ in range(2):
        with pytest.raises(psycopg.errors.UndefinedColumn):
            driver.run(b"SELECT nonsense", [])
        driver.rollback()
        assert driver.run(b"SELECT $1::bigint + 1", [1]) == ([[2]], 1)
        driver.rollback()


def test_statements_that_the_driver_gave_up_are_prepared_again(driver: PostgresConnection) -> None:
    """psycopg deallocates all statements at a rollback, if it has prepared one of its own."""
    assert ids(driver) == []
    driver.execute("SELECT 1", prepare=True)
    driver.rollback()
    assert ids(driver) == []


def test_statements_that_somebody_else_gave_up_are_prepared_again(driver: PostgresConnection) -> None:
    assert ids(driver) == []
    driver.commit()
    driver.pgconn.exec_(b"DEALLOCATE ALL")
    with pytest.raises(psycopg.errors.InvalidSqlStatementName):
        ids(driver)
    driver.rollback()
    assert ids(driver) == []


def test_a_statement_survives_a_column_of_another_type(driver: PostgresConnection) -> None:
    """The server refuses the plan that it has kept, in each further transaction."""
    assert ids(driver) == []
    driver.commit()
    driver.execute("ALTER TABLE things ALTER COLUMN id TYPE integer")
    driver.commit()
    with pytest.raises(psycopg.errors.InvalidSqlStatementName):
        ids(driver)
    driver.rollback()
    assert ids(driver) == []


def test_the_commit_of_a_failed_transaction_is_an_error(driver: PostgresConnection) -> None:
    driver.run(_ADD, [1, "one"])
    with pytest.raises(psycopg.errors.UniqueViolation):
        driver.run(_ADD, [1, "again"])
    with pytest.raises(psycopg.errors.InFailedSqlTransaction):
        driver.commit()
    assert ids(driver) == []


def test_a_statement_survives_a_new_column(driver: PostgresConnection) -> None:
    assert ids(driver) == []
    driver.execute("ALTER TABLE things ADD COLUMN more text DEFAULT 'x'")
    driver.commit()
    driver.run(_ADD, [1, "one"])
    assert ids(driver) == [1]


def test_more_than_the_socket_holds_is_sent_and_answered(driver: PostgresConnection) -> None:
    """The server stops to read where nobody reads its answers."""
    rows = [[number, "x" * 1000] for number in range(10_000)]
    echoing = b"INSERT INTO things (id, name) VALUES ($1, $2) RETURNING repeat(name, 2)"
    assert driver.run(echoing, *rows)[1] == 10_000
    assert len(ids(driver)) == 10_000


def test_an_interrupted_wait_gives_up_the_connection(
    driver: PostgresConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its next answers are those of the statements before."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(driver, "wait", interrupt, raising=True)
    with pytest.raises(KeyboardInterrupt):
        driver.run(_ALL, [])
    assert driver.closed


@pytest.mark.parametrize("at_commit", [False, True], ids=["statement", "commit"])
def test_a_lost_connection_is_given_up(driver: PostgresConnection, postgres_engine: Engine, at_commit: bool) -> None:
    driver.run(_ADD, [1, "one"])
    with postgres_engine.connect() as other:
        other.execute(text("SELECT pg_terminate_backend(:own, 5000)"), {"own": driver.info.backend_pid})
    driver.leave_for_later(_ADD, [2, "two"])
    with pytest.raises(psycopg.OperationalError):
        driver.commit() if at_commit else driver.run(_ALL, [])
    assert driver.closed


def test_a_transaction_without_statements_costs_no_round_trip(
    driver: PostgresConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wait(*_: object) -> None:
        raise AssertionError("a round trip")

    monkeypatch.setattr(PostgresConnection, "wait", wait)
    driver.commit()
    driver.rollback()


def test_a_connection_that_was_given_up_is_replaced(postgres_engine: Engine) -> None:
    def lose() -> None:
        with translate_db_errors(), postgres_engine.begin() as connection:
            driver = connection.connection.driver_connection
            assert isinstance(driver, PostgresConnection)
            driver.run(b"SELECT 1", [])
            driver.close()

    with pytest.raises(StoreUnavailable):
        lose()
    with postgres_engine.begin() as connection:
        assert connection.execute(text("SELECT 1")).scalar() == 1
