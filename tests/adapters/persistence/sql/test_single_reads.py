"""Single reads on SQLite keep a connection, and neither a failure nor an end of the engine leaves it in use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from adapters.persistence.sql.engine import create_engine
from adapters.persistence.sql.single_reads import SingleReads

ONE = text("SELECT 1")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = create_engine(f"sqlite:///{tmp_path / 'bayar.db'}")
    yield made
    made.dispose()


def test_the_next_read_has_the_connection_of_the_last_one_without_its_transaction(engine: Engine) -> None:
    reads = SingleReads(engine, keeps_connection=True)
    with reads.connection() as first:
        assert first.scalar(ONE) == 1
        assert first.in_transaction()
    with reads.connection() as second:
        assert second is first
        assert not second.in_transaction()
        driver: Any = second.connection.driver_connection
        assert not driver.in_transaction
    assert engine.pool.checkedout() == 1  # type: ignore[attr-defined]


def test_reads_at_the_same_time_have_connections_of_their_own_and_one_is_kept(engine: Engine) -> None:
    reads = SingleReads(engine, keeps_connection=True)
    with reads.connection() as one, reads.connection() as other:
        assert one is not other
    assert engine.pool.checkedout() == 1  # type: ignore[attr-defined]


def test_a_connection_whose_use_failed_is_not_kept(engine: Engine) -> None:
    reads = SingleReads(engine, keeps_connection=True)
    with pytest.raises(OperationalError), reads.connection() as failing:
        failing.execute(text("SELECT nothing FROM nowhere"))
    assert failing.closed
    assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]


def test_nothing_is_kept_where_the_pool_needs_each_connection_nor_after_the_end(engine: Engine) -> None:
    frugal = SingleReads(engine, keeps_connection=False)
    with frugal.connection() as connection:
        assert connection.scalar(ONE) == 1
    assert connection.closed

    reads = SingleReads(engine, keeps_connection=True)
    with reads.connection() as kept:
        assert kept.scalar(ONE) == 1
    reads.close()
    assert kept.closed
