"""Finds an address for a host that may be called: never one of this machine or a private network, unless allowed."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Sequence
from typing import Final

_GLOBAL_UNICAST: Final = ipaddress.ip_network("2000::/3")

Resolve = Callable[[str, int], Sequence[str]]


class AddressRefused(Exception):
    """The host has only addresses that may not be called. Told to operators, not to whoever receives events."""


def resolve(host: str, port: int) -> list[str]:
    """Every address of the host. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def public_address(host: str, port: int, *, allow_private: bool, resolve: Resolve = resolve) -> str:
    """The address to connect to, which must be the very one that was looked at. Raises AddressRefused and OSError."""
    for address in resolve(host, port):
        if allow_private or is_public(address):
            return address
    raise AddressRefused("the host is on a private network (BAYAR_ALLOW_PRIVATE_WEBHOOKS)")


def is_public(address: str) -> bool:
    """Whether the address is on the internet at large."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        # The same IPv4 address in other clothes: mapped, 6to4, Teredo, NAT64.
        inner = parsed.ipv4_mapped or parsed.sixtofour or (parsed.teredo[1] if parsed.teredo else None)
        if inner is None and parsed in ipaddress.ip_network("64:ff9b::/96"):
            inner = ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
        # Nothing else of IPv6 is routed on the internet.
        if parsed not in _GLOBAL_UNICAST:
            return False
    return parsed.is_global and not parsed.is_multicast
