"""A transaction lost to a conflict is retried; no gateway call is made twice for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from application.common.conflicts import ATTEMPTS
from application.common.errors import StoreConflict
from application.ports.gateway import GatewayNotReached
from application.ports.store import UnitOfWork
from domain.events import SERVICE, OnBehalf
from domain.operation import FailureReason
from domain.payment import Payment
from domain.payment_method import PaymentMethodState
from domain.payment_state import PaymentState
from tests.application.shop import FIRST_CHECK, LEASE, Shop, an_order
from tests.fakes.faulty_gateway import Fault
from tests.fakes.ids import CountingIds
from tests.fakes.memory_store import MemoryStore


class ContestedStore(MemoryStore):
    """Gives up the units of work whose number, from now on, is named."""

    def __init__(self, ids: CountingIds) -> None:
        super().__init__(ids)
        self.count = 0
        self.given_up: set[int] = set()

    def gives_up(self, *numbers: int) -> None:
        self.count, self.given_up = 0, set(numbers)

    @contextmanager
    def begin(self, actor: str = SERVICE, on_behalf: OnBehalf | None = None) -> Iterator[UnitOfWork]:
        self.count += 1
        with super().begin(actor, on_behalf) as work:
            yield work
            if self.count in self.given_up:
                raise StoreConflict("deadlock detected")


def a_shop() -> tuple[Shop, ContestedStore]:
    shop = Shop()
    store = ContestedStore(shop.ids)
    shop.store = store
    shop.restart()
    return shop, store


@pytest.mark.parametrize("given_up", [[1], [1, 2, 3], [2], [2, 3, 4], [1, 3]])
def test_a_payment_is_recorded_after_all_and_made_once(given_up: list[int]) -> None:
    shop, store = a_shop()
    store.gives_up(*given_up)
    payment = shop.pay()
    assert payment.state is PaymentState.CAPTURED
    assert len(payment.operations) == 1
    assert shop.calls.count("authorize") == shop.effects() == 1
    assert store.count == 2 + len(given_up)


CHANGES: dict[str, tuple[Callable[[Shop], Payment], Callable[[Shop, Payment], Payment]]] = {
    "capture": (lambda shop: shop.authorize(), lambda shop, payment: shop.capture(payment, 30_00)),
    "void": (lambda shop: shop.authorize(), lambda shop, payment: shop.void(payment)),
    "refund": (lambda shop: shop.settled(), lambda shop, payment: shop.refund(payment, 30_00)),
}


@pytest.mark.parametrize("given_up", [[1, 2, 3], [2, 3, 4]])
@pytest.mark.parametrize(("make", "change"), CHANGES.values(), ids=CHANGES)
def test_a_change_is_recorded_after_all_and_made_once(
    make: Callable[[Shop], Payment], change: Callable[[Shop, Payment], Payment], given_up: list[int]
) -> None:
    shop, store = a_shop()
    payment = make(shop)
    effects = shop.effects()
    store.gives_up(*given_up)
    changed = change(shop, payment)
    assert all(not operation.state.is_open for operation in changed.operations)
    assert shop.effects() == effects + 1


@pytest.mark.parametrize("given_up", [[1, 2, 3], [2, 3, 4], [3, 4, 5]])
def test_a_method_is_recorded_after_all_and_stored_once(given_up: list[int]) -> None:
    shop, store = a_shop()
    customer = shop.customer()
    store.gives_up(*given_up)
    method = shop.method(customer)
    assert method.state is PaymentMethodState.ACTIVE
    assert shop.calls.count("store_method") == 1


def test_an_unsent_operation_is_recorded_after_a_conflict() -> None:
    shop, store = a_shop()
    order = an_order()
    shop.fails("authorize", Fault.UNREACHABLE)
    store.gives_up(2, 3, 4)
    with pytest.raises(GatewayNotReached):
        shop.pay(order)
    payment = shop.pay(order)
    assert [operation.failure_reason for operation in payment.operations] == [FailureReason.GATEWAY_UNREACHABLE, None]
    assert shop.effects() == 1


def test_where_it_always_loses_nothing_is_sent() -> None:
    shop, store = a_shop()
    store.gives_up(*range(1, 1 + ATTEMPTS))
    with pytest.raises(StoreConflict):
        shop.pay()
    assert store.count == ATTEMPTS
    assert shop.calls == []


def test_where_it_always_loses_after_the_call_the_outcome_is_found_later() -> None:
    shop, store = a_shop()
    order = an_order()
    store.gives_up(*range(2, 2 + ATTEMPTS))
    with pytest.raises(StoreConflict):
        shop.pay(order)
    assert shop.pay(order).state is PaymentState.PENDING
    shop.wait(LEASE + FIRST_CHECK)
    shop.resolver()
    assert shop.pay(order).state is PaymentState.CAPTURED
    assert shop.effects() == 1


@pytest.mark.parametrize("given_up", [[1, 2, 3], [1, 3]])
def test_a_verification_asks_the_gateway_once_and_is_recorded_after_all(given_up: list[int]) -> None:
    shop, store = a_shop()
    payment = shop.pay()
    shop.real_gateway.settle(payment.authorization.transaction_id)
    asked = len(shop.calls)
    store.gives_up(*given_up)
    assert shop.verify(payment).payment.state is PaymentState.SETTLED
    assert len(shop.calls) == asked + 1


def test_a_polled_status_is_recorded_after_a_conflict_with_one_query() -> None:
    shop, store = a_shop()
    payments = [shop.pay(), shop.pay()]
    for payment in payments:
        shop.real_gateway.settle(payment.authorization.transaction_id)
    shop.wait(timedelta(hours=1))
    asked = len(shop.calls)
    # The first claims what is due.
    store.gives_up(2, 3, 4, 6)
    assert shop.follow() == 2
    assert [shop.now(payment).state for payment in payments] == [PaymentState.SETTLED] * 2
    assert len(shop.calls) == asked + 1


def test_a_customer_is_introduced_to_the_gateway_once() -> None:
    shop, store = a_shop()
    customer = shop.customer()
    for _ in range(3):
        shop.pay(an_order(customer_id=customer.customer_id, store_payment_method=True))
    assert shop.calls.count("ensure_customer") == 1
    with store.read() as work:
        known = work.customers.get(customer.customer_id)
    assert known is not None
    assert known.is_at_gateway


def test_an_introduction_that_is_not_recorded_stops_no_payment() -> None:
    shop, store = a_shop()
    customer = shop.customer()
    store.gives_up(*range(2, 2 + ATTEMPTS))
    order = an_order(customer_id=customer.customer_id, store_payment_method=True)
    assert shop.pay(order).state is PaymentState.CAPTURED
    assert (
        shop.pay(an_order(customer_id=customer.customer_id, store_payment_method=True)).state is PaymentState.CAPTURED
    )
    assert shop.calls.count("ensure_customer") == 2
