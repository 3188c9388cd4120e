"""Keyed digests of short texts."""

import hmac
from functools import lru_cache
from typing import Final

_HEX_DIGITS: Final = 32


def keyed_digest(key: bytes, text: str) -> str:
    """HMAC-SHA-256, shortened to 128 bits: 32 hexadecimal digits."""
    digest = _prepared(key).copy()
    digest.update(text.encode())
    return digest.hexdigest()[:_HEX_DIGITS]


# Of a short text's digest, the key takes half of the time. A process has one key for each purpose.
@lru_cache(maxsize=16)
def _prepared(key: bytes) -> hmac.HMAC:
    return hmac.new(key, digestmod="sha256")
