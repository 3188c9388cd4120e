"""A collector of traces for tests: it receives OTLP over HTTP, as an operator's collector does."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

CLIENT_SPAN = Span.SPAN_KIND_CLIENT
SERVER_SPAN = Span.SPAN_KIND_SERVER


@dataclass(frozen=True, slots=True)
class CollectedSpan:
    name: str
    kind: int
    trace_id: str
    span_id: str
    parent_id: str
    is_error: bool
    attributes: dict[str, str]
    resource: dict[str, str]
    seconds: float
    # Everything else with a text in it.
    texts: tuple[str, ...]


@dataclass(slots=True)
class Collector:
    url: str = ""
    spans: list[CollectedSpan] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    # Requests that wait for their answer until the collector is released.
    hanging: int = 0
    hangs: bool = False
    released: threading.Event = field(default_factory=threading.Event)

    def of_trace(self, trace_id: str) -> list[CollectedSpan]:
        return [span for span in list(self.spans) if span.trace_id == trace_id]

    def names(self, trace_id: str) -> list[str]:
        return [span.name for span in self.of_trace(trace_id)]

    def add(self, body: bytes) -> None:
        request = ExportTraceServiceRequest.FromString(body)
        for resource in request.resource_spans:
            about = {one.key: one.value.string_value for one in resource.resource.attributes}
            self.spans += [_read(span, about) for scope in resource.scope_spans for span in scope.spans]


def _read(span: Span, resource: dict[str, str]) -> CollectedSpan:
    events = tuple(text for event in span.events for text in (event.name, str(event.attributes)))
    return CollectedSpan(
        name=span.name,
        kind=span.kind,
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        is_error=span.status.code == Status.STATUS_CODE_ERROR,
        attributes={one.key: one.value.string_value or str(one.value) for one in span.attributes},
        resource=resource,
        seconds=(span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
        texts=(span.name, span.status.message, span.trace_state, *events, *map(str, span.links)),
    )


@contextmanager
def running_collector() -> Iterator[Collector]:
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if collector.hangs:
                collector.hanging += 1
                collector.released.wait()
                return
            is_known = self.path == "/v1/traces"
            if is_known:
                collector.headers = dict(self.headers)
                collector.add(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
            self.send_response(200 if is_known else 404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        collector.released.set()
        server.shutdown()
        server.server_close()
