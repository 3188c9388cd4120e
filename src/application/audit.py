"""The audit log: what administrators did, and who was not let in. Entries are added and never changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Final

from application.audit_entry import AuditEntry, AuditKind
from application.ports.runtime import Clock, IdSource
from application.ports.store import Store
from domain.card_detector import without_card_numbers

ENTRY: Final = "aud"
_ROWS_A_MINUTE: Final = 20.0
_MOST_KINDS: Final = 500


@dataclass(frozen=True, slots=True)
class Audit:
    """Writes entries as they happen."""

    store: Store
    clock: Clock
    ids: IdSource

    def write(self, kind: AuditKind, actor: str, subject: str, **more: str) -> None:
        """`more`: outcome, peer, and ids by name. Raises StoreUnavailable: what is not written must not be done."""
        outcome, peer = more.pop("outcome", ""), more.pop("peer", "")
        entry = AuditEntry(
            entry_id=self.ids.new(ENTRY),
            time=self.clock.now(),
            kind=kind,
            actor=_harmless(actor),
            subject=subject,
            outcome=outcome,
            peer=peer,
            details={name: _harmless(value) for name, value in more.items()},
        )
        with self.store.begin() as work:
            work.audit.add(entry)


@dataclass(frozen=True, slots=True)
class Refused:
    """A call that was not let in."""

    method: str
    why: str
    actor: str
    peer: str


_OTHERS: Final = Refused("others", "", "", "")


class RefusedCalls:
    """Counts refused calls, and as a job writes them down: alike ones in one entry, twenty entries a minute at most.

    So a flood fills neither memory nor disk; what is over the limit is counted until there is room.
    """

    def __init__(self, store: Store, clock: Clock, ids: IdSource, steady_seconds: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._steady_seconds = steady_seconds
        self._lock = Lock()
        self._noted: Counter[Refused] = Counter()
        self._room = _ROWS_A_MINUTE
        self._filled_at = steady_seconds()

    def note(self, refused: Refused) -> None:
        with self._lock:
            known = refused in self._noted or len(self._noted) < _MOST_KINDS
            self._noted[refused if known else _OTHERS] += 1

    def __call__(self) -> int:
        """Writes what there is room for. Raises StoreUnavailable; it is then written the next time."""
        now = self._steady_seconds()
        with self._lock:
            self._room = min(_ROWS_A_MINUTE, self._room + (now - self._filled_at) * _ROWS_A_MINUTE / 60)
            self._filled_at = now
            written = self._noted.most_common(int(self._room))
        if not written:
            return 0
        with self._store.begin() as work:
            for refused, count in written:
                work.audit.add(self._entry(refused, count))
        with self._lock:
            self._room -= len(written)
            for refused, count in written:
                self._noted[refused] -= count
            self._noted = +self._noted
        return 0

    def _entry(self, refused: Refused, count: int) -> AuditEntry:
        return AuditEntry(
            entry_id=self._ids.new(ENTRY),
            time=self._clock.now(),
            kind=AuditKind.ACCESS_REFUSED,
            actor=_harmless(refused.actor),
            subject=_harmless(refused.method),
            outcome=refused.why,
            peer=refused.peer,
            count=count,
        )


def _harmless(text: str) -> str:
    """Ids are written down before anything checks them, and by whoever is refused."""
    return without_card_numbers(text, "[removed]")
