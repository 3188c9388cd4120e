"""Traces by OpenTelemetry, sent by OTLP over HTTP. Imported only where traces are on: the packages are an extra."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from importlib.metadata import version
from typing import Final

from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from bootstrap.logging.structured import structured_logger
from bootstrap.logging.trace_ids import TRACEPARENT

_log = structured_logger("bayar.traces")

_PREFIX: Final = "bayar."
# An export that takes longer is given up. Meanwhile the queue holds 2048 spans, and drops further ones.
_EXPORT_SECONDS: Final = 5.0
# A process that is killed loses the spans of this time.
_DELAY_MILLISECONDS: Final = 1000

# The ids of the work inside the current span, which every span within it has, too.
_IDS: Final[ContextVar[Mapping[str, str] | None]] = ContextVar("span_ids", default=None)


class Tracing:
    """Makes the spans. Safe for many threads; a collector that hangs or is away delays nobody."""

    def __init__(self, endpoint: str, ratio: float, exporter: SpanExporter | None = None) -> None:
        """endpoint: the collector's URL without a path. ratio: of the calls whose caller sent no trace, this part is
        traced; a caller's own decision is kept.
        """
        release = version("bayar-service")
        self._provider = TracerProvider(
            sampler=ParentBased(TraceIdRatioBased(ratio)),
            resource=Resource.create({"service.name": "bayar", "service.version": release}),
            shutdown_on_exit=False,
        )
        exporter = exporter or OTLPSpanExporter(f"{endpoint}/v1/traces", timeout=_EXPORT_SECONDS)
        self._provider.add_span_processor(
            BatchSpanProcessor(ReportedExport(exporter, endpoint), schedule_delay_millis=_DELAY_MILLISECONDS)
        )
        self._tracer = self._provider.get_tracer("bayar", release)
        # ReportedExport reports their faults, once.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)

    def begin_call(self, method: str, caller: str) -> Span:
        """The span of a call of the contract, within the caller's trace. caller: its traceparent, or an empty text."""
        attributes = {"rpc.system.name": "grpc", "rpc.method": method[1:]}
        return self._tracer.start_span(method[1:], _context_within(caller), SpanKind.SERVER, attributes)

    def enter(self, span: Span) -> None:
        """Makes it the current span of this thread or task, until the next one."""
        contexts.attach(trace.set_span_in_context(span, Context()))
        _IDS.set(None)

    def parent(self, span: Span) -> str:
        """The traceparent of the spans within it (W3C Trace Context); empty if it belongs to no trace."""
        of = span.get_span_context()
        return f"00-{of.trace_id:032x}-{of.span_id:016x}-{of.trace_flags:02x}" if of.is_valid else ""

    def end_call(self, span: Span, code: str, *, is_fault: bool, fields: Mapping[str, str]) -> None:
        span.set_attribute("rpc.response.status_code", code)
        span.set_attributes(_attributes(fields))
        if is_fault:
            self.fail(span, code)
        span.end()

    @contextmanager
    def span(
        self,
        name: str,
        ids: Mapping[str, str],
        *,
        within: str = "",
        is_client: bool = False,
        expected: tuple[type[Exception], ...] = (),
    ) -> Iterator[Span]:
        """A span around the work inside the `with`. within: the traceparent of its parent; empty: the current span.

        ids: those of the work; every span within it has them, too. expected: exceptions that are no fault.
        """
        current = trace.get_current_span()
        if not within and not current.is_recording() and current.get_span_context().is_valid:
            # The trace is not sampled, so neither is any span within it.
            yield current
            return
        ids_before, traceparent_before = _IDS.get(), TRACEPARENT.get()
        ids = {**(ids_before or {}), **ids}
        span = self._tracer.start_span(
            name,
            _context_within(within) if within else None,
            SpanKind.CLIENT if is_client else SpanKind.INTERNAL,
            _attributes(ids),
        )
        token = contexts.attach(trace.set_span_in_context(span))
        _IDS.set(ids)
        TRACEPARENT.set(self.parent(span))
        try:
            yield span
        except BaseException as failure:
            # Never the exception's text, which may repeat values.
            if not isinstance(failure, expected):
                self.fail(span, type(failure).__name__)
            raise
        finally:
            _IDS.set(ids_before)
            TRACEPARENT.set(traceparent_before)
            contexts.detach(token)
            span.end()

    def add_past_span(
        self, name: str, began: float, facts: Mapping[str, str], *, is_fault: bool, is_client: bool = True
    ) -> None:
        """A span that ends now, within the current one; none outside of a trace. began: by time.perf_counter()."""
        if not trace.get_current_span().is_recording():
            return
        end = time.time_ns()
        span = self._tracer.start_span(
            name,
            kind=SpanKind.CLIENT if is_client else SpanKind.INTERNAL,
            attributes={**_attributes(_IDS.get() or {}), **facts},
            start_time=end - round((time.perf_counter() - began) * 1e9),
        )
        if is_fault:
            span.set_status(StatusCode.ERROR)
        span.end(end)

    def add_ids(self, ids: Mapping[str, str]) -> None:
        """Adds ids to the current span, and to the spans within it that begin later."""
        current = trace.get_current_span()
        if not current.is_recording():
            return
        current.set_attributes(_attributes(ids))
        _IDS.set({**(_IDS.get() or {}), **ids})

    @staticmethod
    def fail(span: Span, kind: str) -> None:
        """Marks the span as failed. kind: a constant text."""
        span.set_attribute("error.type", kind)
        span.set_status(StatusCode.ERROR)

    def close(self) -> None:
        """Sends the spans that wait."""
        self._provider.shutdown()


class ReportedExport(SpanExporter):
    """Logs when spans cannot be sent, and when they can be sent again. For the one thread that exports."""

    def __init__(self, exporter: SpanExporter, endpoint: str) -> None:
        self._exporter = exporter
        self._endpoint = endpoint
        self._lost = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export(spans)
        if result is not SpanExportResult.SUCCESS:
            if not self._lost:
                _log.warning(
                    "the collector of BAYAR_OTLP_ENDPOINT does not take spans, which are lost; payments go on",
                    endpoint=self._endpoint,
                )
            self._lost += len(spans)
        elif self._lost:
            _log.info("the collector takes spans again", endpoint=self._endpoint, at_least_lost=self._lost)
            self._lost = 0
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._exporter.force_flush(timeout_millis)


def _context_within(parent: str) -> Context:
    """A context whose parent is the span of another process; an empty one without a traceparent."""
    carrier = {"traceparent": parent} if parent else {}
    return TraceContextTextMapPropagator().extract(carrier, context=Context())


def _attributes(fields: Mapping[str, str]) -> dict[str, str]:
    return {f"{_PREFIX}{name}": value for name, value in fields.items()}
