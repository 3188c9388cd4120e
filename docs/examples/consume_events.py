"""Counts what each customer paid, exactly once, whatever crashes: the position is kept with what was done about it.

BAYAR_API_KEY=... python docs/examples/consume_events.py 127.0.0.1:50051 totals.db
"""

from __future__ import annotations

import sqlite3
import sys

from bayar import BayarClient, PaymentState
from bayar.payments.v1.event_pb2 import Event

SCHEMA = """
    CREATE TABLE IF NOT EXISTS progress (id INTEGER PRIMARY KEY CHECK (id = 1), position INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS paid (payment_id TEXT PRIMARY KEY, customer_id TEXT, minor_units INTEGER);
    INSERT OR IGNORE INTO progress VALUES (1, 0);
"""
PAID = (PaymentState.PAYMENT_STATE_CAPTURED, PaymentState.PAYMENT_STATE_SETTLED)


def apply(database: sqlite3.Connection, event: Event) -> None:
    """What the event means here, and that it was dealt with, in one transaction."""
    with database:
        payment = event.payment_change.payment
        if payment.payment_id:
            kept = payment.captured_amount.minor_units - payment.refunded_amount.minor_units
            database.execute(
                "INSERT OR REPLACE INTO paid VALUES (?, ?, ?)",
                (payment.payment_id, payment.customer_id, kept if payment.state in PAID else 0),
            )
        database.execute("UPDATE progress SET position = ? WHERE position < ?", (event.position, event.position))


def main(address: str, path: str) -> None:
    database = sqlite3.connect(path)
    database.executescript(SCHEMA)
    (position,) = database.execute("SELECT position FROM progress").fetchone()
    with BayarClient(address) as bayar:
        for event in bayar.stream_events(after_position=position):
            apply(database, event)


if __name__ == "__main__":
    main(*sys.argv[1:])
