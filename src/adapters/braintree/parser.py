"""A fast XML parser for the gateway's responses. It takes a tenth of the time of the SDK's own.

The SDK builds a minidom document of each answer, which costs more than all other work of a payment here. This parser
reads only a subset with one spelling: elements with other elements or with text, and the attributes that give a type.
Any other document goes to the SDK's own parser, which reads or refuses it.

Of an answer that is a transaction, it reads only the elements that the translation reads (transactions_read.py).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from datetime import date, datetime
from importlib import import_module
from typing import Any, Final, NamedTuple
from xml.parsers import expat

from braintree.util.datetime_parser import parse_datetime
from braintree.util.parser import Parser as StockParser
from braintree.version import Version

from adapters.braintree.transactions_read import READ

# The module that the SDK takes its parser from. Its type stubs omit these attributes.
_sdk: Final[Any] = import_module("braintree.util.xml_util")

_log = logging.getLogger(__name__)

# The SDK versions whose parser was compared with this one. Any other version keeps its own.
COMPARED_VERSIONS: Final = frozenset({"4.48.0"})

_BETWEEN_TAGS: Final = re.compile(r">\s+<")
_UTC_MOMENT: Final = re.compile(r"[0-9]{4}-[01][0-9]-[0-3][0-9]T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z")
_DAY: Final = re.compile(r"[0-9]{4}-[01][0-9]-[0-3][0-9]")
# The gateway nests a dozen elements, and has some hundred. Deeper documents go to the SDK's parser.
_MOST_LEVELS: Final = 64
_MOST_TAGS: Final = 4096

# The subset of XML that the gateway writes. All else goes to the SDK's parser, which reads or refuses it.
_DECLARATION: Final = '<?xml version="1.0" encoding="UTF-8"?>'
_TAG: Final = re.compile(r'(/?)([A-Za-z_][A-Za-z0-9_.-]*)(?: type="([a-z]+)")?(?: nil="(true|false)")?(/?)>')
_REFERENCE: Final = re.compile("&(?:(amp|lt|gt|quot|apos)|#([0-9]{1,7})|#x([0-9a-fA-F]{1,6}));")
_REFERRED: Final = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
# UTF-8 bytes without control characters and carriage returns, which XML reads as something else.
_CHARACTERS: Final = b"\t\n" + bytes(range(0x20, 0x7F)) + bytes(range(0x80, 0x100))
_NO_CHARACTER: Final = re.compile(b"\xef\xbf[\xbe\xbf]")


class DocumentTypeRefused(expat.ExpatError):
    """The document declares a type, where entities are declared. The gateway's documents never do."""


class _NotOurs(Exception):
    """Outside the subset: the SDK's own parser reads the document."""


class OwnAnswer(str):
    """An answer to this adapter. Others in the process may use the SDK as well, and read their answers whole."""

    __slots__ = ()


class Parser:
    """Parses an answer to this adapter."""

    _skips_unread = True

    def __init__(self, xml: str | bytes) -> None:
        self._xml = xml

    def parse(self) -> dict[str, Any]:
        """Returns and raises like the SDK's own parser, but leaves out the elements of a transaction that nobody reads,
        and raises DocumentTypeRefused for a document with a type.
        """
        text = self._xml.decode("utf-8") if isinstance(self._xml, bytes) else self._xml
        try:
            return _parsed(text, skips_unread=self._skips_unread)
        except Exception:
            _refuse_document_type(text)
            return dict(StockParser(text).parse())


class WholeParser(Parser):
    """Parses an answer to others: the same, with all elements."""

    _skips_unread = False


def parser_of(xml: str | bytes) -> Parser:
    """Replaces the SDK's class Parser."""
    return Parser(xml) if isinstance(xml, OwnAnswer) else WholeParser(xml)


def choose(*, stock: bool) -> None:
    """Makes the SDK use this parser in the whole process, or its own if requested or never compared."""
    compared = Version in COMPARED_VERSIONS
    if not compared and not stock:
        _log.warning("this parser was never compared with that of braintree %s: the SDK's own is used", Version)
    _sdk.Parser = parser_of if compared and not stock else StockParser


def _parsed(text: str, *, skips_unread: bool) -> dict[str, Any]:
    """The document's content, if it is in the subset. Raises _NotOurs, and other errors, if it is not."""
    text = _BETWEEN_TAGS.sub("><", text).strip()
    encoded = text.encode()
    if encoded.translate(None, _CHARACTERS) or (not text.isascii() and _NO_CHARACTER.search(encoded)):
        raise _NotOurs
    parts = text.removeprefix(_DECLARATION).split("<")
    if parts[0]:
        raise _NotOurs
    return _document(parts, skips_unread=skips_unread)


def _document(parts: list[str], *, skips_unread: bool) -> dict[str, Any]:
    """Each part but the first reaches from one "<" to the next: a tag, and the text after it.

    A transaction has 300 of them, so the code does all it can in one pass, without a call for each.
    """
    # The element being filled, and the stack of those around it.
    into: Any = {}
    around: list[tuple[_Tag, Any]] = []
    # Errors and all other answers are read whole.
    skips = skips_unread and parts[1] == "transaction>"
    known = _tags.get
    at = 1
    while True:
        part = parts[at]
        at += 1
        text = ""
        if part[-1:] != ">":
            written, bracket, text = part.partition(">")
            part = written + bracket
        tag = known(part) or _learned(part)
        if skips and not tag.is_read and type(into) is dict:
            # Names of an array's items mean nothing. In a well-formed document, the end that is found first is that of
            # this element, or an element around it now ends too early and is refused.
            if text and parts[at] != tag.end:
                raise _NotOurs
            if not tag.is_empty:
                at = parts.index(tag.end, at) + 1
            continue
        closes, is_empty, is_array, name, end, convert, is_nil, _ = tag
        value: Any
        if text:
            # Only text is allowed in it; otherwise the SDK's parser takes over.
            if closes or is_empty or is_array or parts[at] != end or ">" in text:
                raise _NotOurs
            at += 1
            if "&" in text:
                text = _unescaped(text)
            value = convert(text) if convert else None if is_nil else text
        elif closes:
            value = into
            (_, _, is_array, name, opened_end, _, _, _), into = around.pop()
            if end != opened_end:
                raise _NotOurs
        elif is_empty or parts[at] == end:
            at += not is_empty
            value = [] if is_array else convert(None) if convert else None if is_nil else ""
        else:
            if len(around) > _MOST_LEVELS:
                raise _NotOurs
            around.append((tag, into))
            into = [] if is_array else {}
            continue
        if type(into) is list:
            into.append(value)
        elif text or is_array or not (earlier := into.get(name)):
            # Texts and arrays replace an earlier value of the same name; all else is collected.
            into[name] = value
        elif isinstance(earlier, list):
            earlier.append(value)
        else:
            into[name] = [earlier, value]
        if not around:
            break
    if at != len(parts) or not isinstance(into, dict):
        raise _NotOurs
    return into


class _Tag(NamedTuple):
    closes: bool
    is_empty: bool
    is_array: bool
    name: str
    # The closing tag, without its "<".
    end: str
    convert: Callable[[Any], Any] | None
    is_nil: bool
    # False for the opening tag of an element that nobody reads of a transaction.
    is_read: bool


# A cache by spelling, without the "<". Nearly all tags recur in the next answer.
_tags: Final[dict[str, _Tag]] = {}


def _learned(written: str) -> _Tag:
    found = _TAG.fullmatch(written)
    if found is None:
        raise _NotOurs
    closes, name, kind, nil, is_empty = found.groups()
    if closes and (kind or nil or is_empty):
        raise _NotOurs
    shown_name = name.replace("-", "_")
    tag = _Tag(
        closes=bool(closes),
        is_empty=bool(is_empty),
        is_array=kind == "array",
        name=shown_name,
        end=f"/{name}>",
        convert=_KINDS.get(kind),
        is_nil=nil == "true",
        is_read=bool(closes) or shown_name in READ,
    )
    if len(_tags) < _MOST_TAGS:
        _tags[written] = tag
    return tag


def _unescaped(text: str) -> str:
    if "&" in _REFERENCE.sub("", text):
        raise _NotOurs
    return _REFERENCE.sub(_referred, text)


def _referred(found: re.Match[str]) -> str:
    name, decimal, hexadecimal = found.groups()
    if name:
        return _REFERRED[name]
    character = chr(int(decimal) if decimal else int(hexadecimal, 16))
    encoded = character.encode()
    if encoded.translate(None, _CHARACTERS) or _NO_CHARACTER.search(encoded):
        raise _NotOurs
    return character


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


def _moment(text: str) -> datetime:
    if _UTC_MOMENT.fullmatch(text):
        return datetime.fromisoformat(text[:-1])
    return parse_datetime(text)


def _day(text: str) -> date:
    if _DAY.fullmatch(text):
        return date.fromisoformat(text)
    return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007  (a day, as the SDK has it)


_KINDS: Final[dict[str | None, Callable[[Any], Any]]] = {
    "integer": int,
    "boolean": lambda text: text in ("true", "1"),
    "datetime": _moment,
    "date": _day,
}
