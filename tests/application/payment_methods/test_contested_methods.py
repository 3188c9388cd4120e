"""A stored method's record that the database gives up is made again; what the gateway refused is held to the lease."""

from __future__ import annotations

from dataclasses import replace

import pytest

from application.common.errors import MethodNotActive
from application.common.lease import Lease
from application.payment_methods.add_payment_method import NEVER_SENT, AddPaymentMethodCommand
from application.payment_methods.change_payment_method import UpdatePaymentMethodCommand
from application.payment_methods.retry_without_refused_record import RefusalRemedies
from application.ports.gateway import CustomerUnknown, GatewayNotReached, NewMethod, StoreOutcome
from domain.address import Address
from domain.ids import PaymentMethodId
from domain.instrument import Card, CardExpiry
from domain.payment_method import PaymentMethodState
from tests.application.common.test_conflicts import ContestedStore, a_shop
from tests.application.shop import FIRST_CHECK, LEASE, MASTERCARD, SHOP, VISA, Shop, a_request_id
from tests.fakes.faulty_gateway import Fault
from tests.fakes.memory_gateway import MemoryGateway
from tests.fakes.runtime import HELD, ManualClock

LOST_THREE_TIMES = {"first": (1, 2, 3), "second": (2, 3, 4), "third": (3, 4, 5), "fourth": (4, 5, 6)}


@pytest.mark.parametrize("given_up", LOST_THREE_TIMES.values(), ids=LOST_THREE_TIMES)
def test_a_method_that_was_never_sent_is_recorded_so_after_all(given_up: tuple[int, ...]) -> None:
    shop, store = a_shop()
    order = AddPaymentMethodCommand(request_id=a_request_id(), customer_id=shop.customer().customer_id, source=VISA)
    shop.fails("store_method", Fault.UNREACHABLE)
    store.gives_up(*given_up)
    with pytest.raises(GatewayNotReached):
        shop.add_method(order, SHOP)
    (made,) = [PaymentMethodId(f"pm_{number:026}") for number in range(1, 9) if _is_there(store, number)]
    with store.read() as work:
        method = work.payment_methods.get(made)
    assert method is not None
    assert (method.state, method.failure_detail) == (PaymentMethodState.FAILED, NEVER_SENT)


def _is_there(store: ContestedStore, number: int) -> bool:
    with store.read() as work:
        return work.payment_methods.get(PaymentMethodId(f"pm_{number:026}")) is not None


def test_a_withdrawal_on_the_way_of_a_change_is_recorded_after_all() -> None:
    shop, store = a_shop()
    method = shop.method(shop.customer())
    shop.real_gateway.delete_method(method.gateway_token, HELD)
    store.gives_up(1, 2, 3)
    update = UpdatePaymentMethodCommand(
        request_id=a_request_id(), payment_method_id=method.payment_method_id, cardholder_name="Eve"
    )
    with pytest.raises(MethodNotActive):
        shop.update_method(update, SHOP)
    assert shop.get_method(method.payment_method_id, SHOP).state is PaymentMethodState.DELETED


@pytest.mark.parametrize("is_lost", [True, False])
def test_the_finding_of_a_check_is_recorded_after_a_conflict(is_lost: bool) -> None:
    shop, store = a_shop()
    method = shop.method(shop.customer())
    if is_lost:
        shop.real_gateway.delete_method(method.gateway_token, HELD)
    else:
        kept = shop.real_gateway._methods[method.gateway_token]
        renewed = replace(kept.instrument, expiry=CardExpiry(2040, 1))
        shop.real_gateway._methods[method.gateway_token] = replace(kept, instrument=renewed)
    store.gives_up(1, 2, 3)
    shop.sync_methods.sync_by_token(method.gateway_token, method.customer_id)
    assert shop.calls.count("find_method") == 1
    found = shop.get_method(method.payment_method_id, SHOP)
    assert found.state is (PaymentMethodState.DELETED if is_lost else PaymentMethodState.ACTIVE)
    assert found != method


def test_a_lost_answer_that_was_found_is_recorded_after_all() -> None:
    shop, store = a_shop()
    shop.fails("store_method", Fault.LOST_AFTER)
    method = shop.method(shop.customer())
    shop.wait(FIRST_CHECK)
    # The first claims what is due.
    store.gives_up(2, 3, 4)
    assert shop.method_resolver() == 1
    assert shop.get_method(method.payment_method_id, SHOP).state is PaymentMethodState.ACTIVE
    assert shop.calls.count("find_method") == 1


# Remedies


class Counting(MemoryGateway):
    def __init__(self, shop: Shop) -> None:
        super().__init__(shop.clock)
        self.clock: ManualClock = shop.clock
        self.asked: list[NewMethod] = []

    def store_method(self, method: NewMethod, lease: Lease) -> StoreOutcome:
        outcome = super().store_method(method, lease)
        self.asked.append(method)
        # The process hangs.
        self.clock.advance(LEASE)
        return outcome


def a_new_method(shop: Shop) -> NewMethod:
    return NewMethod(
        payment_method_id=PaymentMethodId("pm_1"),
        customer_id=shop.customer().customer_id,
        source=Card("4111111111111111", CardExpiry(2035, 12)),
        verify=False,
        make_default=False,
        billing_address=Address(postal_code="-1"),
    )


def test_a_method_is_not_sent_without_its_address_once_the_lease_is_over(caplog: pytest.LogCaptureFixture) -> None:
    shop = Shop()
    gateway, asked = Counting(shop), a_new_method(shop)
    customer = shop.get_customer(SHOP, customer_id=asked.customer_id)
    gateway.ensure_customer(customer, HELD)
    records = RefusalRemedies(gateway, customer)
    lease = Lease(shop.clock.steady_seconds, LEASE.total_seconds())
    with pytest.raises(GatewayNotReached):
        records.store_method(asked, lease)
    assert gateway.asked == [asked]
    assert not records.customer_was_gone
    assert "billing_address_left_out" in caplog.text
    assert "81813" in caplog.text


def test_a_lost_customer_is_not_made_anew_once_the_lease_is_over() -> None:
    shop = Shop()
    gateway, asked = Counting(shop), a_new_method(shop)
    customer = shop.get_customer(SHOP, customer_id=asked.customer_id)
    records = RefusalRemedies(gateway, customer)
    lease = Lease(shop.clock.steady_seconds, LEASE.total_seconds())
    with pytest.raises(GatewayNotReached):
        records.store_method(asked, lease)
    with pytest.raises(CustomerUnknown):
        gateway.create_client_token(customer.customer_id, "")
    assert records.customer_was_gone


def test_an_introduction_that_stays_unanswered_was_not_followed_by_anything() -> None:
    shop = Shop()
    shop.fails("ensure_customer", Fault.LOST_AFTER)
    with pytest.raises(GatewayNotReached, match="no answer"):
        shop.method(shop.customer(), MASTERCARD)
    assert "store_method" not in shop.calls
