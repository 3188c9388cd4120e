"""A payment as callers see it, after each event of its history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bayar.messages import OperationKind as ToldKind
from bayar.messages import OperationState as ToldOperationState
from bayar.messages import Payment as ToldPayment
from bayar.messages import PaymentFunds as ToldFunds
from bayar.messages import PaymentState as ToldState
from domain.events import PaymentEvent
from domain.payment import Payment

_AMOUNTS: Final = (
    "authorized_amount",
    "captured_amount",
    "capturable_amount",
    "refunded_amount",
    "refund_pending_amount",
    "disputed_amount",
    "refundable_amount",
)
# A payment exists from its first operation on.
FIRST_WHOLE: Final = 2


@dataclass(frozen=True, slots=True)
class PaymentView:
    """The fields of a payment that callers see, without check times."""

    payment_id: str
    reference: str
    amount: int
    state: str
    funds: str
    amounts: tuple[int, ...]
    # Of each operation: id, kind, state, amount, the request that started it.
    operations: tuple[tuple[str, str, str, int, str], ...]

    def difference(self, other: PaymentView) -> str:
        """The differing fields, as text."""
        told = [
            f"{name} {getattr(self, name)}, not {getattr(other, name)}"
            for name in ("reference", "amount", "state", "funds")
            if getattr(self, name) != getattr(other, name)
        ]
        told += [
            f"{name} {ours}, not {theirs}"
            for name, ours, theirs in zip(_AMOUNTS, self.amounts, other.amounts, strict=True)
            if ours != theirs
        ]
        if self.operations != other.operations:
            told.append(f"operations {self.operations}, not {other.operations}")
        return "; ".join(told)


def view_of(payment: Payment) -> PaymentView:
    return PaymentView(
        payment_id=payment.terms.payment_id,
        reference=payment.terms.reference,
        amount=payment.terms.amount.minor_units,
        state=payment.state.name,
        funds=payment.funds.name,
        amounts=tuple(getattr(payment, name).minor_units for name in _AMOUNTS),
        operations=tuple(
            (o.operation_id, o.kind.name, o.state.name, o.amount.minor_units, o.request_id) for o in payment.operations
        ),
    )


def view_of_answer(told: ToldPayment) -> PaymentView:
    return PaymentView(
        payment_id=told.payment_id,
        reference=told.reference,
        amount=told.amount.minor_units,
        state=ToldState.Name(told.state).removeprefix("PAYMENT_STATE_"),
        funds=ToldFunds.Name(told.funds).removeprefix("PAYMENT_FUNDS_"),
        amounts=tuple(getattr(told, name).minor_units for name in _AMOUNTS),
        operations=tuple(
            (
                o.operation_id,
                ToldKind.Name(o.kind).removeprefix("OPERATION_KIND_"),
                ToldOperationState.Name(o.state).removeprefix("OPERATION_STATE_"),
                o.amount.minor_units,
                o.request_id,
            )
            for o in told.operations
        ),
    )


@dataclass(frozen=True, slots=True)
class Snapshots:
    """A payment's views by number of events, with the time at which each became true."""

    views: dict[int, PaymentView]
    times: dict[int, float]

    @classmethod
    def of(cls, history: Sequence[PaymentEvent]) -> Snapshots:
        counts = range(min(FIRST_WHOLE, len(history)), len(history) + 1)
        return cls(
            views={count: view_of(Payment.replay(history[:count])) for count in counts},
            times={count: history[count - 1].context.time.timestamp() for count in counts},
        )

    @property
    def last(self) -> PaymentView:
        return self.views[max(self.views)]

    def event_counts_of(self, view: PaymentView) -> list[int]:
        """The numbers of events after which the payment had this view."""
        return [count for count, known in self.views.items() if known == view]
