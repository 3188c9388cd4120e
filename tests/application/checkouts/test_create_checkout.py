"""Creating, listing and ending checkouts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from application.checkouts.checkout_input import RawLine
from application.checkouts.create_checkout import CreateCheckout
from application.checkouts.list_checkouts import ListCheckouts, RawCheckoutFilter
from application.common.caller import Caller
from application.common.errors import CheckoutNotServed, InvalidRequest, NotForCustomers, NotFound, RequestIdReused
from application.common.pagination import PageTokens
from application.common.validator import RawMoney
from domain.checkout import CheckoutMethod, CheckoutState
from domain.ids import CallerId, CustomerId
from tests.application.checkouts.steps import CheckoutShop, a_command
from tests.application.shop import HUNDRED, SHOP, STRANGER, usd


@pytest.fixture
def shop() -> CheckoutShop:
    return CheckoutShop()


def violations(shop: CheckoutShop, **changes: object) -> list[str]:
    with pytest.raises(InvalidRequest) as refused:
        shop.checkout(**changes)
    return [f"{one.field} {one.rule.value}" for one in refused.value.violations]


def test_the_defaults_are_one_use_a_card_and_a_day(shop: CheckoutShop) -> None:
    checkout = shop.checkout()
    assert checkout.state is CheckoutState.OPEN
    assert checkout.expire_time == shop.clock.now() + timedelta(hours=24)
    assert (checkout.terms.max_uses, checkout.terms.methods) == (1, (CheckoutMethod.CARD,))
    link = shop.checkout(max_uses=5)
    assert link.expire_time == shop.clock.now() + timedelta(days=30)
    customer_id = shop.customer(language_code="id").customer_id
    theirs = shop.checkout(customer_id=customer_id).terms
    assert (theirs.methods, theirs.language_code) == ((CheckoutMethod.CARD, CheckoutMethod.STORED), "id")


def test_a_repeat_answers_with_the_same_checkout_as_it_is_now(shop: CheckoutShop) -> None:
    command = a_command(expire_time=shop.clock.now() + timedelta(minutes=5))
    first = shop.create_checkout(command, SHOP)
    shop.pay_at(first)
    shop.clock.advance(timedelta(days=400))
    again = shop.create_checkout(command, SHOP)
    assert (again.checkout_id, again.token, again.state) == (first.checkout_id, first.token, CheckoutState.COMPLETED)


def test_a_repeat_with_another_body_is_refused(shop: CheckoutShop) -> None:
    command = a_command(lines=(RawLine("Coffee", 1, HUNDRED),))
    shop.create_checkout(command, SHOP)
    changed = a_command(request_id=command.request_id, reference=command.reference, lines=(RawLine("Tea", 1, HUNDRED),))
    with pytest.raises(RequestIdReused) as refused:
        shop.create_checkout(changed, SHOP)
    assert refused.value.fields == ("lines",)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"request_id": "x"}, ["request_id uuid"]),
        ({"reference": ""}, ["reference required"]),
        ({"reference": "4111 1111 1111 1111"}, ["reference no_card_data"]),
        ({"reference": "x" * 246, "max_uses": 2}, ["reference max_characters"]),
        ({"amount": None}, ["amount required"]),
        ({"amount": usd(0)}, ["amount.minor_units positive"]),
        ({"amount": RawMoney(1, "EUR")}, ["amount.currency_code currency_accepted"]),
        ({"customer_id": "cus_1"}, ["customer_id id"]),
        ({"customer_id": "cus_" + "0" * 26}, ["customer_id exists"]),
        ({"offer_storing": True}, ["customer_id needs_customer"]),
        ({"methods": (None,)}, ["methods known_value"]),
        ({"methods": (CheckoutMethod.CARD, CheckoutMethod.CARD)}, ["methods each_once"]),
        ({"methods": (CheckoutMethod.STORED,)}, ["customer_id needed_for_stored_methods"]),
        (
            {"lines": (RawLine("", -1, None),)},
            [f"lines[0].{one}" for one in ("description required", "quantity not_negative", "amount required")],
        ),
        ({"lines": (RawLine("Coffee", 1, usd(99_99)),)}, ["lines adds_up"]),
        (
            {"lines": (RawLine("Coffee", 1, RawMoney(100_00, "JPY")),)},
            ["lines[0].amount.currency_code currency_of_payment"],
        ),
        ({"lines": (RawLine("4111111111111111", 1, HUNDRED),)}, ["lines[0].description no_card_data"]),
        ({"lines": (RawLine("Coffee", 1, HUNDRED),) * 101}, ["lines max_entries"]),
        ({"success_url": ""}, ["success_url required"]),
        ({"cancel_url": "http://shop.example"}, ["cancel_url return_address"]),
        ({"language_code": "!"}, ["language_code language"]),
        ({"max_uses": -1}, ["max_uses not_negative"]),
        ({"max_uses": 10_001}, ["max_uses at_most"]),
        ({"capture_mode": None}, ["capture_mode known_value"]),
        ({"merchant_account_id": "jpy"}, ["merchant_account_id merchant_account"]),
    ],
)
def test_each_fault_is_named(shop: CheckoutShop, changes: dict[str, object], expected: list[str]) -> None:
    assert violations(shop, **changes) == expected


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "//shop.example",
        "https://",
        "https://user@shop.example/",
        "https://shop.example/#part",
        "https://shop.example/?bayar_result=paid",
        "https://shop.example/?order=7&bayar%5Fsignature=",
        "https://shop.example/a b",
        "https://shop.example\\@evil.example/",
        "https://shöp.example/",
        "http://localhost.evil.example/",
        "https://shop.example/\r\nSet-Cookie: a=b",
        'https://shop.example/"><script>',
        "https://[::1",
        "https://shop.example/" + "x" * 2000,
    ],
)
def test_an_unsafe_return_address_is_refused(shop: CheckoutShop, address: str) -> None:
    assert violations(shop, success_url=address) == ["success_url return_address"]


@pytest.mark.parametrize("address", ["https://shop.example/paid?order=7", "http://localhost:8000/", "http://[::1]:1/x"])
def test_a_safe_return_address_is_taken(shop: CheckoutShop, address: str) -> None:
    assert shop.checkout(success_url=address).terms.success_url == address


@pytest.mark.parametrize("minutes", [-1, 4, 366 * 24 * 60 + 1])
def test_an_expiry_out_of_range_is_refused(shop: CheckoutShop, minutes: int) -> None:
    assert violations(shop, expire_time=shop.clock.now() + timedelta(minutes=minutes)) == ["expire_time time_ahead"]


def test_the_payment_goes_to_the_named_merchant_account(shop: CheckoutShop) -> None:
    checkout = shop.checkout(merchant_account_id="usd_travel")
    payment = shop.pay_at(checkout).view.payment
    assert payment is not None
    assert payment.terms.merchant_account_id == "usd_travel"
    assert shop.checkout().terms.merchant_account_id == "usd"


def test_a_payment_link_has_no_customer(shop: CheckoutShop) -> None:
    assert violations(shop, max_uses=2, customer_id=shop.customer().customer_id) == ["customer_id contradicts"]


def test_a_discount_is_a_negative_line(shop: CheckoutShop) -> None:
    lines = (RawLine("Coffee", 3, usd(120_00)), RawLine("Discount", 0, usd(-20_00)))
    assert [(one.quantity, one.amount.minor_units) for one in shop.checkout(lines=lines).terms.lines] == [
        (3, 120_00),
        (1, -20_00),
    ]


def test_no_page_no_checkout(shop: CheckoutShop) -> None:
    create = CreateCheckout(
        shop.store, shop.clock, shop.ids, shop.guard, shop.accounts, lambda: "token", is_served=False
    )
    command = a_command()
    with pytest.raises(CheckoutNotServed):
        create(command, SHOP)
    assert shop.create_checkout(command, SHOP).state is CheckoutState.OPEN


def test_strangers_and_customers_see_no_checkouts(shop: CheckoutShop) -> None:
    checkout = shop.checkout()
    with pytest.raises(NotFound):
        shop.get_checkout(checkout.checkout_id, STRANGER)
    bound = Caller(CallerId("shop"), customer_id=CustomerId("cus_1"))
    listing = ListCheckouts(shop.store, PageTokens(b"key"))
    for call in (
        lambda: shop.get_checkout(checkout.checkout_id, bound),
        lambda: shop.create_checkout(a_command(), bound),
        lambda: listing(RawCheckoutFilter(), bound),
    ):
        with pytest.raises(NotForCustomers):
            call()
    assert listing(RawCheckoutFilter(), STRANGER) == ([], "")
    assert listing(RawCheckoutFilter(), SHOP) == ([checkout], "")


def test_lists_come_in_pages_and_filtered(shop: CheckoutShop) -> None:
    listing = ListCheckouts(shop.store, PageTokens(b"key"))
    made = [shop.checkout(reference=f"order-{number}") for number in range(3)]
    shop.pay_at(made[1])
    first, token = listing(RawCheckoutFilter(), SHOP, page_size=2)
    rest, end = listing(RawCheckoutFilter(), SHOP, page_size=2, page_token=token)
    assert [one.checkout_id for one in first + rest] == [one.checkout_id for one in reversed(made)]
    assert end == ""
    paid, _ = listing(RawCheckoutFilter(states=(CheckoutState.COMPLETED,)), SHOP)
    assert [one.terms.reference for one in paid] == ["order-1"]
    named, _ = listing(RawCheckoutFilter(reference="order-2"), SHOP)
    assert [one.checkout_id for one in named] == [made[2].checkout_id]
