"""Writes XML as Braintree does: hyphenated tags, and a type attribute only where clients read it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias


class Timestamp(str):
    """Text with type="datetime"."""

    __slots__ = ()


class Date(str):
    """Text with type="date"."""

    __slots__ = ()


class Symbol(str):
    """Text with type="symbol"."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Elements:
    """A list of elements that share one tag: an array."""

    tag: str
    items: Iterable[Node]


@dataclass(frozen=True, slots=True)
class Collection:
    """A page of a search: paging fields, followed by the elements."""

    fields: Mapping[str, Node]
    elements: Elements


Node: TypeAlias = "bool | int | str | Mapping[str, Node] | Elements | Collection | None"

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
# Characters that XML 1.0 cannot contain, even escaped. They can arrive through JSON or a form.
_CONTROLS = {code: None for code in range(32) if code not in (9, 10, 13)} | {0xFFFE: None, 0xFFFF: None}


@cache
def _hyphenated(name: str) -> str:
    return name.replace("_", "-")


def escape(text: str) -> str:
    """The text as XML character data, without characters that XML cannot contain."""
    if text.isalnum():
        return text
    if not text.isprintable():
        text = text.translate(_CONTROLS)
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace("\r", "&#13;") if "\r" in text else text


def write_xml(root: str, value: Node) -> bytes:
    """The whole document, as UTF-8."""
    parts: list[str] = [_HEAD]
    _write(parts, _hyphenated(root), value)
    return "".join(parts).encode("utf-8", "replace")


def _write(parts: list[str], tag: str, value: Node) -> None:
    if value is None:
        parts.append(f'<{tag} nil="true"/>')
    elif value is True or value is False:
        parts.append(f'<{tag} type="boolean">{"true" if value else "false"}</{tag}>')
    elif isinstance(value, str):
        parts.append(f"<{tag}{_type_of(value)}>{escape(value)}</{tag}>")
    elif isinstance(value, int):
        parts.append(f'<{tag} type="integer">{value}</{tag}>')
    elif isinstance(value, Elements):
        _write_elements(parts, tag, value)
    elif isinstance(value, Collection):
        parts.append(f'<{tag} type="collection">')
        for name, child in value.fields.items():
            _write(parts, _hyphenated(name), child)
        inner = _hyphenated(value.elements.tag)
        for item in value.elements.items:
            _write(parts, inner, item)
        parts.append(f"</{tag}>")
    elif value:
        parts.append(f"<{tag}>")
        for name, child in value.items():
            _write(parts, _hyphenated(name), child)
        parts.append(f"</{tag}>")
    else:
        parts.append(f"<{tag}/>")


def _type_of(value: str) -> str:
    if type(value) is str:
        return ""
    if isinstance(value, Timestamp):
        return ' type="datetime"'
    if isinstance(value, Date):
        return ' type="date"'
    return ' type="symbol"' if isinstance(value, Symbol) else ""


def _write_elements(parts: list[str], tag: str, elements: Elements) -> None:
    inner = _hyphenated(elements.tag)
    start = len(parts)
    parts.append(f'<{tag} type="array">')
    for item in elements.items:
        _write(parts, inner, item)
    if len(parts) == start + 1:
        parts[start] = f'<{tag} type="array"/>'
    else:
        parts.append(f"</{tag}>")
