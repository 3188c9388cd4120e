"""The HTTP server: Braintree's webhooks, health and metrics, in the event loop of the gRPC server.

A webhook is unauthenticated until its signature is checked, so everything here is bounded: connections, the size of a
request, its arrival time, and how many webhooks are checked and stored at once. Beyond that, senders are asked to
retry. Health and metrics do not wait for webhooks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from socket import socket
from typing import Final, TypeVar
from urllib.parse import parse_qs

from aiohttp import web

from adapters.http.connections import Gate, Server, mark_owes
from adapters.http.worker_pool_status import WorkerPoolStatus
from application.common.errors import StoreUnavailable
from application.gateway_webhooks.receive_gateway_webhook import Received
from application.ports.gateway_webhooks import ForgedGatewayWebhook

Result = TypeVar("Result")

WEBHOOKS: Final = "/webhooks/braintree"
# Braintree's webhooks have a few kilobytes, and arrive in one piece.
MAX_BODY_BYTES: Final = 512 * 1024
MAX_AT_ONCE: Final = 64
_BODY_SECONDS: Final = 5.0
# This much of a refused body is read and dropped: a TCP reset would overtake the answer.
_DROPPED_BYTES: Final = 4 * 1024 * 1024
_DROPPED_SECONDS: Final = 1.0
_THREADS: Final = 2
_BACKLOG: Final = 128
_RETRY_SECONDS: Final = "2"
# The time that a stop leaves to requests under way.
_STOP_SECONDS: Final = 1.0


class CannotListenHttp(Exception):
    """The address is in use, not of this machine, or not allowed."""

    def __init__(self, address: str) -> None:
        super().__init__(f"cannot listen on {address}")
        self.address = address


@dataclass(frozen=True, slots=True)
class HttpHandlers:
    """The handlers behind the HTTP paths. They may block."""

    # Takes a signature and a payload. Raises ForgedGatewayWebhook and StoreUnavailable.
    receive: Callable[[str, str], Received]
    answer_challenge: Callable[[str], str]
    # Raises StoreUnavailable if the database does not answer.
    check_database: Callable[[], None]
    # Takes the Accept header, and returns the metrics with their content type. It never fails for the database.
    scrape: Callable[[str], tuple[bytes, str]]
    # Takes the kind and the outcome of a request to the webhook address.
    count_received: Callable[[str, str], None]
    worker_pool: WorkerPoolStatus


class HttpServer:
    """Belongs to the event loop in which it starts."""

    def __init__(self, handlers: HttpHandlers) -> None:
        self._handlers = handlers
        # Bulkhead: a flood of webhooks must not take the threads of payments.
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="webhook")
        # Nor those of health and metrics.
        self._probes = ThreadPoolExecutor(1, thread_name_prefix="probe")
        self._scrapes = ThreadPoolExecutor(1, thread_name_prefix="scrape")
        self._probe: asyncio.Future[None] | None = None
        self._busy = 0
        self._is_draining = False
        self._stopping = False
        self._runner: web.ServerRunner | None = None
        self._routes: dict[str, dict[str, Callable[[web.BaseRequest], Awaitable[web.Response]]]] = {
            WEBHOOKS: {"GET": self._challenge, "POST": self._webhook},
            "/healthz": {"GET": self._live, "HEAD": self._live},
            "/readyz": {"GET": self._ready, "HEAD": self._ready},
            "/metrics": {"GET": self._metrics, "HEAD": self._metrics},
        }

    async def start(self, address: str, listeners: Sequence[socket] = ()) -> str:
        """Listens on the listeners, or on the address if there are none. Returns the address with its real port.

        Raises CannotListen.
        """
        runner = web.ServerRunner(Server(self._answer, Gate()), shutdown_timeout=_STOP_SECONDS)
        await runner.setup()
        host, _, port = address.rpartition(":")
        try:
            for listener in listeners:
                await web.SockSite(runner, listener, backlog=_BACKLOG).start()
            if not listeners:
                await web.TCPSite(runner, host.strip("[]"), int(port), backlog=_BACKLOG).start()
        except OSError:
            await runner.cleanup()
            for pool in (self._pool, self._probes, self._scrapes):
                pool.shutdown()
            raise CannotListenHttp(address) from None
        self._runner = runner
        return f"{host}:{runner.addresses[0][1]}"

    def drain(self) -> None:
        """/readyz answers 503 from here on. Everything else is answered as before."""
        self._is_draining = True

    async def stop(self) -> None:
        """Accepts no new requests, and cancels those under way: Braintree resends a webhook that was not stored."""
        self._stopping = True
        if self._runner is not None:
            await self._runner.cleanup()
        for pool in (self._pool, self._probes, self._scrapes):
            await asyncio.get_running_loop().run_in_executor(None, pool.shutdown)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Refuses by the headers alone where possible; the body is then neither awaited nor decompressed."""
        routes = self._routes.get(request.rel_url.raw_path)
        if routes is None:
            return await _refuse(request, 404)
        route = routes.get(request.method)
        if route is None:
            return await _refuse(request, 405, Allow=", ".join(routes))
        if request.headers.get("Content-Encoding", "identity").lower() != "identity":
            return await _refuse(request, 415)
        try:
            answer = await route(request)
        except _RequestRefused as refusal:
            return await _refuse(request, refusal.status)
        mark_owes(request, owes=True)
        return answer

    async def _challenge(self, request: web.BaseRequest) -> web.Response:
        challenge = request.query.get("bt_challenge", "")
        try:
            return web.Response(text=self._handlers.answer_challenge(challenge))
        except ForgedGatewayWebhook:
            return web.Response(status=401)

    async def _webhook(self, request: web.BaseRequest) -> web.Response:
        outcome, kind = "busy", ""
        try:
            signature, payload = await _form(request)
            mark_owes(request, owes=False)
            with self._slot():
                received = await self._in_pool(lambda: self._handlers.receive(signature, payload))
            kind, outcome = received.kind, "stored" if received.is_new else "repeated"
            return web.Response()
        except _Busy:
            return _retry_later()
        except _RequestRefused as refusal:
            outcome = "too_large" if refusal.status == 413 else "forged"
            raise
        except ForgedGatewayWebhook:
            outcome = "forged"
            return web.Response(status=401)
        except StoreUnavailable:
            outcome = "store_unavailable"
            return _retry_later()
        finally:
            self._handlers.count_received(kind, outcome)

    async def _live(self, _: web.BaseRequest) -> web.Response:
        return web.Response(text="ok\n")

    async def _ready(self, _: web.BaseRequest) -> web.Response:
        if self._is_draining or self._stopping:
            return web.Response(status=503, text="stopping\n")
        worker_pool = self._handlers.worker_pool
        if not worker_pool.has_enough:
            return web.Response(status=503, text=f"{worker_pool.summary}\n")
        try:
            await self._check_database()
        except StoreUnavailable:
            return web.Response(status=503, text="the database does not answer\n")
        return web.Response(text=f"ok{worker_pool.summary and ', '}{worker_pool.summary}\n")

    async def _metrics(self, request: web.BaseRequest) -> web.Response:
        scrape, accept = self._handlers.scrape, request.headers.get("Accept", "")
        text, content_type = await asyncio.get_running_loop().run_in_executor(self._scrapes, scrape, accept)
        return web.Response(body=text, headers={"Content-Type": content_type})

    async def _check_database(self) -> None:
        """Single-flight: concurrent callers share one query."""
        if self._probe is None or self._probe.done():
            loop = asyncio.get_running_loop()
            self._probe = loop.run_in_executor(self._probes, self._handlers.check_database)
        await asyncio.shield(self._probe)

    def _in_pool(self, work: Callable[[], Result]) -> Awaitable[Result]:
        # Shielded: a webhook is stored even if the sender hangs up.
        return asyncio.shield(asyncio.get_running_loop().run_in_executor(self._pool, work))

    @contextmanager
    def _slot(self) -> Iterator[None]:
        """A slot of the bulkhead. Raises _Busy."""
        if self._busy >= MAX_AT_ONCE or self._stopping:
            raise _Busy
        self._busy += 1
        try:
            yield
        finally:
            self._busy -= 1


class _Busy(Exception):
    """All slots are taken."""


class _RequestRefused(Exception):
    """The rest of the body is not read."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def _retry_later() -> web.Response:
    return web.Response(status=503, headers={"Retry-After": _RETRY_SECONDS})


async def _refuse(request: web.BaseRequest, status: int, **headers: str) -> web.Response:
    """Answers and closes, however much of the body is still to come."""
    answer = web.Response(status=status, headers=headers)
    answer.force_close()
    await answer.prepare(request)
    await answer.write_eof()
    left = _DROPPED_BYTES
    with suppress(TimeoutError, ConnectionError, web.RequestPayloadError):
        async with asyncio.timeout(_DROPPED_SECONDS):
            while left > 0 and (chunk := await request.content.readany()):
                left -= len(chunk)
    return answer


async def _form(request: web.BaseRequest) -> tuple[str, str]:
    """The signature and the payload. Raises _Refused if the form lacks either."""
    if (request.content_length or 0) > MAX_BODY_BYTES:
        raise _RequestRefused(413)
    if request.content_type != "application/x-www-form-urlencoded":
        raise _RequestRefused(401)
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            fields = parse_qs((await _body(request)).decode(), strict_parsing=True, max_num_fields=10)
        return fields["bt_signature"][0], fields["bt_payload"][0]
    except TimeoutError:
        raise _RequestRefused(408) from None
    except (ValueError, KeyError, web.RequestPayloadError):
        raise _RequestRefused(401) from None


async def _body(request: web.BaseRequest) -> bytes:
    """Raises _Refused once the body is too large."""
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0
    body = bytearray()
    while chunk := await request.content.readany():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise _RequestRefused(413)
    return bytes(body)
