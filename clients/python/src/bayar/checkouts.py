"""Verifies the signed result that a shopper brings back from the checkout page."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

_PREFIX = "bayar_"
_SIGNATURE = "bayar_signature"


class CheckoutResultError(Exception):
    """The result is forged, changed, or of another checkout. Do not take the order for paid. The text names no key."""


@dataclass(frozen=True, slots=True)
class CheckoutResult:
    """The result of a checkout as the page signed it.

    A shopper can bring it back again and again: it says that the payment is made, not that this is new.
    """

    checkout_id: str
    reference: str
    payment_id: str
    time: datetime


def verify_checkout_result(query: str | bytes | Mapping[str, str], result_key: str) -> CheckoutResult:
    """Checks the signature in the query of your success_url, and reads it.

    query: of the address that the shopper came back to, as text, as bytes or as a mapping; or the whole address.
    Parameters of your own are left alone. result_key: of the checkout, as CreateCheckout gave it; keep it beside the
    order.
    Raises CheckoutResultError, and TypeError for a key that is no text.
    """
    if not isinstance(result_key, str):
        raise TypeError(f"The result_key is a text, as CreateCheckout gave it, not {type(result_key).__name__}.")
    if not result_key:
        raise CheckoutResultError("the result_key is empty: give that of the checkout")
    if isinstance(query, bytes):
        query = query.decode(errors="replace")
    pairs = _pairs(query) if isinstance(query, str) else list(query.items())
    signed = [(name, value) for name, value in pairs if name.startswith(_PREFIX)]
    given = dict(signed)
    if len(given) != len(signed):
        raise CheckoutResultError("the address names a parameter of the result twice")
    signature = given.pop(_SIGNATURE, "")
    text = "\n".join(f"{name}={given[name]}" for name in sorted(given))
    expected = hmac.new(result_key.encode(), text.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(signature.encode(), expected.encode()):
        raise CheckoutResultError("the signature is not that of this checkout's key")
    if given.get("bayar_result") != "paid":
        raise CheckoutResultError("the result is none that this version of the client knows")
    return CheckoutResult(
        checkout_id=given.get("bayar_checkout_id", ""),
        reference=given.get("bayar_reference", ""),
        payment_id=given.get("bayar_payment_id", ""),
        time=datetime.fromtimestamp(int(given.get("bayar_time", "0")), UTC),
    )


def _pairs(text: str) -> list[tuple[str, str]]:
    query = urlsplit(text).query if text.startswith(("https://", "http://", "/")) else text.removeprefix("?")
    return parse_qsl(query, keep_blank_values=True)
