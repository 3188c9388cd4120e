"""The parts of addresses in settings."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit


def plain_url(value: str) -> SplitResult | None:
    """The parts of an address that every parser reads alike: a host, at most a port, and no user."""
    try:
        parts = urlsplit(value)
        good = (
            bool(parts.hostname) and parts.port != 0 and re.fullmatch(r"[!-~]+", value) and not set(value) & set("\\#")
        )
    except ValueError:
        return None
    return parts if good and "@" not in parts.netloc else None
