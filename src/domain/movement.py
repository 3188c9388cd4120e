"""Movements of a payment's money, each at its own time. Their sums are the payment's amounts, at every moment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from types import MappingProxyType
from typing import Final

from domain.dispute import DisputeReport
from domain.money import Money
from domain.operation import Operation
from domain.operation_log import OperationLog
from domain.quick_enum import QuickEnum
from domain.quick_init import quick_init
from domain.transaction import TransactionStatus


class MovementKind(QuickEnum):
    # Money was taken from the customer.
    CAPTURE = "capture"
    # A capture was undone before it became a payout: it was voided, or refused at settlement.
    CAPTURE_REVERSAL = "capture_reversal"
    REFUND = "refund"
    # The gateway accepted a refund, and it failed later.
    REFUND_REVERSAL = "refund_reversal"
    # The customer's bank took the money back.
    DISPUTE = "dispute"
    # The bank returned it: the dispute was won.
    DISPUTE_REVERSAL = "dispute_reversal"
    # The gateway settled a capture, in a batch. The amounts of the payment stay as they are.
    SETTLEMENT = "settlement"
    SETTLEMENT_REVERSAL = "settlement_reversal"
    REFUND_SETTLEMENT = "refund_settlement"
    REFUND_SETTLEMENT_REVERSAL = "refund_settlement_reversal"
    # The gateway paid a settled capture out to the merchant's bank.
    PAYOUT = "payout"
    # The gateway deducted a settled refund from a payout.
    REFUND_PAYOUT = "refund_payout"

    @property
    def sign(self) -> int:
        """Its effect on the amount that the merchant has got from customers: 1, -1, or 0 where it only changes where
        the money is.
        """
        return _SIGNS.get(self, 0)

    @property
    def payout_sign(self) -> int:
        """Its effect on the merchant's bank account: 1, -1 or 0."""
        return _PAYOUT_SIGNS.get(self, 0)


_SIGNS: Final = MappingProxyType(
    {
        MovementKind.CAPTURE: 1,
        MovementKind.CAPTURE_REVERSAL: -1,
        MovementKind.REFUND: -1,
        MovementKind.REFUND_REVERSAL: 1,
        MovementKind.DISPUTE: -1,
        MovementKind.DISPUTE_REVERSAL: 1,
    }
)
_PAYOUT_SIGNS: Final = MappingProxyType({MovementKind.PAYOUT: 1, MovementKind.REFUND_PAYOUT: -1})
# The movement that takes a position away again. A payout is never taken back: later refunds are movements of their own.
_REVERSALS: Final = MappingProxyType(
    {
        MovementKind.CAPTURE: MovementKind.CAPTURE_REVERSAL,
        MovementKind.REFUND: MovementKind.REFUND_REVERSAL,
        MovementKind.SETTLEMENT: MovementKind.SETTLEMENT_REVERSAL,
        MovementKind.REFUND_SETTLEMENT: MovementKind.REFUND_SETTLEMENT_REVERSAL,
    }
)
_IN_BATCH: Final = frozenset(
    {
        MovementKind.SETTLEMENT,
        MovementKind.SETTLEMENT_REVERSAL,
        MovementKind.REFUND_SETTLEMENT,
        MovementKind.REFUND_SETTLEMENT_REVERSAL,
    }
)
_NOON: Final = time(12, tzinfo=UTC)


@quick_init
@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """One movement. The amount is positive; the kind is the direction.

    `time` is the gateway's time of it. Where the gateway gives none, it is the time at which it was recorded. A payout
    has only a date, and is dated at noon UTC, which is on that date in all time zones from UTC-12 to UTC+11.
    """

    kind: MovementKind
    amount: Money
    time: datetime
    transaction_id: str
    operation_id: str = ""
    dispute_id: str = ""
    # Of a settlement, and of its reversal: the gateway's batch.
    settlement_batch_id: str = ""
    # Of a payout: the amount in the currency of the merchant's account, if the gateway gives it.
    payout_amount: Money | None = None


# The amounts of each kind that a payment has on each of its transactions, and the operation that holds each.
_Positions = Mapping[tuple[MovementKind, str], Operation]


def positions(log: OperationLog) -> _Positions:
    """The captured, refunded, settled and paid out amounts by transaction."""
    found: dict[tuple[MovementKind, str], Operation] = {}
    for sale in log.sales:
        if sale.is_captured_sale:
            found[MovementKind.CAPTURE, sale.transaction_id] = sale
        _add_later_stages(found, sale, MovementKind.SETTLEMENT, MovementKind.PAYOUT)
    for refund in log.given_refunds:
        found[MovementKind.REFUND, refund.transaction_id] = refund
        _add_later_stages(found, refund, MovementKind.REFUND_SETTLEMENT, MovementKind.REFUND_PAYOUT)
    return found


def _add_later_stages(
    found: dict[tuple[MovementKind, str], Operation], holder: Operation, settled: MovementKind, paid: MovementKind
) -> None:
    standing = holder.standing
    if standing is not None and standing.status is TransactionStatus.SETTLED:
        found[settled, holder.transaction_id] = holder
    if standing is not None and standing.disburse_date is not None:
        found[paid, holder.transaction_id] = holder


def movements_between(before: _Positions, log: OperationLog, record_time: datetime) -> Iterator[Movement]:
    """The movements from the positions before to those of the log. Their sum is exactly the difference."""
    after = positions(log)
    for key, holder in after.items():
        kind, _ = key
        earlier = before.get(key)
        if earlier is None:
            yield _movement(kind, holder, holder.amount, _time_of(kind, holder) or record_time)
        elif holder.amount > earlier.amount:
            yield _movement(kind, holder, holder.amount - earlier.amount, record_time)
        elif holder.amount < earlier.amount and kind in _REVERSALS:
            yield _movement(_REVERSALS[kind], holder, earlier.amount - holder.amount, record_time)
    for (kind, transaction_id), holder in before.items():
        if (kind, transaction_id) not in after and kind in _REVERSALS:
            ended = _end_time(log.operations, transaction_id) or record_time
            yield _movement(_REVERSALS[kind], holder, holder.amount, ended)


def dispute_movements(
    report: DisputeReport, booked: Sequence[Movement], *, dispute_id: str, first_report: bool
) -> list[Movement]:
    """The movements that lead from those booked before to the claim of the report."""
    code = report.amount.currency_code
    claimed = -sum(one.amount.minor_units * one.kind.sign for one in booked if one.amount.currency_code == code)
    new = []
    if not booked and first_report and report.kind.takes_money:
        opened = report.open_time or report.receive_time
        new.append(Movement(kind=MovementKind.DISPUTE, amount=report.amount, time=opened, transaction_id=""))
        claimed = report.amount.minor_units
    change = report.claim.minor_units - claimed
    if change:
        kind = MovementKind.DISPUTE if change > 0 else MovementKind.DISPUTE_REVERSAL
        moved = report.state_time or report.change_time
        new.append(Movement(kind=kind, amount=Money(abs(change), code), time=moved, transaction_id=""))
    return [replace(one, transaction_id=report.transaction_id, dispute_id=dispute_id) for one in new]


def _movement(kind: MovementKind, holder: Operation, amount: Money, moved: datetime) -> Movement:
    standing = holder.standing
    return Movement(
        kind=kind,
        amount=amount,
        time=moved,
        transaction_id=holder.transaction_id,
        operation_id=holder.operation_id,
        settlement_batch_id=standing.settlement_batch_id if standing and kind in _IN_BATCH else "",
        payout_amount=standing.settlement_amount if standing and kind.payout_sign else None,
    )


def _time_of(kind: MovementKind, holder: Operation) -> datetime | None:
    """The gateway's time of a new position."""
    standing = holder.standing
    if standing is None:
        return None
    if kind.payout_sign:
        return noon(standing.disburse_date) if standing.disburse_date else None
    return standing.settle_time if kind in _IN_BATCH else standing.capture_time


def _end_time(operations: Iterable[Operation], transaction_id: str) -> datetime | None:
    """The gateway's time at which the transaction ended: a void has it in its own snapshot."""
    ends = [o.standing.end_time for o in operations if o.transaction_id == transaction_id and o.standing is not None]
    return next((end for end in reversed(ends) if end is not None), None)


def noon(day: date) -> datetime:
    """The time of a movement of which only the date is known."""
    return datetime.combine(day, _NOON)
