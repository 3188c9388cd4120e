"""Exposes statistics of the gateway's calls as metrics."""

from collections.abc import Iterator
from typing import Final

from adapters.braintree.transport.circuit_breaker import CallClass, CallEnd, GatewayStats
from adapters.http.metrics import Family

_PREFIX: Final = "bayar_gateway_"


def gateway_families(now: GatewayStats) -> Iterator[Family]:
    yield Family(
        _PREFIX + "calls_under_way", "Calls to the gateway that wait for an answer.", "gauge", [((), now.under_way)]
    )
    yield Family(
        _PREFIX + "calls_total",
        "Calls to the gateway by kind and end. The effect of lost calls is not known yet.",
        "counter",
        [
            ((("calls", kind.value), ("end", end.value)), now.ended.get((kind, end), 0))
            for kind in CallClass
            for end in CallEnd
        ],
    )
    yield Family(
        _PREFIX + "breaker_open",
        "1 while calls of this kind are refused because the gateway does not answer them.",
        "gauge",
        [((("calls", kind.value),), int(kind in now.open_circuits)) for kind in CallClass],
    )
    yield Family(
        _PREFIX + "handshakes_total",
        "New TLS connections to the gateway: full ones, and those that resumed an earlier session.",
        "counter",
        [((("kind", "full"),), now.handshakes.full), ((("kind", "resumed"),), now.handshakes.resumed)],
    )
