"""The context of the current trace as metadata, where the program has opentelemetry-api."""

from __future__ import annotations

import functools
import importlib
from typing import Any


def trace_metadata() -> tuple[tuple[str, str], ...]:
    """`traceparent` and whatever else the program's propagators write; empty without OpenTelemetry or a span."""
    propagate = _propagate()
    if propagate is None:
        return ()
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return tuple((name.lower(), value) for name, value in carrier.items())


@functools.cache
def _propagate() -> Any:
    try:
        return importlib.import_module("opentelemetry.propagate")
    except ImportError:
        return None
