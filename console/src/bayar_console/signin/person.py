"""The person who has signed in, and the rights of that person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest

from bayar import BayarClient
from bayar.models import CredentialDescription, OperatorRight, Scope
from bayar_console.connection import Connections

SESSION_KEY: Final = "person"

# The acts of the console, with the right of an operator and the scope of a caller's own credential that each needs.
_NEEDS: Final[dict[str, tuple[OperatorRight, Scope]]] = {
    "read": (OperatorRight.READ, Scope.PAYMENTS_READ),
    "read_customers": (OperatorRight.READ, Scope.CUSTOMERS_READ),
    "read_disputes": (OperatorRight.READ, Scope.DISPUTES_READ),
    "read_work": (OperatorRight.READ, Scope.ADMIN),
    "read_books": (OperatorRight.READ, Scope.ADMIN),
    "refund": (OperatorRight.REFUND, Scope.PAYMENTS_REFUND),
    "void": (OperatorRight.VOID, Scope.PAYMENTS_WRITE),
    "capture": (OperatorRight.CAPTURE, Scope.PAYMENTS_WRITE),
    "adjust": (OperatorRight.ADJUST, Scope.PAYMENTS_WRITE),
    "methods": (OperatorRight.METHODS, Scope.CUSTOMERS_WRITE),
    "customers": (OperatorRight.CUSTOMERS, Scope.CUSTOMERS_WRITE),
    "disputes": (OperatorRight.DISPUTES, Scope.DISPUTES_WRITE),
    "lift_blocks": (OperatorRight.LIFT_BLOCKS, Scope.ADMIN),
    "resolve": (OperatorRight.RESOLVE, Scope.ADMIN),
    "redeliver": (OperatorRight.REDELIVER, Scope.ADMIN),
    "reconcile": (OperatorRight.RECONCILE, Scope.ADMIN),
}


@dataclass(frozen=True, slots=True)
class Person:
    """credential: an API key or a token, which never leaves this process but for the service."""

    name: str
    credential: str
    # The caller whose payments these are. Empty: an operator, who sees every caller's.
    caller_id: str
    rights: frozenset[str]

    @property
    def is_operator(self) -> bool:
        return not self.caller_id

    def may(self, act: str) -> bool:
        """Whether the service would let this person. The service decides; pages hide what it would refuse."""
        return act in self.rights


def person_of(description: CredentialDescription, credential: str, name: str = "") -> Person:
    """The person of a credential, as the service describes it. name: as the issuer of OpenID Connect has it."""
    operator = description.operator
    rights = frozenset(
        act
        for act, (right, scope) in _NEEDS.items()
        if (right in operator.rights if operator else scope in description.scopes)
    )
    own = operator.name if operator else description.name
    return Person(name or own or description.caller_id, credential, "" if operator else description.caller_id, rights)


def keep(request: HttpRequest, person: Person) -> None:
    """Begins the session of a person, under a new id."""
    request.session.cycle_key()
    request.session[SESSION_KEY] = {
        "name": person.name,
        "credential": person.credential,
        "caller_id": person.caller_id,
        "rights": sorted(person.rights),
    }


def kept(request: HttpRequest) -> Person | None:
    """The person of this session. Nobody: None."""
    found = request.session.get(SESSION_KEY)
    if not found:
        return None
    return Person(found["name"], found["credential"], found["caller_id"], frozenset(found["rights"]))


class SignedInRequest(HttpRequest):
    """A request of a person who has signed in; `signin.middleware` makes it."""

    person: Person
    bayar: BayarClient


def connections() -> Connections:
    """The connections of this process."""
    global _connections
    if _connections is None:
        from django.conf import settings

        _connections = Connections(settings.CONSOLE)
    return _connections


_connections: Connections | None = None
