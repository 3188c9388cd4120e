"""Keeps the search index: follows the feed, and works through the payments from before the index existed."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final

from application.ports.search import IndexProgress, SearchDocument
from application.ports.store import Store, UnitOfWork
from application.search.search_terms import TERMS_VERSION, terms_of
from domain.customer import Customer
from domain.ids import CustomerId, PaymentId
from domain.payment import Payment

# Short transactions: on SQLite, no payment is written meanwhile.
_BATCH: Final = 100


@dataclass(frozen=True, slots=True)
class IndexPayments:
    """Every replica may run one; only one works at a time. CreatePayment does nothing for the index."""

    store: Store
    # Payments of the backfill in one step.
    backfill_batch: int = _BATCH

    def __call__(self) -> int:
        """One step. Returns the number of its payments if more changes may wait, else 0. The backfill takes its time:
        one batch in each interval.

        Raises StoreUnavailable.
        """
        with self.store.read() as work:
            if not work.search.has_work(TERMS_VERSION):
                return 0
        with self.store.begin() as work:
            progress = work.search.claim(TERMS_VERSION)
            if progress is None:
                return 0
            changed, position = work.search.changed_after(progress.position, _BATCH)
            changed += [one for one in work.search.stale(_BATCH) if one not in changed]
            index(work, changed)
            reached = replace(progress, position=position)
            if len(changed) < _BATCH and reached.backfill is not None:
                reached = self._backfill(work, reached)
            if reached != progress:
                work.search.save(reached)
        return len(changed) if position - progress.position >= _BATCH or len(changed) >= _BATCH else 0

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
    # First: a payment that is erased meanwhile is read without its personal data.
    work.search.lock(payment_ids)
    found = work.payments.find(payment_ids)
    customers = _customers_of(work, found)
    return work.search.put(
        SearchDocument(
            payment_id=PaymentId(payment.terms.payment_id),
            caller_id=payment.terms.caller_id,
            create_time=payment.create_time,
            terms=frozenset(
                str(term) for term in terms_of(payment, customers.get(payment.terms.customer_id)) if term.is_indexed
            ),
        )
        for payment in found
    )


def _customers_of(work: UnitOfWork, payments: Collection[Payment]) -> dict[CustomerId | None, Customer | None]:
    ids = {payment.terms.customer_id for payment in payments}
    return {one: work.customers.get(one) for one in sorted(filter(None, ids))}
