"""Authenticates the client API: by a client token's authorization fingerprint, or by a tokenization key."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from braintree_twin.calls import Call
from braintree_twin.errors import NotAuthenticated
from braintree_twin.merchants import Merchant

LIFETIME = timedelta(hours=24)
_TOKENIZATION_KEY = re.compile(r"sandbox_[a-zA-Z0-9]+_(.+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Client:
    """An authenticated caller of the client API, with the customer and the options of its client token."""

    customer_id: str | None = None
    merchant_account_id: str | None = None
    options: Mapping[str, bool] = field(default_factory=dict)
    # It has a tokenization key, which may only create nonces.
    by_key: bool = False


def sign_fingerprint(
    call: Call,
    customer_id: str | None = None,
    merchant_account_id: str | None = None,
    options: Mapping[str, bool] | None = None,
    domains: Sequence[str] = (),
) -> str:
    """An authorization fingerprint: a JSON web token in the gateway's form, signed with the key of this state file."""
    now = call.clock.now()
    header = {"typ": "JWT", "alg": "HS256", "kid": "twin", "iss": call.base_url}
    chosen = {"customer_id": customer_id, "merchant_account_id": merchant_account_id, **(options or {})}
    claims: dict[str, Any] = {
        "exp": int((now + LIFETIME).timestamp()),
        "jti": call.ids.token(),
        "sub": call.merchant.id,
        "iss": call.base_url,
        "merchant": {"public_id": call.merchant.id, "verify_card_by_default": False, "verify_wallet_by_default": False},
        "rights": ["manage_vault"],
        "scope": ["Braintree:Vault", "Braintree:ClientSDK"],
        "options": {name: value for name, value in chosen.items() if value is not None},
    }
    if domains:
        claims["merchant"]["domains"] = list(domains)
    signed = f"{_encode(header)}.{_encode(claims)}"
    return f"{signed}.{_signature(call, signed)}"


def tokenization_key(merchant: Merchant) -> str:
    """The tokenization key: it never expires, and only allows to create nonces."""
    digest = hashlib.sha256(f"{merchant.id}:{merchant.public_key}".encode()).hexdigest()
    return f"sandbox_{digest[:8]}_{merchant.id}"


def authenticate_client(call: Call) -> Client:
    """Authenticate the caller by a tokenization key or a valid fingerprint. Raises NotAuthenticated."""
    for given in _credentials(call):
        if hmac.compare_digest(given.encode(), tokenization_key(call.merchant).encode()):
            return Client(by_key=True)
        claims = _claims(given)
        signed, _, signature = given.rpartition(".")
        if not hmac.compare_digest(signature.encode(), _signature(call, signed).encode()):
            continue
        if claims.get("sub") == call.merchant.id and claims.get("exp", 0) > call.clock.now().timestamp():
            options: dict[str, Any] = dict(claims["options"])
            customer_id, account_id = options.pop("customer_id", None), options.pop("merchant_account_id", None)
            return Client(customer_id, account_id, options)
    raise NotAuthenticated("the authorization fingerprint or tokenization key is not valid")


def unverified_merchant_id(headers: Mapping[str, str]) -> str | None:
    """The merchant id that the credentials claim, for paths without one. It is not verified yet."""
    given = _bearer(headers)
    key = _TOKENIZATION_KEY.fullmatch(given)
    if key:
        return key[1]
    merchant_id = _claims(given).get("sub")
    return merchant_id if isinstance(merchant_id, str) else None


def _credentials(call: Call) -> list[str]:
    """The credentials, from the header, the query or the body: client SDKs differ."""
    given: list[Any] = [_bearer(call.headers), call.headers.get("client-key")]
    for fields in (call.query, call.document):
        given += [fields.get(name) for name in ("authorizationFingerprint", "authorization_fingerprint")]
        given += [fields.get(name) for name in ("tokenizationKey", "tokenization_key")]
    return [each for each in given if isinstance(each, str) and each]


def _bearer(headers: Mapping[str, str]) -> str:
    scheme, _, given = headers.get("authorization", "").partition(" ")
    return given.strip() if scheme.lower() == "bearer" else headers.get("client-key", "")


def _claims(token: str) -> dict[str, Any]:
    """The claims of a token, not verified."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1].encode() + b"=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}


def _encode(part: dict[str, Any]) -> str:
    """The part in base64; spaces at its end make it whole, so that the token can be decoded at once as well."""
    text = json.dumps(part, separators=(",", ":")).encode()
    return _base64(text + b" " * (-len(text) % 3))


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _signature(call: Call, signed: str) -> str:
    return _base64(hmac.new(call.store.secret("client_tokens"), signed.encode(), hashlib.sha256).digest())
