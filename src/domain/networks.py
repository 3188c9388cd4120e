"""IP networks that count as one client: a single IPv4 address, or an IPv6 /64."""

import ipaddress
from typing import Final

# A network of this size is one household: its addresses change at will.
_IPV6_PREFIX: Final = 64


def network_of(address: str) -> str:
    """The IPv4 address itself, or the /64 of an IPv6 address. Raises ValueError for anything else, or for a zone."""
    parsed = ipaddress.ip_address(address)
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.scope_id is not None:
        raise ValueError("a zone means something on one machine only")
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, _IPV6_PREFIX), strict=False))
