"""The dispute (chargeback) repository."""

from collections import namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, bindparam, insert, select, update

from adapters.persistence.encryption.sealing import Sealer
from adapters.persistence.mapping import REPORT_FIELDS, dispute_from_row, dispute_to_row
from adapters.persistence.newer_records import newer_entries, readable
from adapters.persistence.observer import Recorder
from adapters.persistence.repositories.feed import FeedWriter
from adapters.persistence.repositories.movement_rows import book_dispute, payment_time
from adapters.persistence.sql.prepared import Prepared
from adapters.persistence.sql.statements import is_due, newest_first_page
from adapters.persistence.tables import IS_WATCHED, disputes
from application.common.pagination import Position
from application.ports.store import DisputeFilter
from domain.dispute import Dispute
from domain.ids import CallerId, DisputeId

_OF_TRANSACTION: Final = Prepared(
    select(disputes)
    .where(disputes.c.transaction_id == bindparam("transaction_id"))
    .order_by(disputes.c.create_time, disputes.c.dispute_id)
)
# mypy knows only literal names.
_row_type: Final[Callable[..., Any]] = namedtuple
_Row: Final = _row_type("_Row", disputes.c.keys())


@dataclass(frozen=True, slots=True)
class SqlDisputes:
    connection: Connection
    sealer: Sealer
    feed: FeedWriter
    recorder: Recorder | None = None

    def add(self, dispute: Dispute) -> None:
        row = dispute_to_row(dispute, self.sealer) | {
            "booked_time": dispute.update_time,
            "payment_time": payment_time(dispute.payment_id),
        }
        self.connection.execute(insert(disputes).values(row))
        book_dispute(self.connection, dispute, first_report=True)
        self.feed.append(dispute)

    def save(self, dispute: Dispute) -> None:
        own = disputes.c.dispute_id == dispute.dispute_id
        row = self.connection.execute(select(disputes).where(own)).first()
        if row is None:
            raise LookupError(dispute.dispute_id)
        changes = dispute_to_row(dispute, self.sealer)
        changes["report"] |= newer_entries(row.report, REPORT_FIELDS)
        before = dispute_from_row(row, self.sealer)
        if dispute.under_way is not None and before.under_way is None:
            # An action that has no trace must not continue that of an earlier one.
            changes |= {"trace_context": None, **(self.recorder.trace if self.recorder else {})}
        is_booked = row.booked_time == row.update_time
        if not is_booked or before.report.claim != dispute.report.claim:
            book_dispute(self.connection, dispute, first_report=not is_booked)
        changes["booked_time"] = dispute.update_time
        if row.payment_time is None:
            changes["payment_time"] = payment_time(dispute.payment_id)
        self.connection.execute(update(disputes).where(own).values(changes))
        if before != dispute:
            self.feed.append(dispute)

    def get(self, dispute_id: DisputeId, *, lock: bool = False) -> Dispute | None:
        return self._one(select(disputes).where(disputes.c.dispute_id == dispute_id), lock=lock)

    def find(self, gateway_dispute_id: str, *, lock: bool = False) -> Dispute | None:
        return self._one(select(disputes).where(disputes.c.gateway_dispute_id == gateway_dispute_id), lock=lock)

    def of_transaction(self, transaction_id: str) -> list[Dispute]:
        rows = _OF_TRANSACTION.all(self.connection, {"transaction_id": transaction_id})
        return [dispute_from_row(_Row._make(row), self.sealer) for row in rows]

    def page(
        self, caller_id: CallerId | None, which: DisputeFilter, *, after: Position | None, limit: int
    ) -> list[Dispute]:
        statement = select(disputes).where(*_conditions(which))
        if caller_id is not None:
            statement = statement.where(disputes.c.caller_id == caller_id)
        statement = newest_first_page(statement, disputes.c.create_time, disputes.c.dispute_id, after, limit)
        return [dispute_from_row(row, self.sealer) for row in self.connection.execute(statement)]

    def due(self, now: datetime, lease_until: datetime, limit: int) -> list[Dispute]:
        table = disputes.c
        statement = (
            select(disputes)
            .where(IS_WATCHED, is_due(table.next_check_time, now))
            .order_by(table.next_check_time)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        rows = self.connection.execute(statement).all()
        claimed = table.dispute_id.in_([row.dispute_id for row in rows])
        if rows:
            self.connection.execute(update(disputes).where(claimed).values(next_check_time=lease_until))
        return readable(rows, lambda row: dispute_from_row(row, self.sealer))

    def _one(self, statement: Select[tuple[object, ...]], *, lock: bool) -> Dispute | None:
        row = self.connection.execute(statement.with_for_update() if lock else statement).first()
        return dispute_from_row(row, self.sealer) if row else None


def _conditions(which: DisputeFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if which.payment_id is not None:
        conditions.append(disputes.c.payment_id == which.payment_id)
    if which.customer_id is not None:
        conditions.append(disputes.c.customer_id == which.customer_id)
    if which.states:
        conditions.append(disputes.c.state.in_(sorted(state.value for state in which.states)))
    if which.reply_before is not None:
        conditions.append(disputes.c.reply_by_time < which.reply_before)
    return conditions
