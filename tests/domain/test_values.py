"""Ids, card expiry, check digits, declines, stored methods."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import ids
from domain.card_issuers import passes_luhn
from domain.decline import CATALOGUE, Decline, DeclineReason, Fixer, RetryAdvice
from domain.ids import CallerId, CustomerId, PaymentMethodId
from domain.instrument import Card, CardExpiry, Instrument, InstrumentKind
from domain.payment_method import ExpiryStatus, PaymentMethod, PaymentMethodState, Verification

NOW = datetime(2026, 5, 1, tzinfo=UTC)
VALID_CARDS = [
    "4111111111111111",
    "4005519200000004",
    "4009348888881881",
    "4012888888881881",
    "5555555555554444",
    "2223000048400011",
    "378282246310005",
    "371449635398431",
    "6011000991300009",
    "36259600000004",
    "3530111333300000",
    "6304000000000000",
]


def test_an_id_is_a_prefix_and_twenty_six_characters() -> None:
    body = "01hzx3v5k7m9npqrstvwxyz012"
    assert ids.is_id(f"pay_{body}", ids.PAYMENT)
    for wrong in (
        body,
        f"pay{body}",
        f"op_{body}",
        f"pay_{body}0",
        f"pay_{body[1:]}",
        f"pay_{body.upper()}",
        "pay_",
        "",
    ):
        assert not ids.is_id(wrong, ids.PAYMENT)
    assert not ids.is_id(f"pay_{body[:-1]}l", ids.PAYMENT)
    assert not ids.is_id(f"pay_{body}\n", ids.PAYMENT)


@given(st.text())
def test_no_text_breaks_the_check_of_an_id(text: str) -> None:
    assert not ids.is_id(text, ids.PAYMENT) or len(text) == 30


@pytest.mark.parametrize("month", [0, 13, -1])
def test_a_month_that_does_not_exist_is_refused(month: int) -> None:
    with pytest.raises(ValueError, match="month"):
        CardExpiry(2030, month)


def test_a_card_is_good_to_the_end_of_its_month() -> None:
    assert not CardExpiry(2026, 4).is_past(date(2026, 4, 30))
    assert CardExpiry(2026, 4).is_past(date(2026, 5, 1))
    assert not CardExpiry(2026, 12).is_past(date(2026, 12, 31))
    assert CardExpiry(2026, 12).is_past(date(2027, 1, 1))
    assert CardExpiry(2026, 12).first_day_after == date(2027, 1, 1)


@pytest.mark.parametrize("number", VALID_CARDS)
def test_the_check_digit_of_a_real_number_is_right_and_of_its_neighbours_wrong(number: str) -> None:
    assert passes_luhn(number)
    for other in set("0123456789") - {number[-1]}:
        assert not passes_luhn(number[:-1] + other)


@given(st.integers(0, 10**18), st.data())
def test_one_wrong_digit_is_always_noticed(body: int, data: st.DataObject) -> None:
    number = next(f"{body}{check}" for check in range(10) if passes_luhn(f"{body}{check}"))
    place = data.draw(st.integers(0, len(number) - 1))
    other = data.draw(st.sampled_from(sorted(set("0123456789") - {number[place]})))
    assert not passes_luhn(number[:place] + other + number[place + 1 :])


def test_a_card_shows_nothing_of_itself() -> None:
    card = Card("4111111111111111", CardExpiry(2030, 1), "123", "Ada")
    assert not any(secret in repr(card) for secret in ("4111", "123", "Ada", "2030"))
    assert card.last_four == "1111"


def test_every_decline_reason_says_who_can_fix_it_and_how() -> None:
    assert set(CATALOGUE) == set(DeclineReason)
    assert all(decline.reason is reason for reason, decline in CATALOGUE.items())


@pytest.mark.parametrize("decline", CATALOGUE.values(), ids=lambda decline: decline.reason.value)
def test_a_wait_goes_with_a_retry_later_and_only_with_it(decline: Decline) -> None:
    assert (decline.retry_after is not None) is (decline.retry_advice is RetryAdvice.RETRY_LATER)
    assert decline.retry_after is None or decline.retry_after > timedelta()


def test_a_wait_without_a_retry_later_is_refused() -> None:
    with pytest.raises(ValueError, match="RETRY_LATER"):
        Decline(DeclineReason.DECLINED, Fixer.ISSUER, RetryAdvice.DO_NOT_RETRY, timedelta(days=1))
    with pytest.raises(ValueError, match="RETRY_LATER"):
        Decline(DeclineReason.DECLINED, Fixer.ISSUER, RetryAdvice.RETRY_LATER)


def test_a_stolen_card_is_never_advised_to_retry() -> None:
    for reason in (DeclineReason.LOST_OR_STOLEN, DeclineReason.SUSPECTED_FRAUD):
        assert CATALOGUE[reason].retry_advice is RetryAdvice.DO_NOT_RETRY


def a_method(expiry: CardExpiry | None) -> PaymentMethod:
    method = PaymentMethod(
        payment_method_id=PaymentMethodId("pm_1"),
        caller_id=CallerId("shop"),
        customer_id=CustomerId("cus_1"),
        state=PaymentMethodState.PENDING,
        create_time=NOW,
        update_time=NOW,
        next_check_time=NOW,
    )
    return method.activate(Instrument(InstrumentKind.CARD, expiry=expiry), "token", None, time=NOW)


@pytest.mark.parametrize(
    ("today", "status"),
    [
        (date(2026, 3, 31), ExpiryStatus.CURRENT),
        (date(2026, 4, 1), ExpiryStatus.CURRENT),
        (date(2026, 4, 2), ExpiryStatus.EXPIRING),
        (date(2026, 5, 31), ExpiryStatus.EXPIRING),
        (date(2026, 6, 1), ExpiryStatus.EXPIRED),
    ],
)
def test_a_stored_card_is_reported_as_expiring_sixty_days_ahead(today: date, status: ExpiryStatus) -> None:
    assert a_method(CardExpiry(2026, 5)).expiry_status(today) is status


def test_a_wallet_has_no_expiry_status() -> None:
    assert a_method(None).expiry_status(date(2026, 1, 1)) is None


def test_a_method_whose_outcome_is_known_is_not_looked_for_any_more() -> None:
    later = NOW + timedelta(hours=1)
    active = a_method(CardExpiry(2030, 1))
    assert (active.state, active.gateway_token, active.next_check_time) == (PaymentMethodState.ACTIVE, "token", None)
    refused = active.refuse(Verification(approved=False), time=later)
    assert (refused.state, refused.update_time) == (PaymentMethodState.DECLINED, later)
    failed = active.fail("no", time=later)
    assert (failed.state, failed.failure_detail) == (PaymentMethodState.FAILED, "no")
    assert "token" not in repr(active)
