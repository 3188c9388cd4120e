"""Signed JSON web tokens that pass through a browser: the result of a challenge, on its way back to the gateway."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from braintree_twin.calls import Call

_SECRET = "three_d_secure"  # noqa: S105 - the name of the key, not the key
_HEADER = {"alg": "HS256", "typ": "JWT"}


def sign(call: Call, claims: Mapping[str, Any]) -> str:
    """A token with these claims, signed with a key of this state file."""
    signed = f"{_encode(_HEADER)}.{_encode(claims)}"
    return f"{signed}.{_signature(call, signed)}"


def read(call: Call, token: str) -> dict[str, Any] | None:
    """The claims of a token that this twin signed; None for any other text."""
    signed, _, signature = token.rpartition(".")
    if not hmac.compare_digest(signature.encode(), _signature(call, signed).encode()):
        return None
    part = signed.rpartition(".")[2]
    try:
        claims = json.loads(base64.urlsafe_b64decode(part.encode() + b"=" * (-len(part) % 4)))
    except (binascii.Error, ValueError):
        return None
    return claims if isinstance(claims, dict) else None


def _encode(part: Mapping[str, Any]) -> str:
    return _base64(json.dumps(part, separators=(",", ":")).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _signature(call: Call, signed: str) -> str:
    return _base64(hmac.new(call.store.secret(_SECRET), signed.encode(), hashlib.sha256).digest())
