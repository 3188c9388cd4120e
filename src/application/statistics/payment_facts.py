"""The facts that a payment adds to the statistics: its state, its decline, its disputes and its movements of money."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from application.ports.statistics import Bucket, CountedMovement, CountedPayment, PaymentFacts, Sum
from domain.decline import Decline, DeclineReason
from domain.dispute import Dispute, DisputeState
from domain.movement import MovementKind
from domain.payment_state import PaymentState

# Raise it with each change of the facts: every payment is counted again.
FACTS_VERSION: Final = 1

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_HOUR: Final = timedelta(hours=1)
_LOST: Final = frozenset({DisputeState.LOST, DisputeState.ACCEPTED, DisputeState.EXPIRED})

OPENED: Final = "dispute:opened"
WON: Final = "dispute:won"
LOST: Final = "dispute:lost"


def hour_of(when: datetime) -> int:
    """The whole hours since 1970, in UTC."""
    return (when - _EPOCH) // _HOUR


def state_measure(state: PaymentState) -> str:
    return f"payment:{state.value}"


def decline_measure(reason: DeclineReason) -> str:
    return f"decline:{reason.value}"


def movement_measure(kind: MovementKind) -> str:
    return f"movement:{kind.value}"


def facts_of(
    payment: CountedPayment, decline: Decline | None, disputes: Iterable[Dispute], movements: Iterable[CountedMovement]
) -> PaymentFacts:
    """decline: the one that ended the payment, where it is DECLINED.

    A payment and its decline count at its creation, a dispute when it was opened and when it ended, a movement at
    its own time. A retrieval, which takes no money, is no dispute here.
    """
    sums: dict[Bucket, Sum] = {}

    def add(when: datetime, currency_code: str, measure: str, minor_units: int) -> None:
        bucket = Bucket(hour_of(when), currency_code, measure)
        before = sums.get(bucket)
        sums[bucket] = Sum(1, minor_units) if before is None else before.plus(Sum(1, minor_units))

    amount = payment.amount
    add(payment.create_time, amount.currency_code, state_measure(payment.state), amount.minor_units)
    if payment.state is PaymentState.DECLINED and decline is not None:
        add(payment.create_time, amount.currency_code, decline_measure(decline.reason), amount.minor_units)
    for dispute in disputes:
        report = dispute.report
        if not report.kind.takes_money:
            continue
        claimed = report.amount
        add(report.open_time or report.receive_time, claimed.currency_code, OPENED, claimed.minor_units)
        end = WON if report.state is DisputeState.WON else LOST if report.state in _LOST else None
        if end is not None:
            add(report.state_time or report.change_time, claimed.currency_code, end, claimed.minor_units)
    for movement in movements:
        moved = movement.amount
        add(movement.time, moved.currency_code, movement_measure(movement.kind), moved.minor_units)
    return PaymentFacts(payment.payment_id, payment.caller_id, sums)
