"""Another client of the same merchant account, as a control panel is one: it refunds what the service took."""

from __future__ import annotations

import random
import threading
from decimal import Decimal
from typing import Final

import braintree

from adapters.braintree.settings import TwinEnvironment
from bayar.messages import Payment, PaymentState
from braintree_twin.control import LedgerEntry
from braintree_twin.testing import Twin
from tests.crash.town import Town
from tests.crash.worker import Worker

_MARK: Final = "outside-"
_TIMEOUT_SECONDS: Final = 5


class Outsider(Worker):
    """Refunds a part of a settled payment now and then, and may not hear whether it did."""

    def __init__(self, twin: Twin, town: Town, seed: int) -> None:
        super().__init__(name="outsider", daemon=True)
        self._town = town
        self._draw = random.Random(f"{seed} outsider")  # noqa: S311
        self._stopping = threading.Event()
        self._count = 0
        self._gateway = braintree.BraintreeGateway(
            braintree.Configuration(
                TwinEnvironment(twin.url, str(twin.ca_file)),
                twin.merchant_id,
                twin.public_key,
                twin.private_key,
                timeout=_TIMEOUT_SECONDS,
                wrap_http_exceptions=True,
            )
        )

    def stop(self) -> None:
        self._stopping.set()
        self.join()

    def work(self) -> None:
        while not self._stopping.wait(self._draw.uniform(0.1, 0.8)):
            self.refund_something()

    def refund_something(self) -> None:
        settled = [
            payment
            for payment in self._town.recent_payments()
            if payment.state == PaymentState.PAYMENT_STATE_SETTLED and payment.refundable_amount.minor_units
        ]
        if settled:
            self._refund(self._draw.choice(settled))

    def _refund(self, payment: Payment) -> None:
        self._count += 1
        cents = self._draw.randint(1, min(payment.refundable_amount.minor_units, 500))
        transaction_id = payment.gateway_details.transaction_id
        request = {"amount": Decimal(cents).scaleb(-2), "order_id": f"{_MARK}{self._count}"}
        try:
            self._gateway.transaction.refund(transaction_id, request)
        except Exception:
            # Whatever the weather did to it: the ledger tells whether it happened.
            return


def is_outside(order_id: str | None) -> bool:
    return (order_id or "").startswith(_MARK)


def made_outside(ledger: list[LedgerEntry]) -> set[str]:
    """The transactions that the outsider made."""
    return {entry.id for entry in ledger if is_outside(entry.order_id)}
