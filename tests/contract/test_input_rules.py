"""The service accepts of a customer, an address and an amount exactly what the gateway accepts."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from application.common.errors import InvalidRequest
from application.common.validator import RawMoney, Validator, largest_amount
from braintree_twin.params import Params
from braintree_twin.rules.addresses import read_address
from braintree_twin.rules.countries import BY_FIELD
from braintree_twin.rules.customers import read_customer
from braintree_twin.rules.money import TRANSACTION_AMOUNT
from braintree_twin.validation import Errors
from domain.address import Address
from domain.countries import COUNTRY_CODES
from domain.currencies import EXPONENTS
from domain.money import Money


def is_accepted(validator: Validator) -> bool:
    try:
        validator.done()
    except InvalidRequest:
        return False
    return True


def twin_takes_address(**fields: str) -> bool:
    errors = Errors()
    read_address(Params(fields), errors)
    return not errors


def twin_takes_customer(**fields: str) -> bool:
    errors = Errors()
    read_customer(Params(fields), errors)
    return not errors


def takes_postal_code(code: str) -> bool:
    validator = Validator()
    validator.address("billing_address", Address(postal_code=code))
    return is_accepted(validator)


def takes_email(email: str) -> bool:
    validator = Validator()
    validator.email("email", email)
    return is_accepted(validator)


@pytest.mark.parametrize("code", ["12345-6789", "101", "1", "SW1A 1AA", "A-1 2", "123456789", "1-2-3-4-5-6", "12345-"])
def test_a_postal_code_of_the_gateways_form_is_accepted(code: str) -> None:
    assert takes_postal_code(code)
    assert twin_takes_address(postal_code=code)


@pytest.mark.parametrize("code", ["-12345", " 12345", "1234567890", "12345-67890", "12_45", "١٢٣٤٥", "12.345", "---"])
def test_a_postal_code_of_another_form_is_refused_by_both(code: str) -> None:
    assert not takes_postal_code(code)
    assert not twin_takes_address(postal_code=code)


@given(st.text("09aZ -_é", max_size=12))
def test_any_postal_code_is_judged_as_the_gateway_judges_it(code: str) -> None:
    if code.strip():
        assert takes_postal_code(code) == twin_takes_address(postal_code=code)


@pytest.mark.parametrize("email", ["ann@localhost", "ann", "@example.com", "ann@", "a@b@c.com", "ann@a..b", "a n@b.co"])
def test_an_email_that_the_gateway_refuses_is_refused_when_it_is_given(email: str) -> None:
    assert not takes_email(email)
    assert not twin_takes_customer(email=email)


@given(st.text("ab@. é+", max_size=12) | st.emails())
@example("ann@example.com")
def test_any_email_is_judged_as_the_gateway_judges_it(email: str) -> None:
    if email.strip():
        assert takes_email(email) == twin_takes_customer(email=email)


def test_both_know_the_same_countries() -> None:
    assert set(BY_FIELD["country_code_alpha2"]) == COUNTRY_CODES


@pytest.mark.parametrize(
    ("amount", "code", "accepted"),
    [
        (125_000_000_00, "IDR", True),
        (9_999_999_999_99, "IDR", True),
        (9_999_999_999_99 + 1, "IDR", False),
        (9_999_999_999, "JPY", True),
        (9_999_999_999 + 1, "JPY", False),
        (9_999_999_999_999, "KWD", True),
        (9_999_999_999_999 + 1, "KWD", False),
        (9_999_999_999_99, "USD", True),
    ],
)
def test_the_largest_amount_is_the_gateways_in_every_currency(amount: int, code: str, accepted: bool) -> None:
    validator = Validator()
    validator.money("amount", RawMoney(amount, code), frozenset({code}))
    assert is_accepted(validator) is accepted
    assert (TRANSACTION_AMOUNT.check(Money(amount, code).to_decimal(), code)[1] is None) is accepted


def test_the_limit_is_reported_in_the_currencys_own_form() -> None:
    validator = Validator()
    validator.money("amount", RawMoney(10**15, "IDR"), frozenset({"IDR"}))
    with pytest.raises(InvalidRequest) as refusal:
        validator.done()
    assert [fault.limit for fault in refusal.value.violations] == ["999999999999 (IDR 9,999,999,999.99)"]


@pytest.mark.parametrize("code", sorted(EXPONENTS))
def test_the_gateway_takes_the_largest_amount_of_each_currency_and_no_more(code: str) -> None:
    largest = largest_amount(code)
    assert TRANSACTION_AMOUNT.check(largest.to_decimal(), code)[1] is None
    assert TRANSACTION_AMOUNT.check((largest + Money(1, code)).to_decimal(), code)[1] == "81528"
