"""The authorization fingerprint in a client token: who made it, for which customer, until when."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any

from braintree_twin.calls import Call

LIFETIME = timedelta(hours=24)


def sign_fingerprint(call: Call, customer_id: str | None = None) -> str:
    """A JSON web token in the form that the gateway gives, signed with this state's key."""
    now = call.clock.now()
    header = {"typ": "JWT", "alg": "HS256", "kid": "twin", "iss": call.base_url}
    claims: dict[str, Any] = {
        "exp": int((now + LIFETIME).timestamp()),
        "jti": call.ids.token(),
        "sub": call.merchant.id,
        "iss": call.base_url,
        "merchant": {"public_id": call.merchant.id, "verify_card_by_default": False},
        "rights": ["manage_vault"],
        "scope": ["Braintree:Vault"],
        "options": {"customer_id": customer_id} if customer_id else {},
    }
    signed = f"{_encode(header)}.{_encode(claims)}"
    return f"{signed}.{_signature(call, signed)}"


def _encode(part: dict[str, Any]) -> str:
    return _base64(json.dumps(part, separators=(",", ":")).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _signature(call: Call, signed: str) -> str:
    return _base64(hmac.new(call.store.secret("client_tokens"), signed.encode(), hashlib.sha256).digest())
