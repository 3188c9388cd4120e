"""An argument of the right type for each parameter that a call requires."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from bayar.payments.v1.money_pb2 import Money

_ALTERNATIVES = {"file_name", "file_content", "card", "payment_method_nonce"}


def required_arguments(function: Callable[..., Any]) -> dict[str, Any]:
    """By name; of alternatives, none."""
    return {
        parameter.name: None if parameter.name in _ALTERNATIVES else _value(str(parameter.annotation))
        for parameter in inspect.signature(function).parameters.values()
        if parameter.default is inspect.Parameter.empty and parameter.name != "self"
    }


def _value(annotation: str) -> Any:
    match annotation:
        case "MoneyLike":
            return Money()
        case "date":
            return date(2026, 11, 1)
        case "datetime":
            return datetime.now(UTC)
        case "Iterable[str]":
            return ["evt_1"]
        case "int":
            return 1
        case _:
            return "x"
