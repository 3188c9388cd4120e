"""The rows of movements, and the booking of payments and disputes in the transactions that change them."""

from collections import namedtuple
from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import groupby
from typing import Any, Final

from sqlalchemy import Connection, ScalarSelect, bindparam, insert, select

from adapters.persistence.newer_records import Members
from adapters.persistence.sql.prepared import Prepared
from adapters.persistence.tables import IS_DISPUTES, movements, payments
from domain.dispute import Dispute
from domain.ids import PaymentId
from domain.money import Money
from domain.movement import Movement, MovementKind, dispute_movements

_KINDS: Final = Members(MovementKind)
# mypy knows only literal names.
_row_type: Final[Callable[..., Any]] = namedtuple
_Row: Final = _row_type("_Row", movements.c.keys())
_OF_DISPUTE: Final = Prepared(
    select(movements)
    .where(IS_DISPUTES, movements.c.dispute_id == bindparam("dispute_id"))
    .order_by(movements.c.movement_id)
)
ADD_MOVEMENT: Final = Prepared(insert(movements))


def payment_rows(payment_id: PaymentId, numbered: Iterable[tuple[int, Movement]]) -> list[tuple[int, dict[str, Any]]]:
    """The rows of the movements that each event causes, with the event's number in the history.

    Their ids follow from the history: a movement that is booked twice has the same id.
    """
    rows = []
    for number, same in groupby(numbered, key=lambda pair: pair[0]):
        for place, (_, movement) in enumerate(same, 1):
            movement_id = f"mov_{payment_id.removeprefix('pay_')}_{number:04}_{place}"
            rows.append((number, _to_row(movement, movement_id, payment_id)))
    return rows


def payment_time(payment_id: str) -> ScalarSelect[datetime]:
    """The creation of a dispute's payment, which its row repeats."""
    return select(payments.c.create_time).where(payments.c.payment_id == payment_id).scalar_subquery()


def book_dispute(connection: Connection, dispute: Dispute, *, first_report: bool) -> None:
    """Books the change of a dispute's claim. The dispute is locked, or new."""
    booked = [movement_from_row(row) for row in _disputes_rows(connection, dispute)]
    new = dispute_movements(dispute.report, booked, dispute_id=dispute.dispute_id, first_report=first_report)
    stem = f"mov_{dispute.dispute_id.removeprefix('dis_')}"
    rows = [
        _to_row(movement, f"{stem}_{number:04}", dispute.payment_id) | {"record_time": dispute.update_time}
        for number, movement in enumerate(new, len(booked) + 1)
    ]
    if rows:
        ADD_MOVEMENT.run(connection, *rows)


def _disputes_rows(connection: Connection, dispute: Dispute) -> list[Any]:
    return [_Row._make(row) for row in _OF_DISPUTE.all(connection, {"dispute_id": dispute.dispute_id})]


def _to_row(movement: Movement, movement_id: str, payment_id: PaymentId) -> dict[str, Any]:
    paid = movement.payout_amount
    return {
        "movement_id": movement_id,
        "time": movement.time,
        "kind": movement.kind.value,
        "payment_id": payment_id,
        "operation_id": movement.operation_id,
        "dispute_id": movement.dispute_id,
        "transaction_id": movement.transaction_id,
        "minor_units": movement.amount.minor_units,
        "currency_code": movement.amount.currency_code,
        "payout_minor_units": paid.minor_units if paid else None,
        "payout_currency_code": paid.currency_code if paid else None,
        "settlement_batch_id": movement.settlement_batch_id,
    }


def movement_from_row(row: Any) -> Movement:
    has_payout = row.payout_minor_units is not None
    return Movement(
        kind=_KINDS[row.kind],
        amount=Money(row.minor_units, row.currency_code),
        time=row.time,
        transaction_id=row.transaction_id,
        operation_id=row.operation_id,
        dispute_id=row.dispute_id,
        settlement_batch_id=row.settlement_batch_id,
        payout_amount=Money(row.payout_minor_units, row.payout_currency_code) if has_payout else None,
    )
