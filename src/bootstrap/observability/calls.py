"""The observer of calls: one measurement and one log line for each."""

from __future__ import annotations

import logging
import time
from typing import Any, Final

import grpc

from adapters.grpc.middleware.call_snapshot import Metadata
from application.common.caller import Caller
from bootstrap.logging.structured import structured_logger
from bootstrap.logging.trace_ids import CURRENT_CALL, TRACEPARENT, traceparent_of
from bootstrap.observability.call_fields import PENDING, call_fields
from bootstrap.observability.call_metrics import STREAMS, CallMetrics

_log = structured_logger("bayar.calls")
_gate = logging.getLogger("bayar.calls")

# Something outside is away, and callers notice. A person looks at it today; lines at ERROR report what lasts.
_AWAY: Final = frozenset({"GATEWAY_UNREACHABLE", "GATEWAY_UNAVAILABLE", "STORE_UNAVAILABLE", "CREDENTIALS_UNAVAILABLE"})
_STOPPING: Final = "SERVICE_STOPPING"
# Faults of this service.
_OURS: Final = frozenset({grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.DATA_LOSS})


class Calls:
    """Begins the observation of each call."""

    def __init__(self, metrics: CallMetrics) -> None:
        self._metrics = metrics

    def begin(self, method: str, metadata: Metadata) -> Call:
        return Call(self._metrics, method, traceparent_of(metadata))


class Call:
    """One call. Only its first end counts: work goes on after its caller was refused."""

    __slots__ = (
        "_began",
        "_has_ended",
        "_has_entered",
        "_method",
        "_metrics",
        "_traceparent",
        "caller",
        "changed_payment",
    )

    def __init__(self, metrics: CallMetrics, method: str, traceparent: str) -> None:
        self._metrics = metrics
        self.caller: Caller | None = None
        # A call that fails has no answer with it.
        self.changed_payment = ""
        self._method = method
        self._traceparent = traceparent
        self._began = time.perf_counter()
        self._has_entered = False
        self._has_ended = False

    def enter(self) -> None:
        self._has_entered = True
        TRACEPARENT.set(self._traceparent)
        CURRENT_CALL.set(self)

    def leave(self, request: Any) -> None:
        if not self._has_entered:
            self.end(grpc.StatusCode.CANCELLED, "", request)

    def end(self, code: grpc.StatusCode, reason: str, request: Any = None, answer: Any = None) -> None:
        if self._has_ended:
            return
        self._has_ended = True
        seconds = time.perf_counter() - self._began
        TRACEPARENT.set(self._traceparent)
        self._metrics.call_ended(self._method, seconds, code, reason)
        self._report(code, reason, seconds, request, answer)

    def _report(self, code: grpc.StatusCode, reason: str, seconds: float, request: Any, answer: Any) -> None:
        # Nothing is put together for a line that is not written.
        if _gate.isEnabledFor(logging.INFO) or code is not grpc.StatusCode.OK:
            self._write_line(code, reason, seconds, call_fields(request, answer, self.caller, self.changed_payment))

    def _write_line(self, code: grpc.StatusCode, reason: str, seconds: float, fields: dict[str, str]) -> None:
        is_stream = self._method.rpartition("/")[2] in STREAMS
        level = level_of(code, reason, fields.get("outcome", ""), is_stream=is_stream)
        if reason:
            fields["reason"] = reason
        _log.log(level, "call", method=self._method, code=code.name, duration_ms=round(seconds * 1000, 1), **fields)


def level_of(code: grpc.StatusCode, reason: str, outcome: str, *, is_stream: bool = False) -> int:
    """INFO: nobody is needed. WARNING: somebody looks today. ERROR: somebody is needed now."""
    if code in _OURS:
        return logging.ERROR
    # A stop ends every stream. It cuts other calls only where they outlast its grace, perhaps before their outcome.
    is_cut = reason == _STOPPING and not is_stream
    return logging.WARNING if is_cut or reason in _AWAY or outcome == PENDING else logging.INFO
