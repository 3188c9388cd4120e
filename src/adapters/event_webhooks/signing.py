"""Webhook signatures in the Standard Webhooks form (standardwebhooks.com)."""

import base64
import hashlib
import hmac
from collections.abc import Sequence


def signature(secrets: Sequence[bytes], event_id: str, timestamp_seconds: int, body: bytes) -> str:
    """One signature for each secret, separated by spaces: a receiver that has any of the secrets can verify it."""
    signed = f"{event_id}.{timestamp_seconds}.".encode() + body
    return " ".join(
        "v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode() for secret in secrets
    )
