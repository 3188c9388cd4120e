"""One replica: the real use cases and the real Braintree adapter over simulated clocks, sockets and store."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, cast

from adapters.braintree.gateway import BraintreeAdapter
from adapters.braintree.settings import BraintreeSettings
from application.card_testing.velocity_limiter import VelocityLimiter, VelocityLimits
from application.common.caller import Caller
from application.common.errors import StoreUnavailable
from application.common.lease import LeasePolicy
from application.common.not_found_horizon import NotFoundTimer
from application.idempotency.fingerprint import Fingerprinter
from application.idempotency.gateway_call import GatewayCallExecutor
from application.idempotency.idempotency_guard import IdempotencyGuard
from application.idempotency.in_flight_requests import InFlightRequests, Key
from application.payment_methods.sync_payment_methods import SyncPaymentMethods
from application.payments.adjust_authorization import AdjustAuthorization, AdjustAuthorizationCommand
from application.payments.capture_payment import CapturePayment, CapturePaymentCommand
from application.payments.create_payment import CreatePayment
from application.payments.create_payment_command import CreatePaymentCommand
from application.payments.payment_call import PaymentRecorder
from application.payments.poll_schedule import SettlementPollPolicy
from application.payments.poll_settlements import PollSettlements
from application.payments.refund_payment import RefundPayment, RefundPaymentCommand
from application.payments.sync_from_gateway import SyncPayment
from application.payments.verify_payment import VerifyPayment
from application.payments.void_payment import VoidPayment, VoidPaymentCommand
from application.ports.gateway import Gateway, GatewayUnavailable, Unknown
from application.ports.store import DueOperation, UnitOfWork
from application.recovery.check_backoff import CheckBackoff
from application.recovery.resolve_operations import ResolveOperations
from application.recovery.resolve_outcome import ResolveOutcome
from application.recovery.send_scheduled_refund import SendScheduledRefund
from domain.events import SERVICE, OnBehalf
from domain.ids import CallerId
from domain.merchant_account import MerchantAccounts
from domain.payment import Payment
from tests.fakes.runtime import ManualClock
from tests.simulation.scheduler import YieldPoint
from tests.simulation.simulated_platform import simulated_platform

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

SHOP: Final = Caller(CallerId("shop"))
LEASE: Final = timedelta(seconds=85)
FIRST_CHECK: Final = timedelta(seconds=2)
# Longer than MAX_DELIVERY_DELAY plus MAX_SEARCH_LAG.
# Each replica has one of them as its default.
MERCHANT_ACCOUNTS: Final = ("usd", "usd_travel")
NOT_FOUND_HORIZON: Final = timedelta(seconds=180)
Command = (
    CreatePaymentCommand
    | CapturePaymentCommand
    | AdjustAuthorizationCommand
    | VoidPaymentCommand
    | RefundPaymentCommand
)


class ReplicaClock:
    """A wall clock with an offset of some minutes."""

    def __init__(self, true: ManualClock, offset: timedelta) -> None:
        self._true = true
        self._offset = offset

    def now(self) -> datetime:
        return self._true.now() + self._offset

    def jump(self, by: timedelta) -> None:
        """Set the clock ahead or back."""
        self._offset += by


class SimulatedInFlight(InFlightRequests):
    """Waits while other actors run."""

    def __init__(self, simulation: Simulation) -> None:
        super().__init__(most_threads=1000)
        self._simulation = simulation

    def wait(self, key: Key, timeout_seconds: float) -> None:
        self._simulation.wait(lambda: key not in self._running, timeout_seconds)


class SimulatedStore:
    """The store as one replica sees it: it may be unavailable, or lose the answer to a commit."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    @contextmanager
    def begin(self, actor: str = SERVICE, on_behalf: OnBehalf | None = None) -> Iterator[UnitOfWork]:
        self._reach()
        with self._simulation.store.begin(actor, on_behalf) as work:
            yield work
            if self._simulation.happens(self._simulation.fault_rates.store_unavailable):
                raise StoreUnavailable("rolled back")
        self._simulation.step()
        if self._simulation.happens(self._simulation.fault_rates.commit_lost):
            raise StoreUnavailable("committed, without an answer")

    @contextmanager
    def read(self) -> Iterator[UnitOfWork]:
        self._reach()
        with self._simulation.store.read() as work:
            yield work

    def read_once(self) -> AbstractContextManager[UnitOfWork]:
        return self.read()

    def wipe(self) -> None:
        self._reach()
        self._simulation.store.wipe()

    def due_operations(self, now: datetime, lease_until: datetime, limit: int) -> Sequence[DueOperation]:
        self._reach()
        due = self._simulation.store.due_operations(now, lease_until, limit)
        self._simulation.step()
        return due

    def _reach(self) -> None:
        self._simulation.step()
        if self._simulation.happens(self._simulation.fault_rates.store_unavailable):
            raise StoreUnavailable("down")


class SteppingGateway:
    """The Braintree adapter, with a simulation step before and after each call."""

    def __init__(self, simulation: Simulation, gateway: BraintreeAdapter) -> None:
        self._simulation = simulation
        self._gateway = gateway

    def __getattr__(self, name: str) -> Callable[..., object]:
        method = getattr(self._gateway, name)

        def call(*arguments: object) -> object:
            self._simulation.step()
            try:
                with self._simulation.calling_for(arguments):
                    outcome = method(*arguments)
            except GatewayUnavailable as failure:
                _assert_readable(str(failure))
                raise
            finally:
                self._simulation.step()
            if isinstance(outcome, Unknown):
                _assert_readable(outcome.detail)
            return outcome

        return call


def _assert_readable(detail: str) -> None:
    """Fail if the adapter could not read an answer: the simulated gateway gives no answer or a valid one."""
    assert "no usable answer" not in detail, detail


class Replica:
    """One process: the real use cases over simulated ports. A restart creates a new one."""

    def __init__(self, simulation: Simulation) -> None:
        self.clock = ReplicaClock(simulation.clock, timedelta(seconds=simulation.random.randint(-300, 300)))
        store = SimulatedStore(simulation)
        settings = _settings(simulation)
        adapter = BraintreeAdapter(settings, platform=simulated_platform(simulation))
        gateway = cast("Gateway", SteppingGateway(simulation, adapter))
        clock, ids = self.clock, simulation.ids
        leases = LeasePolicy(LEASE, FIRST_CHECK, simulation.clock.steady_seconds)
        guard = IdempotencyGuard(Fingerprinter(b"key"), SimulatedInFlight(simulation), LEASE)
        executor = GatewayCallExecutor(store, clock, guard, leases)
        recorder = PaymentRecorder(store, clock, leases)
        sync = SyncPayment(store, gateway, clock, ids)
        velocity = VelocityLimiter(store, clock, ids, VelocityLimits(), b"key")
        sync_methods = SyncPaymentMethods(store, gateway, clock)
        self.create = CreatePayment(
            store, gateway, clock, ids, guard, executor, recorder, velocity, sync_methods, settings.merchant_accounts
        )
        self.capture = CapturePayment(store, gateway, ids, executor, recorder)
        self.adjust = AdjustAuthorization(store, gateway, ids, executor, recorder)
        self.void = VoidPayment(gateway, ids, executor, recorder)
        self.refund = RefundPayment(store, gateway, clock, ids, guard, executor, recorder, leases, sync)
        self.verify = VerifyPayment(store, gateway, clock, ids)
        self.follow = PollSettlements(store, gateway, clock, ids)
        not_found_timer = NotFoundTimer(simulation.clock.steady_seconds, NOT_FOUND_HORIZON)
        policy, backoff = SettlementPollPolicy(), CheckBackoff(store, clock, leases, NOT_FOUND_HORIZON)
        send_scheduled = SendScheduledRefund(store, gateway, clock, leases, recorder, policy, sync, backoff)
        resolve = ResolveOutcome(store, gateway, clock, ids, leases, policy, not_found_timer, backoff, send_scheduled)
        self.resolve = ResolveOperations(store, clock, leases, resolve, send_scheduled, backoff, batch_size=10)

    def execute(self, command: Command) -> Payment:
        match command:
            case CreatePaymentCommand():
                return self.create(command, SHOP)
            case CapturePaymentCommand():
                return self.capture(command, SHOP)
            case AdjustAuthorizationCommand():
                return self.adjust(command, SHOP)
            case VoidPaymentCommand():
                return self.void(command, SHOP)
            case RefundPaymentCommand():
                return self.refund(command, SHOP)


def _settings(simulation: Simulation) -> BraintreeSettings:
    """Random settings: replicas differ, as during a rolling release."""
    random = simulation.random
    return BraintreeSettings(
        environment="twin",
        url="http://gateway.test",
        merchant_id="m",
        public_key="p",
        private_key="k",
        merchant_accounts=MerchantAccounts({"USD": random.choice((MERCHANT_ACCOUNTS, MERCHANT_ACCOUNTS[::-1]))}),
        # One connection makes calls wait for the bulkhead, where the freeze occurs.
        max_connections=1 if simulation.fault_rates.freezes_at is YieldPoint.BULKHEAD else random.choice((1, 2, 32)),
        use_api_request_key=random.random() < 0.5,
    )
