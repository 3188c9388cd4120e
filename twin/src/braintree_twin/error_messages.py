"""The message of each validation error code. Codes are the contract; messages may change."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

FALLBACK = "This value is not accepted."


@cache
def _messages() -> dict[str, str]:
    text = files("braintree_twin").joinpath("error_messages.json").read_text(encoding="utf-8")
    messages: dict[str, str] = json.loads(text)
    return messages


def message_of(code: str) -> str:
    return _messages().get(code, FALLBACK)
