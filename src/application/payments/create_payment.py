"""Creates a payment: authorizes, or authorizes and captures."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date

from application.card_testing.velocity_limiter import Attempt, VelocityLimiter
from application.common.caller import Caller
from application.common.errors import InvalidRequest, Rule
from application.common.lease import Lease
from application.common.validator import RawCard, RawMoney, Validator, address_texts, metadata_path, require_checked
from application.customers.get_customer import is_usable, must_still_live
from application.idempotency.payment_executor import PaymentExecutor, Request, may_try_again
from application.payment_methods.add_payment_method import record_gateway_customer
from application.payment_methods.sync_payment_methods import SyncPaymentMethods
from application.payments.retry_without_refused_record import RefusedRecords
from application.ports.gateway import Authorization, Gateway, Nonce, Outcome, Source, StoredMethod
from application.ports.store import Store, StoreUnavailable, UnitOfWork
from domain import ids
from domain.address import Address, StatementDescriptor
from domain.customer import Customer
from domain.events import CaptureMode, EventContext, PaymentTerms
from domain.ids import CustomerId, OperationId, PaymentId, PaymentMethodId
from domain.operation import Operation
from domain.payment import Payment
from domain.payment_method import PaymentMethod, PaymentMethodState


@dataclass(frozen=True, slots=True)
class RawStoredMethod:
    """A stored method's id as the caller sent it."""

    payment_method_id: str


RawSource = RawCard | Nonce | RawStoredMethod


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatePaymentCommand:
    """The caller's request, unchecked. No capture mode: the caller sent an unknown one."""

    request_id: str
    reference: str
    amount: RawMoney | None
    source: RawSource | None
    customer_id: str = ""
    capture_mode: CaptureMode | None = CaptureMode.AUTOMATIC
    store_payment_method: bool = False
    billing_address: Address = Address()
    descriptor: StatementDescriptor = StatementDescriptor()
    metadata: Mapping[str, str] = field(default_factory=dict)
    language_code: str = ""
    # The shopper's address, as declared by the caller. It is not compared between repeats: people change networks.
    client_address: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class _Plan:
    """A checked request."""

    request: Request
    terms: PaymentTerms
    source: Source
    customer: Customer | None
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class CreatePayment:
    store: Store
    gateway: Gateway
    executor: PaymentExecutor
    currencies: frozenset[str]
    guard: VelocityLimiter
    reread: SyncPaymentMethods
    accepts_cards: bool = True

    def __call__(self, order: CreatePaymentCommand, caller: Caller) -> Payment:
        """Raises InvalidRequest, RequestIdReused, ReferenceAlreadyPaid, TooManyDeclines, GatewayNotReached and
        StoreUnavailable.
        """
        if caller.customer_id is not None and not order.customer_id:
            # A customer-bound credential already identifies the customer.
            order = replace(order, customer_id=caller.customer_id)
        try:
            plan = self._check(order, caller)
        except InvalidRequest as invalid:
            return self._repeat(order, caller, invalid)
        outcomes: list[Outcome] = []
        records: list[RefusedRecords] = []

        def begin(
            work: UnitOfWork, earlier: Payment | None, operation_id: OperationId, stamp: EventContext
        ) -> tuple[Payment, Operation]:
            self.guard.check(work, plan.attempt)
            if plan.customer is not None:
                must_still_live(work, plan.customer.customer_id)
            payment = earlier or Payment.create(plan.terms, stamp=stamp)
            operation = payment.authorize(operation_id, plan.request.request_id, stamp=stamp)
            if plan.terms.store_payment_method:
                _expect_method(work, payment.terms, stamp)
            return payment, operation

        def call(payment: Payment, operation: Operation, lease: Lease) -> Outcome:
            records.append(RefusedRecords(self.gateway, plan.customer, lease))
            outcomes.append(self._authorize(payment, operation, plan, records[-1]))
            return outcomes[-1]

        try:
            payment = self.executor.execute(plan.request, plan.terms.payment_id, begin, call)
        finally:
            if plan.customer is not None and any(one.customer_was_gone for one in records):
                self.reread.of_customer(plan.customer.customer_id)
        self.guard.note_payment(plan.attempt, outcomes)
        return payment

    def _repeat(self, order: CreatePaymentCommand, caller: Caller, invalid: InvalidRequest) -> Payment:
        """Answers the repeat of a request that was valid at first: cards expire, and methods are deleted.

        Raises the given violations if it is no repeat, or one that would have to be sent again.
        """
        if not invalid.may_have_been_valid:
            raise invalid
        request = Request(
            caller, require_checked(Validator().request_id(order.request_id)), "CreatePayment", _fields(order)
        )
        with self.store.read() as work:
            record = self.executor.earlier(work, request)
            payment = work.payments.get(PaymentId(record.resource_id)) if record else None
        if payment is None or may_try_again(payment, request):
            raise invalid
        return self.executor.repeat(payment, request)

    def _authorize(self, payment: Payment, operation: Operation, plan: _Plan, records: RefusedRecords) -> Outcome:
        terms = payment.terms
        customer = plan.customer
        if customer is not None and terms.store_payment_method:
            if not customer.is_at_gateway:
                records.ensure_gateway_customer()
                # If this is not recorded, the next payment only asks once more. Nothing else depends on it.
                with suppress(StoreUnavailable):
                    record_gateway_customer(self.store, customer.customer_id)
            customer = replace(customer, is_at_gateway=True)
        return records.authorize(
            Authorization(
                operation_id=operation.operation_id,
                amount=terms.amount,
                source=plan.source,
                captures=terms.capture_mode is CaptureMode.AUTOMATIC,
                customer=customer,
                store_as=terms.payment_method_id if terms.store_payment_method else None,
                billing_address=terms.billing_address,
                descriptor=terms.descriptor,
            )
        )

    def _check(self, order: CreatePaymentCommand, caller: Caller) -> _Plan:
        validator = Validator()
        today = self.executor.clock.now().date()
        request_id = validator.request_id(order.request_id)
        validator.identifier("reference", order.reference, required=True)
        amount = validator.money("amount", order.amount, self.currencies)
        if order.capture_mode is None:
            validator.add("capture_mode", Rule.KNOWN_VALUE)
        validator.address("billing_address", order.billing_address)
        validator.descriptor("descriptor", order.descriptor)
        metadata = validator.metadata("metadata", order.metadata)
        validator.language("language_code", order.language_code)
        validator.client_address("client_address", order.client_address)
        customer, method = self._find_references(validator, order, caller)
        source = self._source(validator, order.source, method, today)
        if isinstance(order.source, RawCard):
            validator.must_not_contain_card(order.source, _texts(order))
        if order.store_payment_method:
            if not order.customer_id:
                validator.add("customer_id", Rule.NEEDS_CUSTOMER)
            if isinstance(order.source, RawStoredMethod):
                validator.add("store_payment_method", Rule.NEEDS_NEW_METHOD)
        validator.done()
        if source is None:
            raise RuntimeError("a source without a fault is there")
        new_id = self.executor.ids.new
        stored_as = PaymentMethodId(new_id(ids.PAYMENT_METHOD)) if order.store_payment_method else None
        terms = PaymentTerms(
            payment_id=PaymentId(new_id(ids.PAYMENT)),
            caller_id=caller.caller_id,
            reference=order.reference,
            amount=require_checked(amount),
            capture_mode=require_checked(order.capture_mode),
            customer_id=customer.customer_id if customer else None,
            payment_method_id=method.payment_method_id if method else stored_as,
            store_payment_method=order.store_payment_method,
            billing_address=order.billing_address,
            descriptor=order.descriptor,
            metadata=metadata,
            reference_space=caller.customer_id,
        )
        request = Request(caller, require_checked(request_id), "CreatePayment", _fields(order))
        attempt = self.guard.attempt(
            caller,
            customer_id=customer.customer_id if customer else None,
            client_address=order.client_address,
            source=source,
            instrument=method.instrument if method else None,
        )
        return _Plan(request, terms, source, customer, attempt)

    def _source(
        self, validator: Validator, source: RawSource | None, method: PaymentMethod | None, today: date
    ) -> Source | None:
        match source:
            case None:
                validator.add("source", Rule.EXACTLY_ONE, "card, payment_method_nonce, payment_method_id")
                return None
            case RawCard():
                return validator.card("card", source, today, accepts=self.accepts_cards)
            case Nonce(value):
                validator.secret_text("payment_method_nonce", value)
                return source
            case RawStoredMethod():
                return StoredMethod(method.gateway_token) if method else None

    def _find_references(
        self, validator: Validator, order: CreatePaymentCommand, caller: Caller
    ) -> tuple[Customer | None, PaymentMethod | None]:
        customer_id = validator.resource_id("customer_id", order.customer_id, ids.CUSTOMER, required=False)
        method_id = None
        if isinstance(order.source, RawStoredMethod):
            method_id = validator.resource_id("payment_method_id", order.source.payment_method_id, ids.PAYMENT_METHOD)
        if customer_id is None and method_id is None:
            return None, None
        with self.store.read() as work:
            method = work.payment_methods.get(PaymentMethodId(method_id)) if method_id else None
            if method_id and not _usable(method, caller):
                validator.add("payment_method_id", Rule.EXISTS)
                method = None
            if method is not None and customer_id is not None and method.customer_id != customer_id:
                validator.add("payment_method_id", Rule.OF_CUSTOMER)
            owner_id = customer_id or (method.customer_id if method else None)
            customer = work.customers.get(CustomerId(owner_id)) if owner_id else None
        if not is_usable(customer, caller):
            if customer_id is not None:
                validator.add("customer_id", Rule.EXISTS)
            return None, method
        return customer, method


def _usable(method: PaymentMethod | None, caller: Caller) -> bool:
    return (
        method is not None
        and caller.owns(method.caller_id, method.customer_id)
        and method.state is PaymentMethodState.ACTIVE
        # Without a token, the gateway would charge the customer's default method.
        and bool(method.gateway_token)
    )


def _texts(order: CreatePaymentCommand) -> dict[str, str]:
    """All texts that are stored as the caller wrote them, by path."""
    descriptor = order.descriptor
    return {
        "reference": order.reference,
        "language_code": order.language_code,
        **{f"{metadata_path('metadata', key)}.key": key for key in order.metadata},
        **{metadata_path("metadata", key): value for key, value in order.metadata.items()},
        **address_texts("billing_address", order.billing_address),
        **{f"descriptor.{name}": getattr(descriptor, name) for name in StatementDescriptor.__slots__},
    }


def _fields(order: CreatePaymentCommand) -> dict[str, object]:
    """The fields that repeats must match. Of a card only the storable ones: last four digits and expiry."""
    fields: dict[str, object] = {
        "reference": order.reference,
        "amount.minor_units": order.amount.minor_units if order.amount else None,
        "amount.currency_code": order.amount.currency_code if order.amount else None,
        "customer_id": order.customer_id,
        "capture_mode": order.capture_mode.value if order.capture_mode else None,
        "store_payment_method": order.store_payment_method,
        "metadata": dict(order.metadata),
        **{f"billing_address.{name}": getattr(order.billing_address, name) for name in Address.__slots__},
        **{f"descriptor.{name}": getattr(order.descriptor, name) for name in StatementDescriptor.__slots__},
    }
    match order.source:
        case RawCard() as card:
            fields["card.number"] = card.last_four
            fields["card.expiration_month"] = card.expiration_month
            fields["card.expiration_year"] = card.expiration_year
        case Nonce(value):
            fields["payment_method_nonce"] = value
        case RawStoredMethod(payment_method_id):
            fields["payment_method_id"] = payment_method_id
    return fields


def _expect_method(work: UnitOfWork, terms: PaymentTerms, stamp: EventContext) -> None:
    """Records the method to be stored, before the gateway call."""
    if terms.payment_method_id is None or terms.customer_id is None:
        raise RuntimeError("a method to be stored has an id and a customer")
    earlier = work.payment_methods.get(terms.payment_method_id, lock=True)
    if earlier is not None:
        work.payment_methods.save(replace(earlier, state=PaymentMethodState.PENDING, failure_detail=""))
        return
    work.payment_methods.add(
        PaymentMethod(
            payment_method_id=terms.payment_method_id,
            caller_id=terms.caller_id,
            customer_id=terms.customer_id,
            state=PaymentMethodState.PENDING,
            create_time=stamp.time,
            update_time=stamp.time,
            billing_address=terms.billing_address,
        )
    )
