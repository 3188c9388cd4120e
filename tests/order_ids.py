"""The operation that a transaction of the gateway's ledger names."""

from __future__ import annotations

import re
from typing import Final

_NAMED: Final = re.compile(r"(?:(?:.*[^0-9A-Za-z])?[0-9a-hjkmnp-tv-z]{10}-)?(op_[0-9a-hjkmnp-tv-z]{26})", re.DOTALL)


def operation_of(order_id: str | None) -> str:
    """The operation that the order id names, without reference and mark; any other order id as it is."""
    named = _NAMED.fullmatch(order_id or "")
    return named[1] if named else order_id or ""
