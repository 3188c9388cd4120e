"""Tokens for browsers and apps, and amounts that name a payment's own currency."""

from __future__ import annotations

from dataclasses import replace

import pytest

from application.common.errors import InvalidRequest, Rule
from application.common.validator import RawMoney
from application.payments.capture_payment import CapturePaymentCommand
from domain.events import CaptureMode
from tests.application.customers.test_customer_records import House, faults_of
from tests.application.shop import SHOP, a_request_id, an_order
from tests.fakes.runtime import HELD


@pytest.fixture
def house() -> House:
    return House()


@pytest.mark.parametrize(
    ("asked", "field", "rule"),
    [
        ({"customer_id": "ada"}, "customer_id", Rule.ID),
        ({"customer_id": f"cus_{'9' * 26}"}, "customer_id", Rule.EXISTS),
        ({"currency_code": "usd"}, "currency_code", Rule.CURRENCY),
        ({"currency_code": "EUR"}, "currency_code", Rule.CURRENCY_ACCEPTED),
    ],
)
def test_a_bad_token_request_is_refused(house: House, asked: dict[str, str], field: str, rule: Rule) -> None:
    assert faults_of(lambda: house.create_client_token(SHOP, **asked)) == [(field, rule)]
    assert house.calls == []


def test_a_token_is_for_whoever_asks_and_for_no_customer_of_others(house: House) -> None:
    ada = house.customer()
    house.method(ada)
    own = f"token for {ada.customer_id} of "
    credential = replace(SHOP, customer_id=ada.customer_id)
    assert house.create_client_token(credential) == own
    assert house.create_client_token(SHOP, customer_id=ada.customer_id) == own
    assert house.create_client_token(SHOP) == "token for None of "
    assert house.create_client_token(SHOP, currency_code="USD") == "token for None of usd"
    other = replace(SHOP, customer_id=house.customer().customer_id)
    assert faults_of(lambda: house.create_client_token(other, customer_id=ada.customer_id)) == [
        ("customer_id", Rule.EXISTS)
    ]
    house.real_gateway.delete_customer(ada.customer_id, HELD)
    anew = house.create_client_token(SHOP, customer_id=ada.customer_id, currency_code="JPY")
    assert anew == f"token for {ada.customer_id} of jpy"
    assert house.real_gateway._customers[ada.customer_id] == house.now_of(ada)


# Amounts of a payment


@pytest.mark.parametrize(
    ("currency_code", "field", "rule"),
    [("JPY", "amount.currency_code", Rule.CURRENCY_OF_PAYMENT), ("XXX", "amount.currency_code", Rule.CURRENCY)],
)
def test_an_amount_is_of_the_payments_own_currency(house: House, currency_code: str, field: str, rule: Rule) -> None:
    payment = house.pay(an_order(capture_mode=CaptureMode.MANUAL))

    def capture(payment_id: str) -> object:
        amount = RawMoney(100, currency_code)
        order = CapturePaymentCommand(request_id=a_request_id(), payment_id=payment_id, amount=amount, final=False)
        return house.capture_payment(order, SHOP)

    with pytest.raises(InvalidRequest) as refusal:
        capture(payment.terms.payment_id)
    (fault,) = refusal.value.violations
    assert (fault.field, fault.rule) == (field, rule)
    assert fault.limit == ("USD" if rule is Rule.CURRENCY_OF_PAYMENT else "")
    assert ("payment_id", Rule.ID) in faults_of(lambda: capture("pay"))
