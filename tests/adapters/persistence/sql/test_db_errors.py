"""Failures of the database become StoreUnavailable; errors of the service do not."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import IntegrityError

from adapters.persistence.repositories.idempotency_keys import SqlRequests
from adapters.persistence.sql.db_errors import translate_db_errors
from adapters.persistence.sql.engine import Limits, create_engine
from adapters.persistence.store import SqlStore
from application.common.conflicts import retry_on_conflict
from application.common.errors import StoreConflict, StoreUnavailable
from application.ports.store import RequestRecord
from domain.ids import CallerId, CustomerId, PaymentId, RequestId
from domain.operation import FailureReason
from tests.contract.random_payments import START, started
from tests.databases import Postgres
from tests.encryption_keys import SEALER
from tests.fakes.ids import CountingIds

IMPATIENT = Limits(pool_size=2, pool_timeout=timedelta(milliseconds=50), lock_timeout=timedelta(milliseconds=50))


@contextmanager
def store_on(url: str, limits: Limits = IMPATIENT) -> Iterator[tuple[SqlStore, Engine]]:
    engine = create_engine(url, limits)
    yield SqlStore(engine, CountingIds(), SEALER), engine
    engine.dispose()


def record(request_id: str, size: int = 0) -> RequestRecord:
    return RequestRecord(
        caller_id=CallerId("shop"),
        request_id=RequestId(request_id),
        method="CreatePayment",
        resource_id="pay_1",
        fingerprint={"padding": "x" * size},
        create_time=START,
    )


def claim(store: SqlStore, request_id: str, size: int = 0) -> RequestRecord | None:
    with store.begin() as work:
        return work.requests.claim(record(request_id, size))


def url_of(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=False)


def test_a_locked_sqlite_file_refuses_writers_and_serves_readers(sqlite_url: str) -> None:
    with (
        store_on(sqlite_url) as (store, engine),
        closing(sqlite3.connect(str(engine.url.database), isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="locked"):
            claim(store, "one")
        with pytest.raises(StoreUnavailable, match="locked"):
            store.due_operations(START, START, 1)
        with store.read() as work:
            assert work.customers.get(CustomerId("cus_1")) is None
        other.execute("ROLLBACK")
        assert claim(store, "one") is None


def test_a_full_disk_undoes_the_whole_unit_of_work(sqlite_url: str) -> None:
    def fill(connection: sqlite3.Connection, _record: object) -> None:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")

    with store_on(sqlite_url) as (store, engine):
        event.listen(engine, "connect", fill)
        with pytest.raises(StoreUnavailable, match="full"), store.begin() as work:
            assert [work.requests.claim(record(name, size)) for name, size in (("small", 0), ("large", 100_000))]
    with store_on(sqlite_url) as (store, _):
        assert claim(store, "small") is None
        assert claim(store, "large", size=100_000) is None


def test_a_sqlite_file_that_cannot_be_opened_is_unavailable(tmp_path: Path) -> None:
    with store_on(f"sqlite:///{tmp_path}/missing/bayar.db") as (store, _):
        with pytest.raises(StoreUnavailable, match="unable to open"):
            claim(store, "one")
        with pytest.raises(StoreUnavailable, match="unable to open"), store.read():
            pass


def test_a_sqlite_file_that_is_none_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "bayar.db").write_text("not a database, " * 100)
    with store_on(f"sqlite:///{tmp_path}/bayar.db") as (store, _), pytest.raises(StoreUnavailable):
        claim(store, "one")


def test_a_postgresql_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with store_on(f"postgresql://bayar:s3cret@/bayar?host={tmp_path}") as (store, _):
        with pytest.raises(StoreUnavailable) as refusal:
            claim(store, "one")
        assert "s3cret" not in str(refusal.value)
        with pytest.raises(StoreUnavailable), store.read() as work:
            work.customers.get(CustomerId("cus_1"))


def test_a_connection_lost_before_the_commit_means_that_nothing_happened(postgres_engine: Engine) -> None:
    with store_on(url_of(postgres_engine)) as (store, engine):
        unit_of_work = store.begin()
        unit_of_work.__enter__().requests.claim(record("one"))
        _end_connections(postgres_engine, engine)
        with pytest.raises(StoreUnavailable):
            unit_of_work.__exit__(None, None, None)
        # And the next one finds a connection that works.
        assert claim(store, "one") is None


def test_connections_lost_while_idle_are_not_noticed(postgres_engine: Engine) -> None:
    with store_on(url_of(postgres_engine)) as (store, engine):
        claim(store, "one")
        _end_connections(postgres_engine, engine)
        assert claim(store, "two") is None
        with store.read() as work:
            assert work.payments.get(PaymentId("pay_1")) is None


def _end_connections(administrator: Engine, engine: Engine) -> None:
    with administrator.connect() as connection:
        ended = connection.execute(
            text(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE datname = :name AND pid <> pg_backend_pid() AND application_name = 'bayar'"
            ),
            {"name": engine.url.database},
        )
        assert all(ended.scalars().all())


def test_a_database_that_is_gone_is_unavailable(postgres: Postgres) -> None:
    url = postgres.new_database()
    with store_on(url) as (store, engine):
        with engine.connect():
            pass
        postgres.drop(url)
        with pytest.raises(StoreUnavailable):
            claim(store, "one")


def test_a_row_that_another_holds_for_too_long_is_unavailable(postgres_engine: Engine) -> None:
    with store_on(url_of(postgres_engine)) as (store, _), store.begin() as work:
        assert work.requests.claim(record("one")) is None
        with pytest.raises(StoreUnavailable, match="lock timeout"):
            claim(store, "one")


def test_a_deadlock_is_a_conflict_and_what_lost_it_is_recorded_after_all(postgres_engine: Engine) -> None:
    """The other one never looks for deadlocks itself, so that ours is the one that is given up."""
    attempts: list[int] = []
    other_has_ended = Event()

    @retry_on_conflict
    def lose_once(store: SqlStore) -> None:
        # A repeat that is quicker than the other one would take the record that both want, and lose again.
        if attempts:
            other_has_ended.wait(30)
        attempts.append(1)
        with store.begin() as work:
            work.requests.claim(record("ours"))
            work.requests.claim(record("theirs"))

    # Waits for as long as it takes to see both wait, on a busy machine, too.
    patient = f"{url_of(postgres_engine)}&options=-c%20deadlock_timeout%3D3s"
    with (
        store_on(patient, Limits(lock_timeout=timedelta(seconds=30), statement_timeout=timedelta(seconds=60))) as (
            store,
            _,
        ),
        postgres_engine.connect() as other,
        ThreadPoolExecutor() as pool,
    ):
        other.execute(text("SET LOCAL deadlock_timeout = '1h'"))
        other.execute(text("SET LOCAL lock_timeout = 0"))
        requests_of_other = SqlRequests(other)
        requests_of_other.claim(record("theirs"))
        ours = pool.submit(lose_once, store)
        until_somebody_waits(postgres_engine)
        # Returns once ours is given up, having held what this one wants.
        assert requests_of_other.claim(record("ours")) is None
        other.rollback()
        other_has_ended.set()
        ours.result()
    assert len(attempts) == 2
    with store_on(url_of(postgres_engine)) as (store, _), store.read() as work:
        assert work.requests.get(CallerId("shop"), RequestId("ours")) is not None


def until_somebody_waits(engine: Engine) -> None:
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        while not connection.execute(waiting).scalar():
            pass


@pytest.mark.parametrize(
    ("sqlstate", "kind"), [("40001", StoreConflict), ("40P01", StoreConflict), ("53100", StoreUnavailable)]
)
def test_only_what_surely_did_not_happen_is_a_conflict(
    sqlstate: str, kind: type[Exception], postgres_engine: Engine
) -> None:
    give_up = text(f"DO $$ BEGIN RAISE SQLSTATE '{sqlstate}'; END $$")
    with pytest.raises(StoreUnavailable) as told, translate_db_errors(), postgres_engine.begin() as connection:
        connection.execute(give_up)
    assert told.type is kind


def test_a_statement_that_takes_too_long_is_unavailable(postgres_engine: Engine) -> None:
    with (
        store_on(url_of(postgres_engine), Limits(statement_timeout=timedelta(milliseconds=50))) as (_, engine),
        pytest.raises(StoreUnavailable, match="statement timeout"),
        translate_db_errors(),
        engine.begin() as connection,
    ):
        connection.execute(text("SELECT pg_sleep(9)"))


def test_a_server_that_only_reads_is_unavailable_for_writing(postgres_engine: Engine) -> None:
    url = f"{url_of(postgres_engine)}&options=-c%20default_transaction_read_only%3Don"
    with store_on(url) as (store, _), pytest.raises(StoreUnavailable, match="read-only"):
        claim(store, "one")


def test_more_threads_than_connections_wait_and_then_find_it_unavailable(engine: Engine) -> None:
    with (
        store_on(url_of(engine)) as (store, _),
        store.read(),
        store.read(),
        pytest.raises(StoreUnavailable, match="in use"),
        store.read(),
    ):
        pass


def test_a_reading_unit_of_work_cannot_write_on_postgresql(postgres_engine: Engine) -> None:
    with store_on(url_of(postgres_engine)) as (store, _):
        with pytest.raises(StoreUnavailable, match="read-only"), store.read() as work:
            work.requests.claim(record("one"))
        assert claim(store, "one") is None


def test_an_internal_error_is_not_blamed_on_the_database(engine: Engine) -> None:
    payment = started()
    reason = FailureReason.GATEWAY_UNREACHABLE
    payment.fail(payment.operations[0].operation_id, reason, context=payment.new_events[0].context)
    with store_on(url_of(engine)) as (store, _):
        with store.begin() as work:
            work.payments.add(payment)
        with pytest.raises(IntegrityError), store.begin() as work:
            work.payments.add(payment)
