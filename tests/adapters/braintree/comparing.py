"""Two ways to the same end: whether they come to it, and at what cost."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any

from braintree.util.parser import Parser as StockParser

from adapters.braintree.transactions_read import READ

_TRANSACTION = re.compile(r"(?:<\?[^>]*\?>)?\s*<transaction>")


class Reference:
    """The SDK's own parser, without the elements of a transaction that nobody reads."""

    def __init__(self, xml: str | bytes) -> None:
        self._xml = xml

    def parse(self) -> dict[str, Any]:
        text = self._xml.decode() if isinstance(self._xml, bytes) else self._xml
        whole = dict(StockParser(text).parse())
        return dict(read_of(whole)) if _TRANSACTION.match(text) else whole


def read_of(value: Any) -> Any:
    """The elements that are read of a transaction. The names of an array's items mean nothing."""
    match value:
        case dict():
            return {name: read_of(inner) for name, inner in value.items() if name in READ}
        case list():
            return [read_of(inner) for inner in value]
        case _:
            return value


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
