"""SSRF protection: resolves a webhook's host, and refuses addresses of this machine and of private networks."""

import ipaddress
import socket
from collections.abc import Callable, Sequence
from typing import Final

_GLOBAL_UNICAST: Final = ipaddress.ip_network("2000::/3")
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
# IANA's special-purpose address registries, including their reachable ranges: no merchant's server is in them.
_SPECIAL: Final = tuple(
    ipaddress.ip_network(network)
    for network in [
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "2620:4f:8000::/48",
        "3fff::/20",
    ]
)

Resolve = Callable[[str, int], Sequence[str]]


class AddressRefused(Exception):
    """The host has only addresses that may not be called. Reported to operators, not to receivers of events."""


def resolve(host: str, port: int) -> list[str]:
    """Every address of the host. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def public_address(host: str, port: int, *, allow_private: bool, resolve: Resolve = resolve) -> str:
    """The address to connect to: exactly the one that was checked. Raises AddressRefused and OSError."""
    for address in resolve(host, port):
        if allow_private or is_public(address):
            return address
    raise AddressRefused("the host is on a private network (BAYAR_ALLOW_PRIVATE_WEBHOOKS)")


def is_public(address: str) -> bool:
    """Whether the address is globally routable."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        # IPv6 forms of an IPv4 address: mapped, or for a network without IPv4 (NAT64).
        inner = ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF) if parsed in _NAT64 else parsed.ipv4_mapped
        if inner is not None:
            return is_public(str(inner))
        # No other IPv6 range is routed on the internet.
        if parsed not in _GLOBAL_UNICAST:
            return False
    return parsed.is_global and not any(parsed in network for network in _SPECIAL)
