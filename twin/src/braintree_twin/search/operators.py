"""The operators of search criteria, by type: text, list, card number, amount, timestamp, boolean."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from braintree_twin.errors import FailedSearch, InvalidSearch
from braintree_twin.params import Params
from braintree_twin.xml_reader import Value

Texts = Iterable[str | None]
Test = Callable[[Texts], bool]


def _lower(texts: Texts) -> list[str]:
    return [text.lower() for text in texts if text is not None]


_TEXT_TESTS: dict[str, Callable[[str], Test]] = {
    # Nothing is equal to nothing only.
    "is": lambda wanted: lambda texts: any(text == wanted for text in _lower(texts) or ("",)),
    "is_not": lambda wanted: lambda texts: all(text != wanted for text in _lower(texts)),
    "starts_with": lambda wanted: lambda texts: any(text.startswith(wanted) for text in _lower(texts)),
    "ends_with": lambda wanted: lambda texts: any(text.endswith(wanted) for text in _lower(texts)),
    "contains": lambda wanted: lambda texts: any(wanted in text for text in _lower(texts)),
}


def text(value: Value, name: str) -> Test:
    """is, is_not, starts_with, ends_with, contains; case-insensitive."""
    operators = _operators(value, name, frozenset(_TEXT_TESTS))
    tests = [_TEXT_TESTS[operator]((wanted or "").lower()) for operator, wanted in operators.items()]
    return lambda texts: _all_of(tests, list(texts))


def text_of_some(value: Value, name: str) -> Test:
    """Like `text`, for a field that only some kinds of records have: a record without values never matches."""
    test = text(value, name)

    def matches(texts: Texts) -> bool:
        known = list(texts)
        return bool(known) and test(known)

    return matches


def one_of(value: Value, name: str) -> Test:
    """One of the listed values; an empty list matches nothing."""
    wanted = frozenset(Params({name: value}).texts(name))
    return lambda texts: any(text in wanted for text in texts)


def one_of_known(*known: str) -> Callable[[Value, str], Test]:
    """One of the listed values. An unknown value makes the search invalid."""
    allowed = frozenset(known)

    def read(value: Value, name: str) -> Test:
        unknown = set(Params({name: value}).texts(name)) - allowed
        if unknown:
            raise InvalidSearch(f"search: {name} takes none of {', '.join(sorted(unknown))}")
        return one_of(value, name)

    return read


def text_or_one_of(value: Value, name: str) -> Test:
    """A text with its operators, or a list of values."""
    return text(value, name) if isinstance(value, dict) and value.keys() <= set(_TEXT_TESTS) else one_of(value, name)


def card_number(value: Value, name: str) -> Test:
    """A card number. Records have its first six and last four digits only, as "411111|1111"."""
    operators = _operators(value, name, frozenset(_TEXT_TESTS))
    tests = [_number_test(operator, re.sub(r"[ -]", "", wanted or "")) for operator, wanted in operators.items()]
    return lambda texts: _all_of(tests, list(texts))


def _number_test(operator: str, wanted: str) -> Test:
    if not wanted:
        # Without digits nothing is compared: every card matches.
        return lambda texts: any(texts)

    def agrees(known: str) -> bool:
        start, _, end = known.partition("|")
        match operator:
            case "starts_with":
                return wanted.startswith(start) or start.startswith(wanted)
            case "ends_with":
                return wanted.endswith(end) or end.endswith(wanted)
            case "contains":
                return wanted in start or wanted in end or (start in wanted and end in wanted)
            case _:
                return len(wanted) >= len(start + end) and wanted.startswith(start) and wanted.endswith(end)

    if operator == "is_not":
        return lambda texts: not any(agrees(known) for known in texts if known)
    return lambda texts: any(agrees(known) for known in texts if known)


def amount(value: Value, name: str) -> Test:
    """min, max and is, as numbers."""
    bounds = {operator: _decimal(wanted, name) for operator, wanted in _operators(value, name, _RANGE).items()}
    if any(bound is not None and bound < 0 for bound in bounds.values()):
        raise FailedSearch(f"{name} must not be negative")

    def test(texts: Texts) -> bool:
        return any(_within(Decimal(text), bounds) for text in texts if text is not None)

    return test


def timestamp(value: Value, name: str) -> Test:
    """min, max and is, as points in time; a bound without a time covers the whole day."""
    bounds = {operator: iso_timestamp(wanted or "") for operator, wanted in _operators(value, name, _RANGE).items()}

    def test(texts: Texts) -> bool:
        return any(_within_days(text, bounds) for text in texts if text is not None)

    return test


def boolean(value: Value, name: str) -> Test:
    """true or false."""
    wanted = Params({name: value}).flag(name)
    return lambda texts: any((text == "true") == wanted for text in texts)


def iso_timestamp(bound: str) -> str:
    """The bound in UTC, as 2026-11-24T10:00:00Z or 2026-11-24.

    Also reads 11/24/2026, a space in place of T, thousandths of a second and other time zones.
    """
    american = _AMERICAN.match(bound)
    if american:
        bound = f"{american[3]}-{int(american[1]):02}-{int(american[2]):02}{bound[american.end() :]}"
    if len(bound) > 10 and bound[10] == " ":
        bound = f"{bound[:10]}T{bound[11:]}"
    match = _ISO.fullmatch(bound)
    if bound and not match:
        raise InvalidSearch("search: a moment is written like 2026-11-24T10:00:00Z")
    return _in_utc(match) if match and match["time"] else bound[:10]


def _in_utc(match: re.Match[str]) -> str:
    zone = (match["zone"] or "Z").strip().replace("UTC", "Z")
    if zone != "Z" and ":" not in zone:
        zone = f"{zone[:3]}:{zone[3:] or '00'}"
    seconds, fraction = match["seconds"] or ":00", match["fraction"] or ""
    try:
        moment = datetime.fromisoformat(f"{match['day']}T{match['time']}{seconds}{zone.replace('Z', '+00:00')}")
    except ValueError:
        raise InvalidSearch("search: there is no such moment") from None
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}{fraction.rstrip('0').rstrip('.')}Z"


_AMERICAN = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})", re.ASCII)
_ISO = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)(T(?P<time>\d\d:\d\d)(?P<seconds>:\d\d)?(?P<fraction>\.\d+)?"
    r"(?P<zone> ?(Z|UTC|[+-]\d\d(:?\d\d)?))?)?",
    re.ASCII,
)
_RANGE = frozenset({"min", "max", "is"})


def _operators(value: Value, name: str, known: frozenset[str]) -> dict[str, str | None]:
    if not isinstance(value, dict) or not value.keys() <= known:
        raise InvalidSearch(f"search: {name} takes {', '.join(sorted(known))}")
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
        raise InvalidSearch(f"search: {name} takes numbers") from None
    if not number.is_finite():
        raise InvalidSearch(f"search: {name} takes numbers")
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
    """The bound with the precision of the value: days against days, seconds against seconds."""
    return bound[: len(like)]
