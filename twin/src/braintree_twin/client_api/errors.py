"""Errors in the client API's JSON, which is not the gateway's XML."""

from __future__ import annotations

from typing import Any

from braintree_twin.calls import JsonAnswer
from braintree_twin.field_names import underscored
from braintree_twin.validation import Errors

_SUBJECTS = {"credit_card": "Credit card is invalid", "paypal_account": "PayPal account is invalid"}


def camel_case(name: str) -> str:
    first, *rest = underscored(name).split("_")
    return first + "".join(word.capitalize() for word in rest)


def client_error(status: int, message: str, errors: Errors | None = None) -> JsonAnswer:
    """`fieldErrors` has the nesting of the request; each leaf has a code and a message."""
    levels = errors.levels() if errors else {}
    subject = next((_SUBJECTS[name] for name in levels if name in _SUBJECTS), None)
    content: dict[str, Any] = {"error": {"message": subject or message}}
    if errors:
        content["fieldErrors"] = _field_errors(errors)
    return JsonAnswer(content, status)


def _field_errors(errors: Errors) -> list[dict[str, Any]]:
    leaves = [
        {"field": camel_case(fault.attribute), "code": fault.code, "message": fault.message}
        for fault in errors.faults()
    ]
    inner = [
        {"field": camel_case(name), "fieldErrors": _field_errors(level)} for name, level in errors.levels().items()
    ]
    return leaves + inner
