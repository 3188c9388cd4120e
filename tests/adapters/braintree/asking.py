"""An adapter in front of a test's server, and things to ask of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from adapters.braintree.gateway import BraintreeAdapter
from adapters.braintree.order_ids import UNMARKED, OrderIds
from adapters.braintree.settings import BraintreeSettings
from application.ports.gateway import Adjust, Authorization, Capture, NewMethod, Refund, Void
from domain.customer import Customer
from domain.ids import CallerId, CustomerId, OperationId, PaymentMethodId
from domain.instrument import Card, CardExpiry
from domain.merchant_account import MerchantAccounts
from domain.money import Money

CARD_NUMBER = "4111111111111111"
CVV = "987"
NONCE = "tokencc_secret_nonce"
PRIVATE_KEY = "the-private-key"

OPERATION = OperationId("op_1")
CARD = Card(CARD_NUMBER, CardExpiry(2030, 2), CVV, "Budi Santoso")


def adapter(url: str, *, order_ids: OrderIds = UNMARKED, **changes: Any) -> BraintreeAdapter:
    settings: dict[str, Any] = {
        "environment": "twin",
        "merchant_id": "merchant1",
        "public_key": "the-public-key",
        "private_key": PRIVATE_KEY,
        "url": url,
        "merchant_accounts": MerchantAccounts(
            {"USD": ("acct_usd", "acct_travel"), "JPY": ("acct_jpy",), "KWD": ("acct_kwd",)}
        ),
        "use_api_request_key": False,
        "connect_timeout_seconds": 2,
        "read_timeout_seconds": 2,
    }
    return BraintreeAdapter(BraintreeSettings(**settings | changes), order_ids)


def authorization(**changes: Any) -> Authorization:
    fields: dict[str, Any] = {
        "operation_id": OPERATION,
        "amount": Money(1050, "USD"),
        "source": CARD,
        "captures": False,
    }
    return Authorization(**fields | changes)


def customer(**changes: Any) -> Customer:
    time = datetime(2026, 3, 1, tzinfo=UTC)
    fields: dict[str, Any] = {
        "customer_id": CustomerId("cus_1"),
        "caller_id": CallerId("shop"),
        "create_time": time,
        "update_time": time,
        "given_name": "Budi",
        "family_name": "Santoso",
        "email": "budi@example.com",
        "phone": "+62 811",
    }
    return Customer(**fields | changes)


def new_method(**changes: Any) -> NewMethod:
    fields: dict[str, Any] = {
        "payment_method_id": PaymentMethodId("pm_1"),
        "customer_id": CustomerId("cus_1"),
        "source": CARD,
    }
    return NewMethod(**fields | changes)


CAPTURE = Capture(operation_id=OPERATION, transaction_id="tx1", amount=Money(1050, "USD"), in_part=False)
PART = Capture(operation_id=OPERATION, transaction_id="tx1", amount=Money(50, "USD"), in_part=True)
ADJUST = Adjust(operation_id=OPERATION, transaction_id="tx1", amount=Money(1400, "USD"))
VOID = Void(operation_id=OPERATION, transaction_id="tx1")
REFUND = Refund(operation_id=OPERATION, transaction_id="tx1", amount=Money(25, "USD"))
