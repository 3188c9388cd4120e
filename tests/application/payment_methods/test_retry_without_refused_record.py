"""A fault in a customer's record, an address or a stored method costs no payment and is no decline of a card."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from application.common.errors import InvalidRequest, MethodNotActive, NotFound, Rule
from application.common.lease import Lease
from application.common.validator import RawCard
from application.customers.create_customer import CustomerCommand
from application.payment_methods.add_payment_method import AddPaymentMethodCommand
from application.payment_methods.change_payment_method import UpdatePaymentMethodCommand
from application.payment_methods.retry_without_refused_record import RefusalRemedies
from application.payments.create_payment_command import RawStoredMethod
from application.ports.gateway import (
    Authorization,
    CustomerUnknown,
    GatewayNotReached,
    Nonce,
    Outcome,
    RefusalCause,
    Rejected,
)
from domain.address import Address
from domain.customer import Customer
from domain.decline import DeclineReason, RetryAdvice
from domain.ids import CustomerId, OperationId
from domain.instrument import Card, CardExpiry
from domain.money import Money
from domain.operation import FailureReason
from domain.payment import Payment
from domain.payment_method import PaymentMethod, PaymentMethodState
from domain.payment_state import PaymentState
from domain.transaction import GatewayDetails
from domain.warning import MerchantWarning, WarningReason
from tests.application.shop import LEASE, MASTERCARD, SHOP, VISA, Shop, a_request_id, an_order, usd
from tests.fakes.faulty_gateway import Fault
from tests.fakes.gateway.vault import VALID_NONCE
from tests.fakes.memory_gateway import MemoryGateway
from tests.fakes.runtime import HELD

DETAILS = MerchantWarning(WarningReason.CUSTOMER_DETAILS_LEFT_OUT, "81604")
ADDRESS = MerchantWarning(WarningReason.BILLING_ADDRESS_LEFT_OUT, "81813")


def with_a_bad_email(shop: Shop) -> Customer:
    """A record from before emails were checked by the gateway's rules."""
    customer_id = shop.customer().customer_id
    with shop.store.begin() as work:
        customer = work.customers.get(customer_id, lock=True)
        assert customer is not None
        customer = replace(customer, email="ann@localhost")
        work.customers.save(customer)
    return customer


def now(shop: Shop, method: PaymentMethod) -> PaymentMethod:
    return shop.get_method(method.payment_method_id, SHOP)


def refuses_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gateway is stricter than its published rules, as some processors are."""
    monkeypatch.setattr("tests.fakes.gateway.answers._is_refused", lambda address: bool(address.postal_code))


# Details of a customer


@pytest.mark.parametrize("source", [VISA, Nonce(VALID_NONCE)])
def test_a_bad_email_costs_no_payment(source: RawCard | Nonce) -> None:
    shop = Shop()
    customer = with_a_bad_email(shop)
    payment = shop.pay(an_order(customer_id=customer.customer_id, source=source))
    assert payment.state is PaymentState.CAPTURED
    assert payment.authorization.warnings == (DETAILS,)
    assert payment.terms.customer_id == customer.customer_id
    assert shop.effects() == 1


def test_a_bad_email_costs_no_payment_that_stores_its_card() -> None:
    shop = Shop()
    customer = with_a_bad_email(shop)
    payment = shop.pay(an_order(customer_id=customer.customer_id, store_payment_method=True))
    assert payment.state is PaymentState.CAPTURED
    assert payment.authorization.warnings == (DETAILS,)
    (method,) = shop.list_methods(customer.customer_id, SHOP)[0]
    assert (method.state, method.warnings) == (PaymentMethodState.ACTIVE, (DETAILS,))


def test_a_bad_email_costs_no_stored_method() -> None:
    shop = Shop()
    method = shop.method(with_a_bad_email(shop))
    assert (method.state, method.warnings) == (PaymentMethodState.ACTIVE, (DETAILS,))


def test_the_warning_stays_when_the_payment_settles_and_is_read_again() -> None:
    shop = Shop()
    payment = shop.pay(an_order(customer_id=with_a_bad_email(shop).customer_id))
    shop.real_gateway.settle(payment.authorization.transaction_id)
    assert shop.verify(payment).payment.authorization.warnings == (DETAILS,)
    assert shop.now(payment).authorization.warnings == (DETAILS,)


def test_a_real_decline_is_a_decline_whatever_the_record_says() -> None:
    shop = Shop()
    payment = shop.pay(an_order(customer_id=with_a_bad_email(shop).customer_id, amount=usd(2001_00)))
    decline = payment.authorization.decline
    assert decline is not None
    assert decline.reason is DeclineReason.INSUFFICIENT_FUNDS
    assert payment.authorization.warnings == (DETAILS,)


def test_a_lost_answer_to_what_was_sent_again_stays_open_and_is_found() -> None:
    shop = Shop()
    customer = with_a_bad_email(shop)
    shop.fails("authorize", Fault.NONE)
    shop.fails("authorize", Fault.LOST_AFTER)
    payment = shop.pay(an_order(customer_id=customer.customer_id))
    assert payment.state is PaymentState.PENDING
    shop.resolve(after=shop.leases.duration)
    assert shop.now(payment).state is PaymentState.CAPTURED
    assert shop.effects() == 1


def test_nothing_is_sent_again_once_the_lease_is_over() -> None:
    shop = Shop()
    customer = with_a_bad_email(shop)
    asked: list[Authorization] = []

    class Counting(MemoryGateway):
        def authorize(self, authorization: Authorization, lease: Lease) -> Outcome:
            outcome = super().authorize(authorization, lease)
            asked.append(authorization)
            shop.clock.advance(LEASE)
            return outcome

    authorization = Authorization(
        operation_id=OperationId("op_1"),
        amount=Money(100, "USD"),
        source=Card("4111111111111111", CardExpiry(2035, 12)),
        captures=True,
        customer=customer,
    )
    lease = Lease(shop.clock.steady_seconds, LEASE.total_seconds())
    with pytest.raises(GatewayNotReached):
        RefusalRemedies(Counting(shop.clock), customer).authorize(authorization, lease)
    assert [one.attempt for one in asked] == [1]


def test_an_update_that_the_gateway_refuses_names_the_field() -> None:
    shop = Shop()
    customer = with_a_bad_email(shop)
    shop.method(customer)
    told = CustomerCommand(request_id=a_request_id(), phone="0215551234")
    with pytest.raises(InvalidRequest) as refusal:
        shop.update_customer(customer.customer_id, told, ["phone"], SHOP)
    assert [(fault.field, fault.rule) for fault in refusal.value.violations] == [
        ("customer.email", Rule.REFUSED_BY_GATEWAY)
    ]
    told = CustomerCommand(request_id=a_request_id(), phone="0215551234", email="ann@example.com")
    assert shop.update_customer(customer.customer_id, told, ["phone", "email"], SHOP).email == "ann@example.com"


# Addresses


def test_a_refused_address_costs_no_payment(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Shop()
    refuses_addresses(monkeypatch)
    payment = shop.pay(an_order(billing_address=Address(postal_code="40111")))
    assert payment.state is PaymentState.CAPTURED
    assert payment.authorization.warnings == (ADDRESS,)
    assert payment.terms.billing_address.postal_code == "40111"


def test_a_refused_address_and_a_refused_record_cost_no_payment(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Shop()
    refuses_addresses(monkeypatch)
    customer = with_a_bad_email(shop)
    payment = shop.pay(an_order(customer_id=customer.customer_id, billing_address=Address(postal_code="40111")))
    assert payment.state is PaymentState.CAPTURED
    assert payment.authorization.warnings == (DETAILS, ADDRESS)
    assert shop.effects() == 1


def test_a_refused_address_costs_no_stored_method(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Shop()
    refuses_addresses(monkeypatch)
    order = AddPaymentMethodCommand(
        request_id=a_request_id(),
        customer_id=shop.customer().customer_id,
        source=VISA,
        billing_address=Address(postal_code="40111"),
    )
    method = shop.add_method(order, SHOP)
    assert (method.state, method.warnings) == (PaymentMethodState.ACTIVE, (ADDRESS,))


# Any refusal of the gateway


@pytest.mark.parametrize("stores", [True, False])
@pytest.mark.parametrize("cause", RefusalCause)
def test_a_repeated_refusal_fails_and_is_no_decline(
    cause: RefusalCause, stores: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop()
    sent: list[Authorization] = []

    def refuse(authorization: Authorization, _: Lease) -> Outcome:
        sent.append(authorization)
        return Rejected(detail="no", details=GatewayDetails(validation_code="99999"), cause=cause)

    monkeypatch.setattr(shop.real_gateway, "authorize", refuse)
    customer = shop.customer()
    payment = shop.pay(an_order(customer_id=customer.customer_id, store_payment_method=stores))
    assert payment.state is PaymentState.FAILED
    assert payment.authorization.failure_reason is FailureReason.GATEWAY_REFUSED_REQUEST
    assert [one.attempt for one in sent] in ([1], [1, 2])
    assert not any(one.store_as is not None and one.customer is None for one in sent)


# Customers that are gone at the gateway


def gone(shop: Shop) -> tuple[Customer, PaymentMethod]:
    """A customer with a method, both deleted at the gateway by somebody else."""
    customer = shop.customer(email="ann@example.com")
    method = shop.method(customer)
    shop.real_gateway.delete_customer(customer.customer_id, HELD)
    return customer, method


def active(shop: Shop, customer: Customer) -> list[PaymentMethod]:
    methods, _ = shop.list_methods(customer.customer_id, SHOP)
    return [method for method in methods if method.state is PaymentMethodState.ACTIVE]


def test_a_payment_makes_a_lost_customer_anew_and_stores_its_card() -> None:
    shop = Shop()
    customer, lost = gone(shop)
    payment = shop.pay(an_order(customer_id=customer.customer_id, source=MASTERCARD, store_payment_method=True))
    assert payment.state is PaymentState.CAPTURED
    assert shop.effects() == 1
    assert now(shop, lost).state is PaymentMethodState.DELETED
    (stored,) = active(shop, customer)
    assert stored.payment_method_id == payment.terms.payment_method_id
    assert stored.is_default


def test_a_guest_card_of_a_lost_customer_pays() -> None:
    shop = Shop()
    customer, lost = gone(shop)
    assert shop.pay(an_order(customer_id=customer.customer_id)).state is PaymentState.CAPTURED
    assert now(shop, lost).state is PaymentMethodState.DELETED


def test_a_method_is_stored_for_a_lost_customer() -> None:
    shop = Shop()
    customer, lost = gone(shop)
    assert shop.method(customer, MASTERCARD).state is PaymentMethodState.ACTIVE
    assert now(shop, lost).state is PaymentMethodState.DELETED
    assert [method.is_default for method in active(shop, customer)] == [True]


def test_a_client_token_is_made_for_a_lost_customer() -> None:
    shop = Shop()
    customer, lost = gone(shop)
    assert customer.customer_id in shop.create_client_token(SHOP, customer_id=customer.customer_id)
    assert now(shop, lost).state is PaymentMethodState.DELETED


@pytest.mark.parametrize("fault", [Fault.LOST_AFTER, Fault.LOST_BEFORE, Fault.UNREACHABLE])
def test_a_lost_answer_about_a_lost_customer_makes_nothing_twice(fault: Fault) -> None:
    shop = Shop()
    customer, _ = gone(shop)
    request_id = a_request_id()
    order = an_order(customer_id=customer.customer_id, request_id=request_id, store_payment_method=True)
    shop.fails("ensure_customer", fault)
    with pytest.raises(Exception, match=r"no answer|nobody there"):
        shop.pay(order)
    assert shop.pay(order).state is PaymentState.CAPTURED
    assert shop.effects() == 1
    assert len(active(shop, customer)) == 1


def test_methods_that_cannot_be_compared_now_cost_no_payment() -> None:
    shop = Shop()
    customer, lost = gone(shop)
    shop.fails("find_method", Fault.UNREACHABLE)
    assert shop.pay(an_order(customer_id=customer.customer_id)).state is PaymentState.CAPTURED
    assert now(shop, lost).state is PaymentMethodState.ACTIVE


def test_a_method_that_the_gateway_still_keeps_stays() -> None:
    shop = Shop()
    customer = shop.customer()
    first, second = shop.method(customer), shop.method(customer, MASTERCARD)
    shop.real_gateway.delete_method(first.gateway_token, HELD)
    shop.sync_methods.sync_customer(customer.customer_id)
    assert now(shop, first).state is PaymentMethodState.DELETED
    assert now(shop, second).is_default


# Methods that are gone at the gateway


def paid_with_a_lost_method(shop: Shop) -> tuple[Payment, PaymentMethod, PaymentMethod]:
    customer = shop.customer()
    lost, other = shop.method(customer), shop.method(customer, MASTERCARD)
    shop.real_gateway.delete_method(lost.gateway_token, HELD)
    return shop.pay(an_order(source=RawStoredMethod(lost.payment_method_id))), lost, other


def test_a_method_that_is_gone_asks_for_another_one() -> None:
    shop = Shop()
    payment, lost, other = paid_with_a_lost_method(shop)
    decline = payment.authorization.decline
    assert decline is not None
    assert (decline.reason, decline.retry_advice) == (DeclineReason.METHOD_REMOVED, RetryAdvice.USE_ANOTHER_METHOD)
    assert now(shop, lost).state is PaymentMethodState.DELETED
    assert not now(shop, lost).is_default
    assert now(shop, other).is_default
    assert shop.effects() == 0


def test_a_method_of_a_lost_customer_asks_for_another_one() -> None:
    shop = Shop()
    customer, lost = gone(shop)
    payment = shop.pay(an_order(source=RawStoredMethod(lost.payment_method_id), customer_id=customer.customer_id))
    assert payment.authorization.decline is not None
    assert payment.authorization.decline.reason is DeclineReason.METHOD_REMOVED
    assert now(shop, lost).state is PaymentMethodState.DELETED


def test_a_method_that_is_gone_counts_against_no_caller() -> None:
    shop = Shop()
    shop.limits = replace(shop.limits, per_customer=1)
    shop.restart()
    customer = shop.customer()
    lost = shop.method(customer)
    shop.real_gateway.delete_method(lost.gateway_token, HELD)
    shop.pay(an_order(source=RawStoredMethod(lost.payment_method_id)))
    assert shop.pay(an_order(customer_id=customer.customer_id)).state is PaymentState.CAPTURED


def rename(shop: Shop, method: PaymentMethod) -> PaymentMethod:
    update = UpdatePaymentMethodCommand(
        request_id=a_request_id(), payment_method_id=method.payment_method_id, cardholder_name="Eve"
    )
    return shop.update_method(update, SHOP)


def make_default(shop: Shop, method: PaymentMethod) -> PaymentMethod:
    return shop.set_default_method(a_request_id(), method.payment_method_id, SHOP)


@pytest.mark.parametrize("change", [rename, make_default])
def test_a_change_of_a_method_that_is_gone_is_reported(change: Callable[[Shop, PaymentMethod], PaymentMethod]) -> None:
    shop = Shop()
    customer = shop.customer()
    lost, other = shop.method(customer), shop.method(customer, MASTERCARD)
    shop.real_gateway.delete_method(lost.gateway_token, HELD)
    with pytest.raises(MethodNotActive) as refusal:
        change(shop, lost)
    assert refusal.value.state is PaymentMethodState.DELETED
    assert now(shop, lost).state is PaymentMethodState.DELETED
    assert now(shop, other).is_default


def test_a_method_that_is_gone_is_deleted_here_as_asked() -> None:
    shop = Shop()
    lost = shop.method(shop.customer())
    shop.real_gateway.delete_method(lost.gateway_token, HELD)
    assert shop.delete_method(a_request_id(), lost.payment_method_id, SHOP).state is PaymentMethodState.DELETED


# Customers that are deleted here meanwhile


def delete(shop: Shop, customer: Customer) -> Callable[[], object]:
    return lambda: shop.delete_customer(a_request_id(), customer.customer_id, SHOP)


def is_at_gateway(shop: Shop, customer: Customer) -> bool:
    try:
        shop.real_gateway.create_client_token(customer.customer_id, "")
    except CustomerUnknown:
        return False
    return True


def test_a_client_token_leaves_nothing_of_a_customer_that_is_deleted_meanwhile() -> None:
    shop = Shop()
    customer, _ = gone(shop)
    shop.before["ensure_customer"] = delete(shop, customer)
    with pytest.raises(InvalidRequest):
        shop.create_client_token(SHOP, customer_id=customer.customer_id)
    assert not is_at_gateway(shop, customer)


def test_an_update_leaves_nothing_of_a_customer_that_is_deleted_meanwhile() -> None:
    shop = Shop()
    customer, _ = gone(shop)
    shop.before["update_customer"] = delete(shop, customer)
    told = CustomerCommand(request_id=a_request_id(), phone="0215551234")
    with pytest.raises(NotFound):
        shop.update_customer(customer.customer_id, told, ["phone"], SHOP)
    assert not is_at_gateway(shop, customer)


def test_a_payment_that_ends_while_its_customer_is_deleted_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Shop()
    customer, _ = gone(shop)
    delete_at_gateway = shop.real_gateway.delete_customer

    def slow(customer_id: CustomerId, lease: Lease) -> None:
        delete_at_gateway(customer_id, lease)
        monkeypatch.setattr(shop.real_gateway, "delete_customer", delete_at_gateway)
        shop.pay(an_order(customer_id=customer.customer_id, store_payment_method=True))

    monkeypatch.setattr(shop.real_gateway, "delete_customer", slow)
    shop.delete_customer(a_request_id(), customer.customer_id, SHOP)
    assert not is_at_gateway(shop, customer)
