"""Helpers for restored backups: after a restore, nothing may be sent a second time."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from braintree_twin.control import LoggedRequest
from tests.order_ids import operation_of


def copy_database(source: Path, target: Path) -> None:
    """Copies a SQLite database that nobody writes to, with what its log holds."""
    for leftover in (target, target.with_name(f"{target.name}-wal"), target.with_name(f"{target.name}-shm")):
        leftover.unlink(missing_ok=True)
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)


def sent_again(log: Sequence[LoggedRequest]) -> Iterator[str]:
    """Findings: operations that were sent more than once, by the gateway's request log."""
    sent = Counter(
        operation_of(each.order_id) for each in log if each.order_id and each.path.startswith("/transactions")
    )
    for operation_id, count in sent.items():
        if count > 1:
            yield f"{operation_id} was sent {count} times, before and after the backup was restored"
