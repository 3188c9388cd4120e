"""Shared ports (SO_REUSEPORT) and inherited listeners, which the supervisor holds for its worker processes."""

import errno
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

_TRIES: Final = 10
_WILDCARDS: Final = ("0.0.0.0", "::")  # noqa: S104 (what it is compared with)

Place = tuple[socket.AddressFamily, str]


class PortTaken(Exception):
    """The address is in use, not of this machine, or not allowed."""

    def __init__(self, address: str) -> None:
        super().__init__(f"cannot listen on {address}")


@contextmanager
def shared_port(address: str) -> Iterator[str]:
    """Holds the address for processes of this user that share it. Yields it with its real port. Raises PortTaken.

    A process that shares the port (SO_REUSEPORT) gets a part of the connections, so no other process may be there:
    neither one that does not share, nor another service that would. Nothing listens here: connections go to the
    children alone.
    """
    host, wanted = _parts(address)
    places = _places_as_grpc_has_them(host, address)
    # If a name has several addresses, a free port of the first can be taken on the second.
    for _ in range(1 if wanted else _TRIES):
        with ExitStack() as stack:
            port = wanted
            try:
                for place in places:
                    held = stack.enter_context(_hold(place, port))
                    port = held.getsockname()[1]
            except OSError:
                continue
            yield f"{address.rpartition(':')[0]}:{port}"
            return
    raise PortTaken(address)


def listeners(address: str) -> list[socket.socket]:
    """Listens on each address of the name. Raises PortTaken."""
    host, port = _parts(address)
    found: list[socket.socket] = []
    try:
        for family, name in _places(host):
            found.append(socket.create_server((name, port), family=family))
    except OSError:
        for one in found:
            one.close()
        raise PortTaken(address) from None
    return found


def _hold(place: Place, port: int) -> socket.socket:
    """A bound socket that others with SO_REUSEPORT may join. Raises OSError if the port is taken.

    Two holders of the same port would not see one another, as neither listens. So a socket first listens on it alone,
    and the remaining one is marked as closed to processes that do not share.
    """
    with _socket(place) as alone:
        alone.bind((place[1], port))
        alone.listen()
        alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        held = _socket(place)
        try:
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            held.bind((place[1], alone.getsockname()[1]))
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
        except OSError:
            held.close()
            raise
        return held


def _socket(place: Place) -> socket.socket:
    family, name = place
    made = socket.socket(family, socket.SOCK_STREAM)
    # Closing connections of an earlier run do no harm.
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family is socket.AF_INET6:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(name not in _WILDCARDS))
    return made


def _parts(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def _places_as_grpc_has_them(host: str, address: str) -> list[Place]:
    """For gRPC, either wildcard means both address families, if the machine has both. Raises PortTaken."""
    if host in _WILDCARDS:
        return [(socket.AF_INET6, "::") if _has_both_kinds() else (socket.AF_INET, "0.0.0.0")]  # noqa: S104
    try:
        return _places(host)
    except OSError:
        raise PortTaken(address) from None


def _places(host: str) -> list[Place]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return list(dict.fromkeys((family, str(where[0])) for family, _, _, _, where in found))


def _has_both_kinds() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            probe.bind(("::1", 0))
    except OSError as failure:
        return failure.errno not in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EPROTONOSUPPORT)
    return True
