"""Taking a payment: what the gateway is asked, what is recorded, and which orders are the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from application.common.caller import Caller
from application.common.errors import InvalidRequest, RequestIdReused, Rule
from application.common.lease import Lease
from application.common.validator import RawCard
from application.payments.create_payment_command import CreatePaymentCommand, RawStoredMethod
from application.ports.gateway import Authorization, GatewayNotReached, Nonce, Outcome, StoredMethod
from domain.address import Address, StatementDescriptor
from domain.events import CaptureMode
from domain.ids import CallerId, CustomerId, RequestId
from domain.instrument import Card, CardExpiry
from domain.money import Money
from domain.payment import Payment
from domain.payment_method import PaymentMethod, PaymentMethodState
from domain.payment_state import PaymentState
from tests.application.shop import MASTERCARD, SHOP, STRANGER, VISA, Shop, a_request_id, an_order, usd
from tests.fakes.faulty_gateway import Fault
from tests.fakes.gateway.vault import VALID_NONCE

HOME = Address(street_address="1 Main Street", postal_code="12345", country_code="US")
ON_STATEMENT = StatementDescriptor(name="BAY*Books")


class Asked:
    """The authorizations that the gateway was asked for."""

    def __init__(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        self.orders: list[Authorization] = []
        authorize = shop.real_gateway.authorize

        def noting(authorization: Authorization, lease: Lease) -> Outcome:
            self.orders.append(authorization)
            return authorize(authorization, lease)

        monkeypatch.setattr(shop.real_gateway, "authorize", noting)


def faults_of(shop: Shop, order: CreatePaymentCommand, caller: Caller = SHOP) -> list[tuple[str, Rule]]:
    with pytest.raises(InvalidRequest) as refusal:
        shop.pay(order, caller)
    return [(fault.field, fault.rule) for fault in refusal.value.violations]


def methods(shop: Shop, customer_id: str) -> list[PaymentMethod]:
    return shop.list_methods(customer_id, SHOP)[0]


# Gateway requests and records


def test_the_gateway_is_asked_for_just_what_was_ordered(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Shop()
    asked = Asked(shop, monkeypatch)
    payment = shop.pay(an_order(amount=usd(12_34), billing_address=HOME, descriptor=ON_STATEMENT))
    assert asked.orders == [
        Authorization(
            operation_id=payment.authorization.operation_id,
            amount=Money(12_34, "USD"),
            source=Card("4111111111111111", CardExpiry(2035, 12), "123", "Ada Lovelace"),
            captures=True,
            billing_address=HOME,
            descriptor=ON_STATEMENT,
            reference=payment.terms.reference,
            merchant_account_id="usd",
        )
    ]


def test_a_payment_is_recorded_as_it_was_ordered() -> None:
    shop = Shop()
    customer = shop.customer()
    order = an_order(
        reference="order A",
        amount=usd(12_34),
        capture_mode=CaptureMode.MANUAL,
        customer_id=customer.customer_id,
        billing_address=HOME,
        descriptor=ON_STATEMENT,
        metadata={"cart": "7"},
    )
    terms = shop.now(shop.pay(order)).terms
    assert (terms.caller_id, terms.reference, terms.amount) == ("shop", "order A", Money(12_34, "USD"))
    assert (terms.capture_mode, terms.customer_id) == (CaptureMode.MANUAL, customer.customer_id)
    assert (terms.billing_address, terms.descriptor, terms.metadata) == (HOME, ON_STATEMENT, {"cart": "7"})
    assert (terms.payment_method_id, terms.store_payment_method, terms.reference_space) == (None, False, None)
    assert terms.payment_id.startswith("pay_")


def test_money_is_only_held_where_the_capture_comes_later(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Shop()
    asked = Asked(shop, monkeypatch)
    assert shop.authorize().state is PaymentState.AUTHORIZED
    assert not asked.orders[0].captures


def test_a_nonce_and_a_stored_method_pay(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Shop()
    customer = shop.customer()
    method = shop.method(customer)
    asked = Asked(shop, monkeypatch)
    shop.pay(an_order(source=Nonce(VALID_NONCE)))
    by_method = shop.pay(an_order(source=RawStoredMethod(method.payment_method_id)))
    assert [one.source for one in asked.orders] == [Nonce(VALID_NONCE), StoredMethod(method.gateway_token)]
    terms = by_method.terms
    assert (terms.customer_id, terms.payment_method_id) == (customer.customer_id, method.payment_method_id)
    assert (asked.orders[1].customer is not None, asked.orders[1].store_as) == (True, None)


def test_no_cards_are_taken_where_the_service_takes_none() -> None:
    shop = Shop()
    shop.create = replace(shop.create, accepts_cards=False)
    assert faults_of(shop, an_order()) == [("card", Rule.NO_CARDS)]
    assert shop.pay(an_order(source=Nonce(VALID_NONCE))).state is PaymentState.CAPTURED


# Customers


def test_a_customers_own_payment_needs_no_customer_id() -> None:
    shop = Shop()
    ada, eve = shop.customer(), shop.customer()
    herself = Caller(CallerId("shop"), customer_id=ada.customer_id)
    terms = shop.pay(an_order(), herself).terms
    assert (terms.customer_id, terms.reference_space) == (ada.customer_id, ada.customer_id)
    assert shop.pay(an_order(customer_id=ada.customer_id), herself).terms.customer_id == ada.customer_id
    assert faults_of(shop, an_order(customer_id=eve.customer_id), herself) == [("customer_id", Rule.EXISTS)]
    assert shop.pay().terms.customer_id is None


def test_a_customer_that_is_deleted_meanwhile_pays_nothing() -> None:
    shop = Shop()
    customer = shop.customer()
    ids = shop.ids.new

    class Deleting:
        """Deletes the customer once the order is checked."""

        def new(self, prefix: str) -> str:
            if prefix == "op":
                shop.delete_customer(a_request_id(), customer.customer_id, SHOP)
            return ids(prefix)

    shop.create = replace(shop.create, ids=Deleting())
    assert faults_of(shop, an_order(customer_id=customer.customer_id)) == [("customer_id", Rule.EXISTS)]
    assert not shop.effects()


@pytest.mark.parametrize("other", ["deleted", "another caller's", "another customer's", "none"])
def test_only_an_active_method_of_the_customer_pays(other: str) -> None:
    shop = Shop()
    ada, eve = shop.customer(), shop.customer()
    method = shop.method(ada)
    source = RawStoredMethod(method.payment_method_id)
    match other:
        case "deleted":
            shop.delete_method(a_request_id(), method.payment_method_id, SHOP)
            assert faults_of(shop, an_order(source=source)) == [("payment_method_id", Rule.EXISTS)]
        case "another caller's":
            assert faults_of(shop, an_order(source=source), STRANGER) == [("payment_method_id", Rule.EXISTS)]
        case "another customer's":
            order = an_order(source=source, customer_id=eve.customer_id)
            assert faults_of(shop, order) == [("payment_method_id", Rule.OF_CUSTOMER)]
        case _:
            assert shop.pay(an_order(source=source, customer_id=ada.customer_id)).captured_amount


# Storing the method


def test_a_method_that_is_to_be_stored_is_recorded_before_the_gateway_hears_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shop = Shop()
    customer = shop.customer()
    asked = Asked(shop, monkeypatch)
    seen: list[PaymentMethod] = []
    shop.before["authorize"] = lambda: seen.extend(methods(shop, customer.customer_id))
    order = an_order(customer_id=customer.customer_id, store_payment_method=True, billing_address=HOME)
    payment = shop.pay(order)
    (pending,) = seen
    assert (pending.state, pending.caller_id, pending.customer_id) == (
        PaymentMethodState.PENDING,
        "shop",
        customer.customer_id,
    )
    assert (pending.billing_address, pending.create_time) == (HOME, payment.create_time)
    assert pending.update_time == payment.create_time
    assert payment.terms.store_payment_method
    assert payment.terms.payment_method_id == pending.payment_method_id == asked.orders[0].store_as
    assert pending.payment_method_id.startswith("pm_")
    assert asked.orders[0].customer is not None
    assert asked.orders[0].customer.is_at_gateway
    (stored,) = methods(shop, customer.customer_id)
    assert stored.state is PaymentMethodState.ACTIVE


def test_a_customer_is_introduced_to_the_gateway_once() -> None:
    shop = Shop()
    customer_id = shop.customer().customer_id
    assert not shop.get_customer(SHOP, customer_id=customer_id).is_at_gateway
    shop.pay(an_order(customer_id=customer_id))
    assert "ensure_customer" not in shop.calls
    for card in (VISA, MASTERCARD):
        shop.pay(an_order(customer_id=customer_id, source=card, store_payment_method=True))
    assert shop.calls == ["authorize", "ensure_customer", "authorize", "authorize"]
    assert shop.get_customer(SHOP, customer_id=customer_id).is_at_gateway


def test_a_method_is_expected_anew_when_its_payment_is_sent_again() -> None:
    shop = Shop()
    customer_id = shop.customer().customer_id
    order = an_order(customer_id=customer_id, store_payment_method=True)
    shop.fails("authorize", Fault.UNREACHABLE)
    with pytest.raises(GatewayNotReached):
        shop.pay(order)
    seen: list[PaymentMethod] = []
    shop.before["authorize"] = lambda: seen.extend(methods(shop, customer_id))
    shop.pay(order)
    assert [(one.state, one.failure_detail) for one in seen] == [(PaymentMethodState.PENDING, "")]
    assert [one.state for one in methods(shop, customer_id)] == [PaymentMethodState.ACTIVE]


# Card numbers in texts


CARD = "4111 and 1111 and 1111 and 1111"
TEXTS: dict[str, Callable[[], CreatePaymentCommand]] = {
    "reference": lambda: an_order(reference=CARD),
    "metadata[a]": lambda: an_order(metadata={"a": CARD}),
    "metadata[?].key": lambda: an_order(metadata={CARD: "a"}),
    "billing_address.company": lambda: an_order(billing_address=Address(company=CARD)),
    "billing_address.locality": lambda: an_order(billing_address=Address(locality=CARD)),
    "card.cardholder_name": lambda: an_order(source=replace(VISA, cardholder_name=CARD)),
}


@pytest.mark.parametrize("path", TEXTS)
def test_no_text_of_an_order_shows_its_own_card(path: str) -> None:
    assert faults_of(Shop(), TEXTS[path]()) == [(path, Rule.NO_CARD_DATA)]


def test_a_descriptor_and_a_language_are_looked_through_for_the_card() -> None:
    card = RawCard("501800000009", 12, 2035, "123")
    order = an_order(
        source=card,
        descriptor=StatementDescriptor(name="501*8-0000-000-9x", url="5x018000000-9"),
        language_code="x5-018-000-000-x09",
    )
    told = {path for path, rule in faults_of(Shop(), order) if rule is Rule.NO_CARD_DATA}
    assert {"statement_descriptor.name", "language_code"} <= told


# Which orders are the same

FIRST = an_order(
    reference="order A",
    metadata={"a": "1"},
    billing_address=HOME,
    descriptor=ON_STATEMENT,
    client_address="203.0.113.7",
)
CHANGES: dict[str, CreatePaymentCommand] = {
    "reference": replace(FIRST, reference="order B"),
    "amount.minor_units": replace(FIRST, amount=usd(1)),
    "amount.currency_code": replace(FIRST, amount=replace(usd(100_00), currency_code="JPY")),
    "capture_mode": replace(FIRST, capture_mode=CaptureMode.MANUAL),
    "metadata": replace(FIRST, metadata={"a": "2"}),
    "billing_address.locality": replace(FIRST, billing_address=replace(HOME, locality="Ulm")),
    "statement_descriptor.url": replace(FIRST, descriptor=replace(ON_STATEMENT, url="bay.example")),
    "card.number": replace(FIRST, source=replace(VISA, number="4012888888881881")),
    "card.expiration_month": replace(FIRST, source=replace(VISA, expiration_month=11)),
    "card.expiration_year": replace(FIRST, source=replace(VISA, expiration_year=2034)),
    "payment_method_nonce": replace(FIRST, source=Nonce(VALID_NONCE)),
}


@pytest.mark.parametrize("field", CHANGES)
def test_a_request_id_goes_with_one_order(field: str) -> None:
    shop = Shop()
    shop.pay(FIRST)
    with pytest.raises(RequestIdReused) as refusal:
        shop.pay(CHANGES[field])
    assert field in refusal.value.fields
    assert shop.calls.count("authorize") == 1


def test_a_payment_of_an_earlier_version_is_recognized_by_the_stored_names_of_its_fields() -> None:
    shop = Shop()
    shop.pay(FIRST)
    with shop.store.read() as work:
        record = work.requests.get(SHOP.idempotency_scope, RequestId(FIRST.request_id))
    assert record is not None
    assert "descriptor.name" in record.fingerprint


@pytest.mark.parametrize(
    "same",
    [
        replace(FIRST, client_address="203.0.113.8"),
        replace(FIRST, language_code="de"),
        replace(FIRST, source=replace(VISA, cvv="321", cardholder_name="A. Lovelace")),
    ],
)
def test_an_order_is_the_same_whatever_its_cvv_language_and_address(same: CreatePaymentCommand) -> None:
    shop = Shop()
    first = shop.pay(FIRST)
    assert shop.pay(same).terms == first.terms
    assert shop.calls.count("authorize") == 1


def test_a_request_id_goes_with_one_stored_method() -> None:
    shop = Shop()
    customer = shop.customer()
    one, other = shop.method(customer), shop.method(customer, MASTERCARD)
    order = an_order(source=RawStoredMethod(one.payment_method_id))
    shop.pay(order)
    with pytest.raises(RequestIdReused) as refusal:
        shop.pay(replace(order, source=RawStoredMethod(other.payment_method_id)))
    assert refusal.value.fields == ("payment_method_id",)


# Repeats of what was good once


def an_expiring_order() -> CreatePaymentCommand:
    """An order whose card expires before it is repeated."""
    return an_order(source=replace(VISA, expiration_month=5, expiration_year=2026))


def test_a_repeat_is_answered_after_the_card_has_expired() -> None:
    shop = Shop()
    order = an_expiring_order()
    first: Payment = shop.pay(order)
    shop.wait(timedelta(days=40))
    assert shop.pay(order).terms == first.terms
    assert shop.calls.count("authorize") == 1
    assert faults_of(shop, replace(order, request_id=a_request_id())) == [("card.expiration_year", Rule.NOT_PAST)]
    assert faults_of(shop, replace(order, reference="")) == [
        ("reference", Rule.REQUIRED),
        ("card.expiration_year", Rule.NOT_PAST),
    ]
    with pytest.raises(RequestIdReused):
        shop.pay(replace(order, reference="another"))


def test_an_unsent_authorization_is_not_sent_after_the_card_expired() -> None:
    shop = Shop()
    order = an_expiring_order()
    shop.fails("authorize", Fault.UNREACHABLE)
    with pytest.raises(GatewayNotReached):
        shop.pay(order)
    shop.wait(timedelta(days=40))
    assert faults_of(shop, order) == [("card.expiration_year", Rule.NOT_PAST)]
    assert not shop.effects()


def test_an_order_hides_the_address_and_is_plain_unless_more_is_said() -> None:
    order = CreatePaymentCommand(request_id="", reference="", amount=None, source=None)
    assert (order.customer_id, order.capture_mode, order.store_payment_method) == ("", CaptureMode.AUTOMATIC, False)
    assert (order.metadata, order.language_code, order.client_address) == ({}, "", "")
    assert "203.0.113.7" not in repr(FIRST)
    assert CustomerId("") == order.customer_id
