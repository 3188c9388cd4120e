"""The rule by which a resource out of the caller's reach looks as if it were absent."""

from typing import Protocol, TypeVar

from application.common.caller import Caller
from application.common.errors import NotFound, ResourceKind
from domain.ids import CallerId, CustomerId


class Owned(Protocol):
    """A resource of a caller, and of at most one of its customers."""

    @property
    def caller_id(self) -> CallerId: ...

    @property
    def customer_id(self) -> CustomerId | None: ...


Resource = TypeVar("Resource", bound=Owned)


def reached(resource: Resource | None, kind: ResourceKind, resource_id: str, caller: Caller) -> Resource:
    """The resource, if the caller reaches it. Otherwise raises NotFound, which does not reveal that it exists."""
    if resource is None or not caller.reaches(resource.caller_id, resource.customer_id):
        raise NotFound(kind, resource_id)
    return resource
