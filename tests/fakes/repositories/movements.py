"""The ledger of movements, in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from application.common.pagination import Position
from application.ports.movements import BookedMovement, MovementFilter, MovementPage
from domain.dispute import Dispute
from domain.ids import PaymentId
from domain.movement import Movement, dispute_movements
from domain.payment import Payment
from tests.fakes.store_state import MovementRow, StoreState


@dataclass
class MemoryMovements:
    state: StoreState

    def page(self, which: MovementFilter, *, after: Position | None, limit: int) -> MovementPage:
        found = [
            (row.movement.time, movement_id)
            for movement_id, row in self.state.movements.items()
            if which.start <= row.movement.time < which.end
            and (not which.kinds or row.movement.kind in which.kinds)
            and (which.recorded_from is None or row.record_time >= which.recorded_from)
        ]
        later = [pair for pair in sorted(found) if after is None or pair > (after.time, after.id)]
        page = [self._booked(movement_id) for _, movement_id in later[:limit]]
        return MovementPage(page, Position(*later[limit - 1]) if len(later) > limit else None)

    def is_complete(self) -> bool:
        return True

    def book(self, limit: int) -> int:
        """Everything is booked at once: no other version writes to memory."""
        return 0

    def _booked(self, movement_id: str) -> BookedMovement:
        row = self.state.movements[movement_id]
        payment = self.state.payments[row.payment_id]
        return BookedMovement(
            movement_id=movement_id,
            movement=row.movement,
            record_time=row.record_time,
            payment_id=row.payment_id,
            caller_id=payment.terms.caller_id,
            reference=payment.terms.reference,
            customer_id=payment.terms.customer_id or "",
            brand=payment.instrument.brand if payment.instrument else "",
            last_four=payment.instrument.last_four if payment.instrument else "",
            merchant_account_id=payment.terms.merchant_account_id,
        )


def book_payment(state: StoreState, payment: Payment, stored_event_count: int) -> None:
    """Books the new movements, before the new events are cleared."""
    places: dict[int, int] = {}
    for index, movement in payment.new_movements:
        places[index] = places.get(index, 0) + 1
        number = stored_event_count + 1 + index
        stem = payment.terms.payment_id.removeprefix("pay_")
        time = payment.new_events[index].context.time
        _add(state, f"mov_{stem}_{number:04}_{places[index]}", movement, payment.terms.payment_id, time)


def book_dispute(state: StoreState, dispute: Dispute, *, first_report: bool) -> None:
    booked: Sequence[Movement] = [
        row.movement for _, row in sorted(state.movements.items()) if row.movement.dispute_id == dispute.dispute_id
    ]
    new = dispute_movements(dispute.report, booked, dispute_id=dispute.dispute_id, first_report=first_report)
    stem = dispute.dispute_id.removeprefix("dis_")
    for number, movement in enumerate(new, len(booked) + 1):
        _add(state, f"mov_{stem}_{number:04}", movement, dispute.payment_id, dispute.update_time)


def _add(state: StoreState, movement_id: str, movement: Movement, payment_id: PaymentId, time: datetime) -> None:
    if movement_id in state.movements:
        raise ValueError(f"{movement_id} is booked already")
    state.movements[movement_id] = MovementRow(movement, payment_id, time)
