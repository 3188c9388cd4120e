"""The ids and the outcome of a call, without any other content of its messages."""

from __future__ import annotations

from typing import Any, Final

from application.common.caller import Caller
from bayar.payments.v1.payment_pb2 import Payment, PaymentState

_STATE_PREFIX: Final = "PAYMENT_STATE_"
# A caller chooses it: it may be anything, and long.
_MOST_OF_ID: Final = 64
PENDING: Final = "PENDING"


def call_fields(request: Any, answer: Any, caller: Caller | None) -> dict[str, str]:
    """caller, credential, request_id, payment_id, and outcome: the state of the payment that the answer shows."""
    fields: dict[str, str] = {}
    if caller is not None:
        fields["caller"] = caller.caller_id
        if caller.credential:
            fields["credential"] = caller.credential
    if request_id := getattr(request, "request_id", ""):
        fields["request_id"] = request_id[:_MOST_OF_ID]
    payment = getattr(answer, "payment", None)
    if isinstance(payment, Payment):
        fields["payment_id"] = payment.payment_id
        fields["outcome"] = PaymentState.Name(payment.state).removeprefix(_STATE_PREFIX)
    elif payment_id := getattr(request, "payment_id", ""):
        fields["payment_id"] = payment_id[:_MOST_OF_ID]
    return fields
