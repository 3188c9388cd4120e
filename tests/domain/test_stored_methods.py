"""A stored method: how it ends up, and whether its card is about to expire."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from domain.ids import CallerId, CustomerId, PaymentMethodId
from domain.instrument import CardExpiry, Instrument, InstrumentKind
from domain.payment_method import ExpiryStatus, PaymentMethod, PaymentMethodState, Verification

BEGUN = datetime(2026, 5, 1, tzinfo=UTC)
LATER = BEGUN + timedelta(minutes=1)
CARD = Instrument(InstrumentKind.CARD, last_four="1111", expiry=CardExpiry(2026, 8))
APPROVED = Verification(approved=True)

PENDING = PaymentMethod(
    payment_method_id=PaymentMethodId("pm_1"),
    caller_id=CallerId("shop"),
    customer_id=CustomerId("cus_1"),
    state=PaymentMethodState.PENDING,
    create_time=BEGUN,
    update_time=BEGUN,
    next_check_time=LATER,
)


def test_a_new_method_is_not_the_default() -> None:
    assert not PENDING.is_default
    assert (PENDING.instrument, PENDING.verification, PENDING.duplicate_of) == (None, None, None)
    assert (PENDING.failure_detail, PENDING.gateway_token, PENDING.warnings) == ("", "", ())


def test_a_method_found_at_the_gateway_is_active_and_not_checked_again() -> None:
    active = PENDING.activate(CARD, "token", APPROVED, time=LATER)
    assert active == replace(
        PENDING,
        state=PaymentMethodState.ACTIVE,
        instrument=CARD,
        gateway_token="token",  # a made-up one
        verification=APPROVED,
        update_time=LATER,
    )
    assert active.next_check_time is None


def test_a_method_that_the_bank_refused_is_declined_and_not_checked_again() -> None:
    refused = Verification(approved=False)
    declined = PENDING.refuse(refused, time=LATER)
    assert declined == replace(PENDING, state=PaymentMethodState.DECLINED, verification=refused, update_time=LATER)
    assert declined.next_check_time is None


def test_a_failed_method_shows_the_reason_and_is_not_checked_again() -> None:
    failed = PENDING.fail("no such nonce", time=LATER)
    assert failed == replace(
        PENDING, state=PaymentMethodState.FAILED, failure_detail="no such nonce", update_time=LATER
    )
    assert failed.next_check_time is None


@pytest.mark.parametrize(
    ("today", "status"),
    [
        # Good through August: the first day after is September 1, and 60 days before that is July 3.
        (date(2026, 7, 2), ExpiryStatus.CURRENT),
        (date(2026, 7, 3), ExpiryStatus.EXPIRING),
        (date(2026, 8, 31), ExpiryStatus.EXPIRING),
        (date(2026, 9, 1), ExpiryStatus.EXPIRED),
    ],
)
def test_a_card_is_expiring_for_sixty_days(today: date, status: ExpiryStatus) -> None:
    assert replace(PENDING, instrument=CARD).expiry_status(today) is status


def test_a_method_without_an_expiry_date_does_not_expire() -> None:
    assert PENDING.expiry_status(date(2026, 9, 1)) is None
    wallet = replace(PENDING, instrument=Instrument(InstrumentKind.PAYPAL, account="jane.doe@paypal.com"))
    assert wallet.expiry_status(date(2026, 9, 1)) is None
