"""The published message of each validation error code. Some of them name the fields at fault."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

FALLBACK = "This value is not accepted."


@cache
def _messages() -> dict[str, str]:
    text = files("braintree_twin").joinpath("error_messages.json").read_text(encoding="utf-8")
    messages: dict[str, str] = json.loads(text)
    return messages


def message_of(code: str, names: Iterable[str] = ()) -> str:
    """The message; `names` are the fields at fault, for the messages that list them."""
    return _messages().get(code, FALLBACK).replace("{names}", ", ".join(names))
