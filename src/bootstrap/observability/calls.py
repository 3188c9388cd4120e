"""The observer of calls: one measurement and one log line for each."""

from __future__ import annotations

import logging
import time
from typing import Any

import grpc

from adapters.grpc.middleware.call_snapshot import Metadata
from application.common.caller import Caller
from bootstrap.observability.call_fields import call_fields
from bootstrap.observability.call_metrics import CallMetrics
from bootstrap.observability.trace_ids import TRACE_ID, trace_id_of

_log = logging.getLogger("bayar.calls")


class Calls:
    """Begins the observation of each call."""

    def __init__(self, metrics: CallMetrics) -> None:
        self._metrics = metrics

    def begin(self, method: str, metadata: Metadata) -> Call:
        return Call(self._metrics, method, trace_id_of(metadata))


class Call:
    """One call. Only its first end counts: work goes on after its caller was refused."""

    __slots__ = ("_began", "_has_ended", "_method", "_metrics", "_trace_id")

    def __init__(self, metrics: CallMetrics, method: str, trace_id: str) -> None:
        self._metrics = metrics
        self._method = method
        self._trace_id = trace_id
        self._began = time.perf_counter()
        self._has_ended = False

    def enter(self) -> None:
        TRACE_ID.set(self._trace_id)

    def end(
        self, code: grpc.StatusCode, reason: str, request: Any = None, answer: Any = None, caller: Caller | None = None
    ) -> None:
        if self._has_ended:
            return
        self._has_ended = True
        seconds = time.perf_counter() - self._began
        TRACE_ID.set(self._trace_id)
        self._metrics.call_ended(self._method, seconds, code, reason)
        fields = call_fields(request, answer, caller)
        if self._trace_id:
            fields["trace_id"] = self._trace_id
        _log.info(
            "%s %s%s %.1f ms%s",
            self._method,
            code.name,
            reason and f" {reason}",
            seconds * 1000,
            "".join(f" {name}={value}" for name, value in fields.items()),
        )
