"""Signs the result that a shopper brings back to the shop in the return address."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlencode

from domain.checkout import Checkout
from domain.ids import CheckoutId, PaymentId


@dataclass(frozen=True, slots=True)
class ResultKeys:
    """Each checkout has a key of its own, so that no shop can sign for another. All follow from one secret."""

    secret: bytes = field(repr=False)

    def key_of(self, checkout_id: CheckoutId) -> str:
        """The key as the shop keeps it."""
        return "rk_" + hmac.new(self.secret, checkout_id.encode(), hashlib.sha256).hexdigest()

    def return_url(self, checkout: Checkout, payment_id: PaymentId, now: datetime) -> str:
        """The shop's address with the signed result in its query."""
        result = {
            "bayar_checkout_id": checkout.checkout_id,
            "bayar_reference": checkout.terms.reference,
            "bayar_payment_id": payment_id,
            "bayar_result": "paid",
            "bayar_time": str(int(now.timestamp())),
        }
        result["bayar_signature"] = signature_of(self.key_of(checkout.checkout_id), result)
        address = checkout.terms.success_url
        separator = "&" if "?" in address else "?"
        return f"{address}{separator}{urlencode(result)}"


def signature_of(key: str, result: Mapping[str, str]) -> str:
    """HMAC-SHA256 in hexadecimal over the sorted parameters, `name=value`, joined by line feeds. The form is permanent:
    shops verify it.
    """
    text = "\n".join(f"{name}={result[name]}" for name in sorted(result))
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()
