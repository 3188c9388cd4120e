"""Applies the feed exactly once: what an event does here and its position are kept in one transaction.

    BAYAR_API_KEY=... python event_consumer.py bayar.example:443 orders.db

Here the effect is the state of each order. Kill it whenever you like: it goes on after the last event that it applied.
"""

from __future__ import annotations

import sqlite3
import sys

from bayar import BayarClient, Event, EventType

TABLES = """
    CREATE TABLE IF NOT EXISTS orders (reference TEXT PRIMARY KEY, state TEXT NOT NULL, changes INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS progress (one INTEGER PRIMARY KEY CHECK (one = 1), position INTEGER NOT NULL);
    INSERT OR IGNORE INTO progress VALUES (1, 0);
"""


def follow(client: BayarClient, database: sqlite3.Connection) -> None:
    """Applies every change of a payment, from where the database says that it left off. Has no end of its own."""
    database.executescript(TABLES)
    (position,) = database.execute("SELECT position FROM progress").fetchone()
    for event in client.stream_events(after_position=position, types=[EventType.PAYMENT_CHANGED]):
        # Both or neither.
        with database:
            apply(database, event)
            database.execute("UPDATE progress SET position = ?", (event.position,))


def apply(database: sqlite3.Connection, event: Event) -> None:
    """Your shop's reaction to a change. Counting shows that each is applied once."""
    if event.payment_change is None:
        return
    payment = event.payment_change.payment
    database.execute(
        "INSERT INTO orders VALUES (?, ?, 1) "
        "ON CONFLICT (reference) DO UPDATE SET state = excluded.state, changes = changes + 1",
        (payment.reference, str(payment.state)),
    )


if __name__ == "__main__":
    with BayarClient(sys.argv[1]) as bayar:
        follow(bayar, sqlite3.connect(sys.argv[2]))
