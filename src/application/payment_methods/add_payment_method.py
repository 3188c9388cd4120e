"""Adds a payment method: stores a card or wallet at the gateway for a customer."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import assert_never

from application.card_testing.velocity_limiter import Attempt, VelocityLimiter
from application.common.caller import Caller
from application.common.conflicts import retry_on_conflict
from application.common.errors import InvalidRequest, Rule
from application.common.lease import Lease
from application.common.validator import RawCard, Validator, address_texts, require_checked
from application.customers.get_customer import is_usable, must_still_live
from application.idempotency.payment_executor import PaymentExecutor, Request
from application.payment_methods.default_method import place
from application.payment_methods.sync_payment_methods import SyncPaymentMethods
from application.payments.retry_without_refused_record import RefusedRecords
from application.ports.gateway import (
    Gateway,
    GatewayNotReached,
    GatewayUnavailable,
    NewMethod,
    Nonce,
    NotStored,
    Rejected,
    Stored,
    StoreOutcome,
    Unknown,
)
from application.ports.store import Store, UnitOfWork
from domain import ids
from domain.address import Address
from domain.customer import Customer
from domain.ids import CustomerId, PaymentMethodId, RequestId
from domain.instrument import Card
from domain.payment_method import PaymentMethod, PaymentMethodState
from domain.warning import MerchantWarning

NEVER_SENT = "the gateway could not be reached"


@dataclass(frozen=True, slots=True, kw_only=True)
class AddPaymentMethodCommand:
    """The caller's request, unchecked."""

    request_id: str
    customer_id: str
    source: RawCard | Nonce | None
    verify: bool = False
    make_default: bool = False
    billing_address: Address = Address()
    language_code: str = ""
    # The shopper's address, as declared by the caller. It is not compared between repeats: people change networks.
    client_address: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class AddPaymentMethod:
    store: Store
    gateway: Gateway
    executor: PaymentExecutor
    guard: VelocityLimiter
    reread: SyncPaymentMethods
    accepts_cards: bool = True

    def __call__(self, order: AddPaymentMethodCommand, caller: Caller) -> PaymentMethod:
        """Raises InvalidRequest, RequestIdReused, TooManyDeclines, GatewayNotReached and StoreUnavailable."""
        try:
            request, customer, source = self._check(order, caller)
        except InvalidRequest as invalid:
            return self._repeat_of_once_valid(order, caller, invalid)
        method_id = PaymentMethodId(self.executor.ids.new(ids.PAYMENT_METHOD))
        attempt = self.guard.attempt(
            caller, customer_id=customer.customer_id, client_address=order.client_address, source=source
        )
        lease = self.executor.begin_lease()
        with self.executor.in_flight.track(request.key):
            method, is_new = self._record_start(request, order, method_id, customer, attempt)
            if is_new:
                return self._carry_out(method, order, source, customer, lease, attempt)
        return self._repeat(request, method)

    def _check(self, order: AddPaymentMethodCommand, caller: Caller) -> tuple[Request, Customer, Card | Nonce]:
        validator = Validator()
        request_id = validator.request_id(order.request_id)
        customer_id = validator.resource_id("customer_id", order.customer_id, ids.CUSTOMER)
        source: Card | Nonce | None = None
        match order.source:
            case RawCard():
                today = self.executor.clock.now().date()
                source = validator.card("card", order.source, today, accepts=self.accepts_cards)
            case Nonce(value):
                validator.secret_text("payment_method_nonce", value)
                source = order.source
            case None:
                validator.add("source", Rule.EXACTLY_ONE, "card, payment_method_nonce")
        validator.address("billing_address", order.billing_address)
        validator.language("language_code", order.language_code)
        validator.client_address("client_address", order.client_address)
        if isinstance(order.source, RawCard):
            validator.must_not_contain_card(order.source, address_texts("billing_address", order.billing_address))
        customer = None
        if customer_id is not None:
            with self.store.read() as work:
                customer = work.customers.get(CustomerId(customer_id))
            if not is_usable(customer, caller):
                validator.add("customer_id", Rule.EXISTS)
        validator.done()
        if source is None:
            raise RuntimeError("a source without a fault is there")
        return _request(require_checked(request_id), order, caller), require_checked(customer), source

    def _repeat_of_once_valid(
        self, order: AddPaymentMethodCommand, caller: Caller, invalid: InvalidRequest
    ) -> PaymentMethod:
        """Answers the repeat of a request that was valid at first.

        Raises the given violations if it is no repeat, or one that would have to be sent again.
        """
        if not invalid.may_have_been_valid:
            raise invalid
        request = _request(require_checked(Validator().request_id(order.request_id)), order, caller)
        with self.store.read() as work:
            record = self.executor.earlier(work, request)
            method = work.payment_methods.get(PaymentMethodId(record.resource_id)) if record else None
        if method is None or method.failure_detail == NEVER_SENT:
            raise invalid
        return self._repeat(request, method)

    @retry_on_conflict
    def _record_start(
        self,
        request: Request,
        order: AddPaymentMethodCommand,
        method_id: PaymentMethodId,
        customer: Customer,
        attempt: Attempt,
    ) -> tuple[PaymentMethod, bool]:
        stamp = self.executor.stamp(request.caller)
        due = stamp.time + self.executor.lease
        with self.store.begin(stamp.actor) as work:
            earlier = self.executor.claim(work, self.executor.record_of(request, method_id, stamp))
            if earlier is not None:
                method = require_checked(work.payment_methods.get(PaymentMethodId(earlier.resource_id), lock=True))
                if method.failure_detail != NEVER_SENT:
                    return method, False
                self.guard.check(work, attempt)
                must_still_live(work, customer.customer_id)
                again = replace(method, state=PaymentMethodState.PENDING, failure_detail="", next_check_time=due)
                work.payment_methods.save(again)
                return again, True
            self.guard.check(work, attempt)
            must_still_live(work, customer.customer_id)
            method = PaymentMethod(
                payment_method_id=method_id,
                caller_id=request.caller.caller_id,
                customer_id=customer.customer_id,
                state=PaymentMethodState.PENDING,
                create_time=stamp.time,
                update_time=stamp.time,
                billing_address=order.billing_address,
                next_check_time=due,
            )
            work.payment_methods.add(method)
        return method, True

    def _carry_out(
        self,
        method: PaymentMethod,
        order: AddPaymentMethodCommand,
        source: Card | Nonce,
        customer: Customer,
        lease: Lease,
        attempt: Attempt,
    ) -> PaymentMethod:
        records = RefusedRecords(self.gateway, customer, lease)
        try:
            return self._send(method.payment_method_id, order, source, records, attempt)
        finally:
            if records.customer_was_gone:
                self.reread.of_customer(customer.customer_id)

    def _send(
        self,
        method_id: PaymentMethodId,
        order: AddPaymentMethodCommand,
        source: Card | Nonce,
        records: RefusedRecords,
        attempt: Attempt,
    ) -> PaymentMethod:
        customer = require_checked(records.customer)
        try:
            self._introduce(customer, records)
            outcome = records.store_method(
                NewMethod(
                    payment_method_id=method_id,
                    customer_id=customer.customer_id,
                    source=source,
                    verify=order.verify,
                    make_default=order.make_default,
                    billing_address=order.billing_address,
                )
            )
        except GatewayNotReached:
            self._record_unsent(method_id)
            raise
        warnings = tuple(records.warnings)
        method = self._record(method_id, outcome, warnings, make_default=order.make_default)
        self.guard.note_method(attempt, outcome)
        return method

    def _introduce(self, customer: Customer, records: RefusedRecords) -> None:
        """Creates the customer at the gateway, once."""
        if customer.is_at_gateway:
            return
        records.ensure_gateway_customer()
        record_gateway_customer(self.store, customer.customer_id)

    @retry_on_conflict
    def _record_unsent(self, method_id: PaymentMethodId) -> None:
        time = self.executor.clock.now()
        with self.store.begin() as work:
            current = require_checked(work.payment_methods.get(method_id, lock=True))
            work.payment_methods.save(current.fail(NEVER_SENT, time=time))

    @retry_on_conflict
    def _record(
        self,
        method_id: PaymentMethodId,
        outcome: StoreOutcome,
        warnings: tuple[MerchantWarning, ...],
        *,
        make_default: bool,
    ) -> PaymentMethod:
        with self.store.begin() as work:
            return self._record_outcome(work, method_id, outcome, warnings, make_default=make_default)

    def _record_outcome(
        self,
        work: UnitOfWork,
        method_id: PaymentMethodId,
        outcome: StoreOutcome,
        warnings: tuple[MerchantWarning, ...],
        *,
        make_default: bool,
    ) -> PaymentMethod:
        time = self.executor.clock.now()
        method = replace(require_checked(work.payment_methods.get(method_id, lock=True)), warnings=warnings)
        match outcome:
            case Stored(kept):
                method = method.activate(kept.instrument, kept.token, kept.verification, time=time)
                method = place(work, method, make_default=make_default)
            case NotStored(verification):
                method = method.refuse(verification, time=time)
            case Rejected(detail=detail):
                method = method.fail(detail, time=time)
            case Unknown():
                method = replace(method, next_check_time=time + self.executor.first_check)
            case _:
                assert_never(outcome)
        work.payment_methods.save(method)
        return method

    def _repeat(self, request: Request, method: PaymentMethod) -> PaymentMethod:
        self.executor.in_flight.wait(request.key, self.executor.lease.total_seconds())
        with self.store.read() as work:
            current = require_checked(work.payment_methods.get(method.payment_method_id))
        if current.failure_detail == NEVER_SENT:
            raise GatewayNotReached
        try:
            return self.reread.late(current)
        except GatewayUnavailable:
            return current


def _request(request_id: RequestId, order: AddPaymentMethodCommand, caller: Caller) -> Request:
    """The fields that repeats must match. Of a card only the storable ones: last four digits and expiry."""
    fields: dict[str, object] = {
        "customer_id": order.customer_id,
        "verify": order.verify,
        "make_default": order.make_default,
        **{f"billing_address.{name}": getattr(order.billing_address, name) for name in Address.__slots__},
    }
    match order.source:
        case RawCard() as card:
            fields["card.number"] = card.last_four
            fields["card.expiration_month"] = card.expiration_month
            fields["card.expiration_year"] = card.expiration_year
        case Nonce(value):
            fields["payment_method_nonce"] = value
    return Request(caller, request_id, "AddPaymentMethod", fields)


@retry_on_conflict
def record_gateway_customer(store: Store, customer_id: CustomerId) -> None:
    """Records that the customer exists at the gateway."""
    with store.begin() as work:
        current = work.customers.get(customer_id, lock=True)
        if current is not None:
            work.customers.save(replace(current, is_at_gateway=True))
