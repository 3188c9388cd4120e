"""Another client of the same merchant account, such as the control panel: it refunds payments and adjusts holds."""

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
from tests.crash.request_log import RequestLog
from tests.crash.worker_threads import Worker

_MARK: Final = "outside-"
_TIMEOUT_SECONDS: Final = 5


class ExternalClient(Worker):
    """Refunds a part of a settled payment from time to time, or adjusts an authorization. Its answers may be lost."""

    def __init__(self, twin: Twin, request_log: RequestLog, seed: int) -> None:
        super().__init__(name="outsider", daemon=True)
        self._request_log = request_log
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
            self.change_a_payment()

    def change_a_payment(self) -> None:
        if self._draw.random() < 0.1:
            self.adjust_a_payment()
        else:
            self.refund_a_payment()

    def adjust_a_payment(self) -> None:
        held = [
            payment
            for payment in self._request_log.recent_payments()
            if payment.state == PaymentState.PAYMENT_STATE_AUTHORIZED
        ]
        if held:
            self._adjust(self._draw.choice(held))

    def _adjust(self, payment: Payment) -> None:
        cents = max(payment.authorized_amount.minor_units + self._draw.randint(-500, 500), 1)
        transaction_id = payment.gateway_details.transaction_id
        self._request_log.adjusted_by_others.add(transaction_id)
        try:
            self._gateway.transaction.adjust_authorization(transaction_id, str(Decimal(cents).scaleb(-2)))
        except Exception:
            # Faults are ignored: the ledger shows whether the amount changed.
            return

    def refund_a_payment(self) -> None:
        settled = [
            payment
            for payment in self._request_log.recent_payments()
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
            # Faults are ignored: the ledger shows whether the refund happened.
            return


def is_external(order_id: str | None) -> bool:
    return (order_id or "").startswith(_MARK)


def external_transactions(ledger: list[LedgerEntry]) -> set[str]:
    """The transactions of the external client."""
    return {entry.id for entry in ledger if is_external(entry.order_id)}
