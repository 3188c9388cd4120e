"""The search index, in memory. It keeps the terms themselves."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from application.common.pagination import Position
from application.ports.feed import FeedKind
from application.ports.payment_filter import PaymentFilter
from application.ports.search import FoundPage, IndexProgress, SearchDocument, SearchedPayment
from application.search.search_terms import contents_of
from domain.events import GatewayStatusChanged, OperationStarted
from domain.ids import CallerId, CustomerId, PaymentId
from domain.payment import Payment
from tests.fakes.repositories.payments import matches
from tests.fakes.store_state import IndexedPayment, StoreState

NOBODY = CustomerId("")
_NEWEST = Position(datetime(9999, 12, 31, tzinfo=UTC), "")


class MemorySearchIndex:
    def __init__(self, state: StoreState) -> None:
        self._state = state
        self._locked: set[PaymentId] = set()

    def has_work(self, version: int) -> bool:
        progress = self._state.search_progress
        if progress is None or progress.backfill is not None or self._state.search_version != version:
            return True
        return progress.position < len(self._state.feed) or bool(self.stale(1))

    def claim(self, version: int) -> IndexProgress | None:
        if self._state.search_progress is None or self._state.search_version != version:
            self._state.search_progress = IndexProgress(len(self._state.feed), _NEWEST)
            self._state.search_version = version
        return self._state.search_progress

    def save(self, progress: IndexProgress) -> None:
        self._state.search_progress = progress

    def restart(self) -> None:
        self._state.search_version = 0

    def progress(self) -> IndexProgress | None:
        progress = self._state.search_progress
        if progress is not None and not self._state.search_version:
            return replace(progress, backfill=_NEWEST)
        return progress

    def changed_after(self, position: int, limit: int) -> tuple[list[PaymentId], int]:
        entries = self._state.feed[position : position + limit]
        of_customers = {one.customer_id for one in entries if one.kind is FeedKind.CUSTOMER}
        for payment_id, indexed in self._state.indexed.items():
            if self._state.payments[payment_id].terms.customer_id in of_customers:
                self._state.indexed[payment_id] = replace(indexed, is_stale=True)
        changed = [
            PaymentId(one.payment_id)
            for one in entries
            if one.kind is FeedKind.PAYMENT
            and not isinstance(
                self._state.history[PaymentId(one.payment_id)][one.sequence - 1].event,
                (OperationStarted, GatewayStatusChanged),
            )
        ]
        return list(dict.fromkeys(changed)), position + len(entries)

    def stale(self, limit: int) -> list[PaymentId]:
        return sorted(one for one, indexed in self._state.indexed.items() if indexed.is_stale)[:limit]

    def older_payments(self, before: Position, limit: int) -> list[Position]:
        found = [Position(one.create_time, one.terms.payment_id) for one in self._state.payments.values()]
        older = [one for one in found if (one.time, one.id) < (before.time, before.id)]
        return sorted(older, key=lambda one: (one.time, one.id), reverse=True)[:limit]

    def unknown(self, payment_ids: Collection[PaymentId]) -> list[PaymentId]:
        return [one for one in payment_ids if one not in self._state.indexed]

    def contents(self, payment_ids: Collection[PaymentId]) -> list[SearchedPayment]:
        found = [self._state.payments[one] for one in payment_ids if one in self._state.payments]
        return [contents_of(one, self._state.customers.get(one.terms.customer_id or NOBODY)) for one in found]

    def add(self, documents: Iterable[SearchDocument]) -> int:
        new = [one for one in documents if one.payment_id not in self._state.indexed]
        for document in new:
            self._state.indexed[document.payment_id] = IndexedPayment(document.terms, is_stale=False)
        return len(new)

    def lock(self, payment_ids: Collection[PaymentId]) -> None:
        self._locked |= set(payment_ids)

    def put(self, documents: Iterable[SearchDocument]) -> int:
        count = 0
        for document in documents:
            if document.payment_id not in self._locked:
                raise RuntimeError(f"{document.payment_id} was not locked")
            now = IndexedPayment(document.terms, is_stale=False)
            count += self._state.indexed[document.payment_id] != now
            self._state.indexed[document.payment_id] = now
        return count

    def find_ids(
        self, caller_id: CallerId | None, texts: Sequence[str], which: PaymentFilter, limit: int
    ) -> list[PaymentId]:
        wanted = {*texts, *(text.lower() for text in texts)}
        found = [
            payment
            for payment in self._of(caller_id, which)
            if payment.terms.reference in texts
            or payment.terms.payment_id in wanted
            or any(one.operation_id in wanted or one.transaction_id in wanted for one in payment.operations)
        ]
        return [payment.terms.payment_id for payment in found[:limit]]

    def page(
        self,
        caller_id: CallerId | None,
        clauses: Sequence[frozenset[str]],
        which: PaymentFilter,
        *,
        after: Position | None,
        limit: int,
    ) -> FoundPage:
        found = []
        for payment in self._of(caller_id, which):
            position = Position(payment.create_time, payment.terms.payment_id)
            indexed = self._state.indexed.get(payment.terms.payment_id)
            is_later = after is None or (position.time, position.id) < (after.time, after.id)
            if is_later and indexed is not None and all(clause & indexed.terms for clause in clauses):
                found.append(position)
        return FoundPage(found[:limit], found[limit - 1] if len(found) > limit else None)

    def _of(self, caller_id: CallerId | None, which: PaymentFilter) -> list[Payment]:
        """Newest first."""
        found = [
            payment
            for payment in self._state.payments.values()
            if caller_id in (None, payment.terms.caller_id)
            and matches(payment, which, list(self._state.disputes.values()))
        ]
        return sorted(found, key=lambda one: (one.create_time, one.terms.payment_id), reverse=True)
