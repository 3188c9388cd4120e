"""The chain over the audit log shows every change, by whoever can write to the database."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import Connection, Engine, delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from adapters.persistence.encryption.sealing import KEYLESS, Sealer, SealingKey
from adapters.persistence.repositories.audit_chain import Head, append, entry_of, verify
from adapters.persistence.store import SqlStore
from adapters.persistence.tables import audit_chain, audit_entries
from application.ports.audit_log import AuditEntry, AuditKind
from tests.contract import random_payments
from tests.encryption_keys import NEW_KEY, OLD_KEY, SEALER


def _entry(number: int, kind: AuditKind = AuditKind.ADMIN_CALL_BEGUN) -> AuditEntry:
    return AuditEntry(
        entry_id=f"aud_{number:03}",
        time=random_payments.START + timedelta(seconds=number, microseconds=17),
        kind=kind,
        actor="shop/key_1",
        subject="ResolveOperation",
        outcome="OK",
        peer="127.0.0.1",
        details={"operation_id": f"op_{number}", "a": "\u00e9"},
    )


def _write(engine: Engine, *numbers: int, sealer: Sealer = SEALER) -> None:
    store = SqlStore(engine, random_payments.IDS, sealer)
    for number in numbers:
        with store.begin() as work:
            work.audit.add(_entry(number))


@contextmanager
def _as_intruder(engine: Engine) -> Iterator[Connection]:
    """Past the triggers: with the rights of the database's owner."""
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL session_replication_role = replica"))
            yield connection
            return
        triggers = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")).all()
        for name, _ in triggers:
            connection.exec_driver_sql(f"DROP TRIGGER {name}")
        yield connection
        for _, sql in triggers:
            connection.exec_driver_sql(sql)


def test_a_log_as_it_was_written_is_whole(engine: Engine) -> None:
    assert verify(engine, SEALER).head.position == 0
    _write(engine, 1, 2, 3)
    found = verify(engine, SEALER)
    assert (found.broken, found.head.position, found.uncovered, found.unchained) == ("", 3, 0, 0)
    _write(engine, 4)
    assert verify(engine, SEALER, found.head).broken == ""


@pytest.mark.parametrize("column", ["time", "kind", "actor", "subject", "outcome", "peer", "count", "details"])
def test_a_changed_entry_is_named(column: str, engine: Engine) -> None:
    _write(engine, 1, 2, 3)
    other = {"time": random_payments.START, "kind": "access_refused", "count": 7, "details": {"operation_id": "op_9"}}
    with _as_intruder(engine) as connection:
        changed = {column: other.get(column, "mallory")}
        connection.execute(update(audit_entries).where(audit_entries.c.entry_id == "aud_002").values(changed))
    assert verify(engine, SEALER).broken.startswith("2 (aud_002): the entry is not what was written")


@pytest.mark.parametrize("damage", [{"kind": "nonsense"}, {"details": [1]}], ids=str)
def test_an_entry_that_cannot_be_read_is_named(damage: dict[str, object], engine: Engine) -> None:
    _write(engine, 1, 2, 3)
    with _as_intruder(engine) as connection:
        connection.execute(update(audit_entries).where(audit_entries.c.entry_id == "aud_002").values(damage))
    assert verify(engine, SEALER).broken == "2: the entry cannot be read, and is not what was written"


def test_an_entry_with_damaged_json_is_named(sqlite_engine: Engine) -> None:
    _write(sqlite_engine, 1, 2, 3)
    with _as_intruder(sqlite_engine) as connection:
        connection.exec_driver_sql("UPDATE audit_entries SET details = '[1' WHERE entry_id = 'aud_003'")
    assert verify(sqlite_engine, SEALER).broken.startswith("3: the entry cannot be read")


def test_a_deleted_entry_is_named(engine: Engine) -> None:
    _write(engine, 1, 2, 3)
    with _as_intruder(engine) as connection:
        connection.execute(delete(audit_entries).where(audit_entries.c.entry_id == "aud_002"))
    assert verify(engine, SEALER).broken == "2 (aud_002): the entry is gone"
    with _as_intruder(engine) as connection:
        connection.execute(delete(audit_chain).where(audit_chain.c.entry_id == "aud_002"))
    assert verify(engine, SEALER).broken.startswith("2: the link is gone")


def test_exchanged_entries_are_named(engine: Engine) -> None:
    _write(engine, 1, 2, 3)
    with _as_intruder(engine) as connection:
        for before, after in (("aud_001", "x"), ("aud_002", "aud_001"), ("x", "aud_002")):
            connection.execute(update(audit_chain).where(audit_chain.c.entry_id == before).values(entry_id=after))
    assert verify(engine, SEALER).broken.startswith("1 (aud_002)")


def test_a_chain_that_was_computed_anew_without_the_key_is_named(engine: Engine) -> None:
    _write(engine, 1, 2, 3)
    for sealer in (KEYLESS, Sealer([SealingKey("old", b"x" * 32)], b"")):
        with _as_intruder(engine) as connection:
            connection.execute(
                update(audit_entries).where(audit_entries.c.entry_id == "aud_002").values(actor="mallory")
            )
            connection.execute(delete(audit_chain).where(audit_chain.c.position > 1))
            rows = connection.execute(select(audit_entries).order_by(audit_entries.c.entry_id)).all()
            for row in rows[1:]:
                append(connection, entry_of(row), sealer)
        assert verify(engine, SEALER).broken.startswith("2 (aud_002): it")


def test_an_end_that_was_cut_off_shows_by_what_was_kept_elsewhere(engine: Engine) -> None:
    _write(engine, 1, 2, 3)
    head = verify(engine, SEALER).head
    with _as_intruder(engine) as connection:
        connection.execute(delete(audit_chain).where(audit_chain.c.position > 1))
        connection.execute(delete(audit_entries).where(audit_entries.c.entry_id > "aud_001"))
    # By itself, the shorter chain is a good one.
    assert verify(engine, SEALER).broken == ""
    assert "its end was cut off" in verify(engine, SEALER, head).broken
    _write(engine, 7, 8)
    assert verify(engine, SEALER, head).broken.startswith("3 (aud_008): it is another entry")
    assert verify(engine, SEALER, Head(1, head.hash)).broken.startswith("1 (aud_001): it is another entry")


def test_entries_without_any_chain_are_not_called_whole(engine: Engine) -> None:
    assert verify(engine, SEALER).broken == ""
    _write(engine, 1, 2)
    with _as_intruder(engine) as connection:
        connection.execute(delete(audit_chain))
    assert "2 entries and no chain" in verify(engine, SEALER).broken


def test_entries_of_an_earlier_version_are_distinguished(engine: Engine) -> None:
    _write(engine, 1)
    with engine.begin() as connection:
        row = dict(connection.execute(select(audit_entries)).one()._mapping)
        connection.execute(insert(audit_entries), {**row, "entry_id": "aud_000"})
    _write(engine, 2)
    found = verify(engine, SEALER)
    assert (found.broken, found.unchained) == ("", 1)


def test_the_chain_outlives_its_keys(engine: Engine) -> None:
    only_new = Sealer([NEW_KEY], b"")
    _write(engine, 1, 2)
    assert "a key that is not given" in verify(engine, only_new).broken
    _write(engine, 3, sealer=Sealer([NEW_KEY, OLD_KEY], b""))
    assert verify(engine, only_new).broken == ""
    with _as_intruder(engine) as connection:
        connection.execute(update(audit_entries).where(audit_entries.c.entry_id == "aud_001").values(actor="mallory"))
    assert verify(engine, only_new).broken.startswith("1 (aud_001)")


def test_the_next_audit_entry_covers_entries_of_the_command_line(engine: Engine) -> None:
    with SqlStore(engine, random_payments.IDS).begin() as work:
        work.audit.add(_entry(1, AuditKind.KEY_CREATED))
    assert (verify(engine, SEALER).broken, verify(engine, SEALER).uncovered) == ("", 1)
    _write(engine, 2)
    assert verify(engine, SEALER).uncovered == 0
    with _as_intruder(engine) as connection:
        connection.execute(update(audit_chain).values(proof=""))
    assert verify(engine, SEALER).broken == "2 (aud_002): it is not signed"


def test_writers_of_several_processes_make_one_chain(engine: Engine) -> None:
    # Stores of their own share nothing but the database.
    writers = [threading.Thread(target=_write, args=(engine, *range(n * 10, n * 10 + 5))) for n in range(1, 5)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    found = verify(engine, SEALER)
    assert (found.broken, found.head.position) == ("", 20)


@pytest.mark.parametrize(
    "statement",
    [
        "REPLACE INTO audit_entries (rowid, entry_id, time, kind, actor, subject, outcome, peer, count, details)"
        " SELECT rowid, 'aud_x', time, kind, 'mallory', subject, outcome, peer, count, details FROM audit_entries",
        "INSERT OR REPLACE INTO audit_entries SELECT * FROM audit_entries",
        "INSERT OR REPLACE INTO audit_chain SELECT position, 'aud_x', hash, proof FROM audit_chain LIMIT 1",
        "INSERT OR REPLACE INTO audit_chain SELECT 9, entry_id, hash, proof FROM audit_chain LIMIT 1",
        "UPDATE audit_chain SET hash = ''",
        "DELETE FROM audit_chain",
    ],
)
def test_the_database_refuses_to_replace_what_is_there(statement: str, sqlite_engine: Engine) -> None:
    _write(sqlite_engine, 1, 2)
    with pytest.raises(DBAPIError, match="append only") as refusal, sqlite_engine.begin() as connection:
        connection.exec_driver_sql(statement)
    assert isinstance(refusal.value.orig, sqlite3.Error)
    assert verify(sqlite_engine, SEALER).broken == ""
