"""What a parser makes of a document, so that two of them can be compared."""

from __future__ import annotations

from typing import Any


def outcome(parse: Any, xml: str | bytes) -> Any:
    """What it yields, with the types of everything in it, or what it raises."""
    try:
        return typed(parse(xml).parse())
    except Exception as failure:
        return type(failure), str(failure)


def typed(value: Any) -> Any:
    match value:
        case dict():
            return [(key, typed(inner)) for key, inner in value.items()]
        case list():
            return "list", [typed(inner) for inner in value]
        case _:
            return type(value), value
