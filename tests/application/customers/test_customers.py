"""Customers and what they keep."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from application.common.errors import (
    CustomerHasOpenPayments,
    ExternalIdAlreadyUsed,
    InvalidRequest,
    MethodNotActive,
    MethodRefused,
    NotFound,
    RequestIdReused,
)
from application.customers.create_customer import CustomerCommand
from application.payment_methods.add_payment_method import AddPaymentMethodCommand
from application.payment_methods.change_payment_method import UpdatePaymentMethodCommand
from application.payments.create_payment_command import RawStoredMethod
from application.ports.gateway import GatewayNotReached, GatewayUnavailable, Nonce, Rejected
from domain.address import Address
from domain.instrument import CardExpiry
from domain.payment_method import PaymentMethod, PaymentMethodState
from tests.application.shop import MASTERCARD, SHOP, STRANGER, VISA, Shop, a_request_id, an_order
from tests.fakes.faulty_gateway import Fault

MINUTE = timedelta(minutes=1)
DECLINED_CARD = replace(VISA, number="4000111111111115")


def a_method_order(shop: Shop, **changes: object) -> AddPaymentMethodCommand:
    order = AddPaymentMethodCommand(request_id=a_request_id(), customer_id=shop.customer().customer_id, source=VISA)
    return replace(order, **changes)  # type: ignore[arg-type]


def now(shop: Shop, method: PaymentMethod) -> PaymentMethod:
    return shop.get_method(method.payment_method_id, SHOP)


# Customers


def test_a_customer_is_created_once_for_each_request() -> None:
    shop = Shop()
    order = CustomerCommand(request_id=a_request_id(), external_id="ada", given_name="Ada")
    first = shop.create_customer(order, SHOP)
    assert shop.create_customer(order, SHOP) == first
    with pytest.raises(RequestIdReused) as refusal:
        shop.create_customer(replace(order, given_name="Eve"), SHOP)
    assert refusal.value.fields == ("given_name",)
    assert "Ada" not in repr(first)
    assert not shop.calls


def test_an_external_id_names_one_customer_of_a_caller() -> None:
    shop = Shop()
    ada = shop.customer(external_id="ada")
    with pytest.raises(ExternalIdAlreadyUsed) as refusal:
        shop.customer(external_id="ada")
    assert refusal.value.customer_id == ada.customer_id
    assert shop.get_customer(SHOP, external_id="ada") == ada
    shop.create_customer(CustomerCommand(request_id=a_request_id(), external_id="ada"), STRANGER)


def test_a_customer_of_another_caller_is_not_found() -> None:
    shop = Shop()
    ada = shop.customer(external_id="ada")
    with pytest.raises(NotFound):
        shop.get_customer(STRANGER, customer_id=ada.customer_id)
    with pytest.raises(NotFound):
        shop.get_customer(STRANGER, external_id="ada")
    with pytest.raises(NotFound):
        shop.delete_customer(a_request_id(), ada.customer_id, STRANGER)


def test_an_update_changes_what_the_mask_names() -> None:
    shop = Shop()
    ada = shop.customer(given_name="Ada", email="ada@example.com")
    told = CustomerCommand(request_id=a_request_id(), given_name="", email="countess@example.com")
    for _ in range(2):
        updated = shop.update_customer(ada.customer_id, told, ["email"], SHOP)
    assert (updated.given_name, updated.email) == ("Ada", "countess@example.com")
    assert "update_customer" not in shop.calls


def test_the_gateway_hears_of_changes_once_it_knows_the_customer() -> None:
    shop = Shop()
    ada = shop.customer(given_name="Ada")
    shop.method(ada)
    told = CustomerCommand(request_id=a_request_id(), given_name="Augusta")
    shop.fails("update_customer", Fault.LOST_BEFORE)
    with pytest.raises(GatewayUnavailable):
        shop.update_customer(ada.customer_id, told, ["given_name"], SHOP)
    assert shop.get_customer(SHOP, customer_id=ada.customer_id).given_name == "Ada"
    assert shop.update_customer(ada.customer_id, told, ["given_name"], SHOP).given_name == "Augusta"


def test_a_deleted_customer_leaves_payments_and_nothing_personal() -> None:
    shop = Shop()
    ada = shop.customer(given_name="Ada", external_id="ada")
    method = shop.method(ada)
    payment = shop.pay(
        an_order(
            source=RawStoredMethod(method.payment_method_id), billing_address=Address(street_address="12 St James")
        )
    )
    request_id = a_request_id()
    for _ in range(2):
        deleted = shop.delete_customer(request_id, ada.customer_id, SHOP)
        assert (deleted.given_name, deleted.external_id) == ("", "")
    assert now(shop, method).state is PaymentMethodState.DELETED
    kept = shop.now(payment)
    assert (kept.captured_amount, kept.terms.billing_address) == (payment.captured_amount, Address())
    assert shop.real_gateway.find_method(method.gateway_token) is None
    with pytest.raises(NotFound):
        shop.update_customer(
            ada.customer_id, CustomerCommand(request_id=a_request_id(), given_name="Eve"), ["given_name"], SHOP
        )
    with pytest.raises(InvalidRequest):
        shop.pay(an_order(customer_id=ada.customer_id))
    shop.customer(external_id="ada")


def test_a_customer_whose_payment_is_pending_is_not_deleted() -> None:
    shop = Shop()
    ada = shop.customer()
    shop.fails("authorize", Fault.LOST_BEFORE)
    shop.pay(an_order(customer_id=ada.customer_id))
    with pytest.raises(CustomerHasOpenPayments):
        shop.delete_customer(a_request_id(), ada.customer_id, SHOP)


def test_a_customer_that_the_gateway_keeps_is_not_deleted_here() -> None:
    shop = Shop()
    ada = shop.customer(given_name="Ada")
    shop.method(ada)
    shop.fails("delete_customer", Fault.LOST_AFTER)
    request_id = a_request_id()
    with pytest.raises(GatewayUnavailable):
        shop.delete_customer(request_id, ada.customer_id, SHOP)
    assert shop.get_customer(SHOP, customer_id=ada.customer_id).given_name == "Ada"
    assert shop.delete_customer(request_id, ada.customer_id, SHOP).delete_time is not None


# Methods


def test_a_card_is_kept_once_for_each_request() -> None:
    shop = Shop()
    order = a_method_order(shop)
    first = shop.add_method(order, SHOP)
    assert (first.state, first.is_default) == (PaymentMethodState.ACTIVE, True)
    assert shop.add_method(order, SHOP) == first
    assert shop.calls.count("store_method") == 1
    with pytest.raises(RequestIdReused) as refusal:
        shop.add_method(replace(order, source=MASTERCARD), SHOP)
    assert "card.number" in refusal.value.fields
    assert "4111" not in repr(first)


def test_the_first_method_is_the_default_until_another_is_made_so() -> None:
    shop = Shop()
    ada = shop.customer()
    first, second = shop.method(ada), shop.method(ada, MASTERCARD)
    assert (now(shop, first).is_default, now(shop, second).is_default) == (True, False)
    third = shop.method(ada, replace(MASTERCARD, number="2223000048400011"), make_default=True)
    assert [now(shop, m).is_default for m in (first, second, third)] == [False, False, True]
    request_id = a_request_id()
    for _ in range(2):
        shop.set_default_method(request_id, second.payment_method_id, SHOP)
    assert [now(shop, m).is_default for m in (first, second, third)] == [False, True, False]
    kept = shop.real_gateway.find_method(second.gateway_token)
    assert kept is not None
    assert kept.is_default


def test_the_same_card_twice_is_said_to_be_a_double() -> None:
    shop = Shop()
    ada = shop.customer()
    first = shop.method(ada)
    assert shop.method(ada).duplicate_of == first.payment_method_id
    assert shop.method(ada, MASTERCARD).duplicate_of is None
    assert shop.method(shop.customer()).duplicate_of is None


def test_a_card_that_fails_its_verification_is_declined() -> None:
    shop = Shop()
    method = shop.add_method(a_method_order(shop, source=DECLINED_CARD, verify=True), SHOP)
    assert method.state is PaymentMethodState.DECLINED
    assert method.verification is not None
    assert method.verification.decline is not None


def test_a_used_nonce_is_declined() -> None:
    shop = Shop()
    method = shop.add_method(a_method_order(shop, source=Nonce("fake-consumed-nonce")), SHOP)
    assert method.state is PaymentMethodState.DECLINED


@pytest.mark.parametrize("call", ["ensure_customer", "store_method"])
def test_a_card_that_could_not_be_sent_is_sent_by_the_same_request(call: str) -> None:
    shop = Shop()
    order = a_method_order(shop)
    shop.fails(call, Fault.UNREACHABLE)
    with pytest.raises(GatewayNotReached):
        shop.add_method(order, SHOP)
    method = shop.add_method(order, SHOP)
    assert method.state is PaymentMethodState.ACTIVE
    assert shop.add_method(order, SHOP) == method


@pytest.mark.parametrize(
    ("fault", "state"),
    [
        (Fault.LOST_AFTER, PaymentMethodState.ACTIVE),
        (Fault.LATE, PaymentMethodState.ACTIVE),
        (Fault.LOST_BEFORE, PaymentMethodState.FAILED),
    ],
)
def test_a_lost_answer_about_a_card_is_found(fault: Fault, state: PaymentMethodState) -> None:
    shop = Shop()
    order = a_method_order(shop)
    shop.fails("store_method", fault)
    method = shop.add_method(order, SHOP)
    assert (method.state, method.next_check_time is not None) == (PaymentMethodState.PENDING, True)
    assert shop.add_method(order, SHOP).state is PaymentMethodState.PENDING
    for _ in range(10):
        shop.wait(MINUTE)
        shop.method_resolver()
    assert now(shop, method).state is state
    assert shop.calls.count("store_method") == 1


def test_a_card_that_appears_at_the_gateway_after_the_horizon_is_active_when_it_is_asked_for_again() -> None:
    shop = Shop()
    late = timedelta(days=1)
    shop.gateway._delay = lambda: late
    order = a_method_order(shop)
    shop.fails("store_method", Fault.LATE)
    method = shop.add_method(order, SHOP)
    for _ in range(10):
        shop.wait(MINUTE)
        shop.method_resolver()
    assert shop.add_method(order, SHOP).state is PaymentMethodState.FAILED
    shop.wait(late)
    shop.fails("find_method", Fault.UNREACHABLE)
    assert shop.add_method(order, SHOP).state is PaymentMethodState.FAILED
    active = shop.add_method(order, SHOP)
    assert (active.state, active.failure_detail, active.is_default) == (PaymentMethodState.ACTIVE, "", True)
    assert now(shop, method) == active
    assert shop.add_method(order, SHOP) == active
    assert shop.calls.count("store_method") == 1
    shop.pay(an_order(customer_id=order.customer_id, source=RawStoredMethod(method.payment_method_id)))


def test_a_changed_card_is_changed_at_the_gateway_first() -> None:
    shop = Shop()
    method = shop.method(shop.customer())
    update = UpdatePaymentMethodCommand(
        request_id=a_request_id(), payment_method_id=method.payment_method_id, expiration_month=6, expiration_year=2036
    )
    shop.fails("change_method", Fault.LOST_AFTER)
    with pytest.raises(GatewayUnavailable):
        shop.update_method(update, SHOP)
    for _ in range(2):
        changed = shop.update_method(update, SHOP)
    assert changed.instrument is not None
    assert changed.instrument.expiry == CardExpiry(2036, 6)
    assert changed.instrument.cardholder_name == VISA.cardholder_name
    assert shop.calls.count("change_method") == 2


def test_a_change_that_the_gateway_refuses_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Shop()
    method = shop.method(shop.customer())
    monkeypatch.setattr(shop.gateway, "change_method", lambda *_: Rejected(detail="not so"))
    update = UpdatePaymentMethodCommand(
        request_id=a_request_id(), payment_method_id=method.payment_method_id, cardholder_name="Eve"
    )
    with pytest.raises(MethodRefused):
        shop.update_method(update, SHOP)
    assert now(shop, method) == method


def test_a_deleted_method_pays_no_more_and_leaves_a_default() -> None:
    shop = Shop()
    ada = shop.customer()
    first, second, request_id = shop.method(ada), shop.method(ada, MASTERCARD), a_request_id()
    for _ in range(2):
        shop.delete_method(request_id, first.payment_method_id, SHOP)
    assert now(shop, first).state is PaymentMethodState.DELETED
    assert now(shop, second).is_default
    with pytest.raises(MethodNotActive):
        shop.set_default_method(a_request_id(), first.payment_method_id, SHOP)
    with pytest.raises(InvalidRequest):
        shop.pay(an_order(source=RawStoredMethod(first.payment_method_id)))


def test_a_method_whose_token_was_emptied_in_the_database_never_charges_another() -> None:
    shop = Shop()
    method = shop.method(shop.customer())
    with shop.store.begin() as work:
        kept = work.payment_methods.get(method.payment_method_id, lock=True)
        assert kept is not None
        work.payment_methods.save(replace(kept, gateway_token=""))
    with pytest.raises(InvalidRequest):
        shop.pay(an_order(source=RawStoredMethod(method.payment_method_id)))
    assert shop.effects() == 0


def test_a_method_of_another_caller_is_not_found() -> None:
    shop = Shop()
    method = shop.method(shop.customer())
    with pytest.raises(NotFound):
        shop.get_method(method.payment_method_id, STRANGER)
    with pytest.raises(NotFound):
        shop.delete_method(a_request_id(), method.payment_method_id, STRANGER)


def test_a_client_token_knows_the_customer_once_the_gateway_does() -> None:
    shop = Shop()
    ada = shop.customer()
    assert shop.create_client_token(SHOP, customer_id=ada.customer_id) == "token for None of "
    shop.method(ada)
    token = shop.create_client_token(SHOP, customer_id=ada.customer_id, currency_code="JPY")
    assert token == f"token for {ada.customer_id} of jpy"
    shop.fails("create_client_token", Fault.LOST_BEFORE)
    with pytest.raises(GatewayUnavailable):
        shop.create_client_token(SHOP)
