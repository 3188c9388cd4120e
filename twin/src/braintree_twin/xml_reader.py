"""Reads an XML body into plain dictionaries. Everything that is not plain data is refused.

The SDKs spell one request in several ways: Python's tags have underscores, Ruby's and PHP's hyphens, Java's camelCase;
Ruby's and PHP's XML is indented. All of them read alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NoReturn, TypeAlias
from xml.parsers import expat

from braintree_twin.errors import MalformedRequest
from braintree_twin.field_names import underscored

Value: TypeAlias = "str | dict[str, Value] | list[Value] | None"


class Fields(dict[str, Value]):
    """The fields of one element. Empty ones are None; `blank` has the names of those that were sent as a text
    without characters, and not as nil: the gateway keeps some of these texts."""

    __slots__ = ("blank",)

    def __init__(self, fields: Mapping[str, Value] | None = None, blank: Iterable[str] = ()) -> None:
        super().__init__(fields or {})
        self.blank = frozenset(blank)


MAX_NESTING = 32
MAX_ELEMENTS = 20_000


@dataclass(slots=True)
class _Element:
    tag: str
    is_array: bool
    is_nil: bool
    text: list[str] = field(default_factory=list)
    children: list[tuple[str, Value]] = field(default_factory=list)
    blank: list[str] = field(default_factory=list)

    def value(self) -> Value:
        if self.is_array:
            return [child for _, child in self.children]
        if self.children:
            merged = _merge(self.children)
            return Fields(merged, self.blank) if self.blank else merged
        text = "".join(self.text)
        # White space alone is indentation: the gateway reads the element as empty.
        return None if self.is_nil or text == "" or text.isspace() else text

    def is_blank(self) -> bool:
        """Whether the element is a text without characters, not even white space."""
        return not (self.is_nil or self.is_array or self.children or self.text)


def _merge(children: list[tuple[str, Value]]) -> dict[str, Value]:
    """One entry for each tag; a repeated tag becomes a list, as in Braintree's parser."""
    merged: dict[str, Value] = {}
    repeated: set[str] = set()
    for tag, value in children:
        if tag not in merged:
            merged[tag] = value
        elif tag in repeated:
            several = merged[tag]
            assert isinstance(several, list)  # noqa: S101
            several.append(value)
        else:
            merged[tag] = [merged[tag], value]
            repeated.add(tag)
    return merged


class _Reader:
    def __init__(self) -> None:
        self.stack: list[_Element] = []
        self.root: _Element | None = None
        self.elements = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.elements += 1
        if self.elements > MAX_ELEMENTS:
            raise MalformedRequest(f"the XML has more than {MAX_ELEMENTS} elements")
        if len(self.stack) >= MAX_NESTING:
            raise MalformedRequest(f"the XML is nested more than {MAX_NESTING} levels deep")
        element = _Element(
            tag=underscored(tag),
            is_array=attributes.get("type") in ("array", "collection"),
            is_nil=attributes.get("nil") == "true",
        )
        self.stack.append(element)

    def end(self, _tag: str) -> None:
        element = self.stack.pop()
        if self.stack:
            parent = self.stack[-1]
            parent.children.append((element.tag, element.value()))
            if element.is_blank():
                parent.blank.append(element.tag)
        else:
            self.root = element

    def text(self, data: str) -> None:
        if self.stack:
            self.stack[-1].text.append(data)


def _refuse(*_arguments: object) -> NoReturn:
    raise MalformedRequest("document types and entities are not accepted")


def read_xml(body: bytes) -> dict[str, Value]:
    """The root element as a dictionary of one entry; an empty body is an empty dictionary.

    Tags come back with underscores, whichever spelling was sent; blank and nil elements as None.
    Raises MalformedRequest for anything that is not well-formed, bounded XML without a document type.
    """
    if not body.strip():
        return {}
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise MalformedRequest(f"the XML cannot be read: {error}") from error
    if reader.root is None:
        raise MalformedRequest("the XML has no root element")
    return {reader.root.tag: reader.root.value()}
