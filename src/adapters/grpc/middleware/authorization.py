"""Authorization: the scope that each method declares in the contract, and the guard that enforces it."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.descriptor import ServiceDescriptor

from adapters.grpc.connections.connection_guard import ConnectionGuard, address_of
from application.access.authenticate import PresentedCredentials
from application.audit.audit_log import Audit
from application.audit.refused_calls import RefusedCall
from application.common.caller import Caller, Scope
from application.common.errors import NotAuthenticated, ScopeMissing
from bayar.payments.v1 import access_pb2

_NO_SCOPE: Final = access_pb2.SCOPE_UNSPECIFIED
_CHANGING: Final = frozenset({Scope.PAYMENTS_WRITE, Scope.PAYMENTS_REFUND, Scope.CUSTOMERS_WRITE, Scope.DISPUTES_WRITE})
_CALLER: Final[ContextVar[Caller]] = ContextVar("caller")


class UndeclaredScope(Exception):
    """A method declares no scope, so that its permission is undefined."""

    def __init__(self, methods: Iterable[str]) -> None:
        super().__init__(f"without required_scope, nobody may call {', '.join(methods)}: declare it in the proto")


def required_scopes(services: Iterable[ServiceDescriptor]) -> Mapping[str, Scope]:
    """The scope of each method, by the path under which it is called. Raises UndeclaredScope."""
    declared = {
        f"/{service.full_name}/{method.name}": method.GetOptions().Extensions[access_pb2.required_scope]
        for service in services
        for method in service.methods
    }
    missing = [path for path, scope in declared.items() if scope == _NO_SCOPE]
    if missing:
        raise UndeclaredScope(missing)
    return {path: scope_of(number) for path, number in declared.items()}


def scope_of(number: access_pb2.Scope.ValueType) -> Scope:
    """Maps a scope of the contract to the application's."""
    return Scope[access_pb2.Scope.Name(number).removeprefix("SCOPE_")]


def current_caller() -> Caller:
    """The authenticated caller of the current call."""
    return _CALLER.get()


@dataclass(frozen=True, slots=True)
class Guard:
    """Authenticates and authorizes a call. Raises NotAuthenticated, ScopeMissing, ServiceHeld, CredentialsUnavailable
    or StoreUnavailable.
    """

    authenticate: Callable[[PresentedCredentials], Caller]
    scopes: Mapping[str, Scope]
    audit: Audit
    record_refusal: Callable[[RefusedCall], None]
    # Raises ServiceHeld while callers may change nothing.
    must_take_changes: Callable[[], None]
    # Receives the connections on which a caller was authenticated. None: not needed.
    connections: ConnectionGuard | None = None

    def admit(self, method: str, context: Any) -> Caller:
        """For calls on a thread of their own. A method that needs no scope admits any authenticated caller."""
        return self._authorize(method, context, self._authenticate(method, context, _credentials_of(context)))

    async def admit_stream(self, method: str, context: Any) -> Caller:
        """The same for calls on the event loop, which must not wait for the database."""
        credentials = _credentials_of(context)
        loop = asyncio.get_running_loop()
        return self._authorize(
            method, context, await loop.run_in_executor(None, self._authenticate, method, context, credentials)
        )

    async def authenticate_only(self, method: str, context: Any) -> None:
        """Raises NotAuthenticated for an unknown caller. Without a credential, it does not query the database."""
        credentials = _credentials_of(context)
        if credentials == PresentedCredentials():
            self._authenticate(method, context, credentials)
        else:
            await asyncio.get_running_loop().run_in_executor(None, self._authenticate, method, context, credentials)

    def credentials_of(self, context: Any) -> PresentedCredentials:
        return _credentials_of(context)

    def mark_authenticated(self, context: Any) -> None:
        """Records that this connection has an authenticated caller."""
        if self.connections is not None:
            self.connections.mark_authenticated(str(context.peer()))

    def refuse(self, method: str, context: Any, refusal: NotAuthenticated) -> NotAuthenticated:
        """Records the refusal, and returns it."""
        self.record_refusal(RefusedCall(method, str(refusal), "", peer_of(context)))
        return refusal

    def require_scope(self, method: str, context: Any, caller: Caller) -> None:
        """Raises ScopeMissing, after recording the refusal."""
        scope = self.scopes.get(method)
        if scope is not None and not caller.may(scope):
            self.record_refusal(RefusedCall(method, f"scope missing: {scope.value}", caller.actor, peer_of(context)))
            raise ScopeMissing(scope)

    def is_administrative(self, method: str) -> bool:
        return self.scopes.get(method) is Scope.ADMIN

    def _authenticate(self, method: str, context: Any, credentials: PresentedCredentials) -> Caller:
        try:
            caller = self.authenticate(credentials)
        except NotAuthenticated as refusal:
            self.refuse(method, context, refusal)
            raise
        self.mark_authenticated(context)
        return caller

    def _authorize(self, method: str, context: Any, caller: Caller) -> Caller:
        self.require_scope(method, context, caller)
        if self.scopes.get(method) in _CHANGING:
            self.must_take_changes()
        _CALLER.set(caller)
        return caller


def peer_of(context: Any) -> str:
    """The peer's address without its port; for IPv6, the network of one household (/64)."""
    return address_of(str(context.peer()))


def _credentials_of(context: Any) -> PresentedCredentials:
    """Metadata names are lower case on the wire, however the caller wrote them."""
    authorization = tuple(
        value.decode("latin-1") if isinstance(value, bytes) else value
        for name, value in context.invocation_metadata() or ()
        if name == "authorization"
    )
    pem = (context.auth_context() or {}).get("x509_pem_cert")
    return PresentedCredentials(authorization, pem[0] if pem else None)
