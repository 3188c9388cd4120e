"""The state file (SQLite). Every change is committed before its answer is sent."""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any, Generic, TypeVar

from braintree_twin.state.records import (
    Address,
    Authentication,
    BankVerification,
    CatalogEntry,
    CreatedAccount,
    CreatedMerchant,
    Customer,
    CustomerSession,
    Delivery,
    Dispute,
    Document,
    LocalPayment,
    Nonce,
    OAuthGrant,
    PaymentMethod,
    RequestKey,
    Subscription,
    Transaction,
    Verification,
)

SCHEMA_VERSION = 1
# The names of secrets, which outlive a reset.
_SECRETS = ("hash", "client_tokens")

Record = TypeVar("Record")


class UnusableState(Exception):
    """The state file is of another version of the twin, or is not a state file."""


class Table(Generic[Record]):
    """The table of one kind of record: a JSON document in each row, found by merchant and key, or by an indexed column.

    Table and column names come from the code below, never from a request.
    """

    def __init__(
        self,
        name: str,
        record: type[Record],
        key: str,
        indexed: tuple[str, ...] = (),
        any_case: frozenset[str] = frozenset(),
    ) -> None:
        self.name = name
        # Columns that are compared case-insensitively (ASCII), for searches.
        self._any_case = any_case
        self._record = record
        self._fields = tuple(field.name for field in fields(record))  # type: ignore[arg-type]
        self._key = key
        self._indexed = indexed
        columns = ("merchant_id", "record_key", *indexed, "document")
        marks = ", ".join("?" * len(columns))
        updates = ", ".join(f"{column} = excluded.{column}" for column in columns[2:])
        self._put = (
            f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({marks}) "  # noqa: S608
            f"ON CONFLICT (merchant_id, record_key) DO UPDATE SET {updates}"
        )
        self._get = f"SELECT document FROM {name} WHERE merchant_id = ? AND record_key = ?"  # noqa: S608
        self._connection: sqlite3.Connection

    def schema(self) -> Iterator[str]:
        columns = "".join(
            f", {column} COLLATE NOCASE" if column in self._any_case else f", {column}" for column in self._indexed
        )
        yield (
            f"CREATE TABLE IF NOT EXISTS {self.name} (sequence INTEGER PRIMARY KEY, merchant_id TEXT NOT NULL, "
            f"record_key TEXT NOT NULL{columns}, document TEXT NOT NULL, UNIQUE (merchant_id, record_key))"
        )
        for column in self._indexed:
            index = f"{self.name}_{column}"
            yield f"CREATE INDEX IF NOT EXISTS {index} ON {self.name} (merchant_id, {column})"

    def open(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def _document(self, record: Record) -> str:
        return json.dumps({name: getattr(record, name) for name in self._fields}, separators=(",", ":"))

    def _read(self, document: str) -> Record:
        return self._record(**json.loads(document))

    def put(self, merchant_id: str, record: Record) -> None:
        """Insert the record, or replace the one with the same key."""
        indexed = (getattr(record, column) for column in self._indexed)
        row = (merchant_id, getattr(record, self._key), *indexed, self._document(record))
        self._connection.execute(self._put, row)

    def get(self, merchant_id: str, key: str | None) -> Record | None:
        if key is None:
            return None
        row = self._connection.execute(self._get, (merchant_id, key)).fetchone()
        return self._read(row[0]) if row else None

    def delete(self, merchant_id: str, key: str) -> None:
        sql = f"DELETE FROM {self.name} WHERE merchant_id = ? AND record_key = ?"  # noqa: S608
        self._connection.execute(sql, (merchant_id, key))

    def find(
        self, merchant_id: str, /, *, newest_first: bool = False, limit: int = -1, **equals: str | int | None
    ) -> list[Record]:
        """Records whose indexed columns have these values, oldest first."""
        conditions = [(f"{column} = ?", value) for column, value in equals.items()]
        rows = self._select(merchant_id, conditions, newest_first)
        return [self._read(row[0]) for row in (rows.fetchall() if limit < 0 else rows.fetchmany(limit))]

    def scan(
        self, merchant_id: str, conditions: Iterable[tuple[str, Any]] = (), newest_first: bool = False
    ) -> Iterator[Record]:
        """Records that meet SQL conditions on indexed columns, each with the value for its question mark."""
        for row in self._select(merchant_id, list(conditions), newest_first):
            yield self._read(row[0])

    def earliest(self, merchant_id: str, column: str) -> Record | None:
        """The record with the smallest value in an indexed column; the oldest of several."""
        where = f"merchant_id = ? AND {column} > ''"
        sql = f"SELECT document FROM {self.name} WHERE {where} ORDER BY {column}, sequence LIMIT 1"  # noqa: S608
        row = self._connection.execute(sql, (merchant_id,)).fetchone()
        return self._read(row[0]) if row else None

    def keys(self, merchant_id: str, conditions: Iterable[tuple[str, Any]], limit: int) -> list[str]:
        """The keys of the newest records that meet SQL conditions, without reading the records."""
        asked = list(conditions)
        where = " AND ".join(["merchant_id = ?", *(sql for sql, _ in asked)])
        sql = f"SELECT record_key FROM {self.name} WHERE {where} ORDER BY sequence DESC LIMIT ?"  # noqa: S608
        return [row[0] for row in self._connection.execute(sql, (merchant_id, *(value for _, value in asked), limit))]

    def _select(self, merchant_id: str, conditions: list[tuple[str, Any]], newest_first: bool) -> sqlite3.Cursor:
        where = " AND ".join(["merchant_id = ?", *(sql for sql, _ in conditions)])
        order = "DESC" if newest_first else "ASC"
        sql = f"SELECT document FROM {self.name} WHERE {where} ORDER BY sequence {order}"  # noqa: S608
        return self._connection.execute(sql, (merchant_id, *(value for _, value in conditions)))

    def merchants(self) -> list[str]:
        sql = f"SELECT DISTINCT merchant_id FROM {self.name} ORDER BY merchant_id"  # noqa: S608
        return [row[0] for row in self._connection.execute(sql)]


class Store:
    """Every table, and the settings that survive a restart. For one thread."""

    def __init__(self, path: Path) -> None:
        self.transactions = Table(
            "transactions",
            Transaction,
            "id",
            ("order_id", "status", "created_at", "customer_id", "duplicate_key", "due_at"),
            any_case=frozenset({"order_id"}),
        )
        self.customers = Table("customers", Customer, "id", ("email", "created_at"))
        self.addresses = Table("addresses", Address, "key", ("customer_id",))
        self.payment_methods = Table(
            "payment_methods", PaymentMethod, "token", ("customer_id", "kind", "unique_number_identifier")
        )
        self.nonces = Table("nonces", Nonce, "nonce", ("token",))
        self.verifications = Table("verifications", Verification, "id", ("token", "created_at"))
        self.bank_verifications = Table(
            "bank_verifications", BankVerification, "id", ("token", "status", "created_at", "due_at")
        )
        self.local_payments = Table("local_payments", LocalPayment, "id", ("due_at",))
        self.customer_sessions = Table("customer_sessions", CustomerSession, "id")
        self.oauth_grants = Table("oauth_grants", OAuthGrant, "code", ("access_token", "refresh_token"))
        self.request_keys = Table("request_keys", RequestKey, "key")
        self.created_accounts = Table("created_accounts", CreatedAccount, "id")
        self.created_merchants = Table("created_merchants", CreatedMerchant, "id")
        self.catalog = Table("catalog", CatalogEntry, "key", ("kind",))
        self.subscriptions = Table(
            "subscriptions", Subscription, "id", ("payment_method_token", "status", "plan_id", "due_at")
        )
        self.disputes = Table("disputes", Dispute, "id", ("status", "transaction_id", "customer_id", "due_at"))
        self.documents = Table("documents", Document, "id")
        self.deliveries = Table("deliveries", Delivery, "id", ("due_at",))
        self.authentications = Table("authentications", Authentication, "id", ("nonce",))
        self._tables: tuple[Table[Any], ...] = (
            self.transactions,
            self.customers,
            self.addresses,
            self.payment_methods,
            self.nonces,
            self.verifications,
            self.bank_verifications,
            self.local_payments,
            self.customer_sessions,
            self.oauth_grants,
            self.request_keys,
            self.created_accounts,
            self.created_merchants,
            self.catalog,
            self.subscriptions,
            self.disputes,
            self.documents,
            self.deliveries,
            self.authentications,
        )
        self._connection = self._open(path)
        for table in self._tables:
            table.open(self._connection)

    def _open(self, path: Path) -> sqlite3.Connection:
        connection = sqlite3.connect(path, isolation_level=None, timeout=5)
        try:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA cache_size = -65536")
            self._migrate(connection)
        except sqlite3.DatabaseError as error:
            connection.close()
            raise UnusableState(f"{path}: {error}") from error
        return connection

    def _migrate(self, connection: sqlite3.Connection) -> None:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, SCHEMA_VERSION):
            raise UnusableState(f"the state has version {version}, this twin writes {SCHEMA_VERSION}: use a new file")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL)")
        for table in self._tables:
            for statement in table.schema():
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("COMMIT")

    @contextmanager
    def change(self) -> Iterator[None]:
        """A transaction: committed when the block ends, rolled back when it raises."""
        self._connection.execute("BEGIN")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def clear(self) -> None:
        """Delete every record and every setting but secrets, within the transaction of `change`."""
        for table in self._tables:
            self._connection.execute(f"DELETE FROM {table.name}")  # noqa: S608
        marks = ", ".join("?" * len(_SECRETS))
        self._connection.execute(f"DELETE FROM settings WHERE name NOT IN ({marks})", _SECRETS)  # noqa: S608

    def setting(self, name: str, default: str) -> str:
        row = self._connection.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else default

    def set_setting(self, name: str, value: str) -> None:
        self._connection.execute("INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)", (name, value))

    def secret(self, name: str) -> bytes:
        """Random bytes of this state file, created at the first call."""
        known = self.setting(name, "")
        if not known:
            known = secrets.token_hex(32)
            self.set_setting(name, known)
        return bytes.fromhex(known)

    def close(self) -> None:
        self._connection.close()
