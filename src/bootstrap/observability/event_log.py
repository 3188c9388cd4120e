"""Logs what happens between calls: unknown outcomes, recoveries, and a gateway that is not reached."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from adapters.braintree.transport.circuit_breaker import CallClass, CallEnd
from adapters.persistence.observer import PaymentChange
from bootstrap.logging.structured import structured_logger
from bootstrap.logging.trace_ids import CURRENT_CALL
from bootstrap.observability.operation_outcomes import OperationOutcome, outcomes_of

_log = structured_logger("bayar.events")

# A gateway that is not reached for this long is no passing fault of the network.
LASTING_SECONDS: Final = 10.0


class OutcomeLog:
    """Logs unknown outcomes, and outcomes that background work recorded. The call's own line reports its others."""

    def transaction_ended(
        self,
        *,
        is_write: bool,  # noqa: ARG002 (the observer's)
        began: float,  # noqa: ARG002 (the observer's)
        is_committed: bool,  # noqa: ARG002 (the observer's)
        changes: Sequence[PaymentChange],
    ) -> None:
        call = CURRENT_CALL.get() if changes else None
        for change in changes:
            if call is not None:
                call.changed_payment = change.payment.terms.payment_id
            for outcome in outcomes_of(change):
                self._write(change, outcome)

    def _write(self, change: PaymentChange, outcome: OperationOutcome) -> None:
        ids = {
            "payment_id": change.payment.terms.payment_id,
            "operation_id": outcome.operation_id,
            "operation": outcome.operation,
        }
        if outcome.outcome == "unknown":
            _log.warning("the outcome is unknown, and the resolver looks for it", **ids)
        elif outcome.outcome == "found":
            _log.warning("somebody else moved this payment's money at the gateway", **ids)
        elif outcome.recorded_by == "background":
            reason = {"reason": outcome.reason} if outcome.reason else {}
            _log.info("the outcome is recovered", outcome=outcome.outcome, **ids, **reason)


class GatewayLog:
    """Logs when the gateway is not reached, when that lasts, and when it is reached again. Safe for many threads."""

    def __init__(self, steady_seconds: Callable[[], float] = time.monotonic) -> None:
        self._steady_seconds = steady_seconds
        self._lock = threading.Lock()
        self._since: float | None = None
        self._is_lasting = False

    def call_ended(self, kind: CallClass, end: CallEnd, _verb: str, _path: str, _began: float, /) -> None:
        if end is CallEnd.NOT_SENT:
            self._fail(kind)
        elif end is CallEnd.ANSWERED and self._since is not None:
            self._succeed()

    def _fail(self, kind: CallClass) -> None:
        with self._lock:
            now = self._steady_seconds()
            if self._since is None:
                self._since, self._is_lasting = now, False
                _log.warning("the gateway was not reached; nothing was sent", calls=kind.value)
            elif not self._is_lasting and now - self._since >= LASTING_SECONDS:
                self._is_lasting = True
                _log.error(
                    "the gateway is not reached: callers get GATEWAY_UNREACHABLE, and nothing is charged",
                    seconds=round(now - self._since),
                )

    def _succeed(self) -> None:
        with self._lock:
            if self._since is not None:
                _log.info("the gateway is reached again", seconds=round(self._steady_seconds() - self._since))
            self._since = None
