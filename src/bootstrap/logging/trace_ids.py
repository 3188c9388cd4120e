"""The ids of the work on the current thread or task: its trace (W3C Trace Context), and the payment that it changed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextvars import ContextVar
from typing import Any, Final, Protocol

from domain.card_issuers import is_card_number


class PaymentChanger(Protocol):
    """Work that may change payments."""

    # The last payment that it changed; empty before.
    changed_payment: str


# The call under way on the current thread or task. None: other work.
CURRENT_CALL: Final[ContextVar[PaymentChanger | None]] = ContextVar("current_call", default=None)
# The traceparent of the work: the caller's, or that of the current span. Empty without a trace.
TRACEPARENT: Final[ContextVar[str]] = ContextVar("traceparent", default="")

_TRACEPARENT: Final = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")
# Of any version, the first parts are these.
_KNOWN_LENGTH: Final = 55
# As many digits as card numbers have. Few trace ids have them.
_DIGITS: Final = re.compile("[0-9]{12,19}")


def traceparent_of(metadata: Iterable[Any]) -> str:
    """The caller's traceparent; empty without a valid one."""
    for name, value in metadata:
        if name == "traceparent":
            return value[:_KNOWN_LENGTH] if isinstance(value, str) and _is_valid(value) else ""
    return ""


def _is_valid(value: str) -> bool:
    """A traceparent is stored, logged and sent to the collector, so one that holds a card number is none."""
    if _TRACEPARENT.fullmatch(value) is None:
        return False
    # The detector passes hexadecimal ids for what they are.
    return not any(map(is_card_number, _DIGITS.findall(value[:_KNOWN_LENGTH])))


def current_trace_id() -> str:
    """32 hexadecimal digits; empty without a trace."""
    return TRACEPARENT.get()[3:35]


def trace_headers() -> dict[str, str]:
    """The headers of a request that continues the current trace; none without one."""
    current = TRACEPARENT.get()
    return {"traceparent": current} if current else {}


def exemplar() -> dict[str, str] | None:
    """The exemplar of a measurement on the current thread."""
    current = TRACEPARENT.get()
    return {"trace_id": current[3:35]} if current else None
