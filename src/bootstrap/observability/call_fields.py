"""The ids and the outcome of a call, without any other content of its messages."""

from __future__ import annotations

import re
from typing import Any, Final

from application.common.caller import Caller
from bayar.payments.v1.payment_pb2 import Payment, PaymentState

_STATE_PREFIX: Final = "PAYMENT_STATE_"
# The forms of well-formed ids. Anything else may hold a card number by mistake.
_FORMS: Final = {
    "request_id": re.compile("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"),
    "payment_id": re.compile("pay_[0-9a-z]{26}"),
}
PENDING: Final = "PENDING"


def call_fields(request: Any, answer: Any, caller: Caller | None, changed_payment: str = "") -> dict[str, str]:
    """caller, credential, request_id, payment_id and outcome (the state of the answer's payment).

    changed_payment: the id of the payment that the call changed, for a call without an answer.
    """
    fields: dict[str, str] = {}
    if caller is not None:
        fields["caller"] = caller.caller_id
        if caller.credential:
            fields["credential"] = caller.credential
        if caller.operator is not None:
            fields["operator"] = caller.operator.operator_id
    _add_id(fields, "request_id", getattr(request, "request_id", ""))
    payment = getattr(answer, "payment", None)
    if isinstance(payment, Payment):
        fields["payment_id"] = payment.payment_id
        fields["outcome"] = PaymentState.Name(payment.state).removeprefix(_STATE_PREFIX)
    else:
        _add_id(fields, "payment_id", getattr(request, "payment_id", "") or changed_payment)
    return fields


def _add_id(fields: dict[str, str], name: str, value: object) -> None:
    """A malformed id is free text, which no line has."""
    if isinstance(value, str) and value:
        fields[name] = value if _FORMS[name].fullmatch(value) else "malformed"
