"""The search index and an erasure at the same moment, on PostgreSQL: no digest of an erased name stays."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, text

from adapters.persistence.store import SqlStore
from application.ports.payment_filter import PaymentFilter
from application.ports.search import SearchDocument
from application.ports.store import UnitOfWork
from application.search.search_terms import indexed_terms
from domain.customer import GuestContact
from domain.ids import PaymentId
from tests.contract.random_payments import SHOP, started
from tests.contract.store_steps import add
from tests.crash.replica import wait_until
from tests.encryption_keys import SEALER
from tests.fakes.ids import CountingIds

BUDI = "name:budi"


@pytest.fixture
def store(postgres_engine: Engine) -> SqlStore:
    return SqlStore(postgres_engine, CountingIds(), SEALER)


def new_payment(store: SqlStore) -> PaymentId:
    payment = started(guest=GuestContact(given_name="Budi"))
    add(store, payment)
    return payment.terms.payment_id


def document_of(work: UnitOfWork, payment_id: PaymentId) -> SearchDocument:
    [read] = work.search.contents([payment_id])
    terms = indexed_terms(read)
    assert BUDI in terms
    return SearchDocument(payment_id, SHOP, read.create_time, terms)


def is_found(store: SqlStore) -> bool:
    with store.read() as work:
        page = work.search.page(SHOP, [frozenset({BUDI})], PaymentFilter(), after=None, limit=10)
    return bool(page.positions)


def begun(engine: Engine, pool: ThreadPoolExecutor, act: Callable[[], int | None]) -> Future[int | None]:
    """The act in another thread, once it waits for a lock."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )

    def is_waiting() -> bool:
        with engine.connect() as connection:
            return bool(connection.execute(waiting).scalar())

    future = pool.submit(act)
    assert wait_until(is_waiting, 10, every_seconds=0.01)
    return future


def test_an_erasure_waits_for_a_document_that_is_being_added_and_removes_it(
    store: SqlStore, postgres_engine: Engine
) -> None:
    payment_id = new_payment(store)

    def erase() -> None:
        with store.begin() as work:
            work.payments.erase_guest(payment_id)

    with ThreadPoolExecutor() as pool:
        with store.begin() as work:
            assert work.search.add([document_of(work, payment_id)]) == 1
            erasure = begun(postgres_engine, pool, erase)
        erasure.result(10)
    assert not is_found(store)


def test_a_document_that_waits_for_an_erasure_is_not_added(store: SqlStore, postgres_engine: Engine) -> None:
    payment_id = new_payment(store)

    def add_document(document: SearchDocument) -> int:
        with store.begin() as work:
            return work.search.add([document])

    with ThreadPoolExecutor() as pool:
        with store.begin() as work:
            document = document_of(work, payment_id)
            work.payments.erase_guest(payment_id)
            addition = begun(postgres_engine, pool, lambda: add_document(document))
        assert addition.result(10) == 0
    assert not is_found(store)
