"""A refund of several captures, of which a part could not be sent."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from application.card_testing.velocity_limiter import VelocityLimiter, VelocityLimits
from application.common.caller import Caller
from application.common.lease import Lease, LeasePolicy
from application.common.validator import RawCard, RawMoney
from application.idempotency.fingerprint import Fingerprinter
from application.idempotency.gateway_call import GatewayCallExecutor
from application.idempotency.idempotency_guard import IdempotencyGuard
from application.idempotency.in_flight_requests import InFlightRequests
from application.payment_methods.sync_payment_methods import SyncPaymentMethods
from application.payments.capture_payment import CapturePayment, CapturePaymentCommand
from application.payments.create_payment import CreatePayment
from application.payments.create_payment_command import CreatePaymentCommand
from application.payments.payment_call import PaymentRecorder
from application.payments.refund_payment import RefundPayment, RefundPaymentCommand
from application.payments.sync_from_gateway import SyncPayment
from application.ports.gateway import GatewayNotReached, Outcome, Refund, RefundIncomplete
from bootstrap.wiring.clock_and_ids import UlidSource
from domain.events import CaptureMode
from domain.ids import CallerId
from domain.merchant_account import MerchantAccounts
from domain.money import Money
from tests.fakes.memory_gateway import MemoryGateway
from tests.fakes.memory_store import MemoryStore

SHOP = Caller(CallerId("shop"))
CARD = RawCard(number="4111111111111111", expiration_month=12, expiration_year=2030, cvv="123")


class Noon:
    def now(self) -> datetime:
        return datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


class GatewayThatGoesAway(MemoryGateway):
    """Takes so many refunds, and then cannot be reached."""

    refunds_left = 1_000

    def refund(self, refund: Refund, lease: Lease) -> Outcome:
        if not self.refunds_left:
            raise GatewayNotReached("connection refused")
        self.refunds_left -= 1
        return super().refund(refund, lease)


def order_id() -> str:
    return str(uuid.uuid4())


def test_a_partly_sent_refund_is_never_answered_as_a_refusal() -> None:
    clock, ids = Noon(), UlidSource()
    store, gateway = MemoryStore(ids), GatewayThatGoesAway(clock)
    leases = LeasePolicy(timedelta(seconds=80), timedelta(seconds=2), lambda: 0.0)
    guard = IdempotencyGuard(Fingerprinter(b"key"), InFlightRequests(most_threads=1000), leases.duration)
    executor = GatewayCallExecutor(store, clock, guard, leases)
    recorder = PaymentRecorder(store, clock, leases)
    sync = SyncPayment(store, gateway, clock, ids)
    refund = RefundPayment(store, gateway, clock, ids, guard, executor, recorder, leases, sync)
    capture = CapturePayment(store, gateway, ids, executor, recorder)
    velocity = VelocityLimiter(store, clock, ids, VelocityLimits(), b"key")
    sync_methods = SyncPaymentMethods(store, gateway, clock)
    paid = CreatePayment(
        store,
        gateway,
        clock,
        ids,
        guard,
        executor,
        recorder,
        velocity,
        sync_methods,
        MerchantAccounts({"USD": ("usd",)}),
    )(
        CreatePaymentCommand(
            request_id=order_id(),
            reference="order 1",
            amount=RawMoney(100_00, "USD"),
            source=CARD,
            capture_mode=CaptureMode.MANUAL,
        ),
        SHOP,
    )
    payment_id = paid.terms.payment_id
    for minor_units in (60_00, 40_00):
        part = RawMoney(minor_units, "USD")
        capture(CapturePaymentCommand(request_id=order_id(), payment_id=payment_id, amount=part), SHOP)
    gateway.settle()
    whole = RefundPaymentCommand(request_id=order_id(), payment_id=payment_id)
    gateway.refunds_left = 1
    with pytest.raises(RefundIncomplete):
        refund(whole, SHOP)
    gateway.refunds_left = 1_000
    refund(RefundPaymentCommand(request_id=order_id(), payment_id=payment_id, amount=RawMoney(40_00, "USD")), SHOP)

    repeated = refund(whole, SHOP)

    assert repeated.refunded_amount == Money(100_00, "USD")
    assert repeated.refunded_by(repeated.operations[3].request_id) == Money(60_00, "USD")
