"""One client's connection: parses HTTP/1.1, answers in order, applies faults."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
import struct
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

import httptools

from braintree_twin.control_api.faults import FaultRule
from braintree_twin.control_api.traffic import TrafficCounter
from braintree_twin.http_messages import Request, Response

MAX_BODY_BYTES = 8 * 1024 * 1024
MAX_HEAD_BYTES = 64 * 1024
LINGER_SECONDS, MAX_LINGER_SECONDS = 0.1, 5.0
GARBAGE = b"\x89PNG\r\n\x1a\n<<< this is not XML &&& \x00\xff\xfe"

# The Node SDK sends GraphQL to a target with scheme and host in it, as RFC 9112 allows.
_ORIGIN = re.compile("^https?://[^/?]*", re.IGNORECASE)

_log = logging.getLogger("braintree_twin.access")


class RequestTooLarge(Exception):
    """The request's head or body is too large."""


class ConnectionOwner(Protocol):
    """The owner of a connection: it answers requests and picks their faults."""

    traffic: TrafficCounter
    scheme: str
    # True: it serves the control API only.
    control_only: bool

    def respond(self, request: Request) -> Response: ...

    def trigger_fault(self, request: Request) -> FaultRule | None: ...

    def reserve_key(self, request: Request) -> Callable[[], None]: ...

    def route_of(self, request: Request) -> str: ...

    def is_control(self, request: Request) -> bool: ...

    def refuse(self, rule: FaultRule) -> None: ...

    def opened(self, connection: Connection) -> None: ...

    def closed(self, connection: Connection) -> None: ...


class Connection(asyncio.Protocol):
    def __init__(self, site: ConnectionOwner) -> None:
        self._owner = site
        self._transport: asyncio.Transport
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[Request] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._stopping = False
        # The bytes were rejected; nothing more is read.
        self._refused = False
        self._closing: asyncio.TimerHandle | None = None
        self._close_by = 0.0
        self._started = 0.0
        # The connection has only called the control API: the fault `refuse` does not reset it.
        self.control_only = site.control_only
        # Start of the request that is arriving, and end of the last one; seconds of the loop's clock.
        self._active_since: float | None = None
        self._idle_since = asyncio.get_running_loop().time()
        self._begin()

    def _begin(self) -> None:
        self._url = b""
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._size = 0
        self._head_size = 0

    # Callbacks of asyncio.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101
        self._transport = transport
        self._owner.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._owner.closed(self)

    def data_received(self, data: bytes) -> None:
        if self._refused:
            self._linger()
            return
        if self._active_since is None:
            self._active_since = asyncio.get_running_loop().time()
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # The request was read; the bytes after it are in another protocol.
            self._refused = True
            self._linger()
        except httptools.HttpParserCallbackError as failure:
            self._reject(413 if isinstance(failure.__context__, RequestTooLarge) else self._log_internal_error())
        except httptools.HttpParserError:
            self._reject(400)

    def _reject(self, status: int) -> None:
        """Answer invalid, too large or too slow input with this status, and close."""
        if not self._refused and not self._transport.is_closing():
            self._refused = True
            self._owner.traffic.count("(not a request)", status)
            self._transport.write(Response(status).head(keep_alive=False))
            self._linger()

    def _log_internal_error(self) -> int:
        _log.exception("the twin failed while it served a connection")
        return 500

    def _linger(self) -> None:
        """Close once the client stops sending. An immediate close would reset it before it reads the answer."""
        loop = asyncio.get_running_loop()
        if self._closing:
            self._closing.cancel()
        self._close_by = self._close_by or loop.time() + MAX_LINGER_SECONDS
        self._closing = loop.call_at(min(loop.time() + LINGER_SECONDS, self._close_by), self._transport.close)

    # Callbacks of the HTTP parser.

    def on_url(self, url: bytes) -> None:
        self._url += url
        self._limit_head(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._limit_head(len(name) + len(value))
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def _limit_head(self, size: int) -> None:
        self._head_size += size
        if self._head_size > MAX_HEAD_BYTES:
            raise RequestTooLarge("the head is too large")

    def on_headers_complete(self) -> None:
        if int(self._headers.get("content-length", "0") or "0") > MAX_BODY_BYTES:
            raise RequestTooLarge("the body is too large")
        if self._headers.get("expect", "").lower() == "100-continue":
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._size += len(body)
        if self._size > MAX_BODY_BYTES:
            raise RequestTooLarge("the body is too large")
        self._body.append(body)

    def on_message_complete(self) -> None:
        path, _, query = _ORIGIN.sub("", self._url.decode("latin-1")).partition("?")
        request = Request(
            method=self._parser.get_method().decode("latin-1"),
            path=path,
            query=query,
            headers=self._headers,
            body=b"".join(self._body),
            scheme=self._owner.scheme,
            keep_alive=self._parser.should_keep_alive(),
        )
        self._begin()
        self._active_since = None
        self._idle_since = asyncio.get_running_loop().time()
        self._waiting.append(request)
        if self._timer is None:
            self._serve_waiting()

    # Serving, one request after the other.

    @property
    def is_busy(self) -> bool:
        return self._timer is not None or bool(self._waiting) or self._unsent_bytes() > 0

    def _unsent_bytes(self) -> int:
        try:
            return self._transport.get_write_buffer_size()
        except AttributeError:
            # A TLS transport has no buffer size once its connection is gone.
            return 0

    def _serve_waiting(self) -> None:
        while self._waiting and self._timer is None and not self._transport.is_closing():
            self._serve(self._waiting.popleft())
        if self._stopping and self._timer is None:
            self._transport.close()

    def _serve(self, request: Request) -> None:
        self._started = time.perf_counter()
        if self._owner.is_control(request):
            self.control_only = True
            self._send(request, self._owner.respond(request))
            return
        self.control_only = False
        self._owner.traffic.log.arrived(request)
        rule = self._owner.trigger_fault(request)
        if rule is None:
            self._send(request, self._owner.respond(request))
        else:
            self._apply_fault(request, rule)

    def _apply_fault(self, request: Request, rule: FaultRule) -> None:
        """Apply a fault; control_api/faults.py describes each."""
        match rule.fault:
            case "delay" if rule.when == "before":
                release = self._owner.reserve_key(request)

                def answer() -> None:
                    release()
                    self._send(request, self._owner.respond(request))

                self._run_after_delay(rule, answer)
            case "delay":
                response = self._owner.respond(request)
                self._run_after_delay(rule, lambda: self._send(request, response))
            case "refuse":
                self._count(request, rule.fault)
                self.reset()
                self._owner.refuse(rule)
            case "reset_before":
                self._run_after_delay(rule, lambda: self._reset(request, rule))
            case "reset_after":
                self._owner.respond(request)
                self._run_after_delay(rule, lambda: self._reset(request, rule))
            case "status":
                if rule.processed:
                    self._owner.respond(request)
                response = Response(rule.status, route=self._owner.route_of(request))
                self._run_after_delay(rule, lambda: self._send(request, response))
            case "truncate":
                response = self._owner.respond(request)
                self._run_after_delay(rule, lambda: self._truncate(request, response))
            case "garbage":
                route = self._owner.respond(request).route
                garbage = Response(200, GARBAGE, {"Content-Type": "application/xml; charset=utf-8"}, route)
                self._run_after_delay(rule, lambda: self._send(request, garbage))

    def _run_after_delay(self, rule: FaultRule, action: Callable[[], None]) -> None:
        """Run the action after the rule's seconds, even if the client has gone."""
        if not rule.seconds:
            action()
            return

        def due() -> None:
            self._timer = None
            action()
            self._serve_waiting()

        self._timer = asyncio.get_running_loop().call_later(rule.seconds, due)

    def _send(self, request: Request, response: Response) -> None:
        keep_alive = request.keep_alive and not self._stopping
        self._count(request, response.status, response.route)
        if self._transport.is_closing():
            return
        head = response.head(keep_alive=keep_alive)
        self._transport.write(head if request.method == "HEAD" else head + response.body)
        if not keep_alive:
            self._transport.close()

    def _truncate(self, request: Request, response: Response) -> None:
        self._count(request, "truncate", response.route)
        if not self._transport.is_closing():
            self._transport.write(response.head(keep_alive=False) + response.body[: len(response.body) // 2])
            self._transport.close()

    def _reset(self, request: Request, rule: FaultRule) -> None:
        self._count(request, rule.fault)
        self.reset()

    def _count(self, request: Request, status: int | str, route: str | None = None) -> None:
        route = route or self._owner.route_of(request)
        self._owner.traffic.count(route, status)
        if request.log_entry is not None:
            request.log_entry.outcome = status
        if _log.isEnabledFor(logging.INFO):
            milliseconds = (time.perf_counter() - self._started) * 1000
            _log.info("%s -> %s in %.1f ms", route, status, milliseconds)

    def reset(self) -> None:
        """Close with a TCP reset, even while a request runs."""
        raw = self._transport.get_extra_info("socket")
        if raw is not None and not self._transport.is_closing():
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.abort()

    def abort(self) -> None:
        """Close without waiting for the client."""
        self._waiting.clear()
        self._transport.abort()

    def close_if_timed_out(self, request_seconds: float, idle_seconds: float) -> None:
        """Close if a request takes too long to arrive (408), or if the connection is idle for too long."""
        now = asyncio.get_running_loop().time()
        if self._active_since is not None and now - self._active_since > request_seconds:
            self._reject(408)
        elif not self.is_busy and self._active_since is None and now - self._idle_since > idle_seconds:
            self._transport.close()

    def stop(self) -> None:
        """Close as soon as the requests under way are answered."""
        self._stopping = True
        if not self.is_busy:
            self._transport.close()
