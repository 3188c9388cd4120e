"""The HTTP server of the checkout page, on a port of its own.

Everybody can reach it. So everything is bounded: connections, the size and time of a request, requests at once, and
attempts to pay by address and by checkout.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from socket import socket
from typing import Any, Final, TypeVar

from aiohttp import web

from adapters.checkout.answers import Answers
from adapters.checkout.assets import FOLDER
from adapters.checkout.page import Shown
from adapters.checkout.rate_limits import RateLimit
from adapters.checkout.requests import (
    Refused,
    Shopper,
    attempt_in,
    flag_in,
    json_body,
    must_be_own,
    new_cookie,
    shopper_of,
    text_in,
    texts_for,
)
from adapters.checkout.responses import Responses
from adapters.checkout.site import Site
from adapters.checkout.ways_to_pay import ways_to_pay
from application.checkouts.pay_checkout import PayCheckoutCommand, PayProblem, PayResult
from application.checkouts.view_checkout import CheckoutView
from application.common.errors import ApplicationError, StoreUnavailable
from application.ports.gateway import GatewayRefused, GatewayUnavailable, MethodNonce
from domain.checkout import Checkout
from domain.payment_method import PaymentMethod
from domain.three_d_secure import ThreeDSecurePolicy

Result = TypeVar("Result")
_log = logging.getLogger(__name__)

_FOLDER: Final = "/c/"
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{16,64}")
# Payments wait for the gateway; pages and states wait for the database alone, and never behind payments.
_GATEWAY_THREADS: Final = 32
_THREADS: Final = 8
_MAX_AT_ONCE: Final = 256
_BACKLOG: Final = 256
_STOP_SECONDS: Final = 5.0
_RETRY_SECONDS: Final = 2
# Of anything, from one address: pages, states that are followed, and tokens.
_REQUESTS_PER_MINUTE: Final = 600
# Each one asks the gateway.
_CLIENT_TOKENS_PER_MINUTE: Final = 60


class CannotListenCheckout(Exception):
    """The address is in use, not of this machine, or not allowed."""

    def __init__(self, address: str) -> None:
        super().__init__(f"cannot listen on {address}")
        self.address = address


@dataclass(frozen=True, slots=True)
class CheckoutHandlers:
    """The use cases behind the page. They may block."""

    # Takes the token and the session. None where there is no such checkout.
    view: Callable[[str, str], CheckoutView | None]
    pay: Callable[[PayCheckoutCommand], PayResult | None]
    client_token: Callable[[Checkout], str]
    # Takes the id of a stored method. None where it is not offered.
    method_nonce: Callable[[Checkout, str], MethodNonce | None]
    stored_methods: Callable[[Checkout], Sequence[PaymentMethod]]
    policy: Callable[[Checkout], ThreeDSecurePolicy]
    # Raises ServiceHeld while no changes are taken.
    must_take_changes: Callable[[], None]
    answers: Answers


@dataclass(frozen=True, slots=True)
class _Page:
    """One request to a checkout's address."""

    request: web.BaseRequest
    token: str
    shopper: Shopper


class CheckoutServer:
    """Belongs to the event loop in which it starts. `serve` makes the protocol server around a handler."""

    def __init__(
        self,
        handlers: CheckoutHandlers,
        site: Site,
        serve: Callable[[Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]], web.Server] = web.Server,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._handlers = handlers
        self._site = site
        self._serve = serve
        self._responses = Responses(site, _FOLDER)
        # Bulkheads: shoppers must not take the threads of other work.
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="checkout")
        self._gateway_pool = ThreadPoolExecutor(_GATEWAY_THREADS, thread_name_prefix="checkout-gateway")
        self._busy = 0
        self._requests = RateLimit(_REQUESTS_PER_MINUTE, seconds)
        self._tokens = RateLimit(_CLIENT_TOKENS_PER_MINUTE, seconds)
        self._tries = RateLimit(site.attempts_per_minute, seconds)
        self._tries_of_checkout = RateLimit(site.attempts_per_link, seconds)
        self._runner: web.ServerRunner | None = None
        self._posts: dict[str, Callable[[_Page, dict[str, Any]], Awaitable[web.Response]]] = {
            "client-token": self._client_token,
            "method-nonce": self._method_nonce,
            "pay": self._pay,
        }

    async def start(self, address: str, listeners: Sequence[socket] = ()) -> str:
        """Listens on the listeners, or on the address if there are none. Returns the address with its real port.

        Raises CannotListenCheckout.
        """
        runner = web.ServerRunner(self._serve(self._answer), shutdown_timeout=_STOP_SECONDS)
        await runner.setup()
        host, _, port = address.rpartition(":")
        try:
            for listener in listeners:
                await web.SockSite(runner, listener, backlog=_BACKLOG).start()
            if not listeners:
                await web.TCPSite(runner, host.strip("[]"), int(port), backlog=_BACKLOG).start()
        except OSError:
            await runner.cleanup()
            for pool in (self._pool, self._gateway_pool):
                pool.shutdown()
            raise CannotListenCheckout(address) from None
        self._runner = runner
        return f"{host}:{runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Takes no new requests. A payment under way is finished: its thread goes on to the end."""
        if self._runner is not None:
            await self._runner.cleanup()
        for pool in (self._pool, self._gateway_pool):
            await asyncio.get_running_loop().run_in_executor(None, pool.shutdown)

    # Requests

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.rel_url.raw_path
        if path.startswith(FOLDER):
            return self._responses.asset(request, path)
        wants_page = request.method in ("GET", "HEAD") and path.count("/") < 3
        try:
            return await self._checkout_answer(request, path)
        except Refused as refused:
            return self._responses.refusal(request, refused, as_page=wants_page)
        except (StoreUnavailable, ApplicationError, GatewayUnavailable, GatewayRefused) as error:
            _log.warning("a checkout could not be served: %s", error)
            return self._responses.refusal(request, Refused(503, "unavailable", _RETRY_SECONDS), as_page=wants_page)
        except Exception:
            # A fault of ours. The shopper reads that the page shows, after a reload, whether they have paid.
            _log.exception("a request to the checkout page failed")
            return self._responses.refusal(request, Refused(500, "unknown"), as_page=wants_page)

    async def _checkout_answer(self, request: web.BaseRequest, path: str) -> web.Response:
        token, _, action = path.removeprefix(_FOLDER).partition("/")
        if not path.startswith(_FOLDER) or not _TOKEN.fullmatch(token):
            raise Refused(404, "not_found")
        shopper = shopper_of(request, self._site)
        self._take(self._requests, shopper.network)
        page = _Page(request, token, shopper)
        if request.method in ("GET", "HEAD") and not action:
            return await self._show(page)
        if request.method == "GET" and action == "status":
            return await self._status(page)
        if request.method != "POST" or action not in self._posts:
            raise Refused(404 if action not in (*self._posts, "status", "") else 405, "not_found")
        must_be_own(request, self._site, token, shopper)
        return await self._posts[action](page, await json_body(request))

    async def _show(self, page: _Page) -> web.Response:
        cookie = page.shopper.cookie or new_cookie()
        shopper = Shopper(page.shopper.address, cookie)
        view = await self._view(page.token, shopper)
        texts = texts_for(page.request, view.checkout)
        answers, checkout = self._handlers.answers, view.checkout
        stored = await self._run(self._handlers.stored_methods, checkout) if view.standing.can_pay else ()
        policy = self._handlers.policy(checkout)
        shown = Shown(
            view=view,
            state=answers.name(view),
            message=answers.message(view, texts),
            return_url=answers.return_url(view),
            seconds_left=answers.seconds_left(view),
            request_token=self._site.request_token(page.token, cookie),
            policy=policy,
            ways=ways_to_pay(checkout, stored, policy),
        )
        return self._responses.checkout(shown, texts, page.token, cookie)

    async def _status(self, page: _Page) -> web.Response:
        view = await self._view(page.token, page.shopper)
        return self._responses.json(self._handlers.answers.state(view, texts_for(page.request, view.checkout)))

    async def _client_token(self, page: _Page, _: dict[str, Any]) -> web.Response:
        self._take(self._tokens, page.shopper.network)
        view = await self._view(page.token, page.shopper)
        if not view.standing.can_pay:
            return self._responses.json(self._handlers.answers.state(view, texts_for(page.request, view.checkout)))
        return self._responses.json(
            {"client_token": await self._ask_gateway(self._handlers.client_token, view.checkout)}
        )

    async def _method_nonce(self, page: _Page, body: dict[str, Any]) -> web.Response:
        self._take(self._tokens, page.shopper.network)
        view = await self._view(page.token, page.shopper)
        asked = text_in(body, "payment_method_id")
        made = (
            await self._ask_gateway(self._handlers.method_nonce, view.checkout, asked)
            if view.standing.can_pay
            else None
        )
        if made is None:
            raise Refused(404, "invalid")
        return self._responses.json({"nonce": made.value, "bin": made.bin})

    async def _pay(self, page: _Page, body: dict[str, Any]) -> web.Response:
        command = PayCheckoutCommand(
            token=page.token,
            session=page.shopper.session,
            attempt=attempt_in(body),
            nonce=text_in(body, "nonce"),
            payment_method_id=text_in(body, "payment_method_id"),
            authentication_id=text_in(body, "authentication_id"),
            store_payment_method=flag_in(body, "save"),
            device_data=text_in(body, "device_data"),
            client_address=page.shopper.address,
        )
        self._take(self._tries, page.shopper.network)
        self._take(self._tries_of_checkout, page.token)
        await self._run(self._handlers.must_take_changes)
        result = await self._ask_gateway(self._handlers.pay, command)
        if result is None:
            raise Refused(404, "not_found")
        texts = texts_for(page.request, result.view.checkout)
        answer = self._handlers.answers.state(result.view, texts, result.problem)
        return self._responses.json(answer, status=429 if result.problem is PayProblem.TOO_MANY_DECLINES else 200)

    async def _view(self, token: str, shopper: Shopper) -> CheckoutView:
        view = await self._run(self._handlers.view, token, shopper.session)
        if view is None:
            raise Refused(404, "not_found")
        return view

    # Limits

    def _take(self, limit: RateLimit, key: str) -> None:
        """Raises Refused."""
        if wait := limit.take(key):
            raise Refused(429, "too_fast", wait)

    async def _run(self, work: Callable[..., Result], *arguments: object) -> Result:
        return await self._in_pool(self._pool, work, *arguments)

    async def _ask_gateway(self, work: Callable[..., Result], *arguments: object) -> Result:
        return await self._in_pool(self._gateway_pool, work, *arguments)

    async def _in_pool(self, pool: ThreadPoolExecutor, work: Callable[..., Result], *arguments: object) -> Result:
        """Runs it in a thread. It goes on to its end, even if the shopper hangs up."""
        with self._slot():
            return await asyncio.shield(asyncio.get_running_loop().run_in_executor(pool, work, *arguments))

    @contextmanager
    def _slot(self) -> Iterator[None]:
        if self._busy >= _MAX_AT_ONCE:
            raise Refused(503, "busy", _RETRY_SECONDS)
        self._busy += 1
        try:
            yield
        finally:
            self._busy -= 1
