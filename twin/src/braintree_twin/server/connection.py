"""One client's connection: parses HTTP/1.1, answers in order, and suffers the faults."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

import httptools

from braintree_twin.control_side.faults import Rule
from braintree_twin.control_side.traffic import Traffic
from braintree_twin.server.http import Request, Response

LARGEST_BODY = 8 * 1024 * 1024
LARGEST_HEAD = 64 * 1024
LINGER_SECONDS, LONGEST_LINGER_SECONDS = 0.1, 5.0
GARBAGE = b"\x89PNG\r\n\x1a\n<<< this is not XML &&& \x00\xff\xfe"

_log = logging.getLogger("braintree_twin.access")


class TooMuch(Exception):
    """More came than a request may have."""


class Site(Protocol):
    """What a connection belongs to."""

    traffic: Traffic
    scheme: str
    # No merchant is ever served here.
    only_control: bool

    def respond(self, request: Request) -> Response: ...

    def strike(self, request: Request) -> Rule | None: ...

    def hold(self, request: Request) -> Callable[[], None]: ...

    def route_of(self, request: Request) -> str: ...

    def is_control(self, request: Request) -> bool: ...

    def refuse(self, rule: Rule) -> None: ...

    def opened(self, connection: Connection) -> None: ...

    def closed(self, connection: Connection) -> None: ...


class Connection(asyncio.Protocol):
    def __init__(self, site: Site) -> None:
        self._site = site
        self._transport: asyncio.Transport
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[Request] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._stopping = False
        # What came was no request; nothing more is read.
        self._refused = False
        self._closing: asyncio.TimerHandle | None = None
        self._close_by = 0.0
        self._started = 0.0
        # Only the control side was ever asked for on it: no fault of the merchants' side may end it.
        self.only_control = site.only_control
        # When the request that is arriving began, and when the last one was complete.
        self._active_since: float | None = None
        self._idle_since = asyncio.get_running_loop().time()
        self._begin()

    def _begin(self) -> None:
        self._url = b""
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._size = 0
        self._head_size = 0

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101
        self._transport = transport
        self._site.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._site.closed(self)

    def data_received(self, data: bytes) -> None:
        if self._refused:
            self._linger()
            return
        if self._active_since is None:
            self._active_since = asyncio.get_running_loop().time()
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # The request itself was taken; what follows would be in another protocol.
            self._refused = True
            self._linger()
        except httptools.HttpParserCallbackError as failure:
            self._refuse_bytes(413 if isinstance(failure.__context__, TooMuch) else self._own_fault())
        except httptools.HttpParserError:
            self._refuse_bytes(400)

    def _refuse_bytes(self, status: int) -> None:
        """Answer what is not HTTP, too much of it, or too slow, and hang up."""
        if not self._refused and not self._transport.is_closing():
            self._refused = True
            self._site.traffic.count("(not a request)", status)
            self._transport.write(Response(status).head(keep_alive=False))
            self._linger()

    def _own_fault(self) -> int:
        _log.exception("the twin failed while it served a connection")
        return 500

    def _linger(self) -> None:
        """Close once nothing more comes: at once would reset a client that is still sending, before it reads."""
        loop = asyncio.get_running_loop()
        if self._closing:
            self._closing.cancel()
        self._close_by = self._close_by or loop.time() + LONGEST_LINGER_SECONDS
        self._closing = loop.call_at(min(loop.time() + LINGER_SECONDS, self._close_by), self._transport.close)

    # What the parser calls.

    def on_url(self, url: bytes) -> None:
        self._url += url
        self._bound_head(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._bound_head(len(name) + len(value))
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def _bound_head(self, size: int) -> None:
        self._head_size += size
        if self._head_size > LARGEST_HEAD:
            raise TooMuch("the head is too large")

    def on_headers_complete(self) -> None:
        if int(self._headers.get("content-length", "0") or "0") > LARGEST_BODY:
            raise TooMuch("the body is too large")
        if self._headers.get("expect", "").lower() == "100-continue":
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._size += len(body)
        if self._size > LARGEST_BODY:
            raise TooMuch("the body is too large")
        self._body.append(body)

    def on_message_complete(self) -> None:
        path, _, query = self._url.decode("latin-1").partition("?")
        request = Request(
            method=self._parser.get_method().decode("latin-1"),
            path=path,
            query=query,
            headers=self._headers,
            body=b"".join(self._body),
            scheme=self._site.scheme,
            keep_alive=self._parser.should_keep_alive(),
        )
        self._begin()
        self._active_since = None
        self._idle_since = asyncio.get_running_loop().time()
        self._waiting.append(request)
        if self._timer is None:
            self._work()

    # One request after the other.

    @property
    def is_busy(self) -> bool:
        return self._timer is not None or bool(self._waiting) or self._unsent_bytes() > 0

    def _unsent_bytes(self) -> int:
        try:
            return self._transport.get_write_buffer_size()
        except AttributeError:
            # A TLS transport whose connection is gone cannot tell any more.
            return 0

    def _work(self) -> None:
        while self._waiting and self._timer is None and not self._transport.is_closing():
            self._serve(self._waiting.popleft())
        if self._stopping and self._timer is None:
            self._transport.close()

    def _serve(self, request: Request) -> None:
        self._started = time.perf_counter()
        if self._site.is_control(request):
            self.only_control = True
            self._send(request, self._site.respond(request))
            return
        self.only_control = False
        self._site.traffic.log.arrived(request)
        rule = self._site.strike(request)
        if rule is None:
            self._send(request, self._site.respond(request))
        else:
            self._suffer(request, rule)

    def _suffer(self, request: Request, rule: Rule) -> None:
        """What each fault does; see control_side/faults.py."""
        match rule.fault:
            case "delay" if rule.when == "before":
                release = self._site.hold(request)

                def answer() -> None:
                    release()
                    self._send(request, self._site.respond(request))

                self._later(rule, answer)
            case "delay":
                response = self._site.respond(request)
                self._later(rule, lambda: self._send(request, response))
            case "refuse":
                self._count(request, rule.fault)
                self.reset()
                self._site.refuse(rule)
            case "reset_before":
                self._later(rule, lambda: self._reset(request, rule))
            case "reset_after":
                self._site.respond(request)
                self._later(rule, lambda: self._reset(request, rule))
            case "status":
                if rule.processed:
                    self._site.respond(request)
                response = Response(rule.status, route=self._site.route_of(request))
                self._later(rule, lambda: self._send(request, response))
            case "truncate":
                response = self._site.respond(request)
                self._later(rule, lambda: self._truncate(request, response))
            case "garbage":
                route = self._site.respond(request).route
                garbage = Response(200, GARBAGE, {"Content-Type": "application/xml; charset=utf-8"}, route)
                self._later(rule, lambda: self._send(request, garbage))

    def _later(self, rule: Rule, action: Callable[[], None]) -> None:
        """Do it when the rule's time is over, whether or not the client is still there."""
        if not rule.seconds:
            action()
            return

        def due() -> None:
            self._timer = None
            action()
            self._work()

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

    def _reset(self, request: Request, rule: Rule) -> None:
        self._count(request, rule.fault)
        self.reset()

    def _count(self, request: Request, status: int | str, route: str | None = None) -> None:
        route = route or self._site.route_of(request)
        self._site.traffic.count(route, status)
        if request.log_entry is not None:
            request.log_entry.outcome = status
        if _log.isEnabledFor(logging.INFO):
            milliseconds = (time.perf_counter() - self._started) * 1000
            _log.info("%s -> %s in %.1f ms", route, status, milliseconds)

    def reset(self) -> None:
        """Hang up with a TCP reset, whatever is under way."""
        raw = self._transport.get_extra_info("socket")
        if raw is not None and not self._transport.is_closing():
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.abort()

    def abort(self) -> None:
        """Hang up without waiting for the client to agree."""
        self._waiting.clear()
        self._transport.abort()

    def hang_up_if_late(self, request_seconds: float, idle_seconds: float) -> None:
        """Give up on a request that takes too long to arrive, and on a connection that nobody uses."""
        now = asyncio.get_running_loop().time()
        if self._active_since is not None and now - self._active_since > request_seconds:
            self._refuse_bytes(408)
        elif not self.is_busy and self._active_since is None and now - self._idle_since > idle_seconds:
            self._transport.close()

    def stop(self) -> None:
        """Hang up as soon as what is under way has been answered."""
        self._stopping = True
        if not self.is_busy:
            self._transport.close()
