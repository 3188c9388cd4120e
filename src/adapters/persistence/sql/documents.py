"""Writes and reads the JSON documents of the database."""

import json
from collections.abc import Callable
from typing import Any, Final


def _writer() -> Callable[[Any], str]:
    """JSONEncoder.encode makes the encoder in C anew for each document, which takes longer than a payment's documents
    do. Python without it has only JSONEncoder.
    """
    encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        return encoder.encode
    parts = make(None, encoder.default, json.encoder.encode_basestring, None, ":", ",", False, False, True)
    return lambda document: "".join(parts(document, 0))


to_json: Final = _writer()
_read: Final = json.JSONDecoder().raw_decode


def from_json(text: str) -> Any:
    """As json.loads, without a look for spaces around what this service wrote."""
    try:
        value, end = _read(text)
    except ValueError:
        end = -1
    return value if end == len(text) else json.loads(text)
