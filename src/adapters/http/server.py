"""The HTTP side: Braintree's webhooks, health and metrics, in the event loop of the gRPC server.

Nobody authenticates before a webhook's signature is checked, so that everything here is bounded: the size of a body,
the time it may take to arrive, and how many requests are read, checked and stored at once. More are told to come again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from socket import socket
from typing import Final, TypeVar

from aiohttp import web

from adapters.http.crew import Crew
from adapters.http.metrics import CONTENT_TYPE, Metrics
from application.ports.notifications import ForgedNotification
from application.ports.store import StoreUnavailable
from application.receive_notification import ReceiveNotification

_log = logging.getLogger(__name__)

Result = TypeVar("Result")

WEBHOOKS: Final = "/webhooks/braintree"
MAX_BODY_BYTES: Final = 1024 * 1024
MAX_AT_ONCE: Final = 64
_BODY_SECONDS: Final = 10.0
_THREADS: Final = 2
_RETRY_SECONDS: Final = "2"


class CannotListen(Exception):
    """The address is in use, not of this machine, or not allowed."""

    def __init__(self, address: str) -> None:
        super().__init__(f"cannot listen on {address}")
        self.address = address


@dataclass(frozen=True, slots=True)
class Pages:
    """What the HTTP side shows and takes. The functions may block."""

    receive: ReceiveNotification
    answer_challenge: Callable[[str], str]
    # How many notifications are in which unfinished state. Raises StoreUnavailable.
    waiting: Callable[[], Mapping[str, int]]
    metrics: Metrics
    crew: Crew


class HttpServer:
    """Belongs to the event loop in which it starts."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        # Of its own: a flood of webhooks must not keep payments from their threads.
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="webhook")
        self._busy = 0
        self._stopping = False
        self._runner: web.AppRunner | None = None

    async def start(self, address: str, listeners: Sequence[socket] = ()) -> str:
        """Listens on the listeners, or on the address where there are none. Returns the address with its real port.

        Raises CannotListen.
        """
        application = web.Application(client_max_size=MAX_BODY_BYTES)
        application.router.add_get(WEBHOOKS, self._challenge, allow_head=False)
        application.router.add_post(WEBHOOKS, self._webhook)
        application.router.add_get("/healthz", self._live)
        application.router.add_get("/readyz", self._ready)
        application.router.add_get("/metrics", self._metrics)
        runner = web.AppRunner(application, access_log=None, handle_signals=False)
        await runner.setup()
        host, _, port = address.rpartition(":")
        try:
            for listener in listeners:
                await web.SockSite(runner, listener, backlog=MAX_AT_ONCE).start()
            if not listeners:
                await web.TCPSite(runner, host.strip("[]"), int(port), backlog=MAX_AT_ONCE).start()
        except OSError:
            await runner.cleanup()
            self._pool.shutdown()
            raise CannotListen(address) from None
        self._runner = runner
        return f"{host}:{runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Takes no new requests, and ends those under way: what is not stored yet is sent again."""
        self._stopping = True
        if self._runner is not None:
            await self._runner.cleanup()
        await asyncio.get_running_loop().run_in_executor(None, self._pool.shutdown)

    async def _challenge(self, request: web.Request) -> web.Response:
        challenge = request.query.get("bt_challenge", "")
        try:
            return web.Response(text=self._pages.answer_challenge(challenge))
        except ForgedNotification:
            return web.Response(status=401)

    async def _webhook(self, request: web.Request) -> web.Response:
        outcome, kind = "busy", ""
        try:
            async with self._turn():
                signature, payload = await self._form(request)
                received = await self._in_pool(lambda: self._pages.receive(signature, payload))
            kind, outcome = received.kind, "stored" if received.is_new else "repeated"
            return web.Response()
        except _Busy:
            return _come_again()
        except web.HTTPRequestEntityTooLarge:
            outcome = "too_large"
            # What is left of the body is not read.
            return web.Response(status=413, headers={"Connection": "close"})
        except ForgedNotification:
            outcome = "forged"
            return web.Response(status=401)
        except StoreUnavailable:
            outcome = "store_unavailable"
            return _come_again()
        finally:
            self._pages.metrics.received.add(kind=kind, outcome=outcome)

    async def _form(self, request: web.Request) -> tuple[str, str]:
        """Raises ForgedNotification for what is no form with both fields."""
        if (request.content_length or 0) > MAX_BODY_BYTES:
            raise web.HTTPRequestEntityTooLarge(MAX_BODY_BYTES, request.content_length or 0)
        if request.content_type != "application/x-www-form-urlencoded":
            raise ForgedNotification
        try:
            form = await asyncio.wait_for(request.post(), _BODY_SECONDS)
        except web.HTTPException:
            raise
        except Exception:
            raise ForgedNotification from None
        signature, payload = form.get("bt_signature"), form.get("bt_payload")
        if not isinstance(signature, str) or not isinstance(payload, str):
            raise ForgedNotification
        return signature, payload

    async def _live(self, _: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _ready(self, _: web.Request) -> web.Response:
        if self._stopping:
            return web.Response(status=503, text="stopping\n")
        crew = self._pages.crew
        if not crew.is_enough:
            return web.Response(status=503, text=f"{crew.told}\n")
        return await self._with_database(lambda _: web.Response(text=f"ok{crew.told and ', '}{crew.told}\n"))

    async def _metrics(self, _: web.Request) -> web.Response:
        def shown(waiting: Mapping[str, int]) -> web.Response:
            text = self._pages.crew.added_to(self._pages.metrics.text(waiting))
            return web.Response(body=text.encode(), headers={"Content-Type": CONTENT_TYPE})

        return await self._with_database(shown)

    async def _with_database(self, show: Callable[[Mapping[str, int]], web.Response]) -> web.Response:
        try:
            async with self._turn():
                return show(await self._in_pool(self._pages.waiting))
        except _Busy:
            return _come_again()
        except StoreUnavailable:
            return web.Response(status=503, text="the database does not answer\n")

    def _in_pool(self, work: Callable[[], Result]) -> Awaitable[Result]:
        # Shielded: what is being stored is stored, whether or not the sender hangs up.
        return asyncio.shield(asyncio.get_running_loop().run_in_executor(self._pool, work))

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """One of the few places to be worked on. Raises _Busy."""
        if self._busy >= MAX_AT_ONCE or self._stopping:
            raise _Busy
        self._busy += 1
        try:
            yield
        finally:
            self._busy -= 1


class _Busy(Exception):
    """All places are taken."""


def _come_again() -> web.Response:
    return web.Response(status=503, headers={"Retry-After": _RETRY_SECONDS})
