"""The error of an invalid field in a request to the control API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class InvalidField(Exception):
    def __init__(self, field: str, remedy: str) -> None:
        super().__init__(field, remedy)
        self.field, self.remedy = field, remedy


def reject_unknown(fields: Mapping[str, Any], *known: str) -> None:
    """Raise InvalidField for a field that the call does not have."""
    for name in fields:
        if name not in known:
            raise InvalidField(name, f"no such field; there is {', '.join(known) or 'none'}")
