"""The running twin: its listening sockets, its connections, and a clean end."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

from braintree_twin.app import UNROUTED, App
from braintree_twin.control_side.endpoints import PREFIX, ControlSide
from braintree_twin.control_side.faults import REFUSAL_SECONDS, FaultBook, Rule
from braintree_twin.control_side.traffic import Traffic
from braintree_twin.resources import ROUTES
from braintree_twin.routing import Router
from braintree_twin.server.connection import Connection
from braintree_twin.server.http import Request, Response
from braintree_twin.server.listener import Listener
from braintree_twin.server.tls import TlsFiles, server_context
from braintree_twin.webhooks.carrier import Carrier

Address = tuple[str, int]
PATIENCE_SECONDS = 1.5
# How long a request may take to arrive, and how long a connection may stay open for nothing.
REQUEST_SECONDS, IDLE_SECONDS = 30.0, 300.0


class Service:
    """Serves merchants on one address, and the control side there or on an address of its own."""

    def __init__(
        self,
        app: App,
        address: Address,
        tls: TlsFiles | None,
        control: Address | None = None,
        *,
        request_seconds: float = REQUEST_SECONDS,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._limits = (request_seconds, idle_seconds)
        self.only_control = False
        self.traffic = Traffic()
        self.scheme = "https" if tls else "http"
        self.tls = tls
        self._app = app
        self._faults = FaultBook()
        self._router = Router(ROUTES)
        self._control_side = ControlSide(app, self._faults, self.traffic, self)
        self._carrier = Carrier(app)
        self._connections: set[Connection] = set()
        self._reopening: asyncio.TimerHandle | None = None
        self._opening: asyncio.Task[None] | None = None
        self._listener = Listener(address, lambda: Connection(self), server_context(tls) if tls else None)
        self._control_listener = Listener(control, lambda: Connection(_ControlOnly(self)), None) if control else None

    @property
    def url(self) -> str:
        return _url(self.scheme, self._listener.address)

    @property
    def control_url(self) -> str:
        return _url("http", self._control_listener.address) if self._control_listener else self.url

    async def run(self, on_ready: Callable[[], None]) -> None:
        """Serve until SIGINT or SIGTERM, then finish what is under way."""
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        for sign in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(sign, stopped.set)
        await self.start()
        watching = loop.create_task(self._watch())
        on_ready()
        await stopped.wait()
        watching.cancel()
        await self.stop()

    async def _watch(self) -> None:
        """Hang up on clients that are too slow."""
        while True:
            await asyncio.sleep(min(1.0, *self._limits))
            for connection in list(self._connections):
                connection.hang_up_if_late(*self._limits)

    async def start(self) -> None:
        await self._listener.listen()
        if self._control_listener:
            await self._control_listener.listen()
        self._carrier.look()

    async def stop(self) -> None:
        self._carrier.stop()
        self._listener.close()
        if self._control_listener:
            self._control_listener.close()
        for connection in list(self._connections):
            connection.stop()
        deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while any(connection.is_busy for connection in self._connections):
            if asyncio.get_running_loop().time() >= deadline:
                break
            await asyncio.sleep(0.01)
        for connection in list(self._connections):
            connection.abort()

    # What connections ask.

    def opened(self, connection: Connection) -> None:
        self._connections.add(connection)
        self.traffic.connections_accepted += 1
        self.traffic.connections_open += 1

    def closed(self, connection: Connection) -> None:
        self._connections.discard(connection)
        self.traffic.connections_open -= 1

    def is_control(self, request: Request) -> bool:
        return request.path.startswith(PREFIX)

    def respond(self, request: Request) -> Response:
        if self.is_control(request):
            response = self._control_side.handle(request)
            response.route = f"{request.method} {PREFIX}"
        else:
            response = self._app.handle(request)
        self._carrier.look()
        return response

    def strike(self, request: Request) -> Rule | None:
        return self._faults.strike(request.method, request.path)

    def hold(self, request: Request) -> Callable[[], None]:
        """Take note of a request that will be worked on later, until the returned function is called."""
        return self._app.hold(request)

    def route_of(self, request: Request) -> str:
        match = self._router.match(request.method, request.path)
        return match.name if match else UNROUTED

    # Refusing connections.

    def refuse(self, rule: Rule) -> None:
        """Close the door and hang up on merchants, for the rule's seconds.

        Without seconds: until the rule is deleted if the control side has an address of its own, otherwise for two.
        Connections that only the control side was asked on stay open, so that a test can still look and delete.
        """
        if self._opening:
            self._opening.cancel()
        self._listener.refuse()
        for connection in list(self._connections):
            if not connection.is_busy and not connection.only_control:
                connection.reset()
        seconds = rule.seconds
        if seconds is None and self._control_listener is None:
            seconds = REFUSAL_SECONDS
        if self._reopening:
            self._reopening.cancel()
            self._reopening = None
        if seconds is not None:
            self._reopening = asyncio.get_running_loop().call_later(seconds, self.accept_again)

    def accept_again(self) -> None:
        if self._reopening:
            self._reopening.cancel()
            self._reopening = None
        self._listener.queue()
        self._opening = asyncio.get_running_loop().create_task(self._listener.listen())


class _ControlOnly:
    """The site behind the control side's own address: no merchant is served there, no fault strikes."""

    scheme = "http"
    only_control = True

    def __init__(self, service: Service) -> None:
        self._service = service
        self.traffic = service.traffic

    def opened(self, connection: Connection) -> None:
        self._service.opened(connection)

    def closed(self, connection: Connection) -> None:
        self._service.closed(connection)

    def is_control(self, request: Request) -> bool:  # noqa: ARG002
        return True

    def respond(self, request: Request) -> Response:
        if self._service.is_control(request):
            return self._service.respond(request)
        return Response(404, route=UNROUTED)

    def strike(self, request: Request) -> Rule | None:  # noqa: ARG002
        return None

    def hold(self, request: Request) -> Callable[[], None]:
        return self._service.hold(request)

    def route_of(self, request: Request) -> str:
        return self._service.route_of(request)

    def refuse(self, rule: Rule) -> None:
        self._service.refuse(rule)


def _url(scheme: str, address: Address) -> str:
    host, port = address
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
