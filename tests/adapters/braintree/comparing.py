"""Two ways to the same end: whether they come to it, and at what cost."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any


def outcome(parse: Any, xml: str | bytes) -> Any:
    """Its result with the types of everything in it, or its error."""
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


def calls_made(work: Callable[[], object]) -> int:
    """Function calls of this thread, which no other load of the machine changes. The work is done once before."""
    work()
    count = 0

    def see(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(see)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count
