"""The consumer of docs/examples, killed again and again: it applies each event exactly once."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from bayar.messages import BayarClient
from tests.end_to_end.payment_steps import pay
from tests.end_to_end.service import Pair, until

CONSUMER = Path(__file__).parents[2] / "docs" / "examples" / "event_consumer.py"


def _applied(database: Path) -> dict[str, tuple[str, int]]:
    with closing(sqlite3.connect(database, timeout=10)) as connection:
        exists = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'orders'").fetchone()[0]
        rows = connection.execute("SELECT reference, state, changes FROM orders").fetchall() if exists else []
    return {reference: (state, changes) for reference, state, changes in rows}


def test_the_consumer_of_the_docs_applies_each_event_once_however_often_it_dies(
    bayar: BayarClient, pair: Pair, tmp_path: Path
) -> None:
    database = tmp_path / "orders.db"
    paid: dict[str, int] = {}
    for _ in range(4):
        for _ in range(3):
            payment = pay(bayar)
            history = list(bayar.list_payment_events(payment_id=payment.payment_id))
            paid[payment.reference] = len(history)
        consumer = subprocess.Popen([sys.executable, CONSUMER, pair.service.address, database])
        try:
            # In the middle of things: some are applied, perhaps not all.
            until(lambda: len(_applied(database)) > len(paid) - 3, seconds=30, what="applied something new")
        finally:
            consumer.kill()
            consumer.wait()
    consumer = subprocess.Popen([sys.executable, CONSUMER, pair.service.address, database])
    try:
        expected = {reference: ("CAPTURED", count) for reference, count in paid.items()}
        until(lambda: _applied(database) == expected, seconds=30, what="applied everything, once")
    finally:
        consumer.kill()
        consumer.wait()
