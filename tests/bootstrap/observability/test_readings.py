"""The readings of a scrape: gateway statistics, the backlog of the database, and a database that is away."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.braintree.transport.circuit_breaker import CallClass, CallEnd, GatewayStats
from adapters.braintree.transport.tls import Handshakes
from adapters.persistence.backlog import Backlog, EndpointBacklog, Waiting, read_backlog
from adapters.persistence.migrate import upgrade
from adapters.persistence.sql.engine import create_engine
from adapters.persistence.store import SqlStore
from application.common.errors import StoreUnavailable
from bootstrap.observability.instruments import Reading
from bootstrap.observability.readings import DatabaseReadings, gateway_readings
from bootstrap.wiring.clock_and_ids import UlidSource
from tests.contract.random_payments import at, started
from tests.contract.store_steps import add

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
LEASE = timedelta(seconds=120)
EMPTY = Backlog(
    operations={},
    pending_methods=0,
    unpublished=Waiting(),
    unindexed=Waiting(),
    is_index_complete=False,
    due_polls=Waiting(),
    gateway_webhooks={},
    endpoints={},
)


def values(readings: Iterable[Reading]) -> dict[str, float]:
    return {f"{metric.name}{{{','.join(labels)}}}": value for metric, samples in readings for labels, value in samples}


def test_every_count_of_the_gateway_is_there_before_anything_happened() -> None:
    numbers = values(
        gateway_readings(GatewayStats(under_way=0, ended={}, open_circuits=frozenset(), handshakes=Handshakes()))
    )
    assert set(numbers.values()) == {0}
    assert len(numbers) == 1 + len(CallClass) * len(CallEnd) + len(CallClass) + 2


def test_calls_to_the_gateway_are_grouped_by_kind() -> None:
    numbers = values(
        gateway_readings(
            GatewayStats(
                under_way=3,
                ended={(CallClass.MOVES, CallEnd.LOST): 10, (CallClass.SEARCHES, CallEnd.ANSWERED): 4},
                open_circuits=frozenset({CallClass.MOVES}),
                handshakes=Handshakes(full=2, resumed=7),
            )
        )
    )
    assert {name: number for name, number in numbers.items() if number} == {
        "bayar_gateway_calls_under_way{}": 3,
        "bayar_gateway_calls_total{moves,lost}": 10,
        "bayar_gateway_calls_total{searches,answered}": 4,
        "bayar_gateway_breaker_open{moves}": 1,
        "bayar_gateway_handshakes_total{full}": 2,
        "bayar_gateway_handshakes_total{resumed}": 7,
    }


def test_the_backlog_becomes_numbers_and_ages() -> None:
    backlog = Backlog(
        operations={("refund", "unresolved"): Waiting(2, NOW - timedelta(minutes=5))},
        pending_methods=1,
        unpublished=Waiting(7, NOW - timedelta(seconds=3)),
        unindexed=Waiting(4, NOW - timedelta(seconds=2)),
        is_index_complete=True,
        due_polls=Waiting(4, NOW - timedelta(hours=1)),
        gateway_webhooks={"dead": 6},
        endpoints={"shop": EndpointBacklog(9, 3, NOW - timedelta(days=1))},
    )
    shown = values(DatabaseReadings(lambda _: backlog, lambda: NOW)())
    assert {name: number for name, number in shown.items() if number} == {
        "bayar_database_up{}": 1,
        "bayar_operations_open{refund,unresolved}": 2,
        "bayar_operations_open_oldest_age_seconds{refund,unresolved}": 300,
        "bayar_payment_methods_pending{}": 1,
        "bayar_feed_unpublished_events{}": 7,
        "bayar_search_lag_seconds{}": 2,
        "bayar_search_index_complete{}": 1,
        "bayar_feed_lag_seconds{}": 3,
        "bayar_settlement_polls_due{}": 4,
        "bayar_settlement_lag_seconds{}": 3600,
        "bayar_webhook_unfinished{dead}": 6,
        "bayar_event_webhook_lag_events{shop}": 9,
        "bayar_event_webhook_dead_letters{shop}": 3,
        "bayar_event_webhook_failing_seconds{shop}": 86400,
    }
    assert shown["bayar_operations_open{authorize,pending}"] == 0


def test_a_database_that_refuses_is_reported_and_nothing_else() -> None:
    def read(_: datetime) -> Backlog:
        raise StoreUnavailable("away")

    assert values(DatabaseReadings(read, lambda: NOW)()) == {"bayar_database_up{}": 0}


def test_a_database_that_hangs_holds_one_thread_however_often_it_is_asked() -> None:
    begun, over = [], threading.Event()

    def read(now: datetime) -> Backlog:
        begun.append(now)
        over.wait(30)
        return EMPTY

    readings = DatabaseReadings(read, lambda: NOW)
    started = time.monotonic()
    assert values(readings()) == {"bayar_database_up{}": 0}
    assert values(readings()) == {"bayar_database_up{}": 0}
    assert time.monotonic() - started < 6
    assert len(begun) == 1
    over.set()
    assert values(readings())["bayar_database_up{}"] == 1


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    engine = create_engine(f"sqlite:///{tmp_path / 'bayar.db'}")
    upgrade(engine)
    yield SqlStore(engine, UlidSource())
    engine.dispose()


def test_an_empty_database_has_no_backlog(store: SqlStore) -> None:
    assert read_backlog(store, LEASE, NOW) == EMPTY


def test_an_operation_is_unresolved_once_its_call_must_have_ended(store: SqlStore) -> None:
    """Even if no check of the resolver was answered, so that none is counted, and each postpones the next."""
    payment = started()
    (operation,) = payment.operations
    payment.schedule_check(operation.operation_id, at(5000).time)
    add(store, payment)
    at_first, later = (read_backlog(store, LEASE, at(0).time + age) for age in (LEASE, LEASE + timedelta(seconds=1)))
    assert set(at_first.operations) == {("authorize", "pending")}
    assert later.operations == {("authorize", "unresolved"): Waiting(1, at(0).time)}
