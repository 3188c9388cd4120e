"""The merchant account that takes a payment: chosen by name, or the default of its currency."""

from __future__ import annotations

from dataclasses import replace

import pytest

from application.common.errors import InvalidRequest, RequestIdReused, Rule
from application.common.validator import RawMoney
from application.payments.capture_payment import CapturePaymentCommand
from application.payments.create_payment_command import CreatePaymentCommand
from application.ports.gateway import GatewayNotReached
from domain.events import CaptureMode
from domain.merchant_account import MerchantAccounts
from domain.payment_state import PaymentState
from tests.application.shop import SHOP, Shop, a_request_id, an_order
from tests.fakes.faulty_gateway import Fault


@pytest.fixture
def shop() -> Shop:
    return Shop()


def refused(shop: Shop, order: CreatePaymentCommand, caller: object = SHOP) -> list[tuple[str, Rule, str]]:
    with pytest.raises(InvalidRequest) as invalid:
        shop.pay(order, caller)  # type: ignore[arg-type]
    assert (shop.calls, shop.list_all()) == ([], [])
    return [(one.field, one.rule, one.limit) for one in invalid.value.violations]


@pytest.mark.parametrize(
    ("named", "currency_code", "taken"),
    [("", "USD", "usd"), ("usd", "USD", "usd"), ("usd_travel", "USD", "usd_travel"), ("", "JPY", "jpy")],
)
def test_the_named_account_takes_the_payment_or_else_the_default(
    shop: Shop, named: str, currency_code: str, taken: str
) -> None:
    payment = shop.pay(an_order(amount=RawMoney(500, currency_code), merchant_account_id=named))
    (sent,) = shop.real_gateway.authorizations
    assert sent.merchant_account_id == taken
    assert payment.terms.merchant_account_id == taken


@pytest.mark.parametrize("named", ["jpy", "USD", "usd ", "unknown", "x" * 1000])
def test_an_account_that_does_not_take_the_currency_is_refused_with_those_that_do(shop: Shop, named: str) -> None:
    order = an_order(merchant_account_id=named)
    assert refused(shop, order) == [("merchant_account_id", Rule.MERCHANT_ACCOUNT, "USD: usd, usd_travel")]


def test_a_currency_that_no_account_takes_is_one_violation(shop: Shop) -> None:
    order = an_order(amount=RawMoney(500, "EUR"), merchant_account_id="usd")
    assert refused(shop, order) == [("amount.currency_code", Rule.CURRENCY_ACCEPTED, "JPY, USD")]


def test_a_currency_without_a_default_account_needs_a_name(shop: Shop) -> None:
    shop.accounts = MerchantAccounts({"USD": ("usd", "usd_travel")}, frozenset({"USD"}))
    shop.restart()
    assert refused(shop, an_order()) == [("merchant_account_id", Rule.MERCHANT_ACCOUNT, "USD: usd, usd_travel")]
    paid = shop.pay(an_order(merchant_account_id="usd_travel"))
    assert (paid.state, paid.terms.merchant_account_id) == (PaymentState.CAPTURED, "usd_travel")


@pytest.mark.parametrize("named", ["usd", "usd_travel", "unknown"])
def test_a_customer_chooses_no_account(shop: Shop, named: str) -> None:
    customer = shop.customer()
    caller = replace(SHOP, customer_id=customer.customer_id)
    (violation,) = refused(shop, an_order(merchant_account_id=named), caller)
    assert violation[:2] == ("merchant_account_id", Rule.NOT_FOR_CUSTOMERS)
    assert shop.pay(an_order(), caller).terms.merchant_account_id == "usd"


def test_a_repeat_has_to_name_the_same_account(shop: Shop) -> None:
    order = an_order(merchant_account_id="usd_travel")
    assert shop.pay(order) == shop.pay(order)
    for other in ("", "usd"):
        with pytest.raises(RequestIdReused) as reused:
            shop.pay(replace(order, merchant_account_id=other))
        assert reused.value.fields == ("merchant_account_id",)


def test_a_repeat_after_the_account_was_dropped_or_the_default_changed_gets_its_payment(shop: Shop) -> None:
    named, unnamed = an_order(merchant_account_id="usd_travel"), an_order()
    paid = [shop.pay(named), shop.pay(unnamed)]
    shop.accounts = MerchantAccounts({"USD": ("usd_new",)})
    shop.restart()
    assert [shop.pay(named), shop.pay(unnamed)] == paid
    assert [one.terms.merchant_account_id for one in paid] == ["usd_travel", "usd"]


def test_a_payment_that_was_never_sent_goes_to_its_own_account_even_if_the_default_changed(shop: Shop) -> None:
    order = an_order()
    shop.fails("authorize", Fault.UNREACHABLE)
    with pytest.raises(GatewayNotReached):
        shop.pay(order)
    shop.accounts = MerchantAccounts({"USD": ("usd_travel", "usd")})
    shop.restart()
    assert shop.pay(order).terms.merchant_account_id == "usd"
    assert [one.merchant_account_id for one in shop.real_gateway.authorizations] == ["usd"]


def test_captures_stay_with_the_account_of_the_transaction(shop: Shop) -> None:
    held = shop.pay(an_order(merchant_account_id="usd_travel", capture_mode=CaptureMode.MANUAL))
    command = CapturePaymentCommand(request_id=a_request_id(), payment_id=held.terms.payment_id, amount=None)
    captured = shop.capture_payment(command, SHOP)
    assert (captured.state, captured.terms.merchant_account_id) == (PaymentState.CAPTURED, "usd_travel")
