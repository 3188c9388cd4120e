"""The gRPC server: an event loop for streams and health, and a thread pool for everything that blocks."""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import grpc
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import ServiceDescriptor
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio as health

from adapters.grpc.connections.connection_guard import ConnectionGuard
from adapters.grpc.middleware.admission_control import (
    AdmissionControl,
    AdmissionLimits,
    cooperative_methods,
    record_only_methods,
    write_methods,
)
from adapters.grpc.middleware.authorization import Guard, required_scopes
from adapters.grpc.middleware.call_observer import UNOBSERVED, CallObserver
from adapters.grpc.middleware.early_authentication import EarlyAuthenticationInterceptor
from adapters.grpc.middleware.interceptor import CallInterceptor
from adapters.grpc.middleware.operator_acts import operator_rights
from adapters.grpc.scheduling.call_pool import CallPool
from adapters.grpc.server.reflection import V1, V1ALPHA, add_reflection
from adapters.grpc.server.server_options import options_of
from adapters.grpc.server.tls import TlsFiles, server_credentials
from adapters.grpc.services.admin_service import AdminServicer
from adapters.grpc.services.checkout_service import CheckoutServicer
from adapters.grpc.services.customer_service import CustomerServicer
from adapters.grpc.services.dispute_service import DisputeServicer
from adapters.grpc.services.event_service import EventServicer
from adapters.grpc.services.payment_method_service import PaymentMethodServicer
from adapters.grpc.services.payment_service import PaymentServicer
from application.access.authenticate import PresentedCredentials
from application.audit.audit_log import Audit
from application.audit.refused_calls import RefusedCall
from application.common.caller import Caller
from bayar.payments.v1 import (
    admin_service_pb2_grpc,
    checkout_service_pb2_grpc,
    customer_service_pb2_grpc,
    dispute_service_pb2_grpc,
    event_service_pb2_grpc,
    payment_method_service_pb2_grpc,
    payment_service_pb2_grpc,
)

_log = logging.getLogger(__name__)

# The time for the statuses of calls that the end of the grace ended.
_STATUS_SECONDS: Final = 1.0
_PACKAGE: Final = "bayar.payments.v1"
_SERVICES: Final = tuple(
    f"{_PACKAGE}.{name}Service"
    for name in ("Payment", "Customer", "PaymentMethod", "Dispute", "Checkout", "Event", "Admin")
)
HEALTH: Final = ("grpc.health.v1.Health",)
REFLECTION: Final = (V1, V1ALPHA)


def descriptors() -> list[ServiceDescriptor]:
    """The services of the contract."""
    return [descriptor_pool.Default().FindServiceByName(name) for name in _SERVICES]


def _paths(services: Iterable[ServiceDescriptor]) -> list[str]:
    return [f"/{service.full_name}/{method.name}" for service in services for method in service.methods]


class CannotListenGrpc(Exception):
    """The address is in use, not of this machine, or not allowed."""

    def __init__(self, address: str) -> None:
        super().__init__(f"cannot listen on {address}")
        self.address = address


class _Handlers:
    """Collects the stubs' handlers, but registers no method by name: with each call, gRPC would check a future of every
    registered method.
    """

    def __init__(self, server: grpc.aio.Server) -> None:
        self.add_generic_rpc_handlers = server.add_generic_rpc_handlers

    def add_registered_method_handlers(self, *_: object) -> None:
        """The generic handlers find the same methods."""


@dataclass(frozen=True, slots=True)
class Servicers:
    payments: PaymentServicer
    customers: CustomerServicer
    payment_methods: PaymentMethodServicer
    disputes: DisputeServicer
    checkouts: CheckoutServicer
    events: EventServicer
    admin: AdminServicer


class GrpcServer:
    """Serves the contract, health and reflection. Belongs to the event loop in which it starts."""

    def __init__(
        self,
        servicers: Servicers,
        authenticate: Callable[[PresentedCredentials], Caller],
        audit: Audit,
        record_refusal: Callable[[RefusedCall], None],
        must_take_changes: Callable[[], None],
        limits: AdmissionLimits,
        tls: TlsFiles | None = None,
        closed: Collection[str] = (),
        observer: CallObserver = UNOBSERVED,
    ) -> None:
        """tls: None serves plain text. closed: of HEALTH and REFLECTION. Raises UndeclaredScope."""
        self._tls = tls
        self._servicers = servicers
        self._limits = limits
        self._pool = CallPool(limits.threads, limits.queue, limits.call_seconds, limits.gateway_threads)
        self._server: grpc.aio.Server | None = None
        self._health = health.HealthServicer()
        services = descriptors()
        self._connections = ConnectionGuard(limits.connections)
        guard = Guard(
            authenticate,
            required_scopes(services),
            audit,
            record_refusal,
            must_take_changes,
            self._connections,
            operator_rights(services),
        )
        admission = AdmissionControl(guard, limits, write_methods(services))
        self._interceptor = CallInterceptor(
            admission, self._pool, record_only_methods(services), closed, observer, cooperative_methods(services)
        )
        # With mutual TLS, no stranger can make a call.
        is_mutual = tls is not None and tls.client_ca is not None
        self._strangers = (
            None
            if is_mutual
            else EarlyAuthenticationInterceptor(admission, self._connections, _paths(services), closed, observer)
        )

    async def start(self, address: str, *, shares_port: bool = False) -> str:
        """Returns the address with its real port. Raises CannotListen and BadCertificates.

        shares_port: other processes listen there, too (SO_REUSEPORT); the kernel assigns each connection to one of
        them.
        """
        options = options_of(self._limits, shares_port=shares_port)
        interceptors = [one for one in (self._strangers, self._interceptor) if one is not None]
        server = grpc.aio.server(interceptors=interceptors, options=options)
        add = self._servicers
        handlers: Any = _Handlers(server)
        payment_service_pb2_grpc.add_PaymentServiceServicer_to_server(add.payments, handlers)
        customer_service_pb2_grpc.add_CustomerServiceServicer_to_server(add.customers, handlers)
        payment_method_service_pb2_grpc.add_PaymentMethodServiceServicer_to_server(add.payment_methods, handlers)
        dispute_service_pb2_grpc.add_DisputeServiceServicer_to_server(add.disputes, handlers)
        checkout_service_pb2_grpc.add_CheckoutServiceServicer_to_server(add.checkouts, handlers)
        event_service_pb2_grpc.add_EventServiceServicer_to_server(add.events, handlers)
        admin_service_pb2_grpc.add_AdminServiceServicer_to_server(add.admin, handlers)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, handlers)
        add_reflection(server, [*_SERVICES, health_pb2.DESCRIPTOR.services_by_name["Health"].full_name])
        try:
            if self._tls is None:
                port = server.add_insecure_port(address)
            else:
                port = server.add_secure_port(address, server_credentials(self._tls))
        except RuntimeError:
            port = 0
        if not port:
            raise CannotListenGrpc(address)
        await server.start()
        for service in ("", *_SERVICES):
            await self._health.set(service, health_pb2.HealthCheckResponse.SERVING)
        self._server = server
        self._connections.start(port)
        return f"{address.rpartition(':')[0]}:{port}"

    async def ended(self) -> Exception | None:
        """Returns once the server has ended, with the reason unless it was stopped."""
        if self._server is None:
            return None
        try:
            await self._server.wait_for_termination()
        except Exception as failure:
            return failure
        return None

    @property
    def open_calls(self) -> int:
        """The number of unary calls that wait for their answer."""
        return self._interceptor.open_calls

    async def drain(self) -> None:
        """Reports NOT_SERVING to health checks. Calls are still accepted."""
        await self._health.enter_graceful_shutdown()

    async def stop(self, grace_seconds: float) -> bool:
        """Accepts no new calls, ends streams, and lets other calls finish, including those whose callers hung up.

        After the grace, calls that still wait end with SERVICE_STOPPING. Returns whether all work has ended; else
        threads still run, and only the end of the process ends them.
        """
        if self._server is None:
            return True
        loop = asyncio.get_running_loop()
        deadline = loop.time() + grace_seconds
        await self.drain()
        self._interceptor.end_streams()
        ending = loop.call_at(deadline, self._end_calls)
        await self._server.stop(grace_seconds + _STATUS_SECONDS)
        ending.cancel()
        await loop.run_in_executor(None, self._connections.stop)
        drained, is_drained = self._pool.shutdown(), asyncio.Event()

        def notify(_: Future[None]) -> None:
            # A loop that is closed has nobody who waits.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(is_drained.set)

        drained.add_done_callback(notify)
        with suppress(TimeoutError):
            await asyncio.wait_for(is_drained.wait(), max(0.0, deadline - loop.time()))
        return drained.done()

    def _end_calls(self) -> None:
        if count := self._interceptor.end_calls():
            _log.warning(
                "%s calls did not end within the grace: their callers are asked to retry, and the resolver finds the "
                "outcomes",
                count,
            )
