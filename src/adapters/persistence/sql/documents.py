"""Writes and reads the JSON documents of the database."""

import json
from typing import Any, Final


def _document_parts() -> Any:
    """JSONEncoder.encode makes the encoder in C anew for each document, which takes longer than a payment's documents
    do. None: this Python has only JSONEncoder.
    """
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        return None
    return make(None, _ENCODER.default, json.encoder.encode_basestring, None, ":", ",", False, False, True)


_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_PARTS: Final = _document_parts()
_read: Final = json.JSONDecoder().raw_decode


# A plain function: the driver of PostgreSQL keeps others for each connection, and warns of it.
def to_json(document: Any) -> str:
    return _ENCODER.encode(document) if _PARTS is None else "".join(_PARTS(document, 0))


def from_json(text: str) -> Any:
    """As json.loads, without a look for spaces around what this service wrote."""
    try:
        value, end = _read(text)
    except ValueError:
        end = -1
    return value if end == len(text) else json.loads(text)
