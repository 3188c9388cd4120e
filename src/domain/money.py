"""Exact money amounts in minor units of one currency."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from domain.currencies import EXPONENTS
from domain.quick_init import quick_init


class UnknownCurrency(ValueError):
    """The code is not an active currency of ISO 4217 in capital letters."""

    def __init__(self, currency_code: object) -> None:
        super().__init__(f"{currency_code!r} is not an ISO 4217 currency code")
        self.currency_code = currency_code


class InexactAmount(ValueError):
    """The amount is not a whole number of minor units."""

    def __init__(self, amount: object, currency_code: str) -> None:
        super().__init__(f"{amount!r} is no whole number of minor units of {currency_code}")
        self.amount = amount
        self.currency_code = currency_code


class CurrencyMismatch(ValueError):
    """Amounts of two different currencies were combined."""

    def __init__(self, left: str, right: str) -> None:
        super().__init__(f"{left} and {right} cannot be combined")
        self.left = left
        self.right = right


@quick_init
@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units (cents for USD, yen for JPY, fils for KWD) of one currency.

    Raises InexactAmount for anything but an int, and UnknownCurrency.
    """

    minor_units: int
    currency_code: str

    def __post_init__(self) -> None:
        if self.currency_code not in EXPONENTS:
            raise UnknownCurrency(self.currency_code)
        if type(self.minor_units) is not int:
            raise InexactAmount(self.minor_units, self.currency_code)

    @classmethod
    def zero(cls, currency_code: str) -> Money:
        return cls(0, currency_code)

    @classmethod
    def total(cls, amounts: Iterable[Money], currency_code: str) -> Money:
        """The sum of the amounts. Without any, zero in the currency."""
        return sum(amounts, cls(0, currency_code))

    @classmethod
    def from_decimal(cls, amount: str, currency_code: str) -> Money:
        """Reads a decimal such as "10.50". Raises InexactAmount for anything else, or for too many digits."""
        if currency_code not in EXPONENTS:
            raise UnknownCurrency(currency_code)
        try:
            scaled = Decimal(amount).scaleb(EXPONENTS[currency_code])
        except InvalidOperation:
            raise InexactAmount(amount, currency_code) from None
        if not scaled.is_finite() or scaled != scaled.to_integral_value():
            raise InexactAmount(amount, currency_code)
        return cls(int(scaled), currency_code)

    @property
    def exponent(self) -> int:
        """The number of digits after the decimal point."""
        return EXPONENTS[self.currency_code]

    def to_decimal(self) -> str:
        """The exact decimal with the currency's own number of digits: "10.50", "1050", "1.050"."""
        return f"{Decimal(self.minor_units).scaleb(-self.exponent):f}"

    def __str__(self) -> str:
        return f"{self.currency_code} {self.to_decimal()}"

    def __add__(self, other: Money) -> Money:
        return Money(self.minor_units + self._same(other), self.currency_code)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor_units - self._same(other), self.currency_code)

    def __lt__(self, other: Money) -> bool:
        return self.minor_units < self._same(other)

    def __le__(self, other: Money) -> bool:
        return self.minor_units <= self._same(other)

    def __gt__(self, other: Money) -> bool:
        return self.minor_units > self._same(other)

    def __ge__(self, other: Money) -> bool:
        return self.minor_units >= self._same(other)

    def __bool__(self) -> bool:
        return self.minor_units != 0

    def _same(self, other: Money) -> int:
        if self.currency_code != other.currency_code:
            raise CurrencyMismatch(self.currency_code, other.currency_code)
        return other.minor_units
