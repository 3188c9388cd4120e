"""Amounts are exact, or refused."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bayar import Money, amounts, format_money, money
from domain.currencies import EXPONENTS

CURRENCIES = st.sampled_from(sorted(EXPONENTS))


@pytest.mark.parametrize(
    ("text", "currency_code", "minor_units"),
    [
        ("25.00", "USD", 2500),
        ("25", "USD", 2500),
        ("25.5", "USD", 2550),
        ("0.01", "USD", 1),
        ("1050", "JPY", 1050),
        ("1050.00", "JPY", 1050),
        ("1.050", "KWD", 1050),
        ("150000.00", "IDR", 15_000_000),
        (Decimal("1E+3"), "USD", 100_000),
        ("92233720368547758.07", "USD", 2**63 - 1),
    ],
)
def test_a_decimal_becomes_minor_units(text: str | Decimal, currency_code: str, minor_units: int) -> None:
    assert money(text, currency_code) == Money(minor_units=minor_units, currency_code=currency_code)


@pytest.mark.parametrize("amount", [25.0, 0.1, 25, True, None])
def test_a_malformed_decimal_is_refused(amount: object) -> None:
    with pytest.raises(TypeError, match=r'text or a Decimal, for example money\("25.00", "USD"\)'):
        money(amount, "USD")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "currency_code"),
    [
        ("25.001", "USD"),
        ("1.5", "JPY"),
        ("1.0505", "KWD"),
        ("-1.00", "USD"),
        ("1,000.00", "USD"),
        (" 25.00", "USD"),
        ("25.00\n", "USD"),
        ("1e3", "USD"),
        ("1_000", "USD"),
        ("٢٥", "USD"),  # Arabic digits: int() would read them
        ("", "USD"),
        (".5", "USD"),
        ("NaN", "USD"),
        (Decimal("NaN"), "USD"),
        (Decimal("Infinity"), "USD"),
        ("92233720368547758.08", "USD"),
        ("9" * 100_000, "USD"),
        ("25.00", "usd"),
        ("25.00", "US"),
        ("25.00", ""),
    ],
)
def test_an_inexact_amount_is_refused(text: str | Decimal, currency_code: str) -> None:
    with pytest.raises(ValueError, match=r"amount|precise|currency"):
        money(text, currency_code)


@given(st.integers(0, 2**63 - 1), CURRENCIES)
def test_formatted_amounts_parse_to_the_same_value(minor_units: int, currency_code: str) -> None:
    amount = Money(minor_units=minor_units, currency_code=currency_code)
    code, text = format_money(amount).split()
    assert money(text, code) == amount


@given(st.integers(-(2**63), 2**63 - 1), CURRENCIES)
def test_a_format_has_the_digits_of_its_currency(minor_units: int, currency_code: str) -> None:
    code, text = format_money(Money(minor_units=minor_units, currency_code=currency_code)).split()
    exponent = EXPONENTS[currency_code]
    assert code == currency_code
    assert Decimal(text).as_tuple().exponent == -exponent
    assert int(Decimal(text).scaleb(exponent)) == minor_units


@pytest.mark.parametrize(
    ("minor_units", "currency_code", "text"),
    [(2500, "USD", "USD 25.00"), (5, "USD", "USD 0.05"), (-5, "USD", "USD -0.05"), (1050, "JPY", "JPY 1050")],
)
def test_a_format_puts_the_currency_first(minor_units: int, currency_code: str, text: str) -> None:
    assert format_money(Money(minor_units=minor_units, currency_code=currency_code)) == text


def test_the_client_and_the_service_agree_on_every_currency() -> None:
    assert {code: amounts.EXPONENTS.get(code, 2) for code in EXPONENTS} == dict(EXPONENTS)
    assert amounts.EXPONENTS.keys() <= EXPONENTS.keys()
