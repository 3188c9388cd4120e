"""Verifies the signature and the age of the events that the service posts, and reads them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from google.protobuf import json_format

from bayar.models import Event
from bayar.payments.v1 import event_pb2
from bayar.rpc import PACKAGE

TOLERANCE_SECONDS: Final = 300.0
_SECONDS: Final = re.compile(r"[0-9]{1,12}")


class WebhookError(Exception):
    """The request is forged, changed, or too old. Answer 400, and do nothing. The text names no secret."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """One event as the service posted it.

    id: unique. The same event can come more than once: apply it once.
    type: for example "bayar.payments.v1.payment_changed".
    subject: the id of the payment, customer, payment method or dispute.
    event: the change, as stream_events gives it.
    """

    id: str
    type: str
    subject: str
    event: Event


class _Headers(Protocol):
    """A mapping of names to texts, as http.server, WSGI and ASGI frameworks have it."""

    def items(self) -> Iterable[tuple[str, str]]: ...


def read_webhook(
    headers: _Headers | Mapping[str, str],
    body: bytes,
    secret: str | Iterable[str],
    *,
    tolerance_seconds: float = TOLERANCE_SECONDS,
    now: float | None = None,
) -> Webhook:
    """Checks the signature (Standard Webhooks) and the time of a posted event, and reads it.

    headers: of the request; upper and lower case are alike. body: the bytes as they came, before any parser.
    secret: the endpoint's, as text or as whsec_ and base64; during a rotation both, in a list or with a space between.
    tolerance_seconds: how far the time of the signature may be from this machine's clock, either way.
    now: seconds since 1970, for tests. Default: this machine's clock.

    Raises WebhookError for a request that is forged, changed or too old, and ValueError for an unusable secret.
    """
    keys = _keys(secret)
    given = {name.lower(): value for name, value in headers.items()}
    event_id, timestamp, signatures = (_header(given, f"webhook-{name}") for name in ("id", "timestamp", "signature"))
    _check_time(timestamp, tolerance_seconds, time.time() if now is None else now)
    signed = f"{event_id}.{timestamp}.".encode() + body
    if not any(_is_signature(signatures, hmac.new(key, signed, hashlib.sha256).digest()) for key in keys):
        raise WebhookError("No signature of the webhook is that of the secret.")
    return _read(body)


def _keys(secret: str | Iterable[str]) -> list[bytes]:
    words = secret.split() if isinstance(secret, str) else [word for each in secret for word in each.split()]
    if not words:
        raise ValueError("The secret of the endpoint is empty.")
    return [_key(word) for word in words]


def _key(word: str) -> bytes:
    if not word.startswith("whsec_"):
        return word.encode()
    try:
        key = base64.b64decode(word.removeprefix("whsec_").encode(), validate=True)
    except binascii.Error:
        raise ValueError("The secret has no base64 after whsec_.") from None
    if not key:
        raise ValueError("The secret has no key after whsec_.")
    return key


def _header(given: Mapping[str, str], name: str) -> str:
    value = given.get(name, "")
    if not value:
        raise WebhookError(f"The header {name} is missing.")
    return value


def _check_time(timestamp: str, tolerance_seconds: float, now: float) -> None:
    if not _SECONDS.fullmatch(timestamp):
        raise WebhookError("The header webhook-timestamp is no time.")
    if abs(now - int(timestamp)) > tolerance_seconds:
        raise WebhookError(f"The webhook was signed more than {tolerance_seconds:g} s from now.")


def _is_signature(signatures: str, digest: bytes) -> bool:
    wanted = b"v1," + base64.b64encode(digest)
    return any(hmac.compare_digest(wanted, each.encode()) for each in signatures.split())


def _read(body: bytes) -> Webhook:
    try:
        envelope: dict[str, Any] = json.loads(body)
        data = _understood(envelope["data"], event_pb2.Event.DESCRIPTOR)
        message = json_format.ParseDict(data, event_pb2.Event(), ignore_unknown_fields=True)
        return Webhook(envelope["id"], envelope["type"], envelope.get("subject", ""), Event.from_message(message))
    except (ValueError, KeyError, TypeError, AttributeError, json_format.ParseError) as error:
        raise WebhookError(f"The webhook is genuine, but holds no event of this contract: {error}") from error


def _understood(content: dict[str, Any], described: Any) -> dict[str, Any]:
    """The content without names of enums that a newer service added: older releases of protobuf refuse them."""
    understood = {}
    for name, value in content.items():
        field = described.fields_by_name.get(name)
        if field is None:
            continue
        if field.message_type is not None:
            value = _inside(value, field.message_type)
        if field.enum_type is None or not isinstance(value, str) or value in field.enum_type.values_by_name:
            understood[name] = value
    return understood


def _inside(value: Any, described: Any) -> Any:
    match value:
        case list():
            return [_inside(each, described) for each in value]
        case dict() if described.file.package == PACKAGE and not described.GetOptions().map_entry:
            return _understood(value, described)
        case _:
            return value
