"""The page on which a buyer approves a PayPal payment or agreement, a local payment or a mandate; stands in for theirs.

Both of its links lead back to the shop, as PayPal's do: to the return address with the fields of the approval, or to
the address for those who cancel.
"""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

from braintree_twin.browser.files import page
from braintree_twin.calls import Call, PageAnswer, Route

PATH = "/approvals"
_OWN = frozenset({"return", "cancel", "brand", "amount"})


def show(call: Call) -> PageAnswer:
    passed_on = {name: text for name, text in call.query.items() if name not in _OWN}
    return PageAnswer(
        page(
            "approval.html",
            brand=call.query.get("brand", ""),
            amount=call.query.get("amount", ""),
            approve=_address(call.query.get("return", ""), passed_on),
            cancel=_address(call.query.get("cancel", ""), {}),
        )
    )


def _address(given: str, more: dict[str, str]) -> str:
    """The address with more in its query; none of a scheme that a browser would run."""
    if urlsplit(given).scheme in ("javascript", "data", "vbscript"):
        return "about:blank"
    separator = "&" if "?" in given else "?"
    return f"{given}{separator}{urlencode(more)}" if more else given


ROUTES = (Route("GET", PATH, show, needs_keys=False, takes=None),)
