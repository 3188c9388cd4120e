"""The lease under which this thread sends, carried from the port's method down to the socket."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from adapters.braintree.transport.connection import RequestNotSent
from application.common.lease import Lease, LeaseOver

_lease: Final[ContextVar[Lease | None]] = ContextVar("lease", default=None)


class NotAllowedToSend(RequestNotSent):
    """The lease is over, or there never was one."""


@contextmanager
def holding_lease(lease: Lease) -> Iterator[None]:
    """Requests inside the context require that the lease is held."""
    token = _lease.set(lease)
    try:
        yield
    finally:
        _lease.reset(token)


def check_lease() -> None:
    """Runs after every wait, and directly before the first byte. Raises NotAllowedToSend. A question needs no lease."""
    lease = _lease.get()
    if lease is None:
        return
    try:
        lease.hold()
    except LeaseOver as over:
        raise NotAllowedToSend(str(over)) from None


def require_lease() -> None:
    """For requests that change something. Raises NotAllowedToSend."""
    if _lease.get() is None:
        raise NotAllowedToSend("nothing is changed without a lease")
