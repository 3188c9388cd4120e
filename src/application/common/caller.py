"""The caller: identity, scopes, and the data that a credential may access."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from domain.ids import CallerId, CustomerId


class Scope(Enum):
    """What a caller may be allowed to do. No scope includes another."""

    PAYMENTS_READ = "payments:read"
    PAYMENTS_WRITE = "payments:write"
    PAYMENTS_REFUND = "payments:refund"
    CUSTOMERS_READ = "customers:read"
    CUSTOMERS_WRITE = "customers:write"
    DISPUTES_READ = "disputes:read"
    DISPUTES_WRITE = "disputes:write"
    EVENTS_READ = "events:read"
    ADMIN = "admin"


EVERY_SCOPE: Final = frozenset(Scope)
# What belongs to every caller is none of one person's business.
_NEVER_FOR_A_CUSTOMER: Final = frozenset({Scope.ADMIN})


@dataclass(frozen=True, slots=True)
class Caller:
    """A back end that uses the service, one person who pays there, or an administrator.

    One rule for all calls: a credential reaches what is its caller's, and only one customer's where it is bound to one;
    with the scope `admin` it reaches what is any caller's. It reads and changes what it reaches. What it creates is its
    own caller's, and made of what that caller owns.
    """

    caller_id: CallerId
    scopes: frozenset[Scope] = frozenset()
    # The one customer whose data there is for this caller. None: all of the back end's.
    customer_id: CustomerId | None = None
    # Which key, token or certificate of the caller's it was.
    credential: str = ""

    def __post_init__(self) -> None:
        if self.customer_id is not None:
            object.__setattr__(self, "scopes", self.scopes - _NEVER_FOR_A_CUSTOMER)

    @property
    def actor(self) -> str:
        """What the history says of who did it: the caller, and with which credential."""
        return f"{self.caller_id}/{self.credential}" if self.credential else self.caller_id

    @property
    def idempotency_scope(self) -> CallerId:
        """Within what request ids are unique. Each bound customer has a space of their own."""
        return self.caller_id if self.customer_id is None else CallerId(f"{self.caller_id}/{self.customer_id}")

    def may(self, scope: Scope) -> bool:
        return scope in self.scopes

    @property
    def reach(self) -> CallerId | None:
        """Whose data it reads and changes. None: every caller's."""
        return None if self.may(Scope.ADMIN) else self.caller_id

    def reaches(self, caller_id: CallerId, customer_id: CustomerId | None) -> bool:
        """Whether it reads and changes what belongs to that caller and customer. What it does not reach looks as if it
        were not.
        """
        return self.reach in (None, caller_id) and self.customer_id in (None, customer_id)

    def owns(self, caller_id: CallerId, customer_id: CustomerId | None) -> bool:
        """Whether it may make something new, of its own, of what belongs to that caller and customer."""
        return caller_id == self.caller_id and self.customer_id in (None, customer_id)


def scopes_named(names: Iterable[str]) -> frozenset[Scope]:
    """The scopes of those names. Others are another service's, and grant nothing here."""
    named = frozenset(names)
    return frozenset(scope for scope in Scope if scope.value in named)
