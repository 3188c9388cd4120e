"""The repository of movements of money: an append-only ledger, in the order of the movements' own times."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, literal_column, select, update
from sqlalchemy.dialects import postgresql, sqlite

from adapters.persistence.encryption.sealing import Sealer
from adapters.persistence.mapping import dispute_from_row
from adapters.persistence.repositories.movement_rows import book_dispute, movement_from_row, payment_rows, payment_time
from adapters.persistence.repositories.payments import SqlPayments
from adapters.persistence.sql.keyset_pagination import Bound, Condition, IndexScan, scan_page
from adapters.persistence.sql.prepared import Prepared
from adapters.persistence.sql.statements import limited
from adapters.persistence.tables import IS_DISPUTE_UNBOOKED, IS_PAYMENT_UNBOOKED, disputes, movements, payments
from application.common.errors import RecordTooNew
from application.common.pagination import Position
from application.ports.movements import BookedMovement, MovementFilter, MovementPage
from domain.ids import PaymentId
from domain.payment import Payment

# In the order of the partial indexes.
_UNBOOKED_PAYMENTS: Final = (
    select(payments.c.payment_id, payments.c.event_count)
    .where(IS_PAYMENT_UNBOOKED)
    .order_by(payments.c.event_count, payments.c.payment_id)
)
_UNBOOKED_DISPUTES: Final = (
    select(disputes).where(IS_DISPUTE_UNBOOKED).order_by(disputes.c.update_time, disputes.c.dispute_id)
)
_ONE: Final[ColumnElement[int]] = literal_column("1")
_SOME_UNBOOKED: Final = Prepared(
    select(
        limited(_UNBOOKED_PAYMENTS.with_only_columns(payments.c.payment_id), _ONE).scalar_subquery(),
        limited(_UNBOOKED_DISPUTES.with_only_columns(disputes.c.dispute_id), _ONE).scalar_subquery(),
    )
)


@dataclass(frozen=True, slots=True)
class SqlMovements:
    connection: Connection
    sealer: Sealer
    payments: SqlPayments

    def page(self, which: MovementFilter, *, after: Position | None, limit: int) -> MovementPage:
        table = movements.c
        low = Bound((after.time, after.id)) if after is not None else Bound((which.start,), inclusive=True)
        scan = IndexScan(equality_prefix={}, order=(table.time, table.movement_id), low=low, high=Bound((which.end,)))
        rows, last = scan_page(self.connection, [scan], _conditions(which), limit)
        return MovementPage(self._with_payments(rows), Position(last.time, last.movement_id) if last else None)

    def is_complete(self) -> bool:
        return not any(_SOME_UNBOOKED.all(self.connection, {})[0])

    def book(self, limit: int) -> int:
        return self._book_payments(limit) + self._book_disputes(limit)

    def _book_payments(self, limit: int) -> int:
        table = payments.c
        rows = self.connection.execute(_UNBOOKED_PAYMENTS.limit(limit).with_for_update(skip_locked=True)).all()
        booked = 0
        for row in rows:
            try:
                new = self._movements_in_history(PaymentId(row.payment_id))
            except RecordTooNew:
                # A process of a newer version books it.
                continue
            _insert_absent(self.connection, new)
            own = table.payment_id == row.payment_id
            self.connection.execute(update(payments).where(own).values(booked_event_count=row.event_count))
            booked += 1
        return booked

    def _movements_in_history(self, payment_id: PaymentId) -> list[dict[str, Any]]:
        history = self.payments.history(payment_id)
        if not history:
            return []
        moved = Payment.movements_in([entry.event for entry in history])
        numbered = [(history[index].sequence, movement) for index, movement in moved]
        times = {entry.sequence: entry.event.context.time for entry in history}
        return [row | {"record_time": times[number]} for number, row in payment_rows(payment_id, numbered)]

    def _book_disputes(self, limit: int) -> int:
        table = disputes.c
        rows = self.connection.execute(_UNBOOKED_DISPUTES.limit(limit).with_for_update(skip_locked=True)).all()
        for row in rows:
            book_dispute(self.connection, dispute_from_row(row, self.sealer), first_report=True)
            own = table.dispute_id == row.dispute_id
            booked = {"booked_time": row.update_time, "payment_time": payment_time(row.payment_id)}
            self.connection.execute(update(disputes).where(own).values(booked))
        return len(rows)

    def _with_payments(self, rows: Sequence[Row[Any]]) -> list[BookedMovement]:
        if not rows:
            return []
        table = payments.c
        columns = (
            table.payment_id,
            table.caller_id,
            table.reference,
            table.customer_id,
            table.brand,
            table.last_four,
            table.terms,
        )
        own = select(*columns).where(table.payment_id.in_({row.payment_id for row in rows}))
        found = {row.payment_id: row for row in self.connection.execute(own)}
        return [_booked(row, found[row.payment_id]) for row in rows]


def _conditions(which: MovementFilter) -> list[Condition]:
    conditions: list[Condition] = []
    if which.kinds:
        kinds = sorted(kind.value for kind in which.kinds)
        conditions.append(lambda columns: columns.kind.in_(kinds))
    if which.recorded_from is not None:
        conditions.append(lambda columns: columns.record_time >= which.recorded_from)
    return conditions


def _insert_absent(connection: Connection, rows: list[dict[str, Any]]) -> None:
    if rows:
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        connection.execute(dialect.insert(movements).on_conflict_do_nothing(), rows)


def _booked(row: Any, payment: Any) -> BookedMovement:
    return BookedMovement(
        movement_id=row.movement_id,
        movement=movement_from_row(row),
        record_time=row.record_time,
        payment_id=row.payment_id,
        caller_id=payment.caller_id,
        reference=payment.reference,
        customer_id=payment.customer_id or "",
        brand=payment.brand,
        last_four=payment.last_four,
        merchant_account_id=payment.terms.get("merchant_account_id", ""),
    )
