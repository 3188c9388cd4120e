"""The two roles of a process: the gRPC role answers calls; the background role runs jobs and the HTTP side."""

import asyncio
import logging
import sys
from collections.abc import Callable, Sequence
from socket import socket
from typing import Final

from adapters.checkout.server import CannotListenCheckout, CheckoutServer
from adapters.grpc.server.server import CannotListenGrpc, GrpcServer
from adapters.grpc.server.tls import BadCertificates
from adapters.http.server import CannotListenHttp, HttpServer
from application.common.errors import StoreUnavailable
from bootstrap.config.settings import Settings
from bootstrap.observability.readings import open_call_readings
from bootstrap.process.background_jobs import background_jobs, buffer_jobs
from bootstrap.process.draining import within
from bootstrap.process.exposure import FREE_CHECKOUT_ADDRESS, FREE_GRPC_ADDRESS, FREE_HTTP_ADDRESS
from bootstrap.process.gc_tuning import freeze
from bootstrap.process.periodic_job import PeriodicJob
from bootstrap.process.preflight import CannotStart
from bootstrap.wiring.container import Container

_log = logging.getLogger(__name__)

# The thread switch interval. The event loop waits for the GIL as long as threads compute, and all calls wait for the
# loop.
_SWITCH_SECONDS: Final = 0.001
# The time for the last buffered records.
_BUFFER_SECONDS: Final = 1.0


class GrpcRole:
    """The gRPC side, and the jobs that persist what it buffers while it answers."""

    def __init__(self, container: Container, settings: Settings, *, shares_port: bool = False) -> None:
        """shares_port: with other processes of this service."""
        self._container = container
        self._settings = settings
        self._shares_port = shares_port
        self._server: GrpcServer | None = None
        self._watch: asyncio.Task[None] | None = None
        self._is_stopping = False
        # Whether the server ended by itself.
        self.has_failed = False
        self._jobs = buffer_jobs(container)

    async def start(self) -> str:
        """Returns the address with its real port. Raises CannotStart and BadSettings."""
        server: GrpcServer = await asyncio.get_running_loop().run_in_executor(None, self._container.server)
        try:
            address = await server.start(self._settings.grpc_address, shares_port=self._shares_port)
        except BadCertificates as error:
            raise CannotStart(
                f"{error}. BAYAR_TLS_CERTIFICATE_FILE, BAYAR_TLS_KEY_FILE and BAYAR_TLS_CLIENT_CA_FILE name them"
            ) from None
        except CannotListenGrpc as error:
            raise CannotStart(f"{error}. {FREE_GRPC_ADDRESS}") from None
        self._server = server
        self._container.instruments().read(open_call_readings(lambda: server.open_calls))
        for job in self._jobs:
            job.start()
        freeze()
        sys.setswitchinterval(_SWITCH_SECONDS)
        return address

    def on_unexpected_end(self, tell: Callable[[], object]) -> None:
        """Reports when the server ends by itself, after a fault in gRPC: a process without it must not look healthy."""
        self._watch = asyncio.create_task(self._watch_end(tell))

    async def _watch_end(self, tell: Callable[[], object]) -> None:
        if self._server is None:
            return
        failure = await self._server.ended()
        if not self._is_stopping:
            self.has_failed = True
            _log.critical("the gRPC server ended unexpectedly: this process ends", exc_info=failure)
            tell()

    async def drain(self) -> None:
        """Reports to health checks that the stop has begun. Calls are still accepted."""
        self._is_stopping = True
        if self._server is not None:
            await self._server.drain()

    async def stop(self) -> bool:
        """Finishes the calls under way first. Returns whether all work has ended."""
        self._is_stopping = True
        if self._server is None:
            return True
        has_ended = await self._server.stop(self._settings.stop_grace_seconds)
        has_ended &= await _stop(self._jobs, _BUFFER_SECONDS)
        return await within(_BUFFER_SECONDS, self._flush_buffers) and has_ended

    def _flush_buffers(self) -> None:
        """Persists the buffered records: refused calls, and uses of keys."""
        try:
            self._container.refused_calls().write_all()
            self._container.last_used_recorder()()
        except StoreUnavailable as error:
            _log.warning("the last refused calls are not in the audit log: %s", error)


class BackgroundRole:
    """The HTTP side, and all jobs on rows: resolvers, settlement polls, the relay, webhook senders."""

    def __init__(self, container: Container, settings: Settings) -> None:
        self._container = container
        self._settings = settings
        self._http: HttpServer | None = None
        self._checkout: CheckoutServer | None = None
        # The address of the checkout page with its real port; empty where none is served.
        self.checkout_address = ""
        self._jobs = background_jobs(container, settings)

    async def listen(self, listeners: Sequence[socket] = ()) -> str:
        """Opens the HTTP side on the listeners, or on the address of the settings. Returns that address with its real
        port.

        Raises CannotStart.
        """
        http: HttpServer = await asyncio.get_running_loop().run_in_executor(None, self._container.http_server)
        try:
            address = await http.start(self._settings.http_address, listeners)
        except CannotListenHttp as error:
            raise CannotStart(f"{error}. {FREE_HTTP_ADDRESS}") from None
        self._http = http
        try:
            await self._listen_for_shoppers()
        except CannotStart:
            await http.stop()
            raise
        return address

    async def _listen_for_shoppers(self) -> None:
        """Opens the checkout page, where the settings name its address. Raises CannotStart."""
        if not self._settings.serves_checkouts:
            return
        page: CheckoutServer = await asyncio.get_running_loop().run_in_executor(None, self._container.checkout_server)
        try:
            self.checkout_address = await page.start(self._settings.checkout_address)
        except CannotListenCheckout as error:
            raise CannotStart(f"{error}. {FREE_CHECKOUT_ADDRESS}") from None
        self._checkout = page

    def start(self) -> None:
        for job in self._jobs:
            job.start()

    def drain(self) -> None:
        """/readyz reports from here on that the stop has begun."""
        if self._http is not None:
            self._http.drain()

    async def stop(self) -> bool:
        """Lets the jobs under way finish. Returns whether all have."""
        return await _stop(self._jobs, self._settings.stop_grace_seconds)

    async def stop_listening(self) -> None:
        """Shoppers, health and metrics are answered until here."""
        if self._checkout is not None:
            await self._checkout.stop()
        if self._http is not None:
            await self._http.stop()


async def _stop(jobs: Sequence[PeriodicJob], seconds: float) -> bool:
    """Stops all jobs within the seconds. Returns whether all have ended."""
    for job in jobs:
        job.request_stop()
    loop = asyncio.get_running_loop()
    deadline, has_ended = loop.time() + seconds, True
    for job in jobs:
        if not await loop.run_in_executor(None, job.stop, max(0.0, deadline - loop.time())):
            has_ended = False
            _log.warning("background job %s did not end in time: the next start takes up its work", job.name)
    return has_ended
