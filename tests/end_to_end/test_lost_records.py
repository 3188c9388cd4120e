"""Records that the gateway refuses or has lost cost no payment, and are never told as a decline of the card."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

import braintree
import pytest
from braintree.successful_result import SuccessfulResult

from adapters.persistence.encryption.sealing import associated_data
from bayar.messages import BayarClient, BayarError, Customer, PaymentMethod, PaymentMethodState, PaymentState
from bayar.payments.v1.address_pb2 import Address
from bayar.payments.v1.decline_pb2 import DeclineReason, RetryAdvice
from bayar.payments.v1.event_pb2 import EventType
from bayar.payments.v1.payment_pb2 import FailureReason
from bayar.payments.v1.warning_pb2 import WarningReason
from tests.encryption_keys import sealer_of
from tests.end_to_end.payment_steps import MASTERCARD, a_card, pay
from tests.end_to_end.service import Pair, running_pair
from tests.end_to_end.test_webhooks import sdk_of

ACTIVE = PaymentMethodState.PAYMENT_METHOD_STATE_ACTIVE
DELETED = PaymentMethodState.PAYMENT_METHOD_STATE_DELETED
CAPTURED = PaymentState.PAYMENT_STATE_CAPTURED
MOST_ADDRESSES = 50


@pytest.fixture
def customer(bayar: BayarClient) -> Customer:
    return bayar.create_customer(given_name="Ann", email="ann@example.com")


@pytest.fixture
def control_panel(pair: Pair) -> braintree.BraintreeGateway:
    """Somebody else at the same merchant account."""
    return sdk_of(pair)


def with_a_bad_email(pair: Pair, customer: Customer) -> Customer:
    """A record from before emails were checked by the gateway's rules."""
    sealer = sealer_of(pair.service.environment)
    email = sealer.seal("ann@localhost", associated_data("customers", "email", customer.customer_id))
    with sqlite3.connect(pair.database, timeout=10) as database:
        changed = database.execute(
            "UPDATE customers SET email = ? WHERE customer_id = ?", (email, customer.customer_id)
        )
        assert changed.rowcount == 1
    return customer


def active(bayar: BayarClient, customer: Customer) -> list[PaymentMethod]:
    methods = bayar.list_payment_methods(customer_id=customer.customer_id)
    return [method for method in methods if method.state == ACTIVE]


def state_of(bayar: BayarClient, method: PaymentMethod) -> int:
    return bayar.get_payment_method(payment_method_id=method.payment_method_id).state


# Refused records


@pytest.mark.parametrize("stores", [False, True])
def test_a_good_card_pays_for_a_customer_with_a_bad_email(
    stores: bool, pair: Pair, bayar: BayarClient, customer: Customer
) -> None:
    with_a_bad_email(pair, customer)
    payment = pay(bayar, customer_id=customer.customer_id, store_payment_method=stores)
    assert payment.state == CAPTURED
    (warning,) = payment.warnings
    assert warning.reason == WarningReason.WARNING_REASON_CUSTOMER_DETAILS_LEFT_OUT
    assert warning.gateway_code == "81604"
    assert "UpdateCustomer" in warning.message
    assert bayar.get_payment(payment_id=payment.payment_id).warnings == payment.warnings
    told = [event.summary for event in bayar.list_payment_events(payment_id=payment.payment_id)]
    assert any("81604" in summary for summary in told)
    assert not pay(bayar).warnings


def test_an_address_too_many_costs_no_stored_method(
    bayar: BayarClient, customer: Customer, control_panel: braintree.BraintreeGateway
) -> None:
    bayar.add_payment_method(customer_id=customer.customer_id, card=a_card())
    for number in range(MOST_ADDRESSES):
        one = {"customer_id": customer.customer_id, "street_address": f"{number} Main Street"}
        assert isinstance(control_panel.address.create(one), SuccessfulResult)
    method = bayar.add_payment_method(
        customer_id=customer.customer_id, card=a_card(MASTERCARD), billing_address=Address(postal_code="40111")
    )
    assert method.state == ACTIVE
    (warning,) = method.warnings
    assert warning.reason == WarningReason.WARNING_REASON_BILLING_ADDRESS_LEFT_OUT
    assert warning.gateway_code == "91818"


def test_an_update_that_the_gateway_refuses_names_the_field(pair: Pair, bayar: BayarClient, customer: Customer) -> None:
    bayar.add_payment_method(customer_id=customer.customer_id, card=a_card())
    with_a_bad_email(pair, customer)
    with pytest.raises(BayarError) as refusal:
        bayar.update_customer(customer_id=customer.customer_id, phone="0215551234")
    assert refusal.value.reason == "INVALID_REQUEST"
    assert "customer.email is refused by the gateway (81604" in str(refusal.value)


def test_an_account_that_is_not_set_up_is_no_decline(tmp_path_factory: pytest.TempPathFactory) -> None:
    accounts = {"BAYAR_BRAINTREE_MERCHANT_ACCOUNTS": "USD=no_such_account"}
    with running_pair(tmp_path_factory.mktemp("accounts"), accounts) as pair:
        bayar = pair.service.client()
        payment = pay(bayar)
        assert payment.state == PaymentState.PAYMENT_STATE_FAILED
        assert payment.failure_reason == FailureReason.FAILURE_REASON_GATEWAY_REFUSED_REQUEST
        assert "BAYAR_BRAINTREE_MERCHANT_ACCOUNTS" in payment.operations[-1].failure_detail
        with pytest.raises(BayarError) as refusal:
            bayar.create_client_token(currency_code="USD")
        assert refusal.value.reason == "GATEWAY_REFUSED_REQUEST"
        assert "92807" in str(refusal.value)


# Customers that are gone at the gateway


@pytest.fixture
def lost(bayar: BayarClient, customer: Customer, control_panel: braintree.BraintreeGateway) -> PaymentMethod:
    """A stored method that was deleted with its customer, in the control panel."""
    method = bayar.add_payment_method(customer_id=customer.customer_id, card=a_card())
    control_panel.customer.delete(customer.customer_id)
    return method


def test_a_payment_makes_a_lost_customer_anew_and_stores_its_card(
    bayar: BayarClient, customer: Customer, lost: PaymentMethod, control_panel: braintree.BraintreeGateway
) -> None:
    payment = pay(bayar, customer_id=customer.customer_id, card=a_card(MASTERCARD), store_payment_method=True)
    assert payment.state == CAPTURED
    assert control_panel.customer.find(customer.customer_id).email == "ann@example.com"
    (stored,) = active(bayar, customer)
    assert (stored.payment_method_id, stored.default) == (payment.payment_method_id, True)
    assert state_of(bayar, lost) == DELETED
    assert pay(bayar, payment_method_id=stored.payment_method_id).state == CAPTURED


DEEDS: dict[str, Callable[[BayarClient, Customer], object]] = {
    "a card pays once": lambda bayar, customer: pay(bayar, customer_id=customer.customer_id),
    "a method is added": lambda bayar, customer: bayar.add_payment_method(
        customer_id=customer.customer_id, card=a_card(MASTERCARD)
    ),
    "a client token is made": lambda bayar, customer: bayar.create_client_token(customer_id=customer.customer_id),
}


@pytest.mark.parametrize("deed", DEEDS.values(), ids=DEEDS)
@pytest.mark.usefixtures("lost")
def test_a_lost_customer_is_made_anew_for_whatever_needs_it(
    deed: Callable[[BayarClient, Customer], object],
    bayar: BayarClient,
    customer: Customer,
    lost: PaymentMethod,
    control_panel: braintree.BraintreeGateway,
) -> None:
    assert deed(bayar, customer)
    assert control_panel.customer.find(customer.customer_id).first_name == "Ann"
    assert state_of(bayar, lost) == DELETED


# Methods that are gone at the gateway


def test_a_method_that_is_gone_asks_for_another_one_and_is_deleted_here(
    bayar: BayarClient, customer: Customer, control_panel: braintree.BraintreeGateway
) -> None:
    method = bayar.add_payment_method(customer_id=customer.customer_id, card=a_card())
    other = bayar.add_payment_method(customer_id=customer.customer_id, card=a_card(MASTERCARD))
    control_panel.payment_method.delete(method.payment_method_id)
    payment = pay(bayar, payment_method_id=method.payment_method_id)
    assert payment.state == PaymentState.PAYMENT_STATE_DECLINED
    assert payment.decline.reason == DeclineReason.DECLINE_REASON_METHOD_REMOVED
    assert payment.decline.retry_advice == RetryAdvice.RETRY_ADVICE_USE_ANOTHER_METHOD
    assert "choose another" in payment.decline.customer_message.text
    (left,) = active(bayar, customer)
    assert (left.payment_method_id, left.default) == (other.payment_method_id, True)
    stream = bayar.stream_events(
        types=[EventType.EVENT_TYPE_PAYMENT_METHOD_CHANGED], customer_id=customer.customer_id, timeout_seconds=20
    )
    changes = (event.payment_method for event in stream)
    told = next(one for one in changes if one.state == DELETED)
    assert told.payment_method_id == method.payment_method_id


def test_a_change_of_a_method_that_is_gone_says_that_it_is_deleted(bayar: BayarClient, lost: PaymentMethod) -> None:
    with pytest.raises(BayarError) as refusal:
        bayar.update_payment_method(payment_method_id=lost.payment_method_id, cardholder_name="Ann Example")
    assert refusal.value.reason == "PAYMENT_METHOD_NOT_ACTIVE"
    assert "DELETED" in str(refusal.value)
    assert state_of(bayar, lost) == DELETED


def test_a_method_that_is_gone_does_not_become_the_default(bayar: BayarClient, lost: PaymentMethod) -> None:
    with pytest.raises(BayarError) as refusal:
        bayar.set_default_payment_method(payment_method_id=lost.payment_method_id)
    assert refusal.value.reason == "PAYMENT_METHOD_NOT_ACTIVE"
    assert state_of(bayar, lost) == DELETED


def test_a_method_that_is_gone_is_deleted_as_asked(bayar: BayarClient, lost: PaymentMethod) -> None:
    assert bayar.delete_payment_method(payment_method_id=lost.payment_method_id).state == DELETED
