"""Paging of searches: all ids first, then the records of one page of ids."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias, TypeVar

from braintree_twin.calls import Answer
from braintree_twin.xml_writer import Collection, Elements, Node

Record = TypeVar("Record")
View: TypeAlias = Callable[[Record], Node]

PAGE_SIZE = 50
MAX_TRANSACTION_RESULTS = 20_000
MAX_OTHER_RESULTS = 10_000


def ids_answer(ids: list[str]) -> Answer:
    return Answer("search_results", {"page_size": PAGE_SIZE, "ids": Elements("item", ids)})


def numbered_page(root: str, tag: str, page: str | None, records: Sequence[Record], view: View[Record]) -> Answer:
    """One page, by number, of a list that is paged in one step."""
    number = int(page) if page and page.isascii() and page.isdigit() and len(page) < 10 else 1
    start = (max(number, 1) - 1) * PAGE_SIZE
    fields: dict[str, Node] = {"current_page_number": number, "page_size": PAGE_SIZE, "total_items": len(records)}
    return Answer(root, Collection(fields, Elements(tag, [view(each) for each in records[start : start + PAGE_SIZE]])))


def page_answer(root: str, tag: str, records: Iterable[Node]) -> Answer:
    found = list(records)
    fields: dict[str, Node] = {"current_page_number": 1, "page_size": PAGE_SIZE, "total_items": len(found)}
    return Answer(root, Collection(fields, Elements(tag, found)))
