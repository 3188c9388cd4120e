"""The search index's entries of a payment, and the document that lists them, so that an erasure can remove them."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, delete, select, update

from adapters.persistence.sql.bulk import BulkInsert, OfKeys
from adapters.persistence.sql.prepared import Prepared
from adapters.persistence.sql.statements import insert_or_ignore
from adapters.persistence.tables import IS_STALE, microseconds, payments, search_documents, search_entries

_documents: Final = search_documents.c
_entries: Final = search_entries.c
_DELETE: Final = delete(search_entries).where(
    _entries.digest == bindparam("own_digest"),
    _entries.caller_id == bindparam("own_caller"),
    _entries.create_time == bindparam("own_time"),
    _entries.payment_id == bindparam("own_id"),
)
_ADD_DOCUMENTS: Final = BulkInsert(search_documents)
_ADD_ENTRIES: Final = BulkInsert(search_entries)
_KNOWN: Final = OfKeys(lambda keys: select(_documents.payment_id).where(_documents.payment_id.in_(keys)))
_IN_ORDER: Final = OfKeys(
    lambda keys: (
        select(_documents.payment_id, _documents.digests, _documents.is_stale)
        .where(_documents.payment_id.in_(keys))
        .order_by(_documents.payment_id)
        .with_for_update()
    )
)
_OF_OTHERS: Final = OfKeys(lambda keys: select(_documents.payment_id).where(_documents.payment_id.in_(keys), IS_STALE))
_SAVE: Final = Prepared(
    update(search_documents)
    .where(_documents.payment_id == bindparam("own_id"))
    .values(digests=bindparam("own_digests"), is_stale=bindparam("own_staleness"))
)

Whose = tuple[str, datetime, str]


def packed(digests: Iterable[int]) -> bytes:
    """Digests as the document has them: sorted, eight bytes each."""
    ordered = sorted(digests)
    return struct.pack(f">{len(ordered)}q", *ordered)


def unpacked(digests: bytes) -> set[int]:
    return set(struct.unpack(f">{len(digests) // 8}q", digests))


def known_documents(connection: Connection, payment_ids: Iterable[str]) -> set[str]:
    """Those of the payments that have a document."""
    return {row[0] for row in _KNOWN.all(connection, payment_ids)}


def add_documents(connection: Connection, documents: Mapping[Whose, set[int]]) -> int:
    """Adds documents of payments that have none, with their entries. Returns the number of those that it added.

    A document that is there by now is an erasure's, which came after the payment was read.
    """
    ordered = sorted(documents, key=itemgetter(2))
    rows = [{"payment_id": whose[2], "digests": packed(documents[whose]), "is_stale": False} for whose in ordered]
    if _ADD_DOCUMENTS.run(connection, rows) < len(rows):
        others = {row[0] for row in _OF_OTHERS.all(connection, [whose[2] for whose in ordered])}
        ordered = [whose for whose in ordered if whose[2] not in others]
    _add_entries(connection, [(whose, documents[whose]) for whose in ordered])
    return len(ordered)


def known_in_order(connection: Connection, payment_ids: Iterable[str]) -> list[tuple[str, bytes, bool]]:
    """Locks the documents of payments that have one. In order, so that nobody deadlocks."""
    return [(row[0], row[1], row[2]) for row in _IN_ORDER.all(connection, payment_ids)]


def lock_documents(connection: Connection, payment_ids: Iterable[str]) -> list[Row[Any]]:
    """Locks the document of each payment, which is empty and stale if it is new. In order, so that nobody deadlocks."""
    ordered = sorted(set(payment_ids))
    if not ordered:
        return []
    insert_or_ignore(
        connection, search_documents, [{"payment_id": one, "digests": b"", "is_stale": True} for one in ordered]
    )
    own = select(search_documents).where(_documents.payment_id.in_(ordered)).order_by(_documents.payment_id)
    return list(connection.execute(own.with_for_update()).all())


def replace_entries(
    connection: Connection, changes: Sequence[tuple[Whose, set[int], set[int]]], *, is_stale: bool = False
) -> None:
    """Writes the difference between the digests of each locked document and its new ones. Whose: the caller, the time
    and the id of the payment.
    """
    gone = [(whose, digest) for whose, then, now in changes for digest in sorted(then - now)]
    if gone:
        connection.execute(
            _DELETE,
            [
                {"own_digest": digest, "own_caller": caller_id, "own_time": time, "own_id": payment_id}
                for (caller_id, time, payment_id), digest in gone
            ],
        )
    _add_entries(connection, [(whose, now - then) for whose, then, now in changes])
    if changes:
        _SAVE.run(
            connection,
            *(
                {"own_id": payment_id, "own_digests": packed(now), "own_staleness": is_stale}
                for (_, _, payment_id), _, now in changes
            ),
        )


def _add_entries(connection: Connection, new: Iterable[tuple[Whose, set[int]]]) -> None:
    """In the order of the index, so that entries of common terms share its pages."""
    entries = []
    for (caller_id, create_time, payment_id), digests in new:
        time = microseconds(create_time)
        entries += [(digest, caller_id, time, payment_id) for digest in digests]
    _ADD_ENTRIES.run(
        connection,
        [
            {"digest": digest, "caller_id": caller_id, "create_time": time, "payment_id": payment_id}
            for digest, caller_id, time, payment_id in sorted(entries)
        ],
    )


def remove_documents(connection: Connection, payment_ids: Sequence[str]) -> None:
    """Removes everything that the index has of the payments. They are indexed again, as they are now."""
    rows = lock_documents(connection, payment_ids)
    if not rows:
        return
    table = payments.c
    own = select(table.payment_id, table.caller_id, table.create_time).where(table.payment_id.in_(payment_ids))
    whose = {row.payment_id: (row.caller_id, row.create_time, row.payment_id) for row in connection.execute(own)}
    changes = [(whose[row.payment_id], unpacked(row.digests), set[int]()) for row in rows]
    replace_entries(connection, changes, is_stale=True)
