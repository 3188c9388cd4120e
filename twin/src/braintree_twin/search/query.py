"""Reads a search's criteria into a query, and runs it: index lookups first, then exact tests.

The tables of criteria stand in search_criteria/: name -> operator, values of a record, index lookup.
An unknown criterion is refused, not ignored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from braintree_twin.errors import InvalidSearch
from braintree_twin.params import Params
from braintree_twin.search.index_lookups import UNINDEXED, Condition, Lookup
from braintree_twin.search.operators import Test, Texts
from braintree_twin.state.store import Table
from braintree_twin.xml_reader import Value

Record = TypeVar("Record")


@dataclass(frozen=True, slots=True)
class Criterion(Generic[Record]):
    """One criterion: its operator, the values of a record that it tests, and its index lookup, if there is one."""

    read: Callable[[Value, str], Test]
    values: Callable[[Record], Texts]
    lookup: Lookup | None = None


@dataclass(frozen=True, slots=True)
class Query(Generic[Record]):
    """The criteria of one request."""

    # Every test, and those that the SQL conditions do not decide.
    tests: list[tuple[Callable[[Record], Texts], Test]]
    left: list[tuple[Callable[[Record], Texts], Test]]
    conditions: list[Condition]

    def matches(self, record: Record) -> bool:
        return all(test(values(record)) for values, test in self.tests)

    def find_keys(self, table: Table[Record], merchant_id: str, key: Callable[[Record], str], limit: int) -> list[str]:
        """The keys of the newest matches."""
        if not self.left:
            return table.keys(merchant_id, self.conditions, limit)
        found: list[str] = []
        for record in table.scan(merchant_id, self.conditions, newest_first=True):
            if all(test(values(record)) for values, test in self.left):
                found.append(key(record))
                if len(found) == limit:
                    break
        return found


def read_query(params: Params, criteria: Mapping[str, Criterion[Record]]) -> Query[Record]:
    query: Query[Record] = Query([], [], [])
    for name in params:
        criterion = criteria.get(name)
        if criterion is None:
            raise InvalidSearch(f"search: no criterion is called {name}")
        value = params.raw(name)
        test = criterion.values, criterion.read(value, name)
        conditions, exact = criterion.lookup(value) if criterion.lookup else UNINDEXED
        query.tests.append(test)
        query.conditions.extend(conditions)
        if not exact:
            query.left.append(test)
    return query
