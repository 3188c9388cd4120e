"""Reads the gateway's XML as the SDK does, in a fraction of the time.

The SDK builds a minidom document of each answer, which costs more than everything else that a payment does here.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from datetime import date, datetime
from functools import lru_cache
from importlib import import_module
from typing import Any, Final
from xml.etree.ElementTree import XML, Element
from xml.parsers import expat

from braintree.util.datetime_parser import parse_datetime
from braintree.util.parser import Parser as StockParser
from braintree.version import Version

# Where the SDK takes its parser from. A module whose attributes its types do not tell.
_sdk: Final[Any] = import_module("braintree.util.xml_util")

_log = logging.getLogger(__name__)

# Those whose parser was compared with ours. With any other one the SDK keeps its own.
COMPARED_VERSIONS: Final = frozenset({"4.48.0"})

_BETWEEN_TAGS: Final = re.compile(r">\s+<")
_UTC_MOMENT: Final = re.compile(r"[0-9]{4}-[01][0-9]-[0-3][0-9]T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z")
_DAY: Final = re.compile(r"[0-9]{4}-[01][0-9]-[0-3][0-9]")
# The gateway nests a dozen elements. Whatever goes deeper is the SDK's to judge.
_MOST_LEVELS: Final = 64


class DocumentTypeRefused(expat.ExpatError):
    """The document declares a type. The gateway's never do, and entities are declared there."""


class _NotOurs(Exception):
    """Nothing that the gateway writes, so that it is left to the SDK's own parser."""


class Parser:
    """Takes the place of the SDK's class of this name."""

    def __init__(self, xml: str | bytes) -> None:
        self._xml = xml

    def parse(self) -> dict[str, Any]:
        """Yields and raises what the SDK's own parser does, but DocumentTypeRefused for a document with a type."""
        text = self._xml.decode("utf-8") if isinstance(self._xml, bytes) else self._xml
        try:
            return _parsed(text)
        except Exception:
            _refuse_document_type(text)
            return dict(StockParser(text).parse())


def choose(*, stock: bool) -> None:
    """Makes the SDK use our parser, for the whole process, or its own one where asked to or never compared."""
    compared = Version in COMPARED_VERSIONS
    if not compared and not stock:
        _log.warning("the parser was never compared with that of braintree %s: going on with the SDK's own", Version)
    _sdk.Parser = Parser if compared and not stock else StockParser


def _parsed(text: str) -> dict[str, Any]:
    text = _BETWEEN_TAGS.sub("><", text).strip()
    # Comments, CDATA and instructions divide text in ways of their own.
    if "<!" in text or text.find("<?", 1) > 0:
        raise _NotOurs
    root = XML(text)
    return {_name(root.tag): _value(root, 0)}


def _refuse_document_type(text: str) -> None:
    def refuse(*_declaration: object) -> None:
        raise DocumentTypeRefused("the document declares a type")

    checker = expat.ParserCreate()
    checker.StartDoctypeDeclHandler = refuse
    try:
        checker.Parse(text.strip(), True)
    except DocumentTypeRefused:
        raise
    except (expat.ExpatError, UnicodeError):
        return


@lru_cache(maxsize=4096)
def _name(tag: str) -> str:
    if tag[0] == "{":
        raise _NotOurs
    return tag.replace("-", "_")


def _value(element: Element, level: int) -> Any:
    kind = element.get("type")
    if kind == "array":
        return _list(element, level + 1)
    if element.text or not len(element):
        return _content(element, kind)
    return _dictionary(element, level + 1)


def _list(element: Element, level: int) -> list[Any]:
    if level > _MOST_LEVELS:
        raise _NotOurs
    return [_value(child, level) for child in element]


def _dictionary(element: Element, level: int) -> dict[str, Any]:
    """Says what `_value` would of each child, with less to do for most of them: a transaction has 200."""
    if level > _MOST_LEVELS:
        raise _NotOurs
    found: dict[str, Any] = {}
    for child in element:
        name = _name(child.tag)
        kind = child.get("type")
        # Text and arrays replace what came before under the same name; whatever else is collected.
        if kind == "array":
            found[name] = _list(child, level + 1)
        elif child.text:
            found[name] = _content(child, kind)
        else:
            value = _dictionary(child, level + 1) if len(child) else _content(child, kind)
            earlier = found.get(name)
            if not earlier:
                found[name] = value
            elif isinstance(earlier, list):
                earlier.append(value)
            else:
                found[name] = [earlier, value]
    return found


def _content(element: Element, kind: str | None) -> Any:
    if kind is not None and kind in _KINDS:
        return _KINDS[kind](element.text)
    return None if element.get("nil") == "true" else element.text or ""


def _moment(text: str) -> datetime:
    if _UTC_MOMENT.fullmatch(text):
        return datetime.fromisoformat(text[:-1])
    return parse_datetime(text)


def _day(text: str) -> date:
    if _DAY.fullmatch(text):
        return date.fromisoformat(text)
    return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007  (a day, as the SDK has it)


_KINDS: Final[dict[str, Callable[[Any], Any]]] = {
    "integer": int,
    "boolean": lambda text: text in ("true", "1"),
    "datetime": _moment,
    "date": _day,
}
