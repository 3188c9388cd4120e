"""Metrics of gateway calls exist from the start."""

from __future__ import annotations

from adapters.braintree.transport.circuit_breaker import CallClass, CallEnd, GatewayStats
from adapters.braintree.transport.tls import Handshakes
from adapters.http.metrics import Metrics
from bootstrap.wiring.gateway_metrics import gateway_families


def shown(stats: GatewayStats) -> dict[str, int]:
    lines = Metrics(lambda: gateway_families(stats)).text({}).splitlines()
    return {name: int(number) for name, number in (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))}


def test_every_count_is_there_before_anything_happened() -> None:
    numbers = shown(GatewayStats(under_way=0, ended={}, open_circuits=frozenset(), handshakes=Handshakes()))
    assert set(numbers.values()) == {0}
    assert len(numbers) == 1 + len(CallClass) * len(CallEnd) + len(CallClass) + 2


def test_events_are_grouped_by_kind() -> None:
    numbers = shown(
        GatewayStats(
            under_way=3,
            ended={(CallClass.MOVES, CallEnd.LOST): 10, (CallClass.SEARCHES, CallEnd.ANSWERED): 4},
            open_circuits=frozenset({CallClass.MOVES}),
            handshakes=Handshakes(full=2, resumed=7),
        )
    )
    assert {name: number for name, number in numbers.items() if number} == {
        "bayar_gateway_calls_under_way{}": 3,
        'bayar_gateway_calls_total{calls="moves",end="lost"}': 10,
        'bayar_gateway_calls_total{calls="searches",end="answered"}': 4,
        'bayar_gateway_breaker_open{calls="moves"}': 1,
        'bayar_gateway_handshakes_total{kind="full"}': 2,
        'bayar_gateway_handshakes_total{kind="resumed"}': 7,
    }
