"""Reads the seed's tables by name and type. Errors name the place."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Self

from braintree_twin.rules.money import canonical, exponent


class InvalidSeed(Exception):
    """The seed is invalid. The message names the place, such as merchants[0].accounts[1].currency."""


class Fields:
    """One table of the seed. `reject_unknown` raises for names that were not read."""

    def __init__(self, table: Any, place: str) -> None:
        if not isinstance(table, Mapping):
            raise InvalidSeed(f"{place or 'the seed'} must be a table")
        self._table = table
        self.place = place
        self._asked: set[str] = set()

    def at(self, name: str) -> str:
        return f"{self.place}.{name}" if self.place else name

    def invalid(self, name: str, remedy: str) -> InvalidSeed:
        return InvalidSeed(f"{self.at(name)} {remedy}")

    def __contains__(self, name: str) -> bool:
        return name in self._table

    def raw(self, name: str) -> Any:
        self._asked.add(name)
        return self._table.get(name)

    def text(self, name: str) -> str | None:
        value = self.raw(name)
        if value is None or (isinstance(value, str) and value):
            return value
        raise self.invalid(name, "must be text in quotes")

    def required(self, name: str) -> str:
        value = self.text(name)
        if value is None:
            raise self.invalid(name, "is missing")
        return value

    def one_of(self, name: str, known: Collection[str], default: str | None = None) -> str:
        value = self.text(name) or default
        if value is None:
            raise self.invalid(name, "is missing")
        if value not in known:
            raise self.invalid(name, f"is {value!r}, and must be one of {', '.join(sorted(known))}")
        return value

    def flag(self, name: str, default: bool) -> bool:
        value = self.raw(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.invalid(name, "must be true or false")
        return value

    def number(self, name: str, default: int | None = None) -> int | None:
        value = self.raw(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise self.invalid(name, "must be a whole number")
        return value

    def numbers(self, name: str, default: tuple[int, ...]) -> tuple[int, ...]:
        value = self.raw(name)
        if value is None:
            return default
        if not isinstance(value, list) or not all(type(each) is int and each > 0 for each in value):
            raise self.invalid(name, "must be a list of whole numbers above zero")
        return tuple(value)

    def amount(self, name: str, currency: str, default: str | None = None) -> str:
        value = self.raw(name)
        if value is None and default is None:
            raise self.invalid(name, "is missing")
        try:
            number = Decimal(str(default if value is None else value))
        except InvalidOperation:
            raise self.invalid(name, 'must be an amount such as "10.00"') from None
        if not number.is_finite() or number < 0 or number != round(number, exponent(currency)):
            raise self.invalid(name, f'must be an amount in {currency} such as "{canonical(Decimal(10), currency)}"')
        return canonical(number, currency)

    def texts(self, name: str, known: Collection[str] | None = None) -> list[str]:
        value = self.raw(name)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise self.invalid(name, "must be a list of texts")
        unknown = [each for each in value if known is not None and each not in known]
        if unknown:
            raise self.invalid(name, f"has {unknown[0]!r}, and takes only {', '.join(sorted(known or ()))}")
        return value

    def table(self, name: str) -> dict[str, str | None]:
        """A table of texts."""
        value = self.raw(name)
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            raise self.invalid(name, "must be a table")
        return {key: None if each is None else str(each) for key, each in value.items()}

    def section(self, name: str) -> Self | None:
        value = self.raw(name)
        return None if value is None else type(self)(value, self.at(name))

    def sections(self, name: str) -> list[Self]:
        value = self.raw(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.invalid(name, f"must be a list of tables, written [[{self.at(name)}]]")
        return [type(self)(each, f"{self.at(name)}[{number}]") for number, each in enumerate(value)]

    def each(self, name: str, read: Callable[[Self], Any]) -> list[Any]:
        return [_read_all(read, section) for section in self.sections(name)]

    def reject_unknown(self) -> None:
        unknown = sorted(set(self._table) - self._asked)
        if unknown:
            raise self.invalid(unknown[0], f"is not known here; known are {', '.join(sorted(self._asked))}")


def _read_all(read: Callable[[Any], Any], fields: Fields) -> Any:
    result = read(fields)
    fields.reject_unknown()
    return result
