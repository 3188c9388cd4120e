"""A test harness of the use cases: every use case over a store and a gateway in memory, with faults on demand."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable
from datetime import timedelta

from application.card_testing.velocity_limiter import VelocityLimiter, VelocityLimits
from application.common.caller import Caller
from application.common.initiator_input import BY_CUSTOMER, RawInitiation
from application.common.lease import LeasePolicy, steady_seconds
from application.common.not_found_horizon import NotFoundTimer
from application.common.order_details_input import RawOrderDetails
from application.common.pagination import PageTokens
from application.common.three_d_secure_input import NOTHING_SAID, RawThreeDSecure
from application.common.validator import RawCard, RawMoney
from application.customers.create_customer import CreateCustomer, CustomerCommand
from application.customers.delete_customer import DeleteCustomer
from application.customers.get_customer import GetCustomer
from application.customers.list_customers import ListCustomers
from application.customers.update_customer import UpdateCustomer
from application.idempotency.fingerprint import Fingerprinter
from application.idempotency.gateway_call import GatewayCallExecutor
from application.idempotency.idempotency_guard import IdempotencyGuard
from application.idempotency.in_flight_requests import InFlightRequests
from application.payment_methods.add_payment_method import AddPaymentMethod, AddPaymentMethodCommand
from application.payment_methods.change_payment_method import (
    DeletePaymentMethod,
    MethodChanger,
    SetDefaultPaymentMethod,
    UpdatePaymentMethod,
)
from application.payment_methods.create_client_token import CreateClientToken
from application.payment_methods.get_payment_method import GetPaymentMethod
from application.payment_methods.list_payment_methods import ListPaymentMethods
from application.payment_methods.resolve_unknown_methods import ResolveUnknownMethods
from application.payment_methods.sync_payment_methods import SyncPaymentMethods
from application.payments.adjust_authorization import AdjustAuthorization, AdjustAuthorizationCommand
from application.payments.capture_payment import CapturePayment, CapturePaymentCommand
from application.payments.create_payment import CreatePayment
from application.payments.create_payment_command import CreatePaymentCommand, RawSource
from application.payments.get_payment import GetPayment
from application.payments.list_payment_events import ListPaymentEvents
from application.payments.list_payments import ListPayments, RawPaymentFilter
from application.payments.payment_call import PaymentRecorder
from application.payments.poll_schedule import SettlementPollPolicy
from application.payments.poll_settlements import PollSettlements
from application.payments.refund_payment import RefundPayment, RefundPaymentCommand
from application.payments.sync_from_gateway import SyncPayment
from application.payments.verify_payment import VerifiedPayment, VerifyPayment
from application.payments.void_payment import VoidPayment, VoidPaymentCommand
from application.ports.gateway import Nonce
from application.recovery.check_backoff import CheckBackoff
from application.recovery.resolve_operation import ResolveOperation
from application.recovery.resolve_operations import ResolveOperations
from application.recovery.resolve_outcome import ResolveOutcome
from application.recovery.send_scheduled_refund import SendScheduledRefund
from domain.address import Address, StatementDescriptor
from domain.customer import Customer
from domain.events import CaptureMode
from domain.ids import CallerId
from domain.initiator import Initiator
from domain.merchant_account import MerchantAccounts
from domain.payment import Payment
from domain.payment_check import PaymentCheck
from domain.payment_method import PaymentMethod
from domain.three_d_secure import ThreeDSecureRules
from tests.fakes.faulty_gateway import Fault, FaultyGateway
from tests.fakes.ids import CountingIds
from tests.fakes.memory_gateway import MemoryGateway
from tests.fakes.memory_store import MemoryStore
from tests.fakes.runtime import ManualClock

SHOP = Caller(CallerId("shop"))
STRANGER = Caller(CallerId("stranger"))
VISA = RawCard("4111 1111 1111 1111", 12, 2035, "123", "Ada Lovelace")
MASTERCARD = RawCard("5555555555554444", 1, 2030, "123")
HUNDRED = RawMoney(100_00, "USD")
LEASE = timedelta(seconds=85)
FIRST_CHECK = timedelta(seconds=2)
HORIZON = timedelta(seconds=180)

_numbers = itertools.count(1)


def a_request_id() -> str:
    return f"11111111-0000-4000-8000-{next(_numbers):012d}"


def usd(minor_units: int) -> RawMoney:
    return RawMoney(minor_units, "USD")


def an_order(
    *,
    request_id: str | None = None,
    reference: str | None = None,
    amount: RawMoney | None = HUNDRED,
    source: RawSource | None = VISA,
    capture_mode: CaptureMode | None = CaptureMode.AUTOMATIC,
    customer_id: str = "",
    store_payment_method: bool = False,
    billing_address: Address = Address(),
    descriptor: StatementDescriptor = StatementDescriptor(),
    metadata: dict[str, str] | None = None,
    language_code: str = "",
    client_address: str = "",
    three_d_secure: RawThreeDSecure = NOTHING_SAID,
    initiation: RawInitiation = BY_CUSTOMER,
    consents: tuple[Initiator | None, ...] = (),
    device_data: str = "",
    order_details: RawOrderDetails | None = None,
    skip_checks: tuple[PaymentCheck | None, ...] = (),
    merchant_account_id: str = "",
) -> CreatePaymentCommand:
    return CreatePaymentCommand(
        request_id=a_request_id() if request_id is None else request_id,
        reference=f"order {next(_numbers)}" if reference is None else reference,
        amount=amount,
        source=source,
        capture_mode=capture_mode,
        customer_id=customer_id,
        store_payment_method=store_payment_method,
        billing_address=billing_address,
        descriptor=descriptor,
        metadata=metadata or {},
        language_code=language_code,
        client_address=client_address,
        three_d_secure=three_d_secure,
        initiation=initiation,
        consents=consents,
        device_data=device_data,
        order_details=order_details,
        skip_checks=skip_checks,
        merchant_account_id=merchant_account_id,
    )


class Shop:
    """`faults` holds what goes wrong next: one (call, fault) at a time, in order; everything else works."""

    def __init__(self, *, search_lag: timedelta = timedelta()) -> None:
        self.clock = ManualClock()
        self.faults: deque[tuple[str, Fault]] = deque()
        # Hooks that run right before the next such call arrives at the gateway.
        self.before: dict[str, Callable[[], object]] = {}
        self.calls: list[str] = []
        self.real_gateway = MemoryGateway(self.clock, search_lag=search_lag)
        self.gateway = FaultyGateway(self.real_gateway, self._next_fault)
        self.ids = CountingIds()
        self.store = MemoryStore(self.ids)
        self.limits = VelocityLimits()
        self.accounts = MerchantAccounts({"USD": ("usd", "usd_travel"), "JPY": ("jpy",)})
        self.three_d_secure_rules = ThreeDSecureRules()
        self.horizon = HORIZON
        self.steady_seconds: Callable[[], float] = steady_seconds
        self.restart()

    def restart(self) -> None:
        """The process ends and another begins: only store and gateway are as they were."""
        self.is_stopping = False
        store, gateway = self.store, self.gateway
        clock, ids = self.clock, self.ids
        self.leases = LeasePolicy(LEASE, FIRST_CHECK, self.steady_seconds)
        self.guard = IdempotencyGuard(Fingerprinter(b"key"), InFlightRequests(most_threads=1000), LEASE)
        self.executor = GatewayCallExecutor(store, clock, self.guard, self.leases)
        self.recorder = PaymentRecorder(store, clock, self.leases)
        self.velocity = VelocityLimiter(store, clock, ids, self.limits, b"key of its own")
        tokens = PageTokens(b"key")
        self.sync_payment = SyncPayment(store, gateway, clock, ids)
        changer = MethodChanger(store, clock, self.guard, self.leases)
        self.absence = NotFoundTimer(clock.steady_seconds, self.horizon)
        self.sync_methods = SyncPaymentMethods(store, gateway, clock)
        self.create = CreatePayment(
            store,
            gateway,
            clock,
            ids,
            self.guard,
            self.executor,
            self.recorder,
            self.velocity,
            self.sync_methods,
            self.accounts,
            three_d_secure_rules=self.three_d_secure_rules,
        )
        self.capture_payment = CapturePayment(store, gateway, ids, self.executor, self.recorder)
        self.adjust_authorization = AdjustAuthorization(store, gateway, ids, self.executor, self.recorder)
        self.void_payment = VoidPayment(gateway, ids, self.executor, self.recorder)
        self.refund_payment = RefundPayment(
            store, gateway, clock, ids, self.guard, self.executor, self.recorder, self.leases, self.sync_payment
        )
        self.get = GetPayment(store)
        self.list = ListPayments(store, tokens)
        self.list_events = ListPaymentEvents(store, tokens)
        self.verify_payment = VerifyPayment(store, gateway, clock, ids)
        self.follow = PollSettlements(store, gateway, clock, ids)
        backoff = CheckBackoff(store, clock, self.leases, self.horizon)
        send_scheduled_refund = SendScheduledRefund(
            store, gateway, clock, self.leases, self.recorder, SettlementPollPolicy(), self.sync_payment, backoff
        )
        resolve_outcome = ResolveOutcome(
            store,
            gateway,
            clock,
            ids,
            self.leases,
            SettlementPollPolicy(),
            self.absence,
            backoff,
            send_scheduled_refund,
        )
        self.resolver = ResolveOperations(
            store,
            clock,
            self.leases,
            resolve_outcome,
            send_scheduled_refund,
            backoff,
            is_stopping=lambda: self.is_stopping,
        )
        self.resolve_operation = ResolveOperation(
            store, gateway, clock, self.guard, self.leases, SettlementPollPolicy(), resolve_outcome, self.horizon
        )
        self.method_resolver = ResolveUnknownMethods(
            store, gateway, clock, self.leases, self.absence, is_stopping=lambda: self.is_stopping
        )
        self.create_customer = CreateCustomer(store, clock, ids, self.guard)
        self.get_customer = GetCustomer(store)
        self.update_customer = UpdateCustomer(store, gateway, clock, self.guard, self.leases)
        self.delete_customer = DeleteCustomer(store, gateway, clock, self.guard, self.leases)
        self.list_customers = ListCustomers(store, tokens)
        self.create_client_token = CreateClientToken(store, gateway, self.accounts, self.sync_methods, self.leases)
        self.add_method = AddPaymentMethod(
            store,
            gateway,
            clock,
            ids,
            self.guard,
            self.executor,
            self.leases,
            self.velocity,
            self.sync_methods,
            self.accounts,
        )
        self.get_method = GetPaymentMethod(store)
        self.list_methods = ListPaymentMethods(store, tokens)
        self.update_method = UpdatePaymentMethod(gateway, clock, changer)
        self.set_default_method = SetDefaultPaymentMethod(gateway, changer)
        self.delete_method = DeletePaymentMethod(gateway, changer)

    def use_leases_by_the_clock(self) -> None:
        """Leases end as the shop's clock says."""
        self.steady_seconds = self.clock.steady_seconds
        self.restart()

    def _next_fault(self, call: str) -> Fault:
        self.calls.append(call)
        self.before.pop(call, lambda: None)()
        if self.faults and self.faults[0][0] == call:
            return self.faults.popleft()[1]
        return Fault.NONE

    def fails(self, call: str, fault: Fault) -> None:
        """The next such call goes wrong."""
        self.faults.append((call, fault))

    # Actions of a caller

    def pay(self, order: CreatePaymentCommand | None = None, caller: Caller = SHOP) -> Payment:
        return self.create(order or an_order(), caller)

    def authorize(self, amount: int = 100_00) -> Payment:
        return self.pay(an_order(amount=usd(amount), capture_mode=CaptureMode.MANUAL))

    def settled(self, amount: int = 100_00) -> Payment:
        payment = self.pay(an_order(amount=usd(amount)))
        self.real_gateway.settle(payment.authorization.transaction_id)
        return self.verify(payment).payment

    def capture(
        self, payment: Payment, amount: int | None = None, *, final: bool = False, request_id: str = ""
    ) -> Payment:
        order = CapturePaymentCommand(
            request_id=request_id or a_request_id(),
            payment_id=payment.terms.payment_id,
            amount=None if amount is None else usd(amount),
            final=final,
        )
        return self.capture_payment(order, SHOP)

    def adjust(self, payment: Payment, amount: int, *, request_id: str = "") -> Payment:
        order = AdjustAuthorizationCommand(
            request_id=request_id or a_request_id(), payment_id=payment.terms.payment_id, amount=usd(amount)
        )
        return self.adjust_authorization(order, SHOP)

    def void(self, payment: Payment, *, request_id: str = "") -> Payment:
        order = VoidPaymentCommand(request_id=request_id or a_request_id(), payment_id=payment.terms.payment_id)
        return self.void_payment(order, SHOP)

    def refund(self, payment: Payment, amount: int | None = None, *, request_id: str = "") -> Payment:
        order = RefundPaymentCommand(
            request_id=request_id or a_request_id(),
            payment_id=payment.terms.payment_id,
            amount=None if amount is None else usd(amount),
        )
        return self.refund_payment(order, SHOP)

    def verify(self, payment: Payment) -> VerifiedPayment:
        return self.verify_payment(payment.terms.payment_id, SHOP)

    def now(self, payment: Payment) -> Payment:
        """The payment as it is now."""
        return self.get(payment.terms.payment_id, SHOP)

    def list_all(self) -> list[Payment]:
        return self.list(RawPaymentFilter(), SHOP).payments

    def customer(self, **details: str) -> Customer:
        return self.create_customer(CustomerCommand(request_id=a_request_id(), **details), SHOP)

    def method(
        self, customer: Customer, source: RawCard | Nonce = VISA, *, make_default: bool = False
    ) -> PaymentMethod:
        order = AddPaymentMethodCommand(
            request_id=a_request_id(), customer_id=customer.customer_id, source=source, make_default=make_default
        )
        return self.add_method(order, SHOP)

    # Passing of time

    def wait(self, time: timedelta) -> None:
        """Time goes by, and what was sent late arrives when it is due."""
        end = self.clock.now() + time
        while (arrival := self.gateway.next_delivery) is not None and arrival <= end:
            self.clock.advance(arrival - self.clock.now())
            self.gateway.deliver_due()
        self.clock.advance(end - self.clock.now())

    def resolve(self, after: timedelta = timedelta()) -> int:
        self.wait(after)
        return self.resolver()

    def effects(self) -> int:
        return len(self.real_gateway.effects)
