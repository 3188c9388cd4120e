"""The observer of transactions: the port through which metrics, logs and traces learn of what was committed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from domain.events import PaymentEvent
from domain.payment import Payment


@dataclass(frozen=True, slots=True)
class PaymentChange:
    """The events that a transaction added to a payment, and the payment after them."""

    payment: Payment
    events: Sequence[PaymentEvent]


class StoreObserver(Protocol):
    """Safe for many threads; raises nothing."""

    def transaction_ended(
        self, *, is_write: bool, began: float, is_committed: bool, changes: Sequence[PaymentChange]
    ) -> None:
        """began: by time.perf_counter(). changes: those of payments, empty unless committed."""


class _NoObserver:
    def transaction_ended(
        self, *, is_write: bool, began: float, is_committed: bool, changes: Sequence[PaymentChange]
    ) -> None: ...


UNOBSERVED: Final[StoreObserver] = _NoObserver()
now = time.perf_counter
