"""Access that was refused: how often, when first and last, from where; soon, and in bounded room."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from application.audit.refused_calls import OTHERS, RefusedCall, RefusedCalls
from application.common.errors import StoreUnavailable
from application.ports.audit_log import AuditEntry
from domain.events import SERVICE, OnBehalf
from tests.fakes.ids import CountingIds
from tests.fakes.memory_store import MemoryStore
from tests.fakes.runtime import START, ManualClock

LIST = "/bayar.payments.v1.PaymentService/ListPayments"


class FailingStore(MemoryStore):
    is_down = False

    def begin(self, actor: str = SERVICE, on_behalf: OnBehalf | None = None) -> Any:
        if self.is_down:
            raise StoreUnavailable("down")
        return super().begin(actor, on_behalf)


class Log:
    """Refused calls, and their entries in the audit log."""

    def __init__(self) -> None:
        self.store, self.clock = FailingStore(CountingIds()), ManualClock()
        self.calls = RefusedCalls(self.store, self.clock, CountingIds(), self.clock.steady_seconds)

    def note(self, method: str = LIST, why: str = "invalid", actor: str = "", peer: str = "192.0.2.1") -> None:
        self.calls.note(RefusedCall(method, why, actor, peer))

    def after(self, seconds: float) -> list[AuditEntry]:
        """The entries that exist once the job ran after so long."""
        self.clock.advance(timedelta(seconds=seconds))
        self.calls()
        with self.store.read() as work:
            return work.audit.page(after=None, limit=10_000)


def test_a_kind_is_written_soon_with_its_first_and_last_time_and_its_peer() -> None:
    log = Log()
    log.note()
    log.clock.advance(timedelta(seconds=1))
    log.note()
    log.clock.advance(timedelta(seconds=1))
    log.note()
    (entry,) = log.after(3)
    assert (entry.count, entry.peer, entry.time) == (3, "192.0.2.1", START + timedelta(seconds=2))
    assert entry.details == {"first_time": START.isoformat()}


def test_a_continuing_state_is_logged_once_a_minute_with_its_count() -> None:
    log = Log()
    for _ in range(200):
        log.note()
        log.after(1)
    entries = log.after(60)
    assert 4 <= len(entries) <= 5
    assert sum(entry.count for entry in entries) == 200
    firsts = sorted(entry.details.get("first_time", entry.time.isoformat()) for entry in entries)
    assert firsts[0] == START.isoformat()
    assert len(set(firsts)) == len(firsts)


def test_many_kinds_from_one_peer_leave_room_for_others() -> None:
    log = Log()
    for number in range(1_663):
        log.note(method=f"/method{number}")
    log.note(why="expired", peer="198.51.100.9")
    entries = log.after(5)
    mine = [entry for entry in entries if entry.peer == "198.51.100.9"]
    assert [(entry.subject, entry.outcome, entry.count) for entry in mine] == [(LIST, "expired", 1)]
    flood = [entry for entry in entries if entry.peer == "192.0.2.1"]
    assert sum(entry.count for entry in flood) == 1_663
    assert len(flood) == 21


def test_one_kind_from_many_peers_leaves_room_for_other_kinds() -> None:
    log = Log()
    for number in range(10_000):
        log.note(why=f"invalid wrong secret for key_{number}", peer=f"peer {number}")
    log.note(method="/other", why="expired", peer="198.51.100.9")
    for _ in range(3):
        entries = log.after(60)
    assert sum(entry.count for entry in entries) == 10_001
    assert len(entries) <= 60
    assert [entry.subject for entry in entries if entry.peer == "198.51.100.9"] == ["/other"]
    assert max(entries, key=lambda entry: entry.count).peer == OTHERS


def test_a_new_peer_does_not_wait_behind_a_flood_of_entries() -> None:
    log = Log()
    for peer in range(5):
        for number in range(50):
            log.note(method=f"/method{number}", peer=f"peer {peer}")
    log.note(peer="198.51.100.9")
    assert "198.51.100.9" in {entry.peer for entry in log.after(5)}


def test_all_loads_together_stay_in_bounded_memory_and_every_line_is_counted() -> None:
    log = Log()
    for number in range(20_000):
        log.note(method=f"/method{number % 300}", why=f"invalid {number}", peer=f"peer {number % 4_000}")
    assert len(log.calls._noted) <= 1_001
    entries = log.after(1)
    assert len(entries) == 60
    log.calls.write_all()
    assert sum(entry.count for entry in log.after(0)) == 20_000


def test_an_expired_entry_is_dropped() -> None:
    log = Log()
    for number in range(30):
        log.note(method=f"/method{number}")
    log.after(5)
    log.after(61)
    log.after(61)
    assert not log.calls._noted
    assert not log.calls._of_peers
    assert not log.calls._of_kinds


def test_a_failed_write_is_repeated_at_the_next_flush() -> None:
    log = Log()
    log.note()
    log.store.is_down = True
    with pytest.raises(StoreUnavailable):
        log.after(5)
    log.store.is_down = False
    log.note()
    (entry,) = log.after(5)
    assert entry.count == 2
