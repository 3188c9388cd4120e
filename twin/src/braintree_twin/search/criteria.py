"""Matches records against the criteria of an advanced search.

A resource names its criteria in a table: name -> what is compared, and how. Reading a request checks it against the
table, so that a criterion nobody knows is refused instead of ignored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Generic, TypeVar

from braintree_twin.errors import MalformedRequest
from braintree_twin.params import Params
from braintree_twin.xml_in import Value

Record = TypeVar("Record", contravariant=True)
Texts = Iterable[str | None]
Test = Callable[[Texts], bool]


def _lower(texts: Texts) -> list[str]:
    return [text.lower() for text in texts if text is not None]


_TEXT_TESTS: dict[str, Callable[[str], Test]] = {
    "is": lambda wanted: lambda texts: any(text == wanted for text in _lower(texts)),
    "is_not": lambda wanted: lambda texts: all(text != wanted for text in _lower(texts)),
    "starts_with": lambda wanted: lambda texts: any(text.startswith(wanted) for text in _lower(texts)),
    "ends_with": lambda wanted: lambda texts: any(text.endswith(wanted) for text in _lower(texts)),
    "contains": lambda wanted: lambda texts: any(wanted in text for text in _lower(texts)),
}


def text(value: Value, name: str) -> Test:
    """is, is_not, starts_with, ends_with, contains; without regard to case."""
    operators = _operators(value, name, frozenset(_TEXT_TESTS))
    tests = [_TEXT_TESTS[operator]((wanted or "").lower()) for operator, wanted in operators.items()]
    return lambda texts: _all_of(tests, list(texts))


def one_of(value: Value, name: str) -> Test:
    """A list of values, any of which will do; an empty list matches nothing."""
    wanted = frozenset(Params({name: value}).texts(name))
    return lambda texts: any(text in wanted for text in texts)


def amount(value: Value, name: str) -> Test:
    """min, max and is, as numbers."""
    bounds = {operator: _decimal(wanted, name) for operator, wanted in _operators(value, name, _RANGE).items()}

    def test(texts: Texts) -> bool:
        return any(_within(Decimal(text), bounds) for text in texts if text is not None)

    return test


def moment(value: Value, name: str) -> Test:
    """min, max and is, as points in time; whole days where only a date is given."""
    bounds = {operator: wanted or "" for operator, wanted in _operators(value, name, _RANGE).items()}

    def test(texts: Texts) -> bool:
        return any(_within_days(text, bounds) for text in texts if text is not None)

    return test


def truth(value: Value, name: str) -> Test:
    """true or false."""
    wanted = Params({name: value}).flag(name)
    return lambda texts: any((text == "true") == wanted for text in texts)


_RANGE = frozenset({"min", "max", "is"})


def _operators(value: Value, name: str, known: frozenset[str]) -> dict[str, str | None]:
    if not isinstance(value, dict) or not value.keys() <= known:
        raise MalformedRequest(f"search: {name} takes {', '.join(sorted(known))}")
    params = Params(value, f"search.{name}.")
    return {operator: params.text(operator) for operator in params}


def _all_of(tests: list[Test], texts: list[str | None]) -> bool:
    return all(test(texts) for test in tests)


def _decimal(wanted: str | None, name: str) -> Decimal | None:
    if not wanted:
        return None
    try:
        number = Decimal(wanted)
    except InvalidOperation:
        raise MalformedRequest(f"search: {name} takes numbers") from None
    if not number.is_finite():
        raise MalformedRequest(f"search: {name} takes numbers")
    return number


def _within(number: Decimal, bounds: Mapping[str, Decimal | None]) -> bool:
    least, most, exact = bounds.get("min"), bounds.get("max"), bounds.get("is")
    return (
        (least is None or number >= least) and (most is None or number <= most) and (exact is None or number == exact)
    )


def _within_days(text: str, bounds: Mapping[str, str]) -> bool:
    least, most, exact = bounds.get("min"), bounds.get("max"), bounds.get("is")
    return (
        (not least or text >= _precise(least, text))
        and (not most or text <= _precise(most, text) or text.startswith(most))
        and (not exact or text == _precise(exact, text) or text.startswith(exact))
    )


def _precise(bound: str, like: str) -> str:
    """The bound as precisely as what it is compared with: days against days, seconds against seconds."""
    return bound[: len(like)]


@dataclass(frozen=True, slots=True)
class Criterion(Generic[Record]):
    """How one criterion is read, and what it looks at."""

    read: Callable[[Value, str], Test]
    values: Callable[[Record], Texts]
    # An indexed column, compared without regard to case, that equality can be looked up in.
    column: str | None = None


@dataclass(frozen=True, slots=True)
class Query(Generic[Record]):
    """A request's criteria, ready to be asked of records."""

    tests: list[tuple[Callable[[Record], Texts], Test]]
    # SQL conditions that every match meets, for the store.
    conditions: list[tuple[str, str]]

    def matches(self, record: Record) -> bool:
        return all(test(values(record)) for values, test in self.tests)


def read_query(params: Params, criteria: Mapping[str, Criterion[Record]]) -> Query[Record]:
    tests: list[tuple[Callable[[Record], Texts], Test]] = []
    conditions: list[tuple[str, str]] = []
    for name in params:
        criterion = criteria.get(name)
        if criterion is None:
            raise MalformedRequest(f"search: no criterion is called {name}")
        value = params.raw(name)
        tests.append((criterion.values, criterion.read(value, name)))
        wanted = value.get("is") if isinstance(value, dict) and criterion.column else None
        if isinstance(wanted, str) and wanted.isascii():
            conditions.append((f"{criterion.column} = ?", wanted))
    return Query(tests, conditions)
