"""The shop's own records: accounts, orders, and the position in the feed up to which orders are in step."""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bayar import Payment

_TABLES = """
    CREATE TABLE IF NOT EXISTS accounts (
        email TEXT PRIMARY KEY, name TEXT NOT NULL, password_hash TEXT NOT NULL, customer_id TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS orders (
        number INTEGER PRIMARY KEY, request_id TEXT NOT NULL, email TEXT, lines TEXT NOT NULL, total INTEGER NOT NULL,
        checkout_id TEXT NOT NULL DEFAULT '', result_key TEXT NOT NULL DEFAULT '', payment_id TEXT NOT NULL DEFAULT '',
        state TEXT NOT NULL DEFAULT '', refunded INTEGER NOT NULL DEFAULT 0, refundable INTEGER NOT NULL DEFAULT 0,
        refunding INTEGER NOT NULL DEFAULT 0);
    CREATE TABLE IF NOT EXISTS progress (one INTEGER PRIMARY KEY CHECK (one = 1), position INTEGER NOT NULL);
    INSERT OR IGNORE INTO progress VALUES (1, 0);
"""
_PREFIX = "shop-"
PAID = frozenset({"CAPTURED", "SETTLED"})
UNDER_WAY = frozenset({"PENDING", "AUTHORIZED"})


@dataclass(frozen=True, slots=True)
class Line:
    """amount: of the whole line, in minor units."""

    name: str
    quantity: int
    amount: int


@dataclass(frozen=True, slots=True)
class Order:
    """state: of its payment; empty while there is none. Amounts are in minor units; refunding: on its way back."""

    number: int
    request_id: str
    email: str | None
    lines: tuple[Line, ...]
    total: int
    checkout_id: str
    result_key: str
    payment_id: str
    state: str
    refunded: int
    refundable: int
    refunding: int

    @property
    def reference(self) -> str:
        """The order's name at Bayar."""
        return f"{_PREFIX}{self.number}"

    @property
    def is_paid(self) -> bool:
        return self.state in PAID

    @property
    def may_be_paid(self) -> bool:
        """Whether it is paid, or will be, or nobody knows yet: no other order takes its place."""
        return self.is_paid or self.state in UNDER_WAY


@dataclass(frozen=True, slots=True)
class Account:
    email: str
    name: str
    password_hash: str
    customer_id: str


class Records:
    """One connection for each use: SQLite's are not shared by threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._database() as database:
            database.executescript(_TABLES)
            if "refunding" not in {column["name"] for column in database.execute("PRAGMA table_info(orders)")}:
                database.execute("ALTER TABLE orders ADD COLUMN refunding INTEGER NOT NULL DEFAULT 0")

    def account(self, email: str) -> Account | None:
        with self._database() as database:
            row = database.execute("SELECT * FROM accounts WHERE email = ?", (email,)).fetchone()
        return Account(**row) if row else None

    def add_account(self, account: Account) -> None:
        with self._database() as database:
            values = (account.email, account.name, account.password_hash, account.customer_id)
            database.execute("INSERT INTO accounts VALUES (?, ?, ?, ?)", values)

    def add_order(self, lines: list[Line], email: str | None) -> Order:
        """Record an order before anything is asked of Bayar: its request_id makes every repeat safe."""
        described = json.dumps([[line.name, line.quantity, line.amount] for line in lines])
        total = sum(line.amount for line in lines)
        with self._database() as database:
            cursor = database.execute(
                "INSERT INTO orders (number, request_id, email, lines, total) "
                "VALUES ((SELECT COALESCE(MAX(number), 1000) + 1 FROM orders), ?, ?, ?, ?)",
                (str(uuid.uuid4()), email, described, total),
            )
            number = cursor.lastrowid or 0
        return self.order(number)

    def order(self, number: int) -> Order:
        """Raise KeyError for an unknown number."""
        with self._database() as database:
            row = database.execute("SELECT * FROM orders WHERE number = ?", (number,)).fetchone()
        if row is None:
            raise KeyError(number)
        return _order(row)

    def orders(self, email: str | None = None) -> list[Order]:
        """Every order, or those of an account; the newest first."""
        with self._database() as database:
            rows = database.execute(
                "SELECT * FROM orders WHERE ? IS NULL OR email = ? ORDER BY number DESC", (email, email)
            ).fetchall()
        return [_order(row) for row in rows]

    def keep_checkout(self, number: int, checkout_id: str, result_key: str) -> None:
        with self._database() as database:
            database.execute(
                "UPDATE orders SET checkout_id = ?, result_key = ? WHERE number = ?", (checkout_id, result_key, number)
            )

    def apply(self, payment: Payment, position: int | None = None) -> None:
        """Bring the order of a payment in step with it; with the position of its event."""
        number = payment.reference.removeprefix(_PREFIX)
        with self._database() as database:
            if number.isdigit() and payment.reference.startswith(_PREFIX):
                database.execute(
                    "UPDATE orders SET payment_id = ?, state = ?, refunded = ?, refundable = ?, refunding = ? "
                    "WHERE number = ?",
                    (
                        payment.payment_id,
                        payment.state.name,
                        payment.refunded_amount.minor_units,
                        payment.refundable_amount.minor_units,
                        payment.refund_pending_amount.minor_units,
                        int(number),
                    ),
                )
            if position is not None:
                database.execute("UPDATE progress SET position = ?", (position,))

    def position(self) -> int:
        with self._database() as database:
            return int(database.execute("SELECT position FROM progress").fetchone()["position"])

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        database = sqlite3.connect(self._path, timeout=10)
        database.row_factory = sqlite3.Row
        try:
            with database:
                yield database
        finally:
            database.close()


def _order(row: sqlite3.Row) -> Order:
    lines = tuple(Line(*each) for each in json.loads(row["lines"]))
    return Order(**{**dict(row), "lines": lines})
