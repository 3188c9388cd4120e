"""The outcomes of operations that a transaction committed, in words for labels and log lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias, assert_never

from adapters.persistence.observer import PaymentChange
from domain.events import (
    SERVICE,
    OperationDeclined,
    OperationFailed,
    OperationSucceeded,
    OutcomeUnknown,
    OutsideOperationRecorded,
)
from domain.instrument import Instrument, InstrumentKind
from domain.payment import Payment

# Other brands count together: the label's values must be few.
_BRANDS: Final = frozenset(
    {
        "american_express",
        "carte_blanche",
        "china_unionpay",
        "diners_club",
        "discover",
        "elo",
        "hiper",
        "hipercard",
        "jcb",
        "maestro",
        "mastercard",
        "uk_maestro",
        "unionpay",
        "visa",
    }
)

_Outcome: TypeAlias = (
    OperationSucceeded | OperationDeclined | OperationFailed | OutcomeUnknown | OutsideOperationRecorded
)
_OUTCOMES: Final = (OperationSucceeded, OperationDeclined, OperationFailed, OutcomeUnknown, OutsideOperationRecorded)


@dataclass(frozen=True, slots=True)
class OperationOutcome:
    operation_id: str
    operation: str
    outcome: str
    reason: str
    brand: str
    currency: str
    recorded_by: str


def outcomes_of(change: PaymentChange) -> list[OperationOutcome]:
    """The outcomes among the events of a change."""
    return [_outcome(change.payment, event) for event in change.events if isinstance(event, _OUTCOMES)]


def _outcome(payment: Payment, event: _Outcome) -> OperationOutcome:
    reason, instrument = "", payment.instrument
    match event:
        case OperationSucceeded():
            outcome = "succeeded"
        case OperationDeclined():
            outcome, reason = "declined", event.decline.reason.value
            instrument = event.instrument or instrument
        case OperationFailed():
            outcome, reason = "failed", event.reason.value
        case OutcomeUnknown():
            outcome = "unknown"
        case OutsideOperationRecorded():
            outcome = "found"
        case _:
            assert_never(event)
    return OperationOutcome(
        operation_id=event.operation_id,
        operation=payment.operation(event.operation_id).kind.value,
        outcome=outcome,
        reason=reason,
        brand=_brand(instrument),
        currency=payment.terms.amount.currency_code,
        recorded_by="background" if event.context.actor == SERVICE else "call",
    )


def _brand(shown: Instrument | None) -> str:
    """The card's brand, or the kind of wallet; empty if neither is known."""
    if shown is None:
        return ""
    brand = shown.brand.casefold().replace(" ", "_")
    if brand in _BRANDS:
        return brand
    return "other" if brand and shown.kind is InstrumentKind.CARD else shown.kind.value
