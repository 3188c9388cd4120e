"""The two calls of an advanced search, ids first and records second, as handlers made from a table of criteria."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from braintree_twin.calls import Answer, Call, Route
from braintree_twin.errors import Unprocessable
from braintree_twin.ledger.settlement import advance_due
from braintree_twin.params import Params
from braintree_twin.request_schema import EVERYTHING
from braintree_twin.search.paging import ids_answer, page_answer
from braintree_twin.search.query import Criterion, read_query
from braintree_twin.state.store import Store, Table
from braintree_twin.xml_writer import Node

ROOT = "search"
# The query refuses a criterion that it does not know.
CRITERIA = {ROOT: EVERYTHING}
Record = TypeVar("Record")


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoStepSearch(Generic[Record]):
    """An advanced search: its path, table, criteria, and the elements of its answers."""

    path: str
    root: str
    tag: str
    limit: int
    table: Callable[[Store], Table[Record]]
    criteria: Callable[[Call], Mapping[str, Criterion[Record]]]
    key: Callable[[Record], str]
    view: Callable[[Call, Record], Node]
    # Whether a search takes the gateway too long.
    times_out: Callable[[Params], bool] = lambda _: False

    def search_ids(self, call: Call) -> Answer:
        advance_due(call)
        if self.times_out(call.params(ROOT)):
            raise Unprocessable("search timeout")
        query = read_query(call.params(ROOT), self.criteria(call))
        return ids_answer(query.find_keys(self.table(call.store), call.merchant.id, self.key, self.limit))

    def search(self, call: Call) -> Answer:
        params = call.params(ROOT)
        query = read_query(params, self.criteria(call))
        table = self.table(call.store)
        named = (table.get(call.merchant.id, identifier) for identifier in params.texts("ids"))
        found = [self.view(call, record) for record in named if record and query.matches(record)]
        return page_answer(self.root, self.tag, found)

    @property
    def routes(self) -> tuple[Route, ...]:
        return (
            Route("POST", f"{self.path}/advanced_search_ids", self.search_ids, takes=CRITERIA),
            Route("POST", f"{self.path}/advanced_search", self.search, takes=CRITERIA),
        )
