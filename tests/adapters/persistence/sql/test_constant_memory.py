"""Exports and reconciliations take as much memory for many payments as for few."""

from __future__ import annotations

import gc
import tracemalloc
from collections import deque
from collections.abc import Callable, Iterator
from datetime import timedelta

from sqlalchemy import Engine

from adapters.persistence.store import SqlStore
from application.common.lease import LeasePolicy
from application.payments.export_payments import ExportPayments
from application.ports.gateway import Authorization
from application.recovery.explain_transactions import ExplainTransactions
from application.recovery.reconcile import Reconcile, ReconcileCommand
from application.recovery.reverse_orphans import ReverseOrphans
from domain.ids import OperationId
from domain.instrument import Card, CardExpiry
from domain.money import Money
from tests import history_generator as long_history
from tests.encryption_keys import SEALER
from tests.fakes.ids import CountingIds
from tests.fakes.memory_gateway import MemoryGateway
from tests.fakes.runtime import HELD, ManualClock
from tests.history_generator import EVERY, LATEST

FEW, MANY = 800, 4_000
# All that a page takes, and what a cache or two may keep.
SLACK_BYTES = 200_000


def peak_bytes(read: Callable[[], Iterator[object]]) -> int:
    """The most that was taken at once while everything was read and nothing kept."""
    gc.collect()
    tracemalloc.start()
    try:
        deque(read(), maxlen=0)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_an_export_takes_the_same_memory_for_many_payments(engine: Engine) -> None:
    history = long_history.fill(engine, MANY)
    export = ExportPayments(SqlStore(engine, CountingIds(), SEALER))
    end = LATEST + timedelta(days=1)
    few = history.time_of(MANY - FEW)

    # Also so that what is made once is there.
    assert sum(map(len, export(few, end))) == FEW + 1
    assert sum(map(len, export(history.time_of(0), end))) == MANY
    one = peak_bytes(lambda: export(few, end))
    assert peak_bytes(lambda: export(history.time_of(0), end)) < 1.1 * one + SLACK_BYTES


def test_a_reconciliation_takes_the_same_memory_for_many_payments(engine: Engine) -> None:
    """The gateway knows as many that the record does not, so that there are findings all the way."""
    history = long_history.fill(engine, MANY)
    clock = ManualClock(history.time_of(0))
    gateway = MemoryGateway(clock)
    for number in range(MANY):
        clock.advance(EVERY)
        gateway.authorize(
            Authorization(
                operation_id=OperationId(f"op_{10**9 + number:026}"),
                amount=Money(100, "USD"),
                source=Card("4111111111111111", CardExpiry(2030, 12)),
                captures=True,
            ),
            HELD,
        )
    store = SqlStore(engine, CountingIds(), SEALER)
    explain = ExplainTransactions(store)
    reverse = ReverseOrphans(
        gateway, CountingIds(), LeasePolicy(timedelta(hours=1), timedelta(seconds=1), clock.steady_seconds), explain
    )
    reconcile = Reconcile(store, gateway, explain, reverse)
    clock.advance(timedelta(hours=1))

    def run(count: int) -> Iterator[object]:
        return reconcile(ReconcileCommand(start=history.time_of(MANY - count), end=clock.now()))

    assert sum(1 for _ in run(MANY)) > 1.5 * MANY
    one = peak_bytes(lambda: run(FEW))
    assert peak_bytes(lambda: run(MANY)) < 1.1 * one + SLACK_BYTES
