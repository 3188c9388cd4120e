"""Lists: filters, pages, and tokens that open nothing but the list that they belong to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.common.errors import InvalidRequest, Rule
from application.common.pagination import BadPageToken, PageTokens, Position, scope_of
from application.common.validator import RawMoney
from application.payments.list_payments import RawPaymentFilter
from domain.payment import Payment
from domain.payment_state import PaymentState
from tests.application.shop import MASTERCARD, SHOP, STRANGER, Shop, an_order, usd
from tests.fakes.runtime import START

ALL = RawPaymentFilter()
TOKENS = PageTokens(b"key")
HERE = Position(START, "pay_1")


def a_shop_with_payments(count: int) -> tuple[Shop, list[Payment]]:
    shop = Shop()
    payments = []
    for _ in range(count):
        payments.append(shop.pay())
        shop.clock.advance(timedelta(seconds=1))
    return shop, payments


def ids(payments: list[Payment]) -> list[str]:
    return [payment.terms.payment_id for payment in payments]


def test_pages_show_every_payment_once_newest_first() -> None:
    shop, payments = a_shop_with_payments(7)
    seen: list[str] = []
    token = ""
    for _ in range(4):
        page = shop.list(ALL, SHOP, page_size=2, page_token=token)
        seen += ids(page.payments)
        token = page.next_page_token
    assert seen == list(reversed(ids(payments)))
    assert not token


def test_a_payment_made_meanwhile_moves_no_page() -> None:
    shop, payments = a_shop_with_payments(4)
    first = shop.list(ALL, SHOP, page_size=2)
    shop.pay()
    second = shop.list(ALL, SHOP, page_size=2, page_token=first.next_page_token)
    assert ids(first.payments + second.payments) == list(reversed(ids(payments)))


def test_a_last_page_that_is_full_has_no_next() -> None:
    shop, _ = a_shop_with_payments(2)
    assert not shop.list(ALL, SHOP, page_size=2).next_page_token


def test_a_caller_sees_only_its_own() -> None:
    shop, _ = a_shop_with_payments(1)
    assert not shop.list(ALL, STRANGER).payments
    assert not shop.list_customers(STRANGER)[0]


@pytest.mark.parametrize(
    ("which", "count"),
    [
        (RawPaymentFilter(reference="Order A"), 1),
        (RawPaymentFilter(reference="order a"), 0),
        (RawPaymentFilter(reference_contains="ORDER"), 3),
        (RawPaymentFilter(states=(PaymentState.DECLINED,)), 1),
        (RawPaymentFilter(states=(PaymentState.DECLINED, PaymentState.CAPTURED)), 3),
        (RawPaymentFilter(currency_code="JPY"), 1),
        (RawPaymentFilter(min_minor_units=1000), 2),
        (RawPaymentFilter(max_minor_units=1000), 2),
        (RawPaymentFilter(min_minor_units=1000, max_minor_units=1000), 1),
        (RawPaymentFilter(brand="mastercard"), 1),
        (RawPaymentFilter(last_four="1111"), 2),
        (RawPaymentFilter(created_from=START + timedelta(seconds=1)), 2),
        (RawPaymentFilter(created_until=START + timedelta(seconds=1)), 1),
    ],
)
def test_a_filter_shows_what_fits(which: RawPaymentFilter, count: int) -> None:
    shop = Shop()
    shop.pay(an_order(reference="Order A", amount=usd(500)))
    shop.clock.advance(timedelta(seconds=1))
    shop.pay(an_order(reference="Order B", amount=RawMoney(1000, "JPY"), source=MASTERCARD))
    shop.clock.advance(timedelta(seconds=1))
    shop.pay(an_order(reference="Order C", amount=usd(2000_00)))
    assert len(shop.list(which, SHOP).payments) == count


def test_a_filter_by_customer_shows_the_customer_s() -> None:
    shop = Shop()
    ada = shop.customer()
    shop.pay(an_order(customer_id=ada.customer_id))
    shop.pay()
    assert len(shop.list(RawPaymentFilter(customer_id=ada.customer_id), SHOP).payments) == 1


def foreign_tokens() -> dict[str, Callable[[Shop, str], object]]:
    return {
        "another filter": lambda shop, t: shop.list(RawPaymentFilter(currency_code="USD"), SHOP, page_token=t),
        "another caller": lambda shop, t: shop.list(ALL, STRANGER, page_token=t),
        "another list": lambda shop, t: shop.list_customers(SHOP, page_token=t),
        "a changed one": lambda shop, t: shop.list(ALL, SHOP, page_token=("B" if t[0] == "A" else "A") + t[1:]),
        "a shorter one": lambda shop, t: shop.list(ALL, SHOP, page_token=t[:-4]),
        "a longer one": lambda shop, t: shop.list(ALL, SHOP, page_token=t + "AAAA"),
    }


@pytest.mark.parametrize("attempt", foreign_tokens().values(), ids=foreign_tokens())
def test_a_token_opens_only_the_list_that_it_belongs_to(attempt: Callable[[Shop, str], object]) -> None:
    shop, _ = a_shop_with_payments(3)
    token = shop.list(ALL, SHOP, page_size=1).next_page_token
    with pytest.raises(InvalidRequest) as refusal:
        attempt(shop, token)
    assert [(fault.field, fault.rule) for fault in refusal.value.violations] == [("page_token", Rule.PAGE_TOKEN)]


def test_a_token_fits_whatever_the_size_of_its_page() -> None:
    shop, payments = a_shop_with_payments(5)
    token = shop.list(ALL, SHOP, page_size=1).next_page_token
    assert len(shop.list(ALL, SHOP, page_size=10, page_token=token).payments) == len(payments) - 1


@given(st.text())
def test_no_text_is_taken_for_a_token(text: str) -> None:
    if not text:
        assert TOKENS.read("list", text) is None
        return
    with pytest.raises(BadPageToken):
        TOKENS.read("list", text)


@given(st.text(), st.datetimes(), st.text(), st.text())
def test_a_token_is_read_as_it_was_written_and_in_no_other_list(
    scope: str, time: object, item_id: str, other: str
) -> None:
    position = Position(time, item_id)  # type: ignore[arg-type]
    token = TOKENS.write(scope, position)
    assert TOKENS.read(scope, token) == position
    if other != scope:
        with pytest.raises(BadPageToken):
            TOKENS.read(other, token)
    with pytest.raises(BadPageToken):
        PageTokens(b"another key").read(scope, token)


def test_a_list_is_named_with_its_filter() -> None:
    assert scope_of("payments", a=1, b=None) == scope_of("payments", b="", a=1)
    assert scope_of("payments", a=1) != scope_of("payments", a=2) != scope_of("customers", a=2)
    assert TOKENS.read("list", TOKENS.write("list", HERE)) == HERE


def test_customers_and_their_methods_come_in_pages_too() -> None:
    shop = Shop()
    customers = [shop.customer(email=f"{n}@example.com") for n in range(3)]
    methods = [shop.method(customers[0]), shop.method(customers[0], MASTERCARD)]
    page, token = shop.list_customers(SHOP, page_size=2)
    rest, end = shop.list_customers(SHOP, page_size=2, page_token=token)
    assert {c.customer_id for c in page + rest} == {c.customer_id for c in customers}
    assert not end
    assert [c.customer_id for c in shop.list_customers(SHOP, email="1@EXAMPLE.com")[0]] == [customers[1].customer_id]
    first, token = shop.list_methods(customers[0].customer_id, SHOP, page_size=1)
    second, end = shop.list_methods(customers[0].customer_id, SHOP, page_size=1, page_token=token)
    assert {m.payment_method_id for m in first + second} == {m.payment_method_id for m in methods}
    assert not end


def test_a_history_comes_in_pages_too() -> None:
    shop = Shop()
    payment = shop.capture(shop.authorize(), 30_00)
    whole, _ = shop.list_events(payment.terms.payment_id, SHOP)
    seen = []
    token = ""
    while True:
        page, token = shop.list_events(payment.terms.payment_id, SHOP, page_size=2, page_token=token)
        seen += page
        if not token:
            break
    assert seen == whole
