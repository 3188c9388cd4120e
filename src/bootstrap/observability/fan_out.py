"""Passes one observation on to several observers."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.braintree.transport.circuit_breaker import CallClass, CallEnd
from adapters.braintree.transport.circuit_breaker import CallObserver as GatewayObserver
from adapters.persistence.observer import PaymentChange, TransactionObserver
from bootstrap.logging.trace_ids import TRACEPARENT


class StoreObservers:
    def __init__(self, *observers: TransactionObserver) -> None:
        self._observers = observers

    def trace_context(self) -> str | None:
        return TRACEPARENT.get() or None

    def transaction_ended(
        self, *, is_write: bool, began: float, is_committed: bool, changes: Sequence[PaymentChange]
    ) -> None:
        for observer in self._observers:
            observer.transaction_ended(is_write=is_write, began=began, is_committed=is_committed, changes=changes)


class GatewayObservers:
    def __init__(self, *observers: GatewayObserver) -> None:
        self._observers = observers

    def call_ended(self, kind: CallClass, end: CallEnd, verb: str, path: str, began: float, /) -> None:
        for observer in self._observers:
            observer.call_ended(kind, end, verb, path, began)
