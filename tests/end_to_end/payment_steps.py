"""Payment methods and short steps that many tests need."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any, Final

from bayar.cards import CardInput
from bayar.messages import BayarClient, Payment, card, money
from bayar.payments.v1.money_pb2 import Money

VISA: Final = "4111111111111111"
MASTERCARD: Final = "5555555555554444"
AMEX: Final = "378282246310005"
NEXT_YEARS: Final = datetime.now(UTC).year + 3


def a_card(number: str = VISA, **more: Any) -> CardInput:
    """A card that is good for three years."""
    return card(**{"number": number, "expiration_month": 12, "expiration_year": NEXT_YEARS, "cvv": "123", **more})


def an_order() -> str:
    """A reference that no other test has."""
    return f"order-{uuid.uuid4()}"


def usd(amount: str) -> Money:
    return money(amount, "USD")


def pay(bayar: BayarClient, amount: str | Money = "10.00", **more: Any) -> Payment:
    """A payment by card for an order of its own, unless the test says otherwise. Text is an amount of dollars."""
    wanted: dict[str, Any] = {"amount": usd(amount) if isinstance(amount, str) else amount, "reference": an_order()}
    wanted |= more
    if not {"card", "payment_method_nonce", "payment_method_id"} & set(wanted):
        wanted["card"] = a_card()
    return bayar.create_payment(**wanted)
