"""Keeps the statistics: follows the feed, and works through the payments from before."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final

from application.ports.statistics import StatisticsProgress
from application.ports.store import Store, UnitOfWork
from application.statistics.payment_facts import FACTS_VERSION, facts_of
from domain.decline import Decline
from domain.ids import PaymentId
from domain.payment_state import PaymentState

# Short transactions: on SQLite, no payment is written meanwhile.
_BATCH: Final = 100
# Entries of the feed in one step. A payment has three.
_ENTRIES: Final = 300
_MOST_REMOVED: Final = 1_000


@dataclass(frozen=True, slots=True)
class CountPayments:
    """Every replica may run one; only one works at a time. The calls that change payments do nothing for it.

    A payment is counted as it is now, whatever changed: its facts replace those that were counted before, in the
    transaction that advances the position. So each event counts once, however often it is read.
    """

    store: Store
    # Payments of the backfill in one step.
    backfill_batch: int = 4 * _BATCH

    def __call__(self) -> int:
        """One step. Returns the number of its changes if more may wait, else 0. Raises StoreUnavailable.

        It waits for the movements of payments that another version wrote: they are booked first.
        """
        with self.store.read_once() as work:
            if not work.statistics.has_work(FACTS_VERSION):
                return 0
        with self.store.begin() as work:
            progress = work.statistics.claim(FACTS_VERSION)
            if progress is None or not work.movements.is_complete():
                return 0
            changed, position = work.statistics.changed_after(progress.position, _ENTRIES)
            reached = replace(progress, position=position)
            has_more = position - progress.position >= _ENTRIES
            if not has_more:
                work.statistics.remove_others(progress.generation, _MOST_REMOVED)
            count(work, progress.generation, changed)
            if not has_more and reached.backfill is not None:
                reached = self._backfill(work, reached)
            if reached != progress:
                work.statistics.save(reached)
        return position - progress.position if has_more else 0

    def _backfill(self, work: UnitOfWork, progress: StatisticsProgress) -> StatisticsProgress:
        """Newest first: the charts show the newest."""
        if progress.backfill is None:
            return progress
        older = work.statistics.older_payments(progress.backfill, self.backfill_batch)
        count(work, progress.generation, [PaymentId(one.id) for one in older])
        return replace(progress, backfill=older[-1] if len(older) == self.backfill_batch else None)


def count(work: UnitOfWork, generation: int, payment_ids: Collection[PaymentId]) -> int:
    """Counts the payments as they are now. Returns the number of those that are not as they were counted before."""
    if not payment_ids:
        return 0
    payments = work.statistics.payments(payment_ids)
    declines = _declines(work, [one.payment_id for one in payments if one.state is PaymentState.DECLINED])
    disputes = work.statistics.disputes_of(payment_ids)
    movements = work.statistics.movements_of(payment_ids)
    return work.statistics.put(
        generation,
        [
            facts_of(one, declines.get(own), disputes.get(own, ()), movements.get(own, ()))
            for one in payments
            for own in [one.payment_id]
        ],
    )


def _declines(work: UnitOfWork, payment_ids: Collection[PaymentId]) -> dict[PaymentId, Decline | None]:
    """The declines that ended the payments. Only these payments are read as a whole: they are few."""
    found = work.payments.find(payment_ids) if payment_ids else []
    return {payment.terms.payment_id: payment.final_decline for payment in found}
