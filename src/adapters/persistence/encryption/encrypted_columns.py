"""The encrypted columns of each table, and the encrypted entries of stored JSON.

`adapters/persistence/mapping.py` encrypts and decrypts them row by row. Key rotation reads them from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Column, Table

from adapters.persistence.tables import (
    checkouts,
    customers,
    disputes,
    feed_events,
    payment_archives,
    payment_events,
    payment_methods,
    payments,
    webhook_notifications,
)
from domain.personal_data import OF_CUSTOMER, OF_PAYER, SECRETS

# The entries that are encrypted in every JSON document, by name.
ENCRYPTED_ENTRIES: Final = frozenset({*OF_PAYER, *SECRETS})


@dataclass(frozen=True, slots=True)
class EncryptedTable:
    """A table with encrypted columns: whole texts, and JSON documents with encrypted entries."""

    table: Table
    texts: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()

    @property
    def key(self) -> Column[Any]:
        return next(iter(self.table.primary_key.columns))

    @property
    def columns(self) -> list[Column[Any]]:
        return [self.key, *(self.table.c[name] for name in (*self.texts, *self.documents))]


ENCRYPTED_TABLES: Final = (
    EncryptedTable(customers, texts=OF_CUSTOMER),
    EncryptedTable(payment_methods, texts=("gateway_token",), documents=("rest",)),
    EncryptedTable(payments, documents=("terms", "instrument")),
    EncryptedTable(payment_events, documents=("payload",)),
    EncryptedTable(payment_archives, texts=("events",)),
    EncryptedTable(feed_events, texts=("payload",)),
    EncryptedTable(disputes, documents=("report",)),
    EncryptedTable(checkouts, texts=("token",)),
    EncryptedTable(webhook_notifications, documents=("subject",)),
)
