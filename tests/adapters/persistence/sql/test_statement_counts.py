"""The database cost of a payment: counted statements and commits, independent of the machine's load."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Barrier
from typing import Any

import pytest
from psycopg.pq import TransactionStatus
from sqlalchemy import Engine, event

from adapters.persistence.sql.group_commit import GroupCommit
from adapters.persistence.sql.postgres_connection import PostgresConnection
from adapters.persistence.store import SqlStore
from tests.application.shop import SHOP, Shop, an_order
from tests.encryption_keys import SEALER
from tests.end_to_end.service import until
from tests.fakes.faulty_gateway import Fault, FaultyGateway

_TOGETHER = 8


@dataclass
class Cost:
    statements: int = 0
    commits: int = 0
    # The statements in a transaction, whose BEGIN and end are round trips as well.
    in_transactions: int = 0

    def add_statement(self, _connection: Any, cursor: Any, *_arguments: Any) -> None:
        self.statements += 1
        self.in_transactions += _is_in_transaction(cursor.connection)

    def add_commit(self, *_arguments: Any) -> None:
        self.commits += 1


def _is_in_transaction(driver: Any) -> bool:
    if isinstance(driver, sqlite3.Connection):
        return driver.in_transaction
    return driver.info.transaction_status is not TransactionStatus.IDLE


@contextmanager
def counting(engine: Engine) -> Iterator[Cost]:
    cost = Cost()
    listeners = (("after_cursor_execute", cost.add_statement), ("commit", cost.add_commit))
    for name, listener in listeners:
        event.listen(engine, name, listener)
    try:
        yield cost
    finally:
        for name, listener in listeners:
            event.remove(engine, name, listener)


@contextmanager
def ready_together(groups: GroupCommit, units: int) -> Iterator[None]:
    """Lets no unit of work begin until so many wait."""
    with groups.exclusive():
        yield
        until(lambda: groups.waiting == units)


@pytest.fixture
def shop(engine: Engine) -> Shop:
    return shop_on(engine)


def shop_on(engine: Engine) -> Shop:
    shop = Shop()
    shop.store = SqlStore(engine, shop.ids, SEALER)  # type: ignore[assignment]
    shop.restart()
    return shop


def test_a_payment_by_card_is_two_commits_and_few_statements(shop: Shop, engine: Engine) -> None:
    shop.pay()
    with counting(engine) as cost:
        shop.pay()
    assert cost.commits == 2
    # One of them books the capture in the ledger of movements.
    assert cost.statements == 10
    assert cost.in_transactions == cost.statements


def test_a_payment_of_a_known_customer_that_stores_its_card_costs_little_more(shop: Shop, engine: Engine) -> None:
    customer = shop.customer()
    shop.pay(an_order(customer_id=customer.customer_id, store_payment_method=True))
    with counting(engine) as cost:
        shop.pay(an_order(customer_id=customer.customer_id, store_payment_method=True))
    assert cost.commits == 3
    # With what the feed is told of the customer and the method.
    assert cost.statements == 22


def test_a_payment_is_read_in_one_round_trip(shop: Shop, engine: Engine) -> None:
    payment = shop.pay()
    with counting(engine) as cost:
        assert shop.get(payment.terms.payment_id, SHOP) == payment
    assert (cost.statements, cost.in_transactions, cost.commits) == (1, 0, 0)


@pytest.fixture
def round_trips(monkeypatch: pytest.MonkeyPatch) -> list[list[bytes]]:
    """The statements of each round trip to PostgreSQL, by their first words."""
    seen: list[list[bytes]] = []
    send = PostgresConnection._send

    def noting(driver: PostgresConnection, commands: list[Any]) -> Any:
        seen.append([command.sql.split()[0] for command in commands])
        return send(driver, commands)

    monkeypatch.setattr(PostgresConnection, "_send", noting)
    return seen


def test_a_payment_on_postgresql_is_six_round_trips(postgres_engine: Engine, round_trips: list[list[bytes]]) -> None:
    shop = shop_on(postgres_engine)
    shop.pay()
    round_trips.clear()
    payment = shop.pay()
    assert round_trips == [
        # The request is claimed, and the intent is recorded. Limits of attempts with a card cost one more.
        [b"BEGIN", b"INSERT"],
        [b"INSERT"],
        [b"INSERT", b"INSERT", b"INSERT", b"COMMIT"],
        # The payment is locked, its disputes are looked for, and the outcome is recorded.
        [b"BEGIN", b"SELECT"],
        [b"SELECT"],
        [b"UPDATE", b"UPDATE", b"INSERT", b"INSERT", b"COMMIT"],
    ]
    round_trips.clear()
    shop.get(payment.terms.payment_id, SHOP)
    assert round_trips == [[b"SELECT"]]


def test_payments_that_are_ready_together_share_two_commits(sqlite_engine: Engine) -> None:
    shop, at_gateway = shop_on(sqlite_engine), Barrier(_TOGETHER + 1)
    groups = shop.store._groups  # type: ignore[attr-defined]

    def meet(_call: str) -> Fault:
        at_gateway.wait(10)
        return Fault.NONE

    shop.gateway = FaultyGateway(shop.real_gateway, meet)
    shop.restart()
    with counting(sqlite_engine) as cost, ThreadPoolExecutor(_TOGETHER) as pool:
        with ready_together(groups, _TOGETHER):
            payments = [pool.submit(shop.pay) for _ in range(_TOGETHER)]
        with ready_together(groups, _TOGETHER):
            at_gateway.wait(10)
        assert len({payment.result().terms.payment_id for payment in payments}) == _TOGETHER
    assert cost.commits == 2
