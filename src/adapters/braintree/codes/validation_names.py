"""The SDK's names for validation codes. The gateway's own texts are not used: they may repeat the input."""

from functools import cache
from typing import Any

from braintree import ErrorCodes


def name_of(code: str) -> str:
    """For example "91507 CannotSubmitForSettlement"; the bare code if it has no name."""
    name = _names().get(code)
    return f"{code} {name}" if name else code


@cache
def _names() -> dict[str, str]:
    names: dict[str, str] = {}
    _collect(ErrorCodes, names)
    return names


def _collect(group: Any, names: dict[str, str]) -> None:
    for name, value in vars(group).items():
        if isinstance(value, type):
            _collect(value, names)
        elif isinstance(value, str) and value.isdecimal():
            names.setdefault(value, name)
