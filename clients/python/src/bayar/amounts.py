"""Converts between decimal amounts and the contract's exact `Money`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Protocol

from bayar.modeling import Model, model
from bayar.payments.v1 import money_pb2

# Digits after the decimal point where they are not two (ISO 4217:2015).
_NO_DIGITS: Final = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_THREE_DIGITS: Final = "BHD IQD JOD KWD LYD OMR TND"
EXPONENTS: Final = dict.fromkeys(_NO_DIGITS.split(), 0) | dict.fromkeys(_THREE_DIGITS.split(), 3)

_DECIMAL: Final = re.compile(r"([0-9]+)(?:\.([0-9]+))?")
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_INT64_MAX: Final = 2**63 - 1


class _Amount(Protocol):
    """Money, or its message."""

    @property
    def minor_units(self) -> int: ...
    @property
    def currency_code(self) -> str: ...


@model(money_pb2.Money)
@dataclass(frozen=True, slots=True, repr=False)
class Money(Model):
    """An exact amount of one currency. str() is "USD 25.00", and "Rp25.000" for rupiah."""

    minor_units: int = 0
    """In the currency's minor units: cents for USD (1050 is 10.50), whole yen for JPY, fils for KWD (1050 is 1.050)."""
    currency_code: str = ""
    """The ISO 4217 code in capital letters."""

    @property
    def decimal(self) -> Decimal:
        """Exactly the amount in whole units with the currency's number of decimals: Decimal("25.00")."""
        return Decimal(self.minor_units).scaleb(-_exponent(self.currency_code))

    def __str__(self) -> str:
        if not _CURRENCY.fullmatch(self.currency_code):
            return f"{self.minor_units} of no currency"
        return _rupiah(self) if self.currency_code == "IDR" else format_money(self)

    def __repr__(self) -> str:
        return f"Money(minor_units={self.minor_units}, currency_code={self.currency_code!r})"


NO_MONEY: Final = Money()


def money(amount: str | Decimal, currency_code: str) -> Money:
    """The exact amount of a decimal such as "25.00" of an ISO 4217 currency such as "USD".

    Raises TypeError for a float (it is not exact) and for an int (25 of what, dollars or cents?); ValueError for what
    is no plain decimal, has more digits than the currency (zeros at the end apart), or is no currency code. For minor
    units as they are, write `Money(minor_units=2500, currency_code="USD")`.
    """
    if not isinstance(amount, str | Decimal):
        raise TypeError(
            f'An amount is text or a Decimal, for example money("25.00", "USD"), not {type(amount).__name__}.'
        )
    exponent = _exponent(currency_code)
    text = f"{amount:f}" if isinstance(amount, Decimal) else amount
    parts = _DECIMAL.fullmatch(text)
    if parts is None:
        raise ValueError(f'{text!r} is no amount. Write digits and a point, for example "1000.50".')
    fraction = (parts[2] or "").rstrip("0")
    if len(fraction) > exponent:
        raise ValueError(f"{text} is too precise: {currency_code} has {exponent} digits after the point.")
    minor_units = int(parts[1] + fraction.ljust(exponent, "0")) if len(text) < 1000 else _INT64_MAX + 1
    if minor_units > _INT64_MAX:
        raise ValueError("The amount is too large.")
    return Money(minor_units, currency_code)


def format_money(amount: _Amount) -> str:
    """`USD 25.00`, with the currency's own number of digits: the same form for every currency."""
    whole, fraction = _parts(amount)
    sign = "-" if amount.minor_units < 0 else ""
    return f"{amount.currency_code} {sign}{whole}{'.' if fraction else ''}{fraction}"


def _rupiah(amount: _Amount) -> str:
    """As Indonesians write it: "Rp25.000", and with sen "Rp25.000,50"."""
    whole, fraction = _parts(amount)
    grouped = f"{int(whole):,}".replace(",", ".")
    sign = "-" if amount.minor_units < 0 else ""
    return f"{sign}Rp{grouped}" + (f",{fraction}" if int(fraction) else "")


def _parts(amount: _Amount) -> tuple[str, str]:
    """The digits before and after the decimal point."""
    exponent = _exponent(amount.currency_code)
    digits = str(abs(amount.minor_units)).rjust(exponent + 1, "0")
    cut = len(digits) - exponent
    return digits[:cut], digits[cut:]


def _exponent(currency_code: str) -> int:
    if not _CURRENCY.fullmatch(currency_code):
        raise ValueError(f'{currency_code!r} is no currency. Write its ISO 4217 code in capitals, for example "USD".')
    return EXPONENTS.get(currency_code, 2)
