"""Reads the whole database with the code of the service, without mutants."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final

from adapters.persistence.store import SqlStore
from application.common.pagination import Position
from application.ports.store import DisputeFilter
from domain.dispute import Dispute
from domain.events import SERVICE, OperationDeclined, OperationFailed, OperationSucceeded, PaymentEvent
from domain.payment import Payment
from tests.api_keys import CALLER
from tests.crash.payment_views import Snapshots

_PAGE: Final = 500
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_END: Final = datetime(2100, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Record:
    """One payment as the database has it."""

    payment: Payment
    history: list[PaymentEvent]
    event_ids: list[str]

    @cached_property
    def snapshots(self) -> Snapshots:
        return Snapshots.of(self.history)


def read_records(store: SqlStore) -> list[Record]:
    """Every payment with its history, oldest first."""
    records: list[Record] = []

    def page(after: Position | None) -> list[Payment]:
        with store.read() as work:
            payments = work.payments.oldest_first(_EPOCH, _END, after=after, limit=_PAGE)
            for payment in payments:
                entries = list(work.payments.history(payment.terms.payment_id))
                records.append(Record(payment, [e.event for e in entries], [e.event_id for e in entries]))
        return payments

    _walk(page, lambda payment: payment.terms.payment_id)
    return records


def read_disputes(store: SqlStore) -> list[Dispute]:
    disputes: list[Dispute] = []

    def page(after: Position | None) -> list[Dispute]:
        with store.read() as work:
            found = work.disputes.page(CALLER, DisputeFilter(), after=after, limit=_PAGE)
        disputes.extend(found)
        return found

    _walk(page, lambda dispute: dispute.dispute_id)
    return disputes


def _walk(page: Callable[[Position | None], Sequence[Any]], id_of: Callable[[Any], str]) -> None:
    after: Position | None = None
    while len(found := page(after)) == _PAGE:
        after = Position(found[-1].create_time, id_of(found[-1]))


def seconds_to_resolve(records: Sequence[Record]) -> tuple[list[float], list[float]]:
    """Seconds to the outcome, for operations found later and for those proven absent."""
    found: list[float] = []
    absent: list[float] = []
    for record in records:
        for event in record.history:
            if event.context.actor != SERVICE or not isinstance(
                event, OperationSucceeded | OperationDeclined | OperationFailed
            ):
                continue
            operation = record.payment.operation(event.operation_id)
            if not operation.was_scheduled:
                seconds = (event.context.time - operation.create_time).total_seconds()
                (absent if isinstance(event, OperationFailed) else found).append(seconds)
    return found, absent
