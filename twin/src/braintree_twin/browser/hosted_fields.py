"""The frames of Hosted Fields, in place of the gateway's own, which npm's braintree-web does not contain.

They speak the messages of the unmodified component; the card's fields live in them, and reach the client API alone.
"""

from __future__ import annotations

import re
from functools import cache

from braintree_twin.browser.files import SCRIPT, page, text_of
from braintree_twin.calls import PageAnswer

_FRAME = re.compile(r"/web/[\w.-]+/html/hosted-fields-frame(\.min)?\.html")
_SCRIPT_PATH = "/braintree-twin/hosted-fields.js"
# One script: each part uses those before it.
_PARTS = (
    "card_types",
    "validation",
    "formatting",
    "form",
    "tokenization",
    "styles",
    "bus",
    "field",
    "focus_intercepts",
    "frame",
)
# The frame's script and its requests go to the hosts that the configuration names, wherever they lead.
_POLICY = "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; connect-src https: http:; base-uri 'none'"


def hosted_fields_page(path: str) -> PageAnswer | None:
    """The answer to a request for the frames' page or script; None for any other path."""
    if _FRAME.fullmatch(path):
        content = page("hosted_fields_frame.html", script=_SCRIPT_PATH)
        return PageAnswer(content, headers={"Content-Security-Policy": _POLICY})
    return PageAnswer(_script(), content_type=SCRIPT) if path == _SCRIPT_PATH else None


@cache
def _script() -> str:
    parts = "\n".join(text_of(f"hosted_fields/{name}.js") for name in _PARTS)
    return f'(function () {{\n"use strict";\n{parts}}})();\n'
