"""The gateways under the contract tests, and steps on them."""

from __future__ import annotations

import itertools
import tempfile
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from adapters.braintree.gateway import BraintreeAdapter
from adapters.braintree.order_ids import OrderIds
from adapters.braintree.settings import BraintreeSettings
from application.common.lease import Lease
from application.ports.gateway import (
    Adjust,
    Approved,
    Authorization,
    Capture,
    Gateway,
    Outcome,
    Refund,
    Source,
    Stored,
    StoredInstrument,
    StoreOutcome,
    Transaction,
    Void,
)
from application.ports.settlement_reports import SettlementReports
from braintree_twin.testing import start_twin
from domain.customer import Customer
from domain.ids import CallerId, CustomerId, OperationId
from domain.instrument import Card, CardExpiry
from domain.merchant_account import MerchantAccounts
from domain.money import Money
from domain.transaction import TransactionStatus
from tests.fakes.memory_gateway import MemoryGateway
from tests.fakes.runtime import HELD, START, ManualClock

VISA = Card("4111111111111111", CardExpiry(2035, 12), "123", "Ada Lovelace")
DECLINED_CARD = Card("4000111111111115", CardExpiry(2035, 12), "123")


@dataclass(frozen=True)
class GatewaySetup:
    """A gateway to try, and how to let its transactions settle."""

    gateway: Gateway
    settle: Callable[[str], None]
    # Pays what has settled out to the merchant's bank.
    pay_out: Callable[[], None]
    reports: SettlementReports


def in_memory() -> Iterator[GatewaySetup]:
    gateway = MemoryGateway(ManualClock())
    yield GatewaySetup(gateway, gateway.settle, gateway.pay_out, gateway)


def at_the_twin() -> Iterator[GatewaySetup]:
    """The real adapter and the real SDK, over TLS, against the twin in a process of its own."""
    with tempfile.TemporaryDirectory() as directory, start_twin(Path(directory)) as twin:
        settings = BraintreeSettings(
            environment="twin",
            merchant_id=twin.merchant_id,
            public_key=twin.public_key,
            private_key=twin.private_key,
            merchant_accounts=MerchantAccounts({"USD": ("twin_usd_no_duplicate_check", "twin_usd")}),
            url=twin.url,
            ca_file=str(twin.ca_file),
        )
        gateway = BraintreeAdapter(settings, OrderIds(lambda: "k7m2q9xw3f"))

        def settle(_: str) -> None:
            twin.control.settle()

        def pay_out() -> None:
            twin.control.advance(timedelta(days=1))

        yield GatewaySetup(gateway, settle, pay_out, gateway)
        gateway.close()


GATEWAYS: dict[str, Callable[[], Iterator[GatewaySetup]]] = {"memory": in_memory, "twin": at_the_twin}


_numbers = itertools.count(int(uuid.uuid4()) % 10**20)


GIVEN_UP = OperationId(f"op_{0:026d}")


def an_id(prefix: str) -> str:
    return f"{prefix}_{next(_numbers):026d}"


def an_operation_id() -> OperationId:
    return OperationId(an_id("op"))


def usd(minor_units: int) -> Money:
    return Money(minor_units, "USD")


def a_customer() -> Customer:
    return Customer(
        customer_id=CustomerId(an_id("cus")),
        caller_id=CallerId("shop"),
        create_time=START,
        update_time=START,
        given_name="Ada",
        email="ada@example.com",
    )


def approved(outcome: Outcome) -> Transaction:
    assert isinstance(outcome, Approved), outcome
    return outcome.transaction


def stored(outcome: StoreOutcome) -> StoredInstrument:
    assert isinstance(outcome, Stored), outcome
    return outcome.method


def authorize(
    gateway: Gateway,
    amount: int = 10_00,
    *,
    captures: bool = False,
    source: Source = VISA,
    operation_id: OperationId | None = None,
    lease: Lease = HELD,
) -> Outcome:
    return gateway.authorize(
        Authorization(
            operation_id=operation_id or an_operation_id(), amount=usd(amount), source=source, captures=captures
        ),
        lease,
    )


def capture(gateway: Gateway, sale: Transaction, amount: int, *, in_part: bool) -> Outcome:
    return gateway.capture(
        Capture(
            operation_id=an_operation_id(), transaction_id=sale.transaction_id, amount=usd(amount), in_part=in_part
        ),
        HELD,
    )


def adjust(gateway: Gateway, sale: Transaction, amount: int) -> Outcome:
    return gateway.adjust(
        Adjust(operation_id=an_operation_id(), transaction_id=sale.transaction_id, amount=usd(amount)), HELD
    )


def refund(gateway: Gateway, sale: Transaction, amount: int, operation_id: OperationId | None = None) -> Outcome:
    return gateway.refund(
        Refund(operation_id=operation_id or an_operation_id(), transaction_id=sale.transaction_id, amount=usd(amount)),
        HELD,
    )


def void(gateway: Gateway, sale: Transaction) -> Outcome:
    return gateway.void(Void(operation_id=an_operation_id(), transaction_id=sale.transaction_id), HELD)


def status_of(gateway: Gateway, transaction: Transaction) -> TransactionStatus:
    found = gateway.find_transaction(transaction.transaction_id)
    assert found is not None
    return found.standing.status


def a_settled_sale(setup: GatewaySetup, amount: int = 10_00) -> Transaction:
    sale = approved(authorize(setup.gateway, amount, captures=True))
    setup.settle(sale.transaction_id)
    return sale
