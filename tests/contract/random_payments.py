"""Payments that things have happened to, drawn at random but only by the domain's own methods."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import fields
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from typing import Any, TypeVar

from hypothesis import strategies as st

from domain import ids as prefixes
from domain.address import Address, StatementDescriptor
from domain.currencies import EXPONENTS
from domain.customer import NO_CONTACT, Customer, GuestContact
from domain.decline import CATALOGUE, Decline, Fixer, RetryAdvice
from domain.errors import DomainError
from domain.events import CaptureMode, EventContext, PaymentTerms
from domain.ids import CallerId, CustomerId, OperationId, PaymentId, PaymentMethodId, RequestId
from domain.instrument import CardExpiry, Instrument, InstrumentKind
from domain.money import Money
from domain.operation import FailureReason, Operation, OperationState
from domain.order_details import LineItem, LineItemKind, OrderDetails, ShippingMethod
from domain.payment import Payment
from domain.payment_method import CheckResult, PaymentMethod, PaymentMethodState, Verification
from domain.transaction import GatewayDetails, TransactionSnapshot, TransactionStatus
from tests.fakes.ids import CountingIds

START = datetime(2026, 1, 1, tzinfo=UTC)
IDS = CountingIds(1_000_000)
SHOP = CallerId("shop")

Value = TypeVar("Value")
Draw = Callable[[st.SearchStrategy[Value]], Value]

# No database keeps a NUL, and nothing outside UTF-8 ever arrives.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
times = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
currencies = st.sampled_from(sorted(EXPONENTS))
expiries = st.builds(CardExpiry, st.integers(2000, 2100), st.integers(1, 12))
addresses = st.builds(Address, *[texts] * 10)
guests = st.builds(GuestContact, **dict.fromkeys(GuestContact.__slots__, texts))
details = st.builds(GatewayDetails, *[texts] * 12)
instruments = st.builds(
    Instrument,
    st.sampled_from(InstrumentKind),
    brand=st.sampled_from(["", "visa", "mastercard"]),
    last_four=st.sampled_from(["", "1111", "0000"]),
    expiry=st.none() | expiries,
    cardholder_name=texts,
    issuer_country=texts,
    issuer=texts,
    account=texts,
    unique_number_identifier=texts,
)
declines = st.sampled_from(list(CATALOGUE.values())) | st.builds(
    Decline,
    st.sampled_from(list(CATALOGUE)),
    st.sampled_from(Fixer),
    st.just(RetryAdvice.RETRY_LATER),
    st.timedeltas(timedelta(0), timedelta(days=400)),
)


def moneys(currency_code: str, maximum: int = 2**62) -> st.SearchStrategy[Money]:
    return st.builds(Money, st.integers(1, maximum), st.just(currency_code))


def orders(currency_code: str) -> st.SearchStrategy[OrderDetails]:
    amounts = st.none() | moneys(currency_code)
    lines = st.builds(
        LineItem,
        name=texts,
        quantity=st.sampled_from(["1", "2.5"]),
        unit_amount=st.just("0.0001"),
        total_amount=moneys(currency_code),
        kind=st.sampled_from(LineItemKind),
        tax_amount=amounts,
        description=texts,
    )
    return st.builds(
        OrderDetails,
        tax_amount=amounts,
        tax_exempt=st.booleans(),
        purchase_order_number=texts,
        discount_amount=amounts,
        line_items=st.lists(lines, max_size=2).map(tuple),
    )


def standings(status: TransactionStatus) -> st.SearchStrategy[TransactionSnapshot]:
    return st.builds(
        TransactionSnapshot,
        st.just(status),
        settle_time=st.none() | times,
        disburse_date=st.none() | st.dates(date(2000, 1, 1), date(2100, 1, 1)),
        settlement_amount=st.none() | currencies.flatmap(moneys),
        authorization_expire_time=st.none() | times,
    )


def at(seconds: float) -> EventContext:
    return EventContext(START + timedelta(seconds=seconds), SHOP)


def started(
    reference: str = "",
    *,
    caller_id: CallerId = SHOP,
    seconds: float = 0,
    amount: Money = Money(1000, "USD"),  # noqa: B008
    customer_id: CustomerId | None = None,
    reference_space: CustomerId | None = None,
    billing_address: Address = Address(),
    guest: GuestContact = NO_CONTACT,
    metadata: Mapping[str, str] = MappingProxyType({}),
) -> Payment:
    """A payment whose authorization is under way, for a reference of its own unless one is given."""
    terms = PaymentTerms(
        payment_id=PaymentId(IDS.new(prefixes.PAYMENT)),
        caller_id=caller_id,
        reference=reference or IDS.new("order"),
        amount=amount,
        capture_mode=CaptureMode.AUTOMATIC,
        customer_id=customer_id,
        reference_space=reference_space,
        billing_address=billing_address,
        guest=guest,
        metadata=dict(metadata),
    )
    payment = Payment.create(terms, context=at(seconds))
    operation_id = _operation_id()
    payment.authorize(operation_id, _request_id(), context=at(seconds))
    payment.schedule_check(operation_id, at(seconds).time + timedelta(minutes=2))
    return payment


@st.composite
def new_payments(draw: Draw[Any], customer_id: CustomerId | None = None) -> Payment:
    """A payment whose authorization has just been started."""
    currency_code = draw(currencies)
    customer_id = customer_id or draw(st.none() | st.just(CustomerId(IDS.new(prefixes.CUSTOMER))))
    terms = PaymentTerms(
        payment_id=PaymentId(IDS.new(prefixes.PAYMENT)),
        caller_id=CallerId(IDS.new("caller")),
        reference=draw(texts) + IDS.new("order"),
        amount=draw(moneys(currency_code)),
        capture_mode=draw(st.sampled_from(CaptureMode)),
        customer_id=customer_id,
        reference_space=draw(st.sampled_from([None, customer_id])),
        payment_method_id=draw(st.none() | st.just(PaymentMethodId(IDS.new(prefixes.PAYMENT_METHOD)))),
        store_payment_method=draw(st.booleans()),
        billing_address=draw(addresses),
        shipping_address=draw(addresses),
        shipping_method=draw(st.none() | st.sampled_from(ShippingMethod)),
        order_details=draw(st.none() | orders(currency_code)),
        guest=draw(guests),
        descriptor=draw(st.builds(StatementDescriptor, texts, texts, texts)),
        metadata=draw(st.dictionaries(texts, texts, max_size=2)),
    )
    context = EventContext(START + draw(st.timedeltas(timedelta(0), timedelta(days=300))), draw(texts))
    payment = Payment.create(terms, context=context)
    operation = payment.authorize(_operation_id(), _request_id(), context=context)
    payment.schedule_check(operation.operation_id, context.time + timedelta(minutes=2))
    payment.next_poll_time = draw(st.none() | times)
    return payment


def change_randomly(draw: Draw[Any], payment: Payment) -> None:
    """Lets one more thing happen to the payment that the domain allows."""
    context = EventContext(
        payment.update_time + draw(st.timedeltas(timedelta(0), timedelta(days=9))),
        draw(st.sampled_from(["bayar", payment.terms.caller_id])),
    )
    before = (len(payment.new_events), payment.operations)
    # Most authorizations succeed: only then is there more to tell.
    begun = payment.authorization.state is not OperationState.STARTED
    for happen in draw(st.permutations(_LATER)) if begun else [draw(st.sampled_from(_FIRST))]:
        with suppress(DomainError):
            happen(draw, payment, context)
        if (len(payment.new_events), payment.operations) != before:
            return


def all_fields(payment: Payment) -> tuple[object, ...]:
    """All that a payment holds, also what its equality leaves out."""
    operations = [[getattr(o, one.name) for one in fields(Operation)] for o in payment.operations]
    return (
        payment.terms,
        payment.create_time,
        payment.creator,
        payment.update_time,
        payment.next_poll_time,
        payment.instrument,
        operations,
        payment.new_events,
    )


def _operation_id() -> OperationId:
    return OperationId(IDS.new(prefixes.OPERATION))


def _request_id() -> RequestId:
    return RequestId(IDS.new("request"))


def _one(draw: Draw[Any], payment: Payment, *states: OperationState) -> Operation | None:
    found = [operation for operation in payment.operations if operation.state in states]
    return draw(st.sampled_from(found)) if found else None


def _succeed(draw: Draw[Any], payment: Payment, context: EventContext) -> None:
    operation = _one(draw, payment, OperationState.STARTED)
    if operation is None:
        return
    ends = [TransactionStatus.AUTHORIZED, TransactionStatus.SUBMITTED, TransactionStatus.SETTLED]
    own_transaction = operation.in_part or not operation.target_transaction_id or draw(st.booleans())
    payment.succeed(
        operation.operation_id,
        amount=operation.amount,
        transaction_id=IDS.new("tx") if own_transaction else operation.target_transaction_id,
        standing=draw(st.sampled_from(ends).flatmap(standings)),
        details=draw(details),
        instrument=draw(st.none() | instruments),
        context=context,
    )


def _decline(draw: Draw[Any], payment: Payment, context: EventContext) -> None:
    operation = _one(draw, payment, OperationState.STARTED)
    if operation is not None:
        told = {"details": draw(details), "instrument": draw(st.none() | instruments)}
        payment.decline(operation.operation_id, draw(declines), context=context, **told)


def _fail(draw: Draw[Any], payment: Payment, context: EventContext) -> None:
    operation = _one(draw, payment, OperationState.STARTED, OperationState.SCHEDULED)
    if operation is not None:
        reason = draw(st.sampled_from(FailureReason))
        payment.fail(operation.operation_id, reason, detail=draw(texts), details=draw(details), context=context)


def _doubt(draw: Draw[Any], payment: Payment, context: EventContext) -> None:
    operation = _one(draw, payment, *OperationState)
    if operation is not None:
        payment.mark_outcome_unknown(operation.operation_id, draw(texts), context=context)
        payment.record_discrepancy(operation.operation_id, draw(texts), draw(texts), draw(texts), context=context)


def _check_again(draw: Draw[Any], payment: Payment, context: EventContext) -> None:
    operation = _one(draw, payment, OperationState.STARTED, OperationState.SCHEDULED)
    if operation is not None:
        payment.schedule_check(operation.operation_id, context.time + timedelta(minutes=5), checked=draw(st.booleans()))
    payment.next_poll_time = draw(st.none() | times)


def _authorize(_draw: Draw[Any], payment: Payment, context: EventContext) -> None:
    payment.authorize(_operation_id(), _request_id(), context=context)


def _capture(draw: Draw[Any], payment: Payment, context: EventContext) -> None:
    left = payment.capturable_amount
    amount = draw(st.none() | moneys(left.currency_code, max(left.minor_units, 1)))
    payment.capture(amount, _operation_id(), _request_id(), final=draw(st.booleans()), context=context)


def _void(draw: Draw[Any], payment: Payment, context: EventContext) -> None:
    payment.void(_operation_id(), _request_id(), note=draw(texts), context=context)


def _refund(draw: Draw[Any], payment: Payment, context: EventContext) -> None:
    left = payment.refundable_amount
    amount = draw(st.none() | moneys(left.currency_code, max(left.minor_units, 1)))
    request_id = _request_id()
    for part in payment.plan_refund(amount):
        payment.start_refund_part(part, _operation_id(), request_id, note=draw(texts), context=context)


def _start_or_postpone(draw: Draw[Any], payment: Payment, context: EventContext) -> None:
    operation = _one(draw, payment, OperationState.STARTED, OperationState.SCHEDULED)
    if operation is None:
        return
    if operation.state is OperationState.SCHEDULED:
        payment.start_scheduled(operation.operation_id, context=context)
    else:
        payment.postpone(operation.operation_id, context=context)


def _move_on(draw: Draw[Any], payment: Payment, context: EventContext) -> None:
    if not payment.transaction_ids:
        return
    transaction_id = draw(st.sampled_from(payment.transaction_ids))
    latest = payment.latest_on(transaction_id)
    if latest is not None:
        standing = draw(st.sampled_from(TransactionStatus).flatmap(standings))
        payment.apply_gateway_status(
            transaction_id, standing, amount=latest.amount, details=draw(details), context=context
        )


_Happening = Callable[[Draw[Any], Payment, EventContext], None]
_FIRST: list[_Happening] = [_succeed, _succeed, _succeed, _succeed, _decline, _fail, _doubt, _check_again]
_LATER: list[_Happening] = [
    _succeed,
    _decline,
    _fail,
    _doubt,
    _check_again,
    _authorize,
    _capture,
    _capture,
    _void,
    _refund,
    _refund,
    _start_or_postpone,
    _move_on,
]

customers = st.builds(
    Customer,
    customer_id=st.builds(lambda: CustomerId(IDS.new(prefixes.CUSTOMER))),
    caller_id=st.builds(lambda: CallerId(IDS.new("caller"))),
    create_time=times,
    update_time=times,
    external_id=texts,
    given_name=texts,
    family_name=texts,
    email=texts,
    phone=texts,
    language_code=texts,
    is_at_gateway=st.booleans(),
    delete_time=st.none() | times,
)

validator = st.none() | st.sampled_from(CheckResult)
verifications = st.builds(
    Verification,
    approved=st.booleans(),
    cvv=validator,
    postal_code=validator,
    street_address=validator,
    decline=st.none() | declines,
    processor_response_code=texts,
)
payment_methods = st.builds(
    PaymentMethod,
    payment_method_id=st.builds(lambda: PaymentMethodId(IDS.new(prefixes.PAYMENT_METHOD))),
    caller_id=st.builds(lambda: CallerId(IDS.new("caller"))),
    customer_id=st.builds(lambda: CustomerId(IDS.new(prefixes.CUSTOMER))),
    state=st.sampled_from(PaymentMethodState),
    create_time=times,
    update_time=times,
    gateway_token=texts,
    instrument=st.none() | instruments,
    is_default=st.booleans(),
    verification=st.none() | verifications,
    billing_address=addresses,
    failure_detail=texts,
    duplicate_of=st.none() | st.builds(lambda: PaymentMethodId(IDS.new(prefixes.PAYMENT_METHOD))),
    next_check_time=st.none() | times,
)
