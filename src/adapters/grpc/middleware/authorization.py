"""Authorization: the scope that each method declares in the contract, and the guard that enforces it."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final

from google.protobuf.descriptor import ServiceDescriptor

from adapters.grpc.connections.connection_guard import ConnectionGuard, address_of
from adapters.grpc.middleware.operator_acts import stated_act, states_act
from application.access.act_on_behalf import require_right
from application.access.authenticate import PresentedCredentials
from application.audit.audit_log import Audit
from application.audit.refused_calls import RefusedCall
from application.common.caller import Caller, Scope
from application.common.errors import (
    NotAnOperator,
    NotAuthenticated,
    OnBehalfIncomplete,
    OperatorRightMissing,
    ScopeMissing,
)
from application.common.operator import OperatorRight
from bayar.payments.v1 import access_pb2

_NO_SCOPE: Final = access_pb2.SCOPE_UNSPECIFIED
_CHANGING: Final = frozenset({Scope.PAYMENTS_WRITE, Scope.PAYMENTS_REFUND, Scope.CUSTOMERS_WRITE, Scope.DISPUTES_WRITE})
_CALLER: Final[ContextVar[Caller]] = ContextVar("caller")


class UndeclaredScope(Exception):
    """A method declares no scope, so that its permission is undefined."""

    def __init__(self, methods: Iterable[str]) -> None:
        super().__init__(f"without required_scope, nobody may call {', '.join(methods)}: declare it in the proto")


def required_scopes(services: Iterable[ServiceDescriptor]) -> Mapping[str, Scope]:
    """The scope of each method, by the path under which it is called. A method that any credential may call has none.

    Raises UndeclaredScope.
    """
    declared = {
        f"/{service.full_name}/{method.name}": method.GetOptions().Extensions[access_pb2.required_scope]
        for service in services
        for method in service.methods
        if not method.GetOptions().Extensions[access_pb2.any_credential]
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


def set_current_caller(caller: Caller) -> None:
    _CALLER.set(caller)


@dataclass(frozen=True, slots=True)
class Guard:
    """Authenticates and authorizes a call. Raises NotAuthenticated, ScopeMissing, OperatorRightMissing,
    OnBehalfIncomplete, NotAnOperator, ServiceHeld, CredentialsUnavailable or StoreUnavailable.
    """

    authenticate: Callable[[PresentedCredentials], Caller]
    scopes: Mapping[str, Scope]
    audit: Audit
    record_refusal: Callable[[RefusedCall], None]
    # Raises ServiceHeld while callers may change nothing.
    must_take_changes: Callable[[], None]
    # Receives the connections on which a caller was authenticated. None: not needed.
    connections: ConnectionGuard | None = None
    # The right that each method needs of an operator. Others are not for operators.
    rights: Mapping[str, OperatorRight] = field(default_factory=dict)

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

    async def authenticate_only(self, method: str, context: Any) -> Caller:
        """Raises NotAuthenticated for an unknown caller. Without a credential, it does not query the database."""
        credentials = _credentials_of(context)
        if credentials == PresentedCredentials():
            return self._authenticate(method, context, credentials)
        return await asyncio.get_running_loop().run_in_executor(None, self._authenticate, method, context, credentials)

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

    def require_access(self, method: str, context: Any, caller: Caller) -> Caller:
        """The caller, with an operator's act. Raises the refusal, after recording it."""
        scope = self.scopes.get(method)
        if caller.operator is not None:
            return self._require_right(method, context, caller) if scope is not None else caller
        if states_act(context.invocation_metadata() or ()):
            self._record(method, "not an operator", caller, context)
            raise NotAnOperator
        if scope is not None and not caller.may(scope):
            self._record(method, f"scope missing: {scope.value}", caller, context)
            raise ScopeMissing(scope)
        return caller

    def _require_right(self, method: str, context: Any, caller: Caller) -> Caller:
        stated = stated_act(context.invocation_metadata() or ())
        needs_caller = not self.is_administrative(method)
        try:
            return require_right(caller, self.rights.get(method), stated, needs_caller=needs_caller)
        except OperatorRightMissing as refusal:
            self._record(method, f"operator right missing: {refusal}", caller, context)
            raise
        except OnBehalfIncomplete as refusal:
            self._record(method, f"act incomplete: {refusal}", caller, context)
            raise

    def _record(self, method: str, why: str, caller: Caller, context: Any) -> None:
        self.record_refusal(RefusedCall(method, why, caller.actor, peer_of(context)))

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
        caller = self.require_access(method, context, caller)
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
