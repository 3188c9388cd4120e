"""A month of payments, put into a database by the store itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from adapters.persistence.migrate import upgrade
from adapters.persistence.sql.engine import create_engine
from adapters.persistence.store import SqlStore
from domain.decline import CATALOGUE, DeclineReason
from domain.events import CaptureMode, EventContext, PaymentTerms
from domain.ids import CallerId, OperationId, PaymentId, RequestId
from domain.instrument import CardExpiry, Instrument, InstrumentKind
from domain.money import Money
from domain.payment import Payment
from domain.transaction import TransactionSnapshot, TransactionStatus
from tests.encryption_keys import SEALER
from tests.fakes.ids import CountingIds

FIRST_TIME: Final = datetime(2026, 5, 1, tzinfo=UTC)
_EVERY: Final = timedelta(minutes=4)
_AT_ONCE: Final = 1000
_CARDS: Final = [("Visa", "1111"), ("MasterCard", "4444"), ("American Express", "0005")]
_CURRENCIES: Final = ["USD", "USD", "JPY"]
_NO_FUNDS: Final = CATALOGUE[DeclineReason.INSUFFICIENT_FUNDS]


def fill(database: Path, count: int) -> None:
    """The payments 1 to count, each four minutes after the one before: every tenth declined, every tenth voided,
    every tenth settled, the others captured. None is followed at the gateway, which knows of none."""
    engine = create_engine(f"sqlite:///{database}")
    upgrade(engine)
    ids = CountingIds()
    store = SqlStore(engine, ids, SEALER)
    for first in range(1, count + 1, _AT_ONCE):
        with store.begin() as work:
            for number in range(first, min(first + _AT_ONCE, count + 1)):
                work.payments.add(_payment(number, ids))
    engine.dispose()


def payment_id(number: int) -> str:
    return f"pay_{number:026}"


def _payment(number: int, ids: CountingIds) -> Payment:
    context = EventContext(FIRST_TIME + number * _EVERY, "default")
    brand, last_four = _CARDS[number % 3]
    card = Instrument(InstrumentKind.CARD, brand=brand, last_four=last_four, expiry=CardExpiry(2030, 12))
    terms = PaymentTerms(
        payment_id=PaymentId(payment_id(number)),
        caller_id=CallerId("default"),
        reference=f"order-{number:05}",
        amount=Money(number % 400 * 25 + 100, _CURRENCIES[number % 3]),
        capture_mode=CaptureMode.AUTOMATIC,
    )
    payment = Payment.create(terms, context=context)
    authorization = _operation_id(ids)
    payment.authorize(authorization, _request_id(number, 1), context=context)
    if number % 10 == 1:
        payment.decline(authorization, _NO_FUNDS, instrument=card, context=context)
    else:
        _succeed(payment, authorization, number, TransactionStatus.SUBMITTED, context, card)
    if number % 10 == 2:
        void = payment.void(_operation_id(ids), _request_id(number, 2), context=context)
        _succeed(payment, void.operation_id, number, TransactionStatus.VOIDED, context)
    if number % 10 == 3:
        settled = TransactionSnapshot(TransactionStatus.SETTLED, settle_time=context.time + timedelta(days=1))
        payment.apply_gateway_status(f"tx{number}", settled, amount=terms.amount, context=context)
    payment.next_poll_time = None
    return payment


def _succeed(
    payment: Payment,
    operation_id: OperationId,
    number: int,
    status: TransactionStatus,
    context: EventContext,
    card: Instrument | None = None,
) -> None:
    payment.succeed(
        operation_id,
        amount=payment.terms.amount,
        transaction_id=f"tx{number}",
        standing=TransactionSnapshot(status),
        instrument=card,
        context=context,
    )


def _operation_id(ids: CountingIds) -> OperationId:
    return OperationId(ids.new("op"))


def _request_id(number: int, step: int) -> RequestId:
    return RequestId(f"00000000-0000-4000-800{step}-{number:012}")
