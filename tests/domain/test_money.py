"""Money is exact."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.currencies import EXPONENTS
from domain.money import CurrencyMismatch, InexactAmount, Money, UnknownCurrency

amounts = st.builds(Money, st.integers(-(10**15), 10**15), st.sampled_from(sorted(EXPONENTS)))
dollars = st.builds(Money, st.integers(-(10**15), 10**15), st.just("USD"))


@pytest.mark.parametrize(
    ("money", "text"),
    [
        (Money(1050, "USD"), "10.50"),
        (Money(1050, "JPY"), "1050"),
        (Money(1050, "KWD"), "1.050"),
        (Money(5, "USD"), "0.05"),
        (Money(0, "USD"), "0.00"),
        (Money(0, "JPY"), "0"),
        (Money(10**15, "JPY"), "1000000000000000"),
        (Money(-5, "KWD"), "-0.005"),
    ],
)
def test_a_decimal_has_the_digits_of_its_currency(money: Money, text: str) -> None:
    assert money.to_decimal() == text
    assert Money.from_decimal(text, money.currency_code) == money


@given(amounts)
def test_an_amount_survives_the_way_to_a_decimal_and_back(money: Money) -> None:
    assert Money.from_decimal(money.to_decimal(), money.currency_code) == money
    assert "E" not in money.to_decimal()
    assert Decimal(money.to_decimal()) * 10**money.exponent == money.minor_units


@pytest.mark.parametrize("amount", [1.0, 10.5, True, "10", Decimal(10), None, float("nan")])
def test_anything_but_an_integer_is_refused(amount: object) -> None:
    with pytest.raises(InexactAmount):
        Money(amount, "USD")  # type: ignore[arg-type]


@pytest.mark.parametrize("code", ["usd", "XXX", "", "US", "USDD", "BTC", None])
def test_a_code_that_is_no_currency_is_refused(code: str) -> None:
    with pytest.raises(UnknownCurrency):
        Money(1, code)
    with pytest.raises(UnknownCurrency):
        Money.from_decimal("1", code)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("1.001", "USD"),
        ("0.5", "JPY"),
        ("1.0001", "KWD"),
        ("", "USD"),
        ("ten", "USD"),
        ("NaN", "USD"),
        ("Infinity", "USD"),
        ("1,50", "USD"),
    ],
)
def test_a_decimal_that_is_not_whole_minor_units_is_refused(text: str, code: str) -> None:
    with pytest.raises(InexactAmount):
        Money.from_decimal(text, code)


@given(st.text(max_size=30))
def test_no_text_is_read_as_anything_but_an_amount_or_a_refusal(text: str) -> None:
    try:
        money = Money.from_decimal(text, "USD")
    except InexactAmount:
        return
    assert type(money.minor_units) is int


@given(dollars, dollars)
def test_sums_and_differences_are_those_of_the_minor_units(left: Money, right: Money) -> None:
    assert (left + right).minor_units == left.minor_units + right.minor_units
    assert (left + right) - right == left
    assert (left < right) is (left.minor_units < right.minor_units)
    assert (left >= right) is (left.minor_units >= right.minor_units)
    assert Money.total([left, right, left], "USD") == left + right + left


def test_no_amounts_add_up_to_zero_of_the_currency() -> None:
    assert Money.total([], "JPY") == Money.zero("JPY")
    assert not Money.zero("JPY")
    assert Money(1, "JPY")


def test_two_currencies_never_meet() -> None:
    dollar, yen = Money(1, "USD"), Money(1, "JPY")
    for combine in (
        lambda: dollar + yen,
        lambda: dollar - yen,
        lambda: dollar < yen,
        lambda: dollar <= yen,
        lambda: dollar > yen,
        lambda: dollar >= yen,
        lambda: Money.total([yen], "USD"),
    ):
        with pytest.raises(CurrencyMismatch):
            combine()
    assert dollar != yen


def test_every_currency_has_a_known_exponent() -> None:
    assert set(EXPONENTS.values()) == {0, 2, 3}
    assert (EXPONENTS["USD"], EXPONENTS["JPY"], EXPONENTS["KWD"], EXPONENTS["IDR"]) == (2, 0, 3, 2)
    assert all(len(code) == 3 and code.isupper() for code in EXPONENTS)
