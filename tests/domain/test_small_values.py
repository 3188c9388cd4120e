"""Errors, instruments, networks and names: what each of them says of itself."""

from __future__ import annotations

import unicodedata
from datetime import date, timedelta

import pytest

from domain.decline import CATALOGUE, DeclineReason, Fixer, RetryAdvice
from domain.errors import (
    AmountExceeds,
    DisputeActionInProgress,
    DisputeNotOpen,
    IllegalTransition,
    OperationInProgress,
    OutcomeConflict,
)
from domain.ids import DisputeId, OperationId, PaymentId
from domain.instrument import Card, CardExpiry, Instrument, InstrumentKind
from domain.money import CurrencyMismatch, InexactAmount, Money, UnknownCurrency
from domain.networks import network_of
from domain.operation import OperationKind, OperationState
from domain.payment_state import PaymentState
from domain.visible_text import is_unambiguous

PAYMENT, OPERATION, DISPUTE = PaymentId("pay_1"), OperationId("op_1"), DisputeId("dis_1")

ERRORS: list[tuple[Exception, str, dict[str, object]]] = [
    (
        IllegalTransition(PAYMENT, PaymentState.VOIDED, OperationKind.CAPTURE),
        "capture of pay_1 while voided",
        {"payment_id": PAYMENT, "state": PaymentState.VOIDED, "operation": OperationKind.CAPTURE},
    ),
    (
        OperationInProgress(PAYMENT, OPERATION),
        "op_1 of pay_1 is under way",
        {"payment_id": PAYMENT, "operation_id": OPERATION},
    ),
    (
        AmountExceeds(PAYMENT, OperationKind.REFUND, Money(200, "USD"), Money(150, "USD")),
        "refund of USD 2.00 where USD 1.50 is left of pay_1",
        {
            "payment_id": PAYMENT,
            "operation": OperationKind.REFUND,
            "asked": Money(200, "USD"),
            "available": Money(150, "USD"),
        },
    ),
    (
        OutcomeConflict(OPERATION, OperationState.SUCCEEDED, "failed"),
        "op_1 is succeeded, and failed arrived",
        {"operation_id": OPERATION, "recorded": OperationState.SUCCEEDED, "arrived": "failed"},
    ),
    (DisputeNotOpen(DISPUTE, "won"), "dis_1 is won", {"dispute_id": DISPUTE, "state": "won"}),
    (
        DisputeActionInProgress(DISPUTE, OPERATION),
        "op_1 of dis_1 is under way",
        {"dispute_id": DISPUTE, "action_id": OPERATION},
    ),
    (UnknownCurrency("xxx"), "'xxx' is not an ISO 4217 currency code", {"currency_code": "xxx"}),
    (
        InexactAmount(1.5, "USD"),
        "1.5 is no whole number of minor units of USD",
        {"amount": 1.5, "currency_code": "USD"},
    ),
    (CurrencyMismatch("USD", "JPY"), "USD and JPY cannot be combined", {"left": "USD", "right": "JPY"}),
]


@pytest.mark.parametrize(("error", "text", "fields"), ERRORS, ids=lambda one: type(one).__name__)
def test_an_error_says_what_it_is_about(error: Exception, text: str, fields: dict[str, object]) -> None:
    assert str(error) == text
    assert vars(error) == fields


# Money


def test_amounts_are_compared_by_their_minor_units() -> None:
    one, two = Money(1, "USD"), Money(2, "USD")
    assert (one < two, two < one, one < Money(1, "USD")) == (True, False, False)
    assert (one <= two, two <= one, one <= Money(1, "USD")) == (True, False, True)
    assert (two > one, one > two, one > Money(1, "USD")) == (True, False, False)
    assert (two >= one, one >= two, one >= Money(1, "USD")) == (True, False, True)


def test_an_amount_is_something_unless_it_is_zero() -> None:
    assert Money(1, "JPY")
    assert Money(-1, "JPY")
    assert not Money(0, "JPY")
    assert Money.zero("JPY") == Money(0, "JPY")
    assert str(Money(1050, "KWD")) == "KWD 1.050"


def test_an_amount_that_is_refused_says_what_was_given() -> None:
    with pytest.raises(UnknownCurrency) as unknown:
        Money.from_decimal("1", "xxx")
    assert unknown.value.currency_code == "xxx"
    with pytest.raises(InexactAmount) as inexact:
        Money(1.0, "USD")  # type: ignore[arg-type]
    assert (inexact.value.amount, inexact.value.currency_code) == (1.0, "USD")


# Instruments


@pytest.mark.parametrize("month", range(1, 13))
def test_a_card_is_no_longer_good_on_the_first_day_of_the_next_month(month: int) -> None:
    first = CardExpiry(2026, month).first_day_after
    assert first == (date(2027, 1, 1) if month == 12 else date(2026, month + 1, 1))
    assert CardExpiry(2026, month).is_past(first)
    assert not CardExpiry(2026, month).is_past(first - timedelta(days=1))


def test_expiries_are_in_the_order_of_time() -> None:
    assert CardExpiry(2026, 12) < CardExpiry(2027, 1) < CardExpiry(2027, 2)


def test_an_instrument_shows_only_its_public_fields() -> None:
    shown = repr(
        Instrument(
            InstrumentKind.CARD,
            brand="Visa",
            last_four="1111",
            expiry=CardExpiry(2030, 7),
            cardholder_name="Ada",
            issuer_country="DE",
            issuer="A bank",
            account="ada@shop.example",
            unique_number_identifier="unique",
        )
    )
    assert all(one in shown for one in ("CARD", "Visa", "1111", "2030", "DE", "A bank"))
    assert not any(one in shown for one in ("Ada", "ada@shop.example", "unique"))


def test_code_and_name_of_a_card_need_not_be_given() -> None:
    card = Card("4111111111111234", CardExpiry(2030, 1))
    assert (card.cvv, card.cardholder_name, card.last_four) == ("", "", "1234")


# Declines


@pytest.mark.parametrize(
    ("reason", "wait"),
    [
        (DeclineReason.LIMIT_EXCEEDED, timedelta(days=1)),
        (DeclineReason.TOO_MANY_ATTEMPTS, timedelta(days=1)),
        (DeclineReason.NETWORK_UNAVAILABLE, timedelta(minutes=5)),
    ],
)
def test_a_transient_failure_is_retried_later(reason: DeclineReason, wait: timedelta) -> None:
    assert (CATALOGUE[reason].retry_advice, CATALOGUE[reason].retry_after) == (RetryAdvice.RETRY_LATER, wait)


def test_each_decline_is_somebodys_to_fix() -> None:
    assert CATALOGUE[DeclineReason.INSUFFICIENT_FUNDS].fixer is Fixer.CUSTOMER
    assert CATALOGUE[DeclineReason.NETWORK_UNAVAILABLE].fixer is Fixer.ISSUER
    assert CATALOGUE[DeclineReason.MERCHANT_SETUP].fixer is Fixer.MERCHANT


# Networks


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("2001:DB8:1:2::1", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("::1", "::/64"),
    ],
)
def test_an_ipv6_address_counts_with_its_network_of_64_bits(address: str, network: str) -> None:
    assert network_of(address) == network


@pytest.mark.parametrize("address", ["fe80::1%eth0", "", "203.0.113", "203.0.113.7/32", "shop.example"])
def test_an_invalid_or_zoned_address_has_no_network(address: str) -> None:
    with pytest.raises(ValueError, match=r"zone|address"):
        network_of(address)


# Names


@pytest.mark.parametrize("text", ["", "order 1", "é", "注文", "a b c", "заказ № 7", "a\u2011b"])
def test_a_number_that_resembles_no_other_kind_is_unambiguous(text: str) -> None:
    assert is_unambiguous(text)


@pytest.mark.parametrize("text", [" a", "a ", "a  b", "e\u0301", "é\u00a0a", "\u2003é", "a\u200db", "a\u00adb"])
def test_a_number_that_resembles_another_kind_is_ambiguous(text: str) -> None:
    assert not is_unambiguous(text)


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (0x034F, 0x034F),
        (0x115F, 0x1160),
        (0x17B4, 0x17B5),
        (0x180B, 0x180F),
        (0x2065, 0x2065),
        (0x2800, 0x2800),
        (0x3164, 0x3164),
        (0xFE00, 0xFE0F),
        (0xFFA0, 0xFFA0),
        (0xFFF0, 0xFFF8),
        (0xE0000, 0xE0FFF),
    ],
)
def test_characters_without_a_form_are_ambiguous_from_the_first_to_the_last(first: int, last: int) -> None:
    for character in map(chr, (first, last)):
        assert not is_unambiguous(f"a{character}b")
    for character in map(chr, (first - 1, last + 1)):
        is_format = unicodedata.category(character) in ("Cf", "Zs")
        assert is_unambiguous(f"a{character}b") is not is_format
