"""Limits of the audit of refused calls: distinct kinds, entries written, and expiry."""

from __future__ import annotations

from datetime import timedelta

import pytest

from application.audit.refused_calls import OTHERS
from application.common.errors import StoreUnavailable
from application.ports.audit_log import AuditEntry, AuditKind
from tests.application.audit.test_refused_calls import LIST, Log
from tests.fakes.runtime import START


def kinds(entries: list[AuditEntry]) -> set[tuple[str, str, str, int]]:
    return {(entry.subject, entry.outcome, entry.peer, entry.count) for entry in entries}


def written(log: Log) -> list[AuditEntry]:
    """Everything that was noted, whether or not it was due."""
    log.calls.write_all()
    with log.store.read() as work:
        return work.audit.page(after=None, limit=10_000)


def test_an_entry_says_all_that_is_known_and_no_card() -> None:
    log = Log()
    log.note("/4111111111111111", "expired key_1", "4111111111111111")
    (entry,) = log.after(0)
    assert (entry.kind, entry.subject, entry.outcome) == (AuditKind.ACCESS_REFUSED, "/[removed]", "expired key_1")
    assert (entry.actor, entry.peer, entry.count, entry.details) == ("[removed]", "192.0.2.1", 1, {})
    assert entry.time == START


def test_twenty_kinds_of_a_peer_are_kept_apart_and_the_rest_is_summed_up() -> None:
    log = Log()
    for number in range(23):
        log.note(f"/method{number}")
    log.note("/method0")
    apart = {(f"/method{number}", "invalid", "192.0.2.1", 1 + (number == 0)) for number in range(20)}
    assert kinds(written(log)) == apart | {(OTHERS, OTHERS, "192.0.2.1", 3)}


def test_fifty_peers_of_a_kind_are_kept_apart_and_the_rest_is_summed_up() -> None:
    log = Log()
    for number in range(52):
        log.note(why="invalid because", peer=f"peer {number}")
    apart = {(LIST, "invalid because", f"peer {number}", 1) for number in range(50)}
    assert kinds(written(log)) == apart | {(LIST, "invalid", OTHERS, 2)}


def test_five_hundred_kinds_are_kept_apart_and_the_rest_is_summed_up_by_reason() -> None:
    log = Log()
    for number in range(503):
        log.note(f"/method{number}", "expired at noon", peer=f"peer {number}")
    log.note("/method0", "expired at noon", peer="peer 0")
    entries = written(log)
    assert len(entries) == 501
    assert (OTHERS, "expired", OTHERS, 3) in kinds(entries)
    assert ("/method0", "expired at noon", "peer 0", 2) in kinds(entries)
    assert ("/method499", "expired at noon", "peer 499", 1) in kinds(entries)


def test_a_peer_s_own_sum_has_room_beside_five_hundred_kinds() -> None:
    log = Log()
    for number in range(20):
        log.note(f"/method{number}")
    for number in range(480):
        log.note(f"/other{number}", peer=f"peer {number}")
    log.note("/method20")
    assert (OTHERS, OTHERS, "192.0.2.1", 1) in kinds(written(log))


def test_sixty_entries_are_written_a_minute_and_no_more_are_saved_up() -> None:
    log = Log()
    log.after(600)
    for number in range(100):
        log.note(f"/method{number}", peer=f"peer {number}")
    assert len(log.after(0)) == 60
    assert len(log.after(0.5)) == 60
    assert len(log.after(0.5)) == 61
    assert len(log.after(10)) == 71
    assert len(log.after(60)) == 100


def test_one_of_each_peer_is_written_before_a_second_one_and_the_oldest_first() -> None:
    log = Log()
    for peer in range(3):
        for number in range(19):
            log.note(f"/method{number}", peer=f"peer {peer}")
    for peer in range(30):
        log.note(LIST, peer=f"quiet {peer}")
    entries = log.after(0)
    assert {entry.peer for entry in entries} >= {f"quiet {peer}" for peer in range(30)}
    loud = {entry.subject for entry in entries if entry.peer == "peer 0"}
    assert loud == {f"/method{number}" for number in range(10)}


def test_a_kind_is_written_again_a_minute_after_it_was_written() -> None:
    log = Log()
    log.note()
    assert len(log.after(1)) == 1
    log.note()
    assert len(log.after(59.9)) == 1
    entries = log.after(0.1)
    assert [entry.count for entry in entries] == [1, 1]
    log.after(0)
    assert len(log.after(0)) == 2


def test_a_counter_expired_for_a_minute_is_evicted() -> None:
    log = Log()
    for number in range(20):
        log.note(f"/method{number}")
    log.after(0)
    log.after(59.9)
    log.note("/new")
    assert (OTHERS, OTHERS, "192.0.2.1", 1) in kinds(written(log))
    log.after(0.1)
    log.note("/newer")
    assert ("/newer", "invalid", "192.0.2.1", 1) in kinds(written(log))


def test_room_is_made_for_each_kind_that_is_forgotten_and_no_other() -> None:
    log = Log()
    for number in range(20):
        log.note(f"/method{number}")
    log.after(0)
    log.note("/method0")
    log.after(60)
    log.after(0)
    # One of the twenty goes on: nineteen new ones have room beside it.
    for number in range(100, 120):
        log.note(f"/method{number}")
    new = [entry for entry in written(log) if entry.subject.startswith("/method1") and len(entry.subject) == 10]
    assert len(new) == 19


def test_lines_that_arrive_during_a_write_are_counted_from_there() -> None:
    log = Log()
    log.note()
    begin = log.store.begin

    def meanwhile(*_: object) -> object:
        log.store.begin = begin  # type: ignore[method-assign]
        log.clock.advance(timedelta(seconds=1))
        log.note()
        log.clock.advance(timedelta(seconds=1))
        log.note()
        return begin()

    log.store.begin = meanwhile  # type: ignore[assignment, method-assign]
    assert [entry.count for entry in log.after(0)] == [1]
    (newest, _) = log.after(60)
    assert (newest.count, newest.details) == (2, {"first_time": START.isoformat()})


def test_at_the_end_only_what_was_not_written_is_written() -> None:
    log = Log()
    log.note()
    log.after(0)
    assert len(written(log)) == 1
    log.store.is_down = True
    log.calls.write_all()
    log.note()
    with pytest.raises(StoreUnavailable):
        log.calls.write_all()
    log.store.is_down = False
    assert len(written(log)) == 2


def test_a_round_asks_for_no_other_one_at_once() -> None:
    log = Log()
    log.note()
    assert [log.calls(), log.calls()] == [0, 0]
