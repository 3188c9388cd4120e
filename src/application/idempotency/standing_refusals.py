"""Standing refusals: refusals that stay the answer to a request for ever, and their stored form.

Each was decided on a state that may change. If replays were decided again, a request that was answered "no" could move
money much later. Other refusals store nothing: the same request may be retried after
OperationInProgress, TooManyDeclines or a failure of this service, and can never succeed after InvalidRequest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, assert_never

from application.common.errors import PaymentDisputed, ReferenceAlreadyPaid
from domain.errors import AmountExceeds, AmountUnchanged, IllegalTransition
from domain.ids import DisputeId, PaymentId
from domain.money import Money
from domain.operation import OperationKind
from domain.payment_state import PaymentState

StandingRefusal = ReferenceAlreadyPaid | IllegalTransition | AmountExceeds | AmountUnchanged | PaymentDisputed

STANDING: Final = (ReferenceAlreadyPaid, IllegalTransition, AmountExceeds, AmountUnchanged, PaymentDisputed)


def refusal_to_fields(refusal: StandingRefusal) -> dict[str, str]:
    """The field names are permanent in the database. The id of a payment that the caller may not see is left out."""
    match refusal:
        case ReferenceAlreadyPaid(payment_id=payment_id):
            return {"reason": "reference_already_paid", "payment_id": payment_id or ""}
        case IllegalTransition():
            return {
                "reason": "illegal_transition",
                "payment_id": refusal.payment_id,
                "state": refusal.state.value,
                "operation": refusal.operation.value,
            }
        case AmountExceeds():
            return {
                "reason": "amount_exceeds",
                "payment_id": refusal.payment_id,
                "operation": refusal.operation.value,
                "asked": str(refusal.asked.minor_units),
                "available": str(refusal.available.minor_units),
                "currency_code": refusal.asked.currency_code,
            }
        case AmountUnchanged():
            return {
                "reason": "amount_unchanged",
                "payment_id": refusal.payment_id,
                "amount": str(refusal.amount.minor_units),
                "currency_code": refusal.amount.currency_code,
            }
        case PaymentDisputed():
            return {
                "reason": "payment_disputed",
                "payment_id": refusal.payment_id,
                "dispute_ids": " ".join(refusal.dispute_ids),
                "claimed": str(refusal.claimed.minor_units),
                "left": str(refusal.left.minor_units),
                "currency_code": refusal.claimed.currency_code,
            }
        case _:
            assert_never(refusal)


def refusal_from_fields(fields: Mapping[str, str]) -> StandingRefusal:
    """Raises ValueError for a refusal unknown to this version."""
    payment_id = PaymentId(fields["payment_id"])

    def money(name: str) -> Money:
        return Money(int(fields[name]), fields["currency_code"])

    match fields["reason"]:
        case "reference_already_paid":
            return ReferenceAlreadyPaid("", payment_id or None)
        case "illegal_transition":
            return IllegalTransition(payment_id, PaymentState(fields["state"]), OperationKind(fields["operation"]))
        case "amount_exceeds":
            return AmountExceeds(payment_id, OperationKind(fields["operation"]), money("asked"), money("available"))
        case "amount_unchanged":
            return AmountUnchanged(payment_id, money("amount"))
        case "payment_disputed":
            disputes = tuple(DisputeId(one) for one in fields["dispute_ids"].split())
            return PaymentDisputed(payment_id, disputes, money("claimed"), money("left"))
        case unknown:
            raise ValueError(f"{unknown} is no refusal")
