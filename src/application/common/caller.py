"""The caller: identity, scopes, and the data that a credential may access."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from application.common.operator import Operator, OperatorRight
from domain.events import OnBehalf
from domain.ids import CallerId, CustomerId, RequestId


class Scope(Enum):
    """A permission of a caller. No scope includes another."""

    PAYMENTS_READ = "payments:read"
    PAYMENTS_WRITE = "payments:write"
    PAYMENTS_REFUND = "payments:refund"
    CUSTOMERS_READ = "customers:read"
    CUSTOMERS_WRITE = "customers:write"
    DISPUTES_READ = "disputes:read"
    DISPUTES_WRITE = "disputes:write"
    EVENTS_READ = "events:read"
    ADMIN = "admin"
    PAYMENTS_SKIP_CHECKS = "payments:skip-checks"


EVERY_SCOPE: Final = frozenset(Scope)
READING: Final = frozenset({Scope.PAYMENTS_READ, Scope.CUSTOMERS_READ, Scope.DISPUTES_READ, Scope.EVENTS_READ})
# Scopes that no customer-bound credential may have: data of every caller is not one customer's business, and nobody
# waives the checks of their own payments.
NEVER_FOR_A_CUSTOMER: Final = frozenset({Scope.ADMIN, Scope.PAYMENTS_SKIP_CHECKS})
# Scopes that a new key gets only if they are named.
ONLY_IF_NAMED: Final = NEVER_FOR_A_CUSTOMER


@dataclass(frozen=True, slots=True)
class Caller:
    """A back end that uses the service, one customer who pays there, an administrator, or an operator.

    One access rule for all calls. A credential reaches its caller's data, or only one customer's if it is bound to one;
    with the scope `admin` it reaches every caller's. It reads and changes the data that it reaches. New resources
    belong to its own caller, and use only resources that this caller owns.

    An operator by themselves reads every caller's data and owns none: `caller_id` is the operator's id. On behalf of a
    caller, `caller_id` is that caller's, and the operator reaches what it reaches.
    """

    caller_id: CallerId
    scopes: frozenset[Scope] = frozenset()
    # The one customer that this caller is bound to. None: all of the back end's customers.
    customer_id: CustomerId | None = None
    # The key, token or certificate that the caller used.
    credential: str = ""
    operator: Operator | None = None
    # The operator's reason for this call.
    reason: str = ""

    def __post_init__(self) -> None:
        if self.customer_id is not None:
            object.__setattr__(self, "scopes", self.scopes - NEVER_FOR_A_CUSTOMER)

    @property
    def actor(self) -> str:
        """The actor for the history: the caller and its credential, or the operator who acts for it."""
        if self.operator is not None:
            person = f"operator {self.operator.name}"
            return f"{self.caller_id}/{person}" if self.is_on_behalf else person
        return f"{self.caller_id}/{self.credential}" if self.credential else self.caller_id

    @property
    def idempotency_scope(self) -> CallerId:
        """The scope in which request ids are unique. Each bound customer has one of its own."""
        return self.caller_id if self.customer_id is None else CallerId(f"{self.caller_id}/{self.customer_id}")

    def own_request_id(self, request_id: RequestId) -> RequestId:
        """The request id within `idempotency_scope`. An operator's never equals the caller's own, nor another's."""
        return request_id if self.operator is None else RequestId(f"{request_id}/{self.operator.operator_id}")

    def may(self, scope: Scope) -> bool:
        """An operator with the right to read has the scopes of reading; scopes of acts are judged call by call."""
        if self.operator is None:
            return scope in self.scopes
        return scope in READING and self.operator.has(OperatorRight.READ)

    @property
    def is_on_behalf(self) -> bool:
        """Whether an operator acts for a caller."""
        return self.operator is not None and self.caller_id != CallerId(self.operator.operator_id)

    @property
    def on_behalf(self) -> OnBehalf | None:
        """The act of an operator. None for every other caller."""
        if self.operator is None or not self.is_on_behalf:
            return None
        return OnBehalf(self.operator.operator_id, self.operator.name, self.caller_id, self.reason)

    def acting_for(self, caller_id: CallerId) -> "Caller":
        """An operator, on behalf of that caller. Everybody else stays the same."""
        return self if self.operator is None else replace(self, caller_id=caller_id)

    @property
    def quota_id(self) -> str:
        """The id that rate limits count: an operator's calls take nothing from the caller acted for."""
        return self.caller_id if self.operator is None else self.operator.operator_id

    @property
    def reach(self) -> CallerId | None:
        """The caller whose data it reads and changes. None: every caller's."""
        is_everywhere = self.may(Scope.ADMIN) or (self.operator is not None and not self.is_on_behalf)
        return None if is_everywhere else self.caller_id

    def reaches(self, caller_id: CallerId, customer_id: CustomerId | None) -> bool:
        """Whether it may read and change data of that caller and customer. Data out of reach looks as if absent."""
        return self.reach in (None, caller_id) and self.customer_id in (None, customer_id)

    def owns(self, caller_id: CallerId, customer_id: CustomerId | None) -> bool:
        """Whether it may create resources of its own from data of that caller and customer."""
        return caller_id == self.caller_id and self.customer_id in (None, customer_id)


def scopes_named(names: Iterable[str]) -> frozenset[Scope]:
    """The scopes with those names. Other names belong to other services, and grant nothing here."""
    named = frozenset(names)
    return frozenset(scope for scope in Scope if scope.value in named)
