"""An export holds every payment of a time window once, oldest first, in pages that fit into memory."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from application.common.errors import FieldViolation, InvalidRequest, Rule
from application.payments.export_payments import ExportPayments
from domain.ids import PaymentId
from domain.payment import Payment
from tests.application.shop import STRANGER, Shop
from tests.fakes.runtime import START

SECOND = timedelta(seconds=1)
END = START + timedelta(days=1)


def exported(shop: Shop) -> list[list[PaymentId]]:
    return [[payment.terms.payment_id for payment in page] for page in ExportPayments(shop.store)(START, END)]


def a_shop_with_payments(count: int) -> tuple[Shop, list[PaymentId]]:
    """After the first, two at a time are made in the same second."""
    shop = Shop()
    made = []
    for number in range(count):
        made.append(shop.pay().terms.payment_id)
        shop.clock.advance(timedelta() if number % 2 else SECOND)
    return shop, made


def test_a_page_holds_two_hundred_payments_and_the_next_goes_on_after_it() -> None:
    shop, made = a_shop_with_payments(201)
    assert exported(shop) == [made[:200], made[200:]]


def test_the_last_full_page_has_no_next_page() -> None:
    shop, made = a_shop_with_payments(200)
    assert exported(shop) == [made]


def test_a_window_without_payments_has_no_pages() -> None:
    assert exported(Shop()) == []


def test_payments_of_every_caller_are_exported() -> None:
    shop = Shop()
    made = [shop.pay().terms.payment_id, shop.pay(caller=STRANGER).terms.payment_id]
    assert exported(shop) == [made]


def test_a_window_holds_its_first_moment_and_not_its_last() -> None:
    shop = Shop()
    payments: list[Payment] = []
    for _ in range(3):
        payments.append(shop.pay())
        shop.clock.advance(SECOND)
    (page,) = ExportPayments(shop.store)(START + SECOND, START + 2 * SECOND)
    assert [one.terms.payment_id for one in page] == [payments[1].terms.payment_id]


def test_a_window_without_ends_is_refused_before_anything_is_read() -> None:
    export = ExportPayments(Shop().store)
    with pytest.raises(InvalidRequest) as refusal:
        export(None, None)
    assert refusal.value.violations == (
        FieldViolation("from_time", Rule.REQUIRED),
        FieldViolation("until_time", Rule.REQUIRED),
    )
    with pytest.raises(InvalidRequest) as refusal:
        export(None, END)
    assert refusal.value.violations == (FieldViolation("from_time", Rule.REQUIRED),)
    with pytest.raises(InvalidRequest) as refusal:
        export(START, None)
    assert refusal.value.violations == (FieldViolation("until_time", Rule.REQUIRED),)


@pytest.mark.parametrize("end", [START, START - SECOND])
def test_a_window_that_ends_before_anything_can_be_in_it_is_refused(end: datetime) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        ExportPayments(Shop().store)(START, end)
    assert refusal.value.violations == (FieldViolation("until_time", Rule.AFTER, "from_time"),)
