"""Reads an amount as people write it: "10.00", "Rp 150.000", "1,234.50 USD"."""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from application.search.normal_form import plain_decimal
from domain.currencies import EXPONENTS

_NUMBER: Final = re.compile(r"(?P<before>[^\d\s.,'-]{0,4})(?P<number>\d[\d.,']*)(?P<after>[^\d\s.,'-]{0,4})", re.ASCII)
# "." and "," group or separate decimals, as the language has it.
_SEPARATOR: Final = re.compile(r"[.,]")
_MOST_DIGITS: Final = 22
_SYMBOLS: Final = frozenset({"", "$", "€", "£", "¥", "₹", "₩", "rp", "us$", "a$", "s$", "kr", "zł", "fr", "r$"})
_GROUP: Final = 3


def currency_in(word: str) -> str:
    """The currency that a normalised word names, as its ISO 4217 code; otherwise empty."""
    code = word.upper()
    return code if code in EXPONENTS else ""


def read_amount(word: str) -> tuple[Sequence[str], str]:
    """The decimal numbers that a normalised word can stand for, in their plain form; and the currency, if it has one.

    "150.000" is 150000, and in currencies of three decimals also 150. Empty if the word is no amount.
    """
    written = _NUMBER.fullmatch(word)
    if written is None:
        return (), ""
    marks = [written["before"], written["after"]]
    currencies = [code for code in map(currency_in, marks) if code]
    if any(mark not in _SYMBOLS and not currency_in(mark) for mark in marks) or len(currencies) > 1:
        return (), ""
    return _values(written["number"].replace("'", "")), "".join(currencies)


def _values(number: str) -> list[str]:
    digits = _SEPARATOR.sub("", number)
    if not digits or len(digits) > _MOST_DIGITS or number[-1] in ".,":
        return []
    separators = _SEPARATOR.findall(number)
    readings = []
    if not separators or _is_grouped(number, separators):
        readings.append(Decimal(digits))
    if separators and separators.count(separators[-1]) == 1:
        whole, _, decimals = number.rpartition(separators[-1])
        if _is_whole(whole, separators[:-1]):
            readings.append(Decimal(f"{_SEPARATOR.sub('', whole)}.{decimals}"))
    return list(dict.fromkeys(map(plain_decimal, readings)))


def _is_grouped(number: str, separators: Sequence[str]) -> bool:
    """Whether all separators group thousands: one kind, and three digits after each."""
    first, *groups = _SEPARATOR.split(number)
    return len(set(separators)) == 1 and 1 <= len(first) <= _GROUP and all(len(group) == _GROUP for group in groups)


def _is_whole(whole: str, separators: Sequence[str]) -> bool:
    return not separators or _is_grouped(whole, separators)
