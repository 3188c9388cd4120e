"""The trace id of the work on the current thread or task, from the caller's traceparent (W3C Trace Context)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextvars import ContextVar
from typing import Any, Final

TRACE_ID: Final[ContextVar[str]] = ContextVar("trace_id", default="")

_TRACEPARENT: Final = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")


def trace_id_of(metadata: Iterable[Any]) -> str:
    """The 32 hexadecimal digits of the trace that the caller named; empty without a valid traceparent."""
    for name, value in metadata:
        if name == "traceparent":
            match = _TRACEPARENT.fullmatch(value) if isinstance(value, str) else None
            return match[1] if match else ""
    return ""


def exemplar() -> dict[str, str] | None:
    """The exemplar of a measurement on the current thread."""
    trace_id = TRACE_ID.get()
    return {"trace_id": trace_id} if trace_id else None
