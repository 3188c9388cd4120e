"""The observer of calls where traces are on: each call has a span, within the caller's trace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import grpc

from adapters.grpc.middleware.call_snapshot import Metadata
from bootstrap.logging.trace_ids import traceparent_of
from bootstrap.observability.call_fields import call_fields
from bootstrap.observability.call_metrics import STREAMS, CallMetrics
from bootstrap.observability.calls import Call, Calls

if TYPE_CHECKING:
    from bootstrap.observability.tracing import Tracing

# The codes that OpenTelemetry's conventions count as a server's errors.
_FAULTS: Final = frozenset(
    {
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DATA_LOSS,
    }
)


class TracedCalls(Calls):
    def __init__(self, metrics: CallMetrics, tracing: Tracing) -> None:
        super().__init__(metrics)
        self._tracing = tracing

    def begin(self, method: str, metadata: Metadata) -> Call:
        return _TracedCall(self._metrics, method, self._tracing, traceparent_of(metadata))


class _TracedCall(Call):
    __slots__ = ("_is_stream", "_span", "_tracing")

    def __init__(self, metrics: CallMetrics, method: str, tracing: Tracing, caller: str) -> None:
        self._tracing = tracing
        self._span = tracing.begin_call(method, caller)
        self._is_stream = method.rpartition("/")[2] in STREAMS
        super().__init__(metrics, method, tracing.parent(self._span))

    def enter(self) -> None:
        super().enter()
        # A stream may live for days. The reads of all that time would be one endless trace.
        if not self._is_stream:
            self._tracing.enter(self._span)

    def _report(self, code: grpc.StatusCode, reason: str, seconds: float, request: Any, answer: Any) -> None:
        fields = call_fields(request, answer, self.caller, self.changed_payment)
        if reason:
            fields["reason"] = reason
        self._tracing.end_call(self._span, code.name, is_fault=code in _FAULTS, fields=fields)
        super()._report(code, reason, seconds, request, answer)
