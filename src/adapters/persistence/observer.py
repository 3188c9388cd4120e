"""The observer of transactions: the port through which metrics, logs and traces learn of what was committed."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from domain.events import PaymentEvent
from domain.payment import Payment

NOTHING: Final[Mapping[str, str]] = {}


@dataclass(frozen=True, slots=True)
class PaymentChange:
    """The events that a transaction added to a payment, and the payment after them."""

    payment: Payment
    events: Sequence[PaymentEvent]


class TransactionObserver(Protocol):
    """Safe for many threads; raises nothing."""

    def transaction_ended(
        self, *, is_write: bool, began: float, is_committed: bool, changes: Sequence[PaymentChange]
    ) -> None:
        """began: by time.perf_counter(). changes: those of payments, empty unless committed."""


class StoreObserver(TransactionObserver, Protocol):
    def trace_context(self) -> str | None:
        """The traceparent of the current work, which is stored with what it starts. None: none."""


@dataclass(frozen=True, slots=True)
class Recorder:
    """Records the changes of one unit of work for its observer."""

    observer: StoreObserver
    changes: list[PaymentChange] = field(default_factory=list)

    @property
    def trace(self) -> Mapping[str, str]:
        """The column that a row which begins a call to the gateway has in addition."""
        current = self.observer.trace_context()
        return {"trace_context": current} if current else NOTHING


class _NoObserver:
    def trace_context(self) -> str | None:
        return None

    def transaction_ended(
        self, *, is_write: bool, began: float, is_committed: bool, changes: Sequence[PaymentChange]
    ) -> None: ...


UNOBSERVED: Final[StoreObserver] = _NoObserver()
now = time.perf_counter
