"""Steps that the tests of the store contract share."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import TypeVar

from hypothesis import HealthCheck, settings

from application.ports.store import RequestRecord, Store
from domain import ids as prefixes
from domain.customer import Customer
from domain.ids import CallerId, CustomerId, PaymentMethodId, RequestId
from domain.instrument import Instrument, InstrumentKind
from domain.operation import FailureReason
from domain.payment import Payment
from domain.payment_method import PaymentMethod, PaymentMethodState
from domain.transaction import TransactionSnapshot, TransactionStatus
from tests.contract.random_payments import IDS, SHOP, at

OTHER_SHOP = CallerId("other-shop")
VISA = Instrument(InstrumentKind.CARD, brand="visa", last_four="1111")
LEASE = timedelta(minutes=2)

# The store stays the same from one example to the next: each makes payments and callers of its own.
on_one_store = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

Value = TypeVar("Value")


def succeed(
    payment: Payment,
    status: TransactionStatus = TransactionStatus.SUBMITTED,
    instrument: Instrument = VISA,
    transaction_id: str = "",
) -> None:
    payment.succeed(
        payment.authorization.operation_id,
        amount=payment.terms.amount,
        transaction_id=transaction_id or IDS.new("tx"),
        standing=TransactionSnapshot(status),
        instrument=instrument,
        context=at(1),
    )


def fail(payment: Payment, reason: FailureReason = FailureReason.GATEWAY_UNREACHABLE) -> None:
    payment.fail(payment.authorization.operation_id, reason, context=at(1))


def add(store: Store, *payments: Payment) -> None:
    with store.begin() as work:
        for payment in payments:
            work.payments.add(payment)


def get(store: Store, payment: Payment) -> Payment:
    with store.read() as work:
        found = work.payments.get(payment.terms.payment_id)
    assert found is not None
    return found


def change(store: Store, payment: Payment, happen: Callable[[Payment], object]) -> Payment:
    """Reads under a lock, changes, writes."""
    with store.begin() as work:
        current = work.payments.get(payment.terms.payment_id, lock=True)
        assert current is not None
        happen(current)
        work.payments.save(current)
    return current


def at_once(threads: int, act: Callable[[int], Value]) -> list[Value]:
    """The result of each thread; all start at one moment."""
    barrier = Barrier(threads)

    def run(number: int) -> Value:
        barrier.wait(10)
        return act(number)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(run, range(threads)))


def request(request_id: str = "", *, caller_id: CallerId = SHOP, resource_id: str = "pay_1") -> RequestRecord:
    return RequestRecord(
        caller_id=caller_id,
        request_id=RequestId(request_id or IDS.new("request")),
        method="CreatePayment",
        resource_id=resource_id,
        fingerprint={"amount": "0a1b", "reference": ""},
        create_time=at(0.000001).time,
    )


def person(external_id: str = "", *, caller_id: CallerId = SHOP, seconds: float = 0, email: str = "") -> Customer:
    return Customer(
        customer_id=CustomerId(IDS.new(prefixes.CUSTOMER)),
        caller_id=caller_id,
        create_time=at(seconds).time,
        update_time=at(seconds).time,
        external_id=external_id,
        email=email,
    )


def card(
    customer_id: CustomerId,
    *,
    state: PaymentMethodState = PaymentMethodState.ACTIVE,
    seconds: float = 0,
    is_default: bool = False,
) -> PaymentMethod:
    return PaymentMethod(
        payment_method_id=PaymentMethodId(IDS.new(prefixes.PAYMENT_METHOD)),
        caller_id=SHOP,
        customer_id=customer_id,
        state=state,
        create_time=at(seconds).time,
        update_time=at(seconds).time,
        is_default=is_default,
    )
