"""One request in the spelling of each SDK: names, types, arrays, empty values, moments, indentation.

Python and Node run for real elsewhere. The others are read from the sources of their SDKs: Ruby's xml/generator.rb,
PHP's Xml/Generator.php, Java's and .NET's RequestBuilder.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, auto
from typing import Any
from xml.sax.saxutils import escape

Fields = dict[str, Any]


def _hyphens(name: str) -> str:
    return name.replace("_", "-")


def _camel(name: str) -> str:
    return re.sub(r"_([a-z0-9])", lambda match: match[1].upper(), name)


class Empty(Enum):
    """How nothing is written."""

    SHORT = auto()  # <company nil="true"/>
    LONG = auto()  # <company nil="true"></company>
    OMITTED = auto()


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _with_a_zone(moment: datetime) -> str:
    return moment.astimezone(timezone(timedelta(hours=2))).isoformat()


def _with_a_space(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%SZ}"


@dataclass(frozen=True, slots=True)
class XmlSpelling:
    """How one SDK writes XML."""

    tag: Callable[[str], str]
    indent: str = ""
    # Python, Ruby and PHP say of which type a number or a truth is; the others write text. Moments are always typed.
    typed: bool = True
    declaration: bool = True
    empty: Empty = Empty.SHORT
    moment: Callable[[datetime], str] = _utc
    # Characters beyond ASCII as numbers.
    ascii_only: bool = False
    quotes_escaped: bool = False

    def body(self, document: Fields) -> bytes:
        ((root, fields),) = document.items()
        head = '<?xml version="1.0" encoding="UTF-8"?>\n' if self.declaration else ""
        text = head + self._element(root, fields, 0)
        return text.encode("ascii", "xmlcharrefreplace") if self.ascii_only else text.encode()

    content_type = "application/xml"

    def _element(self, name: str, value: Any, depth: int) -> str:
        tag, space = self.tag(name), self.indent * depth
        end = "\n" if self.indent else ""
        if isinstance(value, dict):
            inner = "".join(self._element(key, each, depth + 1) for key, each in value.items())
            return f"{space}<{tag}>{end}{inner}{space}</{tag}>{end}"
        if isinstance(value, list):
            inner = "".join(self._element("item", each, depth + 1) for each in value)
            return f'{space}<{tag} type="array">{end}{inner}{space}</{tag}>{end}'
        if value is None:
            return "" if self.empty is Empty.OMITTED else f"{space}<{tag}{self._nothing(tag)}{end}"
        return f"{space}<{tag}{self._type(value)}>{self._escaped(value)}</{tag}>{end}"

    def _nothing(self, tag: str) -> str:
        return ' nil="true"/>' if self.empty is Empty.SHORT else f' nil="true"></{tag}>'

    def _escaped(self, value: Any) -> str:
        text = self.moment(value) if isinstance(value, datetime) else _text(value)
        return escape(text, {"'": "&apos;", '"': "&quot;"} if self.quotes_escaped else {})

    def _type(self, value: Any) -> str:
        if isinstance(value, datetime):
            return ' type="datetime"'
        if not self.typed:
            return ""
        if isinstance(value, bool):
            return ' type="boolean"'
        return ' type="integer"' if isinstance(value, int) else ""


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000Z"
    return str(value)


@dataclass(frozen=True, slots=True)
class JsonSpelling:
    """How the Node SDK writes JSON; `texts`: numbers and booleans as text, as people pass them."""

    texts: bool = False
    content_type = "application/json"

    def body(self, document: Fields) -> bytes:
        return json.dumps(self._value(document)).encode()

    def _value(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._value(each) for name, each in value.items()}
        if isinstance(value, list):
            return [self._value(each) for each in value]
        if isinstance(value, date | Decimal):
            return _text(value)
        return _text(value) if self.texts and value is not None else value


SPELLINGS: dict[str, XmlSpelling | JsonSpelling] = {
    "Python: underscores, types": XmlSpelling(str, declaration=False),
    "Ruby: hyphens, types, indented by two": XmlSpelling(_hyphens, indent="  ", moment=_with_a_zone, ascii_only=True),
    "PHP: hyphens, types, indented by one": XmlSpelling(_hyphens, indent=" ", empty=Empty.LONG),
    "Java: camelCase, no types": XmlSpelling(
        _camel, typed=False, declaration=False, empty=Empty.OMITTED, quotes_escaped=True
    ),
    ".NET: hyphens, no types": XmlSpelling(
        _hyphens, typed=False, declaration=False, empty=Empty.OMITTED, moment=_with_a_space, quotes_escaped=True
    ),
    "Node: JSON": JsonSpelling(),
    "JSON of texts": JsonSpelling(texts=True),
}
