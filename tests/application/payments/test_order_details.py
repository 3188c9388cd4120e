"""Level 2 and level 3 data: every limit names its field, and sums that do not agree are refused before a record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from application.common.errors import InvalidRequest, RequestIdReused, Rule
from application.common.order_details_input import RawLineItem, RawOrderDetails
from application.common.validator import RawMoney
from application.payments.capture_payment import CapturePaymentCommand
from application.ports.gateway import RefusalCause
from domain.address import Address
from domain.events import CaptureMode
from domain.merchant_account import MerchantAccounts
from domain.money import Money
from domain.order_details import LineItemKind, ShippingMethod
from domain.payment_state import PaymentState
from domain.warning import WarningReason
from tests.application.shop import SHOP, Shop, a_request_id, an_order, usd

SHIPPED_TO = Address(given_name="Ada", locality="Berlin", postal_code="10115", country_code="DE", phone="+49 30 123")
BEANS = RawLineItem(name="Coffee beans", quantity="2.5", unit_amount="9.9960", total_amount=usd(24_99))
MUGS = RawLineItem(name="Mugs", quantity="2", unit_amount="30.005", tax_amount=usd(5_00))


def details(**changes: Any) -> RawOrderDetails:
    """An order of 100.00: 24.99 + 60.01 + 10.00 tax + 7.00 shipping - 2.00 discount."""
    given: dict[str, Any] = {
        "tax_amount": usd(10_00),
        "purchase_order_number": "PO-2024-001",
        "shipping_amount": usd(7_00),
        "shipping_tax_amount": usd(1_00),
        "discount_amount": usd(2_00),
        "ships_from_postal_code": "80331",
        "line_items": (BEANS, MUGS),
    }
    return RawOrderDetails(**given | changes)


def violations(pay: Callable[[], object]) -> dict[str, Rule]:
    with pytest.raises(InvalidRequest) as refused:
        pay()
    return {violation.field: violation.rule for violation in refused.value.violations}


def refused_details(shop: Shop, **changes: Any) -> dict[str, Rule]:
    order = an_order(order_details=details(**changes))
    found = violations(lambda: shop.pay(order))
    assert not shop.real_gateway.authorizations
    return found


def with_line(shop: Shop, **changes: Any) -> dict[str, Rule]:
    """The violations of an order whose second line is changed."""
    found = refused_details(shop, line_items=(BEANS, replace(MUGS, **changes)))
    return {path.removeprefix("order_details."): rule for path, rule in found.items()}


def test_an_order_that_adds_up_goes_to_the_gateway_and_is_kept() -> None:
    shop = Shop()
    order = replace(
        an_order(order_details=details()), shipping_address=SHIPPED_TO, shipping_method=ShippingMethod.GROUND
    )
    payment = shop.pay(order)
    assert payment.state is PaymentState.CAPTURED
    kept = shop.get(payment.terms.payment_id, SHOP).terms
    assert kept.order_details is not None
    beans, mugs = kept.order_details.line_items
    assert (beans.quantity, beans.unit_amount, beans.total_amount) == ("2.5", "9.996", Money(24_99, "USD"))
    assert mugs.total_amount == Money(60_01, "USD")
    asked = shop.real_gateway.authorizations[-1]
    assert (asked.order_details, asked.shipping_address) == (kept.order_details, SHIPPED_TO)
    assert asked.shipping_method is ShippingMethod.GROUND


@pytest.mark.parametrize(
    "changes",
    [
        {"tax_amount": usd(10_01)},
        {"tax_amount": None, "shipping_tax_amount": None},
        {"shipping_amount": usd(6_99)},
        {"discount_amount": None},
        {"line_items": (BEANS,)},
        {"line_items": (BEANS, replace(MUGS, kind=LineItemKind.CREDIT))},
        {"line_items": (BEANS, replace(MUGS, total_amount=usd(60_02), quantity="2.0001"))},
    ],
)
def test_sums_that_do_not_agree_are_refused(changes: dict[str, Any]) -> None:
    assert refused_details(Shop(), **changes) == {"order_details": Rule.ADDS_UP}


def test_the_sum_is_told() -> None:
    order = an_order(order_details=details(tax_amount=usd(11_00)))
    with pytest.raises(InvalidRequest) as refused:
        Shop().pay(order)
    (violation,) = refused.value.violations
    assert violation.limit == (
        "line items 85.00 + tax_amount 11.00 + shipping_amount 7.00 - discount_amount 2.00 is 101.00, the amount 100.00"
    )


def test_a_credit_is_subtracted() -> None:
    voucher = RawLineItem(name="Voucher", kind=LineItemKind.CREDIT, quantity="1", unit_amount="2")
    order = an_order(order_details=details(line_items=(BEANS, MUGS, voucher), discount_amount=None))
    assert Shop().pay(order).state is PaymentState.CAPTURED


def test_parts_without_line_items_are_at_most_the_amount() -> None:
    shop = Shop()
    level_2 = RawOrderDetails(tax_amount=usd(100_00), purchase_order_number="1")
    assert shop.pay(an_order(order_details=level_2)).state is PaymentState.CAPTURED
    too_much = violations(lambda: shop.pay(an_order(order_details=replace(level_2, shipping_amount=usd(1)))))
    assert too_much == {"order_details": Rule.ADDS_UP}
    taxed = violations(lambda: shop.pay(an_order(order_details=RawOrderDetails(tax_amount=usd(100_01)))))
    assert taxed == {"order_details.tax_amount": Rule.AT_MOST, "order_details": Rule.ADDS_UP}


@pytest.mark.parametrize(
    ("changes", "field", "rule"),
    [
        ({"tax_amount": usd(-1)}, "tax_amount.minor_units", Rule.ZERO_OR_MORE),
        ({"tax_amount": RawMoney(10_00, "EUR")}, "tax_amount.currency_code", Rule.CURRENCY_OF_PAYMENT),
        ({"tax_exempt": True}, "tax_exempt", Rule.CONTRADICTS),
        (
            {"tax_exempt": True, "tax_amount": None, "line_items": (replace(BEANS, tax_amount=usd(1)), MUGS)},
            "tax_exempt",
            Rule.CONTRADICTS,
        ),
        (
            {"tax_exempt": True, "tax_amount": None, "line_items": (replace(BEANS, unit_tax_amount=usd(1)), MUGS)},
            "tax_exempt",
            Rule.CONTRADICTS,
        ),
        ({"purchase_order_number": "1" * 11 + "-" * 7}, "purchase_order_number", Rule.PLAIN_ASCII),
        ({"purchase_order_number": "Größe"}, "purchase_order_number", Rule.PLAIN_ASCII),
        ({"purchase_order_number": "4111111111111111"}, "purchase_order_number", Rule.NO_CARD_DATA),
        ({"ships_from_postal_code": "1234567890"}, "ships_from_postal_code", Rule.POSTAL_CODE),
        ({"shipping_amount": usd(2_147_483_648)}, "shipping_amount.minor_units", Rule.AT_MOST),
        ({"discount_amount": usd(2_147_483_648)}, "discount_amount.minor_units", Rule.AT_MOST),
        ({"shipping_tax_amount": usd(10_01)}, "shipping_tax_amount", Rule.AT_MOST),
        ({"line_items": (BEANS,) * 250}, "line_items", Rule.MAX_ENTRIES),
    ],
)
def test_each_limit_of_an_order_names_its_field(changes: dict[str, Any], field: str, rule: Rule) -> None:
    assert refused_details(Shop(), **changes) == {f"order_details.{field}": rule}


def test_the_tax_of_a_line_is_that_of_its_units() -> None:
    assert with_line(Shop(), unit_tax_amount=usd(2_00)) == {"line_items[1].tax_amount": Rule.ADDS_UP}
    rounded = replace(MUGS, unit_tax_amount=usd(2_49))
    discounted = replace(MUGS, unit_tax_amount=usd(2_00), discount_amount=usd(1_00))
    for mugs in (rounded, discounted):
        order = an_order(order_details=details(line_items=(BEANS, mugs)))
        assert Shop().pay(order).state is PaymentState.CAPTURED


@pytest.mark.parametrize(
    ("changes", "field", "rule"),
    [
        ({"name": ""}, "name", Rule.REQUIRED),
        ({"name": "x" * 36}, "name", Rule.MAX_CHARACTERS),
        ({"name": "4111 1111 1111 1111"}, "name", Rule.NO_CARD_DATA),
        ({"kind": None}, "kind", Rule.KNOWN_VALUE),
        ({"quantity": ""}, "quantity", Rule.REQUIRED),
        ({"quantity": "0"}, "quantity", Rule.DECIMAL),
        ({"quantity": "-2"}, "quantity", Rule.DECIMAL),
        ({"quantity": "2.00001"}, "quantity", Rule.DECIMAL),
        ({"quantity": "2e0"}, "quantity", Rule.DECIMAL),
        ({"quantity": "٢"}, "quantity", Rule.DECIMAL),
        ({"quantity": "2147483648"}, "quantity", Rule.DECIMAL),
        ({"unit_amount": "30,00"}, "unit_amount", Rule.DECIMAL),
        ({"total_amount": usd(60_02)}, "total_amount", Rule.LINE_TOTAL),
        ({"total_amount": usd(0)}, "total_amount.minor_units", Rule.POSITIVE),
        ({"quantity": "0.0001", "unit_amount": "0.0001"}, "total_amount", Rule.POSITIVE),
        ({"discount_amount": usd(60_02)}, "discount_amount", Rule.AT_MOST),
        ({"tax_amount": usd(-1)}, "tax_amount.minor_units", Rule.ZERO_OR_MORE),
        ({"unit_of_measure": "x" * 13}, "unit_of_measure", Rule.MAX_CHARACTERS),
        ({"product_code": "x" * 13}, "product_code", Rule.MAX_CHARACTERS),
        ({"commodity_code": "x" * 13}, "commodity_code", Rule.MAX_CHARACTERS),
        ({"description": "x" * 128}, "description", Rule.MAX_CHARACTERS),
        ({"description": "line\nbreak"}, "description", Rule.NO_CONTROL_CHARACTERS),
        ({"upc_code": "042100005264"}, "upc_type", Rule.ONE_OF),
        ({"upc_code": "12345", "upc_type": "UPC-A"}, "upc_code", Rule.UPC_CODE),
        ({"upc_type": "UPC-A"}, "upc_code", Rule.UPC_CODE),
        ({"url": "javascript:alert(1)"}, "url", Rule.WEB_ADDRESS),
    ],
)
def test_each_limit_of_a_line_names_its_field(changes: dict[str, Any], field: str, rule: Rule) -> None:
    assert with_line(Shop(), **changes) == {f"line_items[1].{field}": rule}


def test_the_tax_of_the_lines_and_of_shipping_is_the_orders() -> None:
    lines = (replace(BEANS, tax_amount=usd(4_00)), MUGS)
    assert Shop().pay(an_order(order_details=details(line_items=lines))).state is PaymentState.CAPTURED
    lines = (replace(BEANS, tax_amount=usd(3_99)), MUGS)
    assert refused_details(Shop(), line_items=lines) == {"order_details.tax_amount": Rule.ADDS_UP}


def test_the_orders_discount_includes_those_of_the_lines() -> None:
    lines = (replace(BEANS, discount_amount=usd(2_00)), MUGS)
    assert Shop().pay(an_order(order_details=details(line_items=lines))).state is PaymentState.CAPTURED
    lines = (replace(BEANS, discount_amount=usd(2_01)), MUGS)
    assert refused_details(Shop(), line_items=lines) == {"order_details.discount_amount": Rule.NOT_BELOW}


def test_both_roundings_of_a_line_are_accepted_and_the_default_is_half_up() -> None:
    shop = Shop()
    line = RawLineItem(name="Third", quantity="3", unit_amount="33.335")
    for total, amount in ((usd(100_00), 100_00), (usd(100_01), 100_01), (None, 100_01)):
        order = RawOrderDetails(line_items=(replace(line, total_amount=total),))
        assert shop.pay(an_order(amount=usd(amount), order_details=order)).state is PaymentState.CAPTURED


@pytest.mark.parametrize(
    ("currency_code", "amount", "unit_amount", "found"),
    [
        ("JPY", 1050, "1050", {}),
        ("KWD", 1_050, "1.05", {}),
        ("KWD", 1_055, "1.055", {"order_details.line_items[0].total_amount.minor_units": Rule.LINE_DECIMALS}),
    ],
)
def test_lines_follow_the_decimals_of_the_currency_and_of_the_gateway(
    currency_code: str, amount: int, unit_amount: str, found: dict[str, Rule]
) -> None:
    shop = Shop()
    shop.accounts = MerchantAccounts({currency_code: ("account",)})
    shop.restart()
    money = RawMoney(amount, currency_code)
    line = RawLineItem(name="Rice", quantity="1", unit_amount=unit_amount, total_amount=money)
    order = an_order(amount=money, order_details=RawOrderDetails(line_items=(line,)))
    if found:
        assert violations(lambda: shop.pay(order)) == found
    else:
        assert shop.pay(order).state is PaymentState.CAPTURED


def test_a_repeat_with_other_details_is_another_request() -> None:
    shop = Shop()
    order = an_order(order_details=details())
    payment = shop.pay(order)
    assert shop.pay(order) == payment
    changed = replace(order, order_details=details(line_items=(replace(BEANS, product_code="B-1"), MUGS)))
    with pytest.raises(RequestIdReused) as refused:
        shop.pay(changed)
    assert refused.value.fields == ("order_details.line_items",)


def test_a_shipping_address_is_checked_like_a_billing_address() -> None:
    shop = Shop()
    order = replace(an_order(), shipping_address=Address(country_code="XX", phone="call me", street_address="a\nb"))
    assert violations(lambda: shop.pay(order)) == {
        "shipping_address.country_code": Rule.COUNTRY,
        "shipping_address.phone": Rule.ADDRESS_PHONE,
        "shipping_address.street_address": Rule.NO_CONTROL_CHARACTERS,
    }


@pytest.mark.parametrize(
    ("cause", "reason"),
    [
        (RefusalCause.ORDER_DETAILS, WarningReason.ORDER_DETAILS_LEFT_OUT),
        (RefusalCause.SHIPPING_ADDRESS, WarningReason.SHIPPING_ADDRESS_LEFT_OUT),
    ],
)
def test_a_refused_record_never_costs_a_payment(cause: RefusalCause, reason: WarningReason) -> None:
    shop = Shop()
    shop.real_gateway.refuses = cause
    payment = shop.pay(replace(an_order(order_details=details()), shipping_address=SHIPPED_TO))
    assert payment.state is PaymentState.CAPTURED
    assert [warning.reason for warning in payment.authorization.warnings] == [reason]
    sent = shop.real_gateway.authorizations[-1]
    assert (sent.order_details is None) == (cause is RefusalCause.ORDER_DETAILS)


# Captures


def held(shop: Shop) -> str:
    return shop.pay(an_order(capture_mode=CaptureMode.MANUAL)).terms.payment_id


def capture_of(payment_id: str, **more: Any) -> CapturePaymentCommand:
    return CapturePaymentCommand(request_id=a_request_id(), payment_id=payment_id, **more)


def test_a_capture_has_details_of_its_own() -> None:
    shop = Shop()
    payment_id = held(shop)
    part = RawOrderDetails(tax_amount=usd(5_01), line_items=(BEANS,))
    command = capture_of(payment_id, amount=usd(30_00), order_details=part)
    payment = shop.capture_payment(command, SHOP)
    (capture,) = [one for one in payment.operations if one.order_details is not None]
    assert capture.order_details is not None
    assert capture.order_details.tax_amount == Money(5_01, "USD")
    assert shop.real_gateway.captures[-1].order_details == capture.order_details


@pytest.mark.parametrize("amount", [usd(30_00), None], ids=["with an amount", "of the rest"])
def test_the_sums_of_a_capture_agree_with_what_it_takes(amount: RawMoney | None) -> None:
    shop = Shop()
    payment_id = held(shop)
    part = RawOrderDetails(tax_amount=usd(5_02), line_items=(BEANS,))
    command = capture_of(payment_id, amount=amount, order_details=part)
    assert violations(lambda: shop.capture_payment(command, SHOP)) == {"order_details": Rule.ADDS_UP}
    assert not shop.real_gateway.captures
    assert len(shop.get(payment_id, SHOP).operations) == 1


def test_a_capture_of_the_rest_with_details_that_agree_is_done() -> None:
    shop = Shop()
    payment_id = held(shop)
    command = capture_of(payment_id, order_details=details(), shipping_address=SHIPPED_TO)
    assert shop.capture_payment(command, SHOP).state is PaymentState.CAPTURED
    assert shop.real_gateway.captures[-1].shipping_address == SHIPPED_TO
    url = replace(
        command, request_id=a_request_id(), order_details=details(line_items=(replace(BEANS, url="http://a"),))
    )
    found = violations(lambda: shop.capture_payment(url, SHOP))
    assert found == {"order_details.line_items[0].url": Rule.ONLY_FOR_PAYMENTS}


def test_refused_details_never_cost_a_capture() -> None:
    shop = Shop()
    payment_id = held(shop)
    shop.real_gateway.refuses = RefusalCause.ORDER_DETAILS
    payment = shop.capture_payment(capture_of(payment_id, order_details=details()), SHOP)
    assert payment.state is PaymentState.CAPTURED
    (warning,) = payment.operations[-1].warnings
    assert warning.reason is WarningReason.ORDER_DETAILS_LEFT_OUT
