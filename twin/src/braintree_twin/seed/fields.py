"""Reads the seed's tables by name and type. Every fault is collected, and names the place."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from typing import Any, Self, TypeVar

from braintree_twin.rules.money import canonical, exponent

Result = TypeVar("Result")
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


# Of more names than these, a fault tells those that are near.
_FEW = 20


def _choice(value: str, known: Collection[str]) -> str:
    """The names that may stand in the place of this one."""
    if len(known) <= _FEW:
        return f"must be one of {', '.join(sorted(known))}"
    near = get_close_matches(value, sorted(known), n=3, cutoff=0.5)
    return f"is none of the {len(known)} known names" + (f"; near it are {', '.join(near)}" if near else "")


class InvalidSeed(Exception):
    """The seed is invalid. `faults` has a sentence for each fault.

    A sentence names the place by ids, such as merchants[shop].accounts[shop_usd].currency; a table without a usable id
    is named by its number, from 0.
    """

    def __init__(self, *faults: str) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class Fields:
    """One table of the seed. A reader that meets a fault collects it, and returns a value of the right type.

    `faults` is shared by all tables of a seed. `reject_unknown` adds a fault for each name that was not read.
    """

    def __init__(self, table: Any, place: str, faults: list[str]) -> None:
        self.faults = faults
        self.place = place
        self._asked: set[str] = set()
        self._table: Mapping[str, Any] = table if isinstance(table, Mapping) else {}
        if not isinstance(table, Mapping):
            faults.append(f"{place or 'the seed'} must be a table")

    def at(self, name: str) -> str:
        return f"{self.place}.{name}" if self.place else name

    def fault(self, name: str, remedy: str) -> None:
        """Collect a fault of the field with this name."""
        self.faults.append(f"{self.at(name)} {remedy}")

    def __contains__(self, name: str) -> bool:
        return name in self._table

    def raw(self, name: str) -> Any:
        self._asked.add(name)
        return self._table.get(name)

    def text(self, name: str) -> str | None:
        value = self.raw(name)
        if value is None or (isinstance(value, str) and value):
            return value
        self.fault(name, "must be text in quotes")
        return None

    def required(self, name: str) -> str:
        if name not in self:
            self.fault(name, "is missing")
        return self.text(name) or ""

    def identifier(self, name: str) -> str:
        """A required id or token: letters, digits, - and _."""
        text = self.required(name)
        if text and not _ID.fullmatch(text):
            self.fault(name, "may only have letters, digits, - and _, and at most 64 of them")
        return text

    def one_of(self, name: str, known: Collection[str], default: str | None = None) -> str:
        value = (self.text(name) or default) if name in self or default else self.required(name)
        if value in known:
            return str(value)
        if value:
            self.fault(name, f"is {value!r}, and {_choice(value, known)}")
        return default or sorted(known)[0]

    def flag(self, name: str, default: bool) -> bool:
        value = self.raw(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            self.fault(name, "must be true or false")
            return default
        return value

    def number(self, name: str, default: int | None = None) -> int | None:
        value = self.raw(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            self.fault(name, "must be a whole number")
            return default
        return value

    def number_from(self, name: str, smallest: int, default: int | None = None) -> int | None:
        """A whole number that is at least the smallest one."""
        value = self.number(name, default)
        if value is not None and value < smallest:
            self.fault(name, f"must be {smallest} or more")
            return default
        return value

    def numbers(self, name: str, default: tuple[int, ...]) -> tuple[int, ...]:
        value = self.raw(name)
        if value is None:
            return default
        if not isinstance(value, list) or not all(type(each) is int and each > 0 for each in value):
            self.fault(name, "must be a list of whole numbers above zero")
            return default
        return tuple(value)

    def amount(self, name: str, currency: str, default: str | None = None) -> str:
        value = self.raw(name)
        nothing = canonical(Decimal(0), currency)
        if value is None and default is None:
            self.fault(name, "is missing")
            return nothing
        try:
            number = Decimal(str(default if value is None else value))
        except InvalidOperation:
            self.fault(name, 'must be an amount such as "10.00"')
            return nothing
        if not number.is_finite() or number < 0 or number != round(number, exponent(currency)):
            self.fault(name, f'must be an amount in {currency} such as "{canonical(Decimal(10), currency)}"')
            return nothing
        return canonical(number, currency)

    def texts(self, name: str, known: Collection[str] | None = None) -> list[str]:
        value = self.raw(name)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            self.fault(name, "must be a list of texts")
            return []
        unknown = [each for each in value if known is not None and each not in known]
        if unknown:
            self.fault(name, f"has {unknown[0]!r}, and takes only {', '.join(sorted(known or ()))}")
        return [each for each in value if each not in unknown]

    def table(self, name: str) -> dict[str, str | None]:
        """A table of texts."""
        value = self.raw(name)
        if value is not None and not isinstance(value, Mapping):
            self.fault(name, "must be a table")
        if not isinstance(value, Mapping):
            return {}
        return {key: None if each is None else str(each) for key, each in value.items()}

    def moment(self, name: str) -> datetime | None:
        value = self.raw(name)
        if value is None:
            return None
        if not isinstance(value, datetime):
            self.fault(name, "must be a moment without quotes, such as 2026-01-31T12:00:00Z")
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)

    def day(self, name: str) -> date | None:
        value = self.raw(name)
        if value is None:
            return None
        if isinstance(value, datetime) or not isinstance(value, date):
            self.fault(name, "must be a day without quotes, such as 2026-01-31")
            return None
        return value

    def section(self, name: str) -> Self | None:
        value = self.raw(name)
        return None if value is None else type(self)(value, self.at(name), self.faults)

    def sections(self, name: str) -> list[Self]:
        value = self.raw(name)
        if value is None:
            return []
        if not isinstance(value, list):
            self.fault(name, f"must be a list of tables, written [[{self.at(name)}]]")
            return []
        return [
            type(self)(each, f"{self.at(name)}[{_name_of(each, number)}]", self.faults)
            for number, each in enumerate(value)
        ]

    def each(self, name: str, read: Callable[[Self], Result]) -> list[Result]:
        return [_read_all(read, section) for section in self.sections(name)]

    def reject_unknown(self) -> None:
        for name in sorted(set(self._table) - self._asked):
            self.fault(name, f"is not known here; known are {', '.join(sorted(self._asked))}")


def _name_of(table: Any, number: int) -> str:
    """The id or token of a table; its number if it has none."""
    known = (table.get("id"), table.get("token")) if isinstance(table, Mapping) else ()
    return next((each for each in known if isinstance(each, str) and each), str(number))


def _read_all(read: Callable[[Any], Result], fields: Fields) -> Result:
    result = read(fields)
    fields.reject_unknown()
    return result
