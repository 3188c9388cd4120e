"""The graph's identifiers: the kind and the legacy id, in base64."""

from __future__ import annotations

import base64
import binascii

from braintree_twin.errors import NotFound


def split_id(identifier: str) -> tuple[str, str] | None:
    """The kind and the legacy id, such as transaction and a1b2c3d4; None if it is no global id."""
    try:
        text = base64.b64decode(identifier.encode() + b"=" * (-len(identifier) % 4), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    kind, found, legacy = text.partition("_")
    if not found:
        return None
    if kind == "paymentmethod":
        # Such as paymentmethod_cc_9zx2k1: the instrument is named in between.
        legacy = legacy.partition("_")[2]
    return kind, legacy


def legacy_id(identifier: str, *kinds: str) -> str:
    """The legacy id of a global id of one of these kinds. Raises NotFound for any other id."""
    found = split_id(identifier)
    if found is None or found[0] not in kinds:
        raise NotFound
    return found[1]


def token_or_nonce(identifier: str) -> dict[str, str]:
    """A payment method as the XML API names it: a global id by its token, anything else as a nonce."""
    found = split_id(identifier)
    if found is not None and found[0] == "paymentmethod":
        return {"payment_method_token": found[1]}
    return {"payment_method_nonce": identifier}
