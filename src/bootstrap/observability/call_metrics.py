"""Counts and times calls of the contract, the database's transactions, and calls to the gateway."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

import grpc
from prometheus_client import Counter, Histogram

from adapters.braintree.transport.circuit_breaker import CallClass, CallEnd
from adapters.persistence.observer import PaymentChange
from bootstrap.logging.trace_ids import exemplar
from bootstrap.observability import catalogue
from bootstrap.observability.instruments import Instruments
from bootstrap.observability.operation_outcomes import outcomes_of

STREAMS: Final = frozenset(
    {"WatchPayment", "StreamEvents", "Reconcile", "CompareSettlements", "ExportMovements", "ExportPayments"}
)
# The others are unary. Calls of unknown methods are apart, so that strangers dilute no rate of calls that fail.
_TYPES: Final = {**dict.fromkeys(STREAMS, "server_stream"), "unknown": "unknown"}


class CallMetrics:
    """Measures the end of calls."""

    def __init__(self, instruments: Instruments) -> None:
        self._handled = instruments.counter(catalogue.GRPC_HANDLED)
        self._seconds = instruments.histogram(catalogue.GRPC_SECONDS)
        self._refused = instruments.counter(catalogue.GRPC_REFUSED)
        # Of each method and code with which calls ended.
        self._ends: dict[tuple[str, grpc.StatusCode], tuple[Counter, Histogram]] = {}

    def call_ended(self, method: str, seconds: float, code: grpc.StatusCode, reason: str) -> None:
        end = self._ends.get((method, code))
        if end is None:
            end = self._ends[method, code] = self._end_of(method, code)
        handled, duration = end
        handled.inc()
        duration.observe(seconds, exemplar())
        if reason:
            self._refused.labels(method.rpartition("/")[2], reason).inc()

    def _end_of(self, method: str, code: grpc.StatusCode) -> tuple[Counter, Histogram]:
        service, _, name = method[1:].partition("/")
        labels = (_TYPES.get(name, "unary"), service, name, code.name)
        return self._handled.labels(*labels), self._seconds.labels(*labels)


class StoreMetrics:
    """Measures transactions, and counts the outcomes that they committed."""

    def __init__(self, instruments: Instruments) -> None:
        transactions = instruments.counter(catalogue.TRANSACTIONS)
        seconds = instruments.histogram(catalogue.TRANSACTION_SECONDS)
        kinds = {True: "write", False: "read"}
        self._counts = {
            (is_write, is_committed): transactions.labels(kind, "committed" if is_committed else "rolled_back")
            for is_write, kind in kinds.items()
            for is_committed in (True, False)
        }
        self._seconds = {is_write: seconds.labels(kind) for is_write, kind in kinds.items()}
        self._outcomes = instruments.counter(catalogue.OPERATIONS)

    def transaction_ended(
        self, *, is_write: bool, began: float, is_committed: bool, changes: Sequence[PaymentChange]
    ) -> None:
        self._counts[is_write, is_committed].inc()
        self._seconds[is_write].observe(time.perf_counter() - began, exemplar())
        for change in changes:
            for outcome in outcomes_of(change):
                self._outcomes.labels(
                    outcome.operation,
                    outcome.outcome,
                    outcome.reason,
                    outcome.brand,
                    outcome.currency,
                    outcome.recorded_by,
                ).inc()


class GatewayMetrics:
    """Measures calls to the gateway."""

    def __init__(self, instruments: Instruments) -> None:
        seconds = instruments.histogram(catalogue.GATEWAY_SECONDS)
        self._seconds = {(kind, end): seconds.labels(kind.value, end.value) for kind in CallClass for end in CallEnd}

    def call_ended(self, kind: CallClass, end: CallEnd, _verb: str, _path: str, began: float, /) -> None:
        self._seconds[kind, end].observe(time.perf_counter() - began, exemplar())
