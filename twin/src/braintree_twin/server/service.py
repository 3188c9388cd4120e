"""The running twin: listening sockets, connections, graceful shutdown."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

from braintree_twin.app import UNROUTED, App
from braintree_twin.control_api.endpoints import PREFIX, ControlApi
from braintree_twin.control_api.faults import REFUSAL_SECONDS, FaultRule, FaultRules
from braintree_twin.control_api.traffic import TrafficCounter
from braintree_twin.http_messages import Request, Response
from braintree_twin.resources import ROUTES
from braintree_twin.routing import Router
from braintree_twin.server.connection import Connection
from braintree_twin.server.listener import Listener
from braintree_twin.server.tls import TlsFiles, server_context
from braintree_twin.webhooks.delivery import WebhookSender

Address = tuple[str, int]
SHUTDOWN_GRACE_SECONDS = 1.5
# Limits on the arrival of a request, and on idle connections.
REQUEST_SECONDS, IDLE_SECONDS = 30.0, 300.0


class Service:
    """Serves merchants on one address, and the control API there or on its own address."""

    def __init__(
        self,
        app: App,
        address: Address,
        tls: TlsFiles | None,
        control: Address | None = None,
        browser: Address | None = None,
        *,
        request_seconds: float = REQUEST_SECONDS,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._limits = (request_seconds, idle_seconds)
        self.control_only = False
        self.traffic = TrafficCounter()
        self.scheme = "https" if tls else "http"
        self.tls = tls
        self._app = app
        self._faults = FaultRules()
        self._router = Router(ROUTES)
        self._control_api = ControlApi(
            app, self._faults, self.traffic, self, lambda: tls.ca.read_bytes() if tls else None
        )
        self._webhook_sender = WebhookSender(app.store, app.merchants, app.clock)
        self._connections: set[Connection] = set()
        self._reopening: asyncio.TimerHandle | None = None
        self._opening: asyncio.Task[None] | None = None
        self._listener = Listener(address, lambda: Connection(self), server_context(tls) if tls else None)
        self._control_listener = (
            Listener(control, lambda: Connection(_ControlListenerOwner(self)), None) if control else None
        )
        self._browser_listener = (
            Listener(browser, lambda: Connection(_BrowserListenerOwner(self)), None) if browser else None
        )

    @property
    def url(self) -> str:
        return _url(self.scheme, self._listener.address)

    @property
    def browser_url(self) -> str:
        return self._app.browser_url

    @property
    def control_url(self) -> str:
        return _url("http", self._control_listener.address) if self._control_listener else self.url

    async def run(self, on_ready: Callable[[], None]) -> None:
        """Serve until SIGINT or SIGTERM, then finish the requests under way."""
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        for sign in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(sign, stopped.set)
        await self.start()
        watching = loop.create_task(self._close_slow_connections())
        on_ready()
        await stopped.wait()
        watching.cancel()
        await self.stop()

    async def _close_slow_connections(self) -> None:
        """Close slow and idle connections, each second."""
        while True:
            await asyncio.sleep(min(1.0, *self._limits))
            for connection in list(self._connections):
                connection.close_if_timed_out(*self._limits)

    async def start(self) -> None:
        await self._listener.listen()
        if self._control_listener:
            await self._control_listener.listen()
        if self._browser_listener:
            await self._browser_listener.listen()
            # Browsers take localhost for safe, without https.
            self._app.browser_url = f"http://localhost:{self._browser_listener.address[1]}"
        self._webhook_sender.send_due()

    async def stop(self) -> None:
        self._webhook_sender.stop()
        self._listener.close()
        if self._control_listener:
            self._control_listener.close()
        if self._browser_listener:
            self._browser_listener.close()
        for connection in list(self._connections):
            connection.stop()
        deadline = asyncio.get_running_loop().time() + SHUTDOWN_GRACE_SECONDS
        while any(connection.is_busy for connection in self._connections):
            if asyncio.get_running_loop().time() >= deadline:
                break
            await asyncio.sleep(0.01)
        for connection in list(self._connections):
            connection.abort()

    # ConnectionOwner.

    def opened(self, connection: Connection) -> None:
        self._connections.add(connection)
        self.traffic.connections_accepted += 1
        self.traffic.connections_open += 1

    def closed(self, connection: Connection) -> None:
        self._connections.discard(connection)
        self.traffic.connections_open -= 1

    def is_control(self, request: Request) -> bool:
        return request.path.startswith(PREFIX) or request.path == PREFIX.rstrip("/")

    def respond(self, request: Request) -> Response:
        if self.is_control(request):
            response = self._control_api.handle(request)
            response.route = f"{request.method} {PREFIX}"
        else:
            response = self._app.handle(request)
        self._webhook_sender.send_due()
        return response

    def trigger_fault(self, request: Request) -> FaultRule | None:
        return self._faults.trigger(request.method, request.path)

    def reserve_key(self, request: Request) -> Callable[[], None]:
        """Reserve the api_request_key of a delayed request, until the returned function is called."""
        return self._app.reserve_key(request)

    def route_of(self, request: Request) -> str:
        match = self._router.match(request.method, request.path)
        return match.name if match else UNROUTED

    # ListenerGate.

    def refuse(self, rule: FaultRule) -> None:
        """Refuse new connections and reset those of merchants, for the rule's seconds.

        Without seconds: until the rule is deleted if the control API has its own address, otherwise for two seconds.
        Connections that have only called the control API stay open, so that a test can still delete the rule.
        """
        if self._opening:
            self._opening.cancel()
        self._listener.refuse()
        for connection in list(self._connections):
            if not connection.is_busy and not connection.control_only:
                connection.reset()
        seconds = rule.seconds
        if seconds is None and self._control_listener is None:
            seconds = REFUSAL_SECONDS
        if self._reopening:
            self._reopening.cancel()
            self._reopening = None
        if seconds is not None:
            self._reopening = asyncio.get_running_loop().call_later(seconds, self.resume_accepting)

    def resume_accepting(self) -> None:
        if self._reopening:
            self._reopening.cancel()
            self._reopening = None
        self._listener.queue()
        self._opening = asyncio.get_running_loop().create_task(self._listener.listen())


class _BrowserListenerOwner:
    """Owns connections to the address for browsers: the same as the merchants' address, over http."""

    scheme = "http"
    control_only = False

    def __init__(self, service: Service) -> None:
        self._service = service
        self.traffic = service.traffic

    def opened(self, connection: Connection) -> None:
        self._service.opened(connection)

    def closed(self, connection: Connection) -> None:
        self._service.closed(connection)

    def is_control(self, request: Request) -> bool:
        return self._service.is_control(request)

    def respond(self, request: Request) -> Response:
        return self._service.respond(request)

    def trigger_fault(self, request: Request) -> FaultRule | None:
        return self._service.trigger_fault(request)

    def reserve_key(self, request: Request) -> Callable[[], None]:
        return self._service.reserve_key(request)

    def route_of(self, request: Request) -> str:
        return self._service.route_of(request)

    def refuse(self, rule: FaultRule) -> None:
        self._service.refuse(rule)


class _ControlListenerOwner(_BrowserListenerOwner):
    """Owns connections to the control API's own address: no merchants, no faults."""

    control_only = True

    def is_control(self, request: Request) -> bool:  # noqa: ARG002
        return True

    def respond(self, request: Request) -> Response:
        if self._service.is_control(request):
            return self._service.respond(request)
        return Response(404, route=UNROUTED)

    def trigger_fault(self, request: Request) -> FaultRule | None:  # noqa: ARG002
        return None


def _url(scheme: str, address: Address) -> str:
    host, port = address
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
