"""A webhook that is genuine, for programs of other languages that receive one."""

from __future__ import annotations

import json
import time
from typing import Any, Final

from adapters.event_webhooks.signing import signature

SECRET: Final = "a-secret-that-signs-the-events"


def genuine_webhook() -> dict[str, Any]:
    """Headers and body, signed now with SECRET."""
    at = int(time.time())
    body = json.dumps({"id": "evt_1", "type": "t", "data": {"type": "EVENT_TYPE_PAYMENT_CHANGED", "position": "7"}})
    signed = signature([SECRET.encode()], "evt_1", at, body.encode())
    headers = {"webhook-id": "evt_1", "webhook-timestamp": str(at), "webhook-signature": signed}
    return {"headers": headers, "body": body}
