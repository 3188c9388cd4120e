"""Calls that wait take no thread, and the event loop answers others meanwhile."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from adapters.grpc.middleware.admission_control import cooperative_methods
from adapters.grpc.server.server import descriptors
from bayar.payments.v1 import payment_service_pb2
from tests.adapters.grpc.middleware.test_admission_control import LIST, a_slow_house, an_order, stubs

PAYMENTS = "/bayar.payments.v1.PaymentService"


def test_the_calls_of_one_resource_are_cooperative_and_those_of_many_are_not() -> None:
    found = cooperative_methods(descriptors())
    assert {f"{PAYMENTS}/{name}" for name in ("CreatePayment", "GetPayment", "RefundPayment", "VerifyPayment")} <= found
    assert not any(path.rpartition("/")[2].startswith(("List", "Search", "Export", "Summarize")) for path in found)
    # They rewrite every payment of a customer, and up to a hundred events.
    assert not any(path.endswith(("/DeleteCustomer", "/ResendEvents")) for path in found)


def test_payments_that_wait_for_the_gateway_have_no_threads_and_hold_up_nobody() -> None:
    count = 300
    house, slow = a_slow_house(
        grpc_threads=1000, braintree_max_calls=500, calls_per_connection=1000, writes_per_second=0
    )
    with stubs(house) as payments, ExitStack() as stack:
        stack.callback(slow.go_on.set)
        payments.ListPayments(LIST, timeout=30)
        before = threading.active_count()
        paying = [payments.CreatePayment.future(an_order(), timeout=60) for _ in range(count)]
        for _ in range(count):
            assert slow.begun.acquire(timeout=30)
        # Each future of this client may have a thread; those of the service have names.
        ours = [one.name for one in threading.enumerate() if one.name.startswith(("call", "waits", "commits"))]
        assert len(ours) <= before, ours
        one, *_ = payments.ListPayments(LIST, timeout=30).payments
        get = payment_service_pb2.GetPaymentRequest(payment_id=one.payment_id)
        assert payments.GetPayment(get, timeout=30).payment.payment_id == one.payment_id
        slow.go_on.set()
        assert len({call.result().payment.payment_id for call in paying}) == count


def test_equal_requests_wait_for_the_first_without_threads() -> None:
    house, slow = a_slow_house(grpc_threads=200)
    order = an_order()
    with stubs(house) as payments, ThreadPoolExecutor(20) as pool, ExitStack() as stack:
        stack.callback(slow.go_on.set)
        first = pool.submit(payments.CreatePayment, order, timeout=60)
        assert slow.begun.acquire(timeout=30)
        repeats = [pool.submit(payments.CreatePayment, order, timeout=60) for _ in range(19)]
        slow.go_on.set()
        paid = {one.result().payment.payment_id for one in (first, *repeats)}
    assert len(paid) == 1
    assert not slow.begun.acquire(blocking=False), "the gateway was asked once"
