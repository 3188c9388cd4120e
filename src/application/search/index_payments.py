"""Keeps the search index: follows the feed, and works through the payments from before the index existed."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Final

from application.ports.search import IndexProgress, SearchDocument
from application.ports.store import Store, UnitOfWork
from application.search.search_terms import TERMS_VERSION, indexed_terms
from domain.ids import PaymentId

# Short transactions: on SQLite, no payment is written meanwhile.
_BATCH: Final = 100
# Entries of the feed in one step. A payment has three.
_ENTRIES: Final = 300


@dataclass(frozen=True, slots=True)
class IndexPayments:
    """Every replica may run one; only one works at a time. CreatePayment does nothing for the index.

    A payment's changes between two runs are indexed at once, so that it costs less to run it seldom.
    """

    store: Store
    # Payments of the backfill in one step, which are indexed faster than single ones change.
    backfill_batch: int = 4 * _BATCH

    def __call__(self) -> int:
        """One step. Returns the number of its changes if more may wait, else 0. The backfill takes its time: one batch
        in each interval.

        Raises StoreUnavailable.
        """
        with self.store.read_once() as work:
            if not work.search.has_work(TERMS_VERSION):
                return 0
        with self.store.begin() as work:
            progress = work.search.claim(TERMS_VERSION)
            if progress is None:
                return 0
            changed, position = work.search.changed_after(progress.position, _ENTRIES)
            changed = list(dict.fromkeys([*changed, *work.search.stale(_BATCH)]))
            index(work, changed)
            reached = replace(progress, position=position)
            if len(changed) < _BATCH and reached.backfill is not None:
                reached = self._backfill(work, reached)
            if reached != progress:
                work.search.save(reached)
        entries = position - progress.position
        return entries + len(changed) if entries >= _ENTRIES or len(changed) >= _BATCH else 0

    def _backfill(self, work: UnitOfWork, progress: IndexProgress) -> IndexProgress:
        """Newest first: people search for the newest most."""
        if progress.backfill is None:
            return progress
        older = work.search.older_payments(progress.backfill, self.backfill_batch)
        index(work, [PaymentId(one.id) for one in older])
        return replace(progress, backfill=older[-1] if len(older) == self.backfill_batch else None)


def index(work: UnitOfWork, payment_ids: Collection[PaymentId]) -> int:
    """Indexes the payments as they are now. Returns the number of those whose terms changed."""
    if not payment_ids:
        return 0
    unknown = work.search.unknown(payment_ids)
    changed = work.search.add(_documents(work, unknown)) if unknown else 0
    known = set(payment_ids).difference(unknown)
    if known:
        # First: a payment that is erased meanwhile is read without its personal data.
        work.search.lock(known)
        changed += work.search.put(_documents(work, known))
    return changed


def _documents(work: UnitOfWork, payment_ids: Collection[PaymentId]) -> Iterator[SearchDocument]:
    for payment in work.search.contents(payment_ids):
        yield SearchDocument(payment.payment_id, payment.caller_id, payment.create_time, indexed_terms(payment))
