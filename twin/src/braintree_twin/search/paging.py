"""The two steps of a search: all the ids, then the records of a page of them."""

from __future__ import annotations

from collections.abc import Iterable

from braintree_twin.calls import Answer
from braintree_twin.xml_out import Collection, Elements, Node

PAGE_SIZE = 50
MOST_TRANSACTIONS = 20_000
MOST_OTHERS = 10_000


def ids_answer(ids: list[str]) -> Answer:
    return Answer("search_results", {"page_size": PAGE_SIZE, "ids": Elements("item", ids)})


def page_answer(root: str, tag: str, records: Iterable[Node]) -> Answer:
    found = list(records)
    fields: dict[str, Node] = {"current_page_number": 1, "page_size": PAGE_SIZE, "total_items": len(found)}
    return Answer(root, Collection(fields, Elements(tag, found)))
