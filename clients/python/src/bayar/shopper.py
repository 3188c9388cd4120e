"""A shopper without a browser, who pays on the checkout page of a Bayar with an offline gateway."""

from __future__ import annotations

import http.client
import json
import re
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

_SECONDS: Final = 30.0
_TOKEN: Final = re.compile(r'name="checkout-csrf" content="([^"]+)"')
_ATTEMPT: Final = re.compile(r'data-attempt="([0-9]+)"')


@dataclass(frozen=True, slots=True)
class ShopperView:
    """The page after the shopper paid.

    state: as the page has it: "paid", "declined", "pending", "expired", "used_up" or "too_many_attempts".
    message: the text that the shopper reads.
    return_url: the address that the page leads to; after a payment, your success_url with the signed result.
    """

    state: str
    message: str
    return_url: str


def pay_on_page(url: str, nonce: str) -> ShopperView:
    """Opens the page in a browser of its own, and pays. Raises RuntimeError where there is no such page."""
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.netloc, timeout=_SECONDS)
    try:
        connection.request("GET", place.path)
        answer = connection.getresponse()
        page = answer.read().decode(errors="replace")
        token, attempt = _TOKEN.search(page), _ATTEMPT.search(page)
        if token is None or attempt is None:
            raise RuntimeError(f"The address answered {answer.status}, and is no page of a checkout.")
        headers = {
            "Content-Type": "application/json",
            "Cookie": answer.getheader("Set-Cookie", "").partition(";")[0],
            "Origin": f"{place.scheme}://{place.netloc}",
            "X-Checkout-Token": token[1],
        }
        body = json.dumps({"attempt": int(attempt[1]), "nonce": nonce})
        connection.request("POST", f"{place.path}/pay", body, headers)
        seen: dict[str, Any] = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    return ShopperView(seen["state"], seen.get("message", ""), seen.get("return_url", ""))
