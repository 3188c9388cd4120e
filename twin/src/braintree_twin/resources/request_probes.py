"""Two addresses by which the SDKs' own tests see how their requests arrive, and how a refusal does."""

from __future__ import annotations

from braintree_twin.calls import Answer, Call, Route
from braintree_twin.errors import Forbidden


def show_headers(call: Call) -> Answer:
    """Answer the headers of the request, without the credentials."""
    shown = {name: text for name, text in call.headers.items() if name != "authorization"}
    return Answer("headers", {f"HTTP_{name.upper().replace('-', '_')}": text for name, text in sorted(shown.items())})


def refuse_home(_: Call) -> Answer:
    """Refuse the page of a person who signed in: API keys may not open it."""
    raise Forbidden


ROUTES = (Route("GET", "/test/headers", show_headers), Route("GET", "/home", refuse_home))
