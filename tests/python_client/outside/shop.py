"""A shop's own code, for type checkers: every assert_type says what they must see."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import assert_type

from bayar import (
    AsyncBayarClient,
    BayarClient,
    BayarError,
    Customer,
    Decline,
    DeclineReason,
    Event,
    Money,
    Operation,
    Payment,
    PaymentState,
    PaymentVerification,
    Reason,
    RetryPolicy,
    Violation,
    card,
    money,
)
from bayar.messages import BayarClient as MessageClient
from bayar.payments.v1 import payment_pb2
from bayar.webhooks import read_webhook


def pay(bayar: BayarClient) -> Payment:
    payment = bayar.create_payment(
        reference="order-1",
        amount=money("25.00", "USD"),
        card=card(number="4111111111111111", expiration_month=12, expiration_year=2035, cvv="123"),
        metadata={"basket": "17"},
        timeout_seconds=20,
        retry=RetryPolicy(attempts=3),
    )
    assert_type(payment, Payment)
    assert_type(payment.state, PaymentState)
    assert_type(str(payment.state), str)
    assert_type(payment.amount, Money)
    assert_type(payment.amount.decimal, Decimal)
    assert_type(payment.create_time, datetime)
    assert_type(payment.settle_time, datetime | None)
    assert_type(payment.decline, Decline | None)
    assert_type(payment.operations, tuple[Operation, ...])
    assert_type(payment.metadata, dict[str, str])
    if payment.decline is not None:
        assert_type(payment.decline.reason, DeclineReason)
        assert_type(payment.decline.retry_after, timedelta | None)
    return payment


def read(bayar: BayarClient) -> list[str]:
    since = datetime.now(UTC) - timedelta(days=1)
    assert_type(bayar.list_payments(states=[PaymentState.SETTLED], created_from_time=since), Iterator[Payment])
    assert_type(bayar.stream_events(after_position=7), Iterator[Event])
    assert_type(bayar.verify_payment(payment_id="pay_1"), PaymentVerification)
    assert_type(bayar.create_client_token(), str)
    assert_type(bayar.get_customer(customer_id="cus_1"), Customer)
    return [payment.payment_id for payment in bayar.list_payments()]


def receive(headers: dict[str, str], body: bytes) -> Event:
    webhook = read_webhook(headers, body, "a-secret-that-signs-the-events")
    assert_type(webhook.subject, str)
    return webhook.event


def forward(bayar: MessageClient) -> bytes:
    message = bayar.get_payment(payment_id="pay_1")
    assert_type(message, payment_pb2.Payment)
    assert_type(Payment.from_message(message), Payment)
    return message.payment_id.encode()


def capture(bayar: BayarClient, payment_id: str) -> bool:
    try:
        bayar.capture_payment(payment_id=payment_id)
    except BayarError as error:
        assert_type(error.reason, str)
        assert_type(error.retry_after, timedelta | None)
        assert_type(error.outcome_unknown, bool)
        assert_type(error.violations, tuple[Violation, ...])
        assert_type(error.remedy, str)
        print(error.code.name)
        return error.reason == Reason.PAYMENT_NOT_CAPTURABLE
    return True


async def pay_async() -> Payment:
    async with AsyncBayarClient("127.0.0.1:50051", language="id") as bayar:
        assert_type(bayar.list_payments(), AsyncGenerator[Payment, None])
        async with contextlib.aclosing(bayar.stream_events()) as events:
            async for event in events:
                assert_type(event, Event)
                break
        payment = await bayar.get_payment(payment_id="pay_1")
        assert_type(payment, Payment)
        return payment


if __name__ == "__main__":
    asyncio.run(pay_async())
