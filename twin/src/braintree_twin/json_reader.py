"""Reads a JSON body into the same plain dictionaries as an XML body. The Node SDK and browsers send JSON."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from braintree_twin.errors import MalformedRequest
from braintree_twin.field_names import underscored
from braintree_twin.xml_reader import MAX_ELEMENTS, MAX_NESTING, Fields, Value

_UNPAIRED = re.compile("[\ud800-\udfff]")


def read_json(body: bytes) -> dict[str, Value]:
    """The object's fields: names with underscores, every scalar as text, empty text and null as None.

    Raises MalformedRequest for anything but one bounded JSON object in UTF-8.
    """
    if not body.strip():
        return {}
    try:
        content = json.loads(body.decode("utf-8"), parse_int=str, parse_float=str, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise MalformedRequest("the JSON cannot be read") from error
    if not isinstance(content, dict):
        raise MalformedRequest("the JSON must be an object")
    fields = _Reader().value(content, 0)
    return fields if isinstance(fields, dict) else {}


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


class _Reader:
    def __init__(self) -> None:
        self._elements = 0

    def value(self, content: Any, depth: int) -> Value:
        self._elements += 1
        if depth > MAX_NESTING or self._elements > MAX_ELEMENTS:
            raise MalformedRequest("the JSON is nested too deeply, or too large")
        if content is None or content == "":
            return None
        if isinstance(content, bool):
            return "true" if content else "false"
        if isinstance(content, dict):
            return self._fields(content, depth) or None
        if isinstance(content, list):
            return [self.value(inner, depth + 1) for inner in content]
        return _text(str(content))

    def _fields(self, content: dict[str, Any], depth: int) -> Fields:
        names = {name: underscored(_text(name)) for name in content}
        fields = {names[name]: self.value(inner, depth + 1) for name, inner in content.items()}
        return Fields(fields, (names[name] for name, inner in content.items() if inner == ""))


def _text(text: str) -> str:
    if _UNPAIRED.search(text):
        raise MalformedRequest("the JSON has half a character in it")
    return text
