"""The spelling of field names: every SDK's spelling becomes one with underscores."""

from __future__ import annotations

import re
from functools import lru_cache

_WORD_ENDS = re.compile(r"([a-z0-9])([A-Z])")
_ACRONYM_ENDS = re.compile(r"([A-Z]+)([A-Z][a-z])")
# Clients choose the names, so the cache is bounded.
_CACHED_NAMES = 4096


@lru_cache(maxsize=_CACHED_NAMES)
def underscored(name: str) -> str:
    """expirationMonth and expiration-month as expiration_month; countryCodeAlpha2 as country_code_alpha2."""
    if name.islower() or name[:1].isupper():
        return name.replace("-", "_")
    split = _WORD_ENDS.sub(r"\1_\2", _ACRONYM_ENDS.sub(r"\1_\2", name))
    return split.replace("-", "_").lower()
