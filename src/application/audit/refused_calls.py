"""Aggregates refused calls for the audit log: equal ones share an entry, within bounds of memory, time and disk."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice, zip_longest
from threading import Lock
from typing import Final, TypeVar

from application.audit.audit_log import ENTRY, harmless
from application.ports.audit_log import AuditEntry, AuditKind
from application.ports.runtime import Clock, IdSource
from application.ports.store import Store

Key = TypeVar("Key")

_ENTRIES_A_MINUTE: Final = 60.0
# A kind that was just written is only counted for this long before it is written again.
_PAUSE_SECONDS: Final = 60.0
# Limits of kinds per peer, and per method and reason, so that neither takes the room of others.
_KINDS_OF_A_PEER: Final = 20
_PEERS_OF_A_KIND: Final = 50
_MOST_KINDS: Final = 500
# Includes the rows that sum up the rest of a peer, or of a method and reason.
_MOST_ROWS: Final = 1_000
OTHERS: Final = "others"


@dataclass(frozen=True, slots=True)
class RefusedCall:
    method: str
    why: str
    actor: str
    peer: str

    @property
    def reason(self) -> str:
        """The reason, without anything that the caller may have chosen."""
        return self.why.partition(" ")[0]


@dataclass(slots=True)
class _Tally:
    """The count since the last write, with the first and last time."""

    first_time: datetime
    last_time: datetime
    count: int = 0
    # By the monotonic clock. None: never.
    written_at: float | None = None

    def is_due(self, now: float) -> bool:
        return self.count > 0 and (self.written_at is None or now - self.written_at >= _PAUSE_SECONDS)

    def is_over(self, now: float) -> bool:
        return not self.count and self.written_at is not None and now - self.written_at >= _PAUSE_SECONDS


class RefusedCalls:
    """Counts refused calls. Run as a job, it writes each kind soon after its first call, then at most once a minute.

    A flood fills neither memory nor disk: beyond a number of kinds, the rest of one peer, or of one method and reason
    from many peers, is summed up. Peers share the rate of written entries fairly, in round-robin order.
    """

    def __init__(self, store: Store, clock: Clock, ids: IdSource, steady_seconds: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._steady_seconds = steady_seconds
        self._lock = Lock()
        self._noted: dict[RefusedCall, _Tally] = {}
        self._of_peers: Counter[str] = Counter()
        self._of_kinds: Counter[tuple[str, str]] = Counter()
        self._room = _ENTRIES_A_MINUTE
        self._filled_at = steady_seconds()

    def note(self, refused: RefusedCall) -> None:
        now = self._clock.now()
        with self._lock:
            kind = self._kind(refused)
            tally = self._noted.get(kind)
            if tally is None:
                tally = self._noted[kind] = _Tally(now, now)
                self._of_peers[kind.peer] += 1
                self._of_kinds[kind.method, kind.reason] += 1
            if not tally.count:
                tally.first_time = now
            tally.last_time = now
            tally.count += 1

    def __call__(self) -> int:
        """Writes due entries within the rate limit. Raises StoreUnavailable; the next run writes them then."""
        now = self._steady_seconds()
        with self._lock:
            self._room = min(_ENTRIES_A_MINUTE, self._room + (now - self._filled_at) * _ENTRIES_A_MINUTE / 60)
            self._filled_at = now
            due = _round_robin(kind for kind, tally in self._noted.items() if tally.is_due(now))
            chosen = list(islice(due, int(self._room)))
        self._write(chosen, now)
        with self._lock:
            self._room -= len(chosen)
            for kind in [kind for kind, tally in self._noted.items() if tally.is_over(now)]:
                self._forget(kind)
        # 0: no need to run again at once.
        return 0

    def write_all(self) -> None:
        """Writes everything that was counted; for shutdown. Raises StoreUnavailable."""
        with self._lock:
            left = [kind for kind, tally in self._noted.items() if tally.count]
        self._write(left, self._steady_seconds())

    def _kind(self, refused: RefusedCall) -> RefusedCall:
        """The kind to count it under: itself, or a summary once there are too many kinds."""
        if refused in self._noted:
            return refused
        summed = refused
        if self._of_peers[refused.peer] >= _KINDS_OF_A_PEER:
            summed = RefusedCall(OTHERS, OTHERS, "", refused.peer)
        elif self._of_kinds[refused.method, refused.reason] >= _PEERS_OF_A_KIND:
            summed = RefusedCall(refused.method, refused.reason, "", OTHERS)
        most = _MOST_KINDS if summed is refused else _MOST_ROWS
        if summed in self._noted or len(self._noted) < most:
            return summed
        return RefusedCall(OTHERS, refused.reason, "", OTHERS)

    def _write(self, kinds: list[RefusedCall], now: float) -> None:
        if not kinds:
            return
        with self._lock:
            entries = {kind: self._entry(kind, self._noted[kind]) for kind in kinds}
        with self._store.begin() as work:
            for entry in entries.values():
                work.audit.add(entry)
        with self._lock:
            for kind, entry in entries.items():
                tally = self._noted[kind]
                tally.written_at = now
                tally.count -= entry.count
                if tally.count:
                    # More calls came during the write.
                    tally.first_time = entry.time

    def _forget(self, kind: RefusedCall) -> None:
        del self._noted[kind]
        _count_down(self._of_peers, kind.peer)
        _count_down(self._of_kinds, (kind.method, kind.reason))

    def _entry(self, refused: RefusedCall, tally: _Tally) -> AuditEntry:
        since = {} if tally.count == 1 else {"first_time": tally.first_time.isoformat()}
        return AuditEntry(
            entry_id=self._ids.new(ENTRY),
            time=tally.last_time,
            kind=AuditKind.ACCESS_REFUSED,
            actor=harmless(refused.actor),
            subject=harmless(refused.method),
            outcome=refused.why,
            peer=refused.peer,
            count=tally.count,
            details=since,
        )


def _count_down(counter: Counter[Key], key: Key) -> None:
    counter[key] -= 1
    if not counter[key]:
        del counter[key]


def _round_robin(kinds: Iterable[RefusedCall]) -> Iterable[RefusedCall]:
    """Round-robin order over the peers; the oldest first within a peer."""
    of_peers: defaultdict[str, list[RefusedCall]] = defaultdict(list)
    for kind in kinds:
        of_peers[kind.peer].append(kind)
    return (kind for kind in chain.from_iterable(zip_longest(*of_peers.values())) if kind is not None)
