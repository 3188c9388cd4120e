"""Aliases of the control API's fields: other names and units that can mean only one thing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from braintree_twin.control_api.errors import InvalidField

_FAULT_NAMES: Final = {
    **dict.fromkeys(("type", "kind", "action"), "fault"),
    **dict.fromkeys(("count", "times", "n", "next_n", "limit", "remaining"), "next"),
    **dict.fromkeys(("path_pattern", "pattern", "path_glob", "url"), "path"),
    **dict.fromkeys(("verb", "http_method"), "method"),
    **dict.fromkeys(("status_code", "http_status", "code"), "status"),
    **dict.fromkeys(("delay_seconds", "duration", "duration_seconds", "delay", "timeout"), "seconds"),
    **dict.fromkeys(("rate", "chance"), "probability"),
}
_MILLISECONDS: Final = ("delay_ms", "ms", "milliseconds", "duration_ms")
_UNITS: Final = {
    **dict.fromkeys(("s", "second", "seconds"), 1),
    **dict.fromkeys(("m", "min", "minute", "minutes"), 60),
    **dict.fromkeys(("h", "hour", "hours"), 3600),
    **dict.fromkeys(("d", "day", "days"), 86400),
}
# Above every field's limit, and small enough for exact arithmetic.
MAX_VALUE: Final = 10**15
_SPAN = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([a-z]*)\s*", re.ASCII)


def canonical_fault_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """A fault rule's fields under the names in README.md; unknown names stay as they are."""
    given = dict(fields)
    match = given.pop("match", None)
    if isinstance(match, dict):
        given = {**match, **given}
    elif match is not None:
        raise InvalidField("match", "leave it out, or make it an object with method and path")
    plain: dict[str, Any] = {}
    for name, value in given.items():
        if name in _MILLISECONDS:
            number = _number(value)
            known, value = "seconds", number / 1000 if _is_number(number) else value
        else:
            known = _FAULT_NAMES.get(name, name)
        if known in plain:
            raise InvalidField(name, f"is another name for {known}, which is there already; leave one of them out")
        plain[known] = _number(value) if known in ("next", "seconds", "status", "probability", "seed") else value
    return plain


def _number(value: Any) -> Any:
    """The number in a text; any other value unchanged."""
    if not isinstance(value, str):
        return value
    try:
        return int(value)
    except ValueError:
        pass
    try:
        return float(value)
    except ValueError:
        return value


def canonical_clock_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Reads {"days": 1}, {"advance": "1d"}, {"advance": {"hours": 24}} ... as {"advance_seconds": 86400}."""
    total: float | None = None
    rest: dict[str, Any] = {}
    for name, value in fields.items():
        if name in ("advance", "advance_by", "by"):
            seconds = _span(value)
        else:
            unit = _UNITS.get(name.removeprefix("advance_"), 0) if len(name) > 1 else 0
            number = _number(value)
            seconds = number * unit if unit and _is_number(number) else None
        if seconds is None:
            rest["advance_seconds" if name == "advance_seconds" else name] = value
        else:
            total = (total or 0) + seconds
    return rest if total is None else {"advance_seconds": total, **rest}


def _span(value: Any) -> float | None:
    if isinstance(value, dict):
        inner = canonical_clock_fields(value)
        return inner["advance_seconds"] if list(inner) == ["advance_seconds"] else None
    if _is_number(value):
        return float(value)
    match = _SPAN.fullmatch(value) if isinstance(value, str) else None
    unit = _UNITS.get(match[2] or "s") if match else None
    return float(match[1]) * unit if match and unit else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < MAX_VALUE
