"""Faults of the gateway."""

from __future__ import annotations

from typing import Final

from tests.deploy.drills.drill import Drill, Plan

_PROBE: Final = (
    """python3 -c "import socket; socket.create_connection(('api.braintreegateway.com', 443), 5); print('reached')\""""
)
_BY_INSTANCE: Final = (
    "histogram_quantile(0.95, sum by (instance, le) "
    '(rate(bayar_gateway_call_duration_seconds_bucket{calls="moves", end="answered"}[15s])))'
)


def a_gateway_that_refuses_connections(drill: Drill) -> None:
    drill.stack.twin.control.add_fault("refuse")
    drill.fault("the gateway refuses every connection")
    drill.fires("BayarGatewayNotReached", "BayarCallsFailing")
    drill.query("topk(5, sum by (reason) (rate(bayar_grpc_refusals_total[10s])))")
    drill.shell(f"{_PROBE} 2>&1 | tail -1", shown=_PROBE)
    drill.shell("bayar unresolved")
    drill.stack.twin.control.clear_faults()
    drill.say("the gateway accepts connections again")
    drill.shell(_PROBE)
    drill.is_over("BayarGatewayNotReached", "BayarCallsFailing")


def a_silent_gateway(drill: Drill) -> None:
    drill.stack.twin.control.add_fault("delay", seconds=30)
    drill.fault("the gateway takes every request, and answers none")
    drill.fires("BayarGatewayAnswersLost", "BayarGatewayBreakerOpen", "BayarGatewaySearchBreakerOpen")
    drill.shell("bayar unresolved", lines=6)
    drill.shell(_PROBE)
    drill.stack.twin.control.clear_faults()
    drill.say("the gateway answers again")
    drill.is_over("BayarGatewayBreakerOpen", "BayarGatewayAnswersLost", "BayarGatewaySearchBreakerOpen")
    drill.resolved()


def a_slow_gateway(drill: Drill) -> None:
    drill.stack.twin.control.add_fault("delay", seconds=6)
    drill.fault("each answer of the gateway takes six seconds")
    drill.fires("BayarGatewaySlow")
    drill.query(_BY_INSTANCE)
    drill.shell("bayar unresolved")
    drill.stack.twin.control.clear_faults()
    drill.say("the gateway answers as usual")
    drill.is_over("BayarGatewaySlow")


def a_slow_gateway_under_load(drill: Drill) -> None:
    drill.stack.twin.control.add_fault("delay", seconds=1)
    drill.fault("each answer of the gateway takes a second, and 40 callers pay")
    done = drill.stack.start_callers(40)
    drill.fires("BayarGatewayCallsRefusedBusy", "BayarCallsOverloaded")
    drill.query("sum by (reason) (rate(bayar_grpc_refusals_total[10s]))")
    drill.query("max by (instance, worker) (bayar_gateway_calls_under_way)")
    done.set()
    drill.stack.twin.control.clear_faults()
    drill.say("the gateway is quick again, and 3 callers pay")
    drill.is_over("BayarGatewayCallsRefusedBusy", "BayarCallsOverloaded")


GATEWAY_DRILLS: Final = (
    Plan(("BayarGatewayNotReached", "BayarCallsFailing"), a_gateway_that_refuses_connections),
    Plan(
        ("BayarGatewayAnswersLost", "BayarGatewayBreakerOpen", "BayarGatewaySearchBreakerOpen"),
        a_silent_gateway,
        {"BAYAR_BRAINTREE_MAX_CALLS": "4"},
    ),
    Plan(("BayarGatewaySlow",), a_slow_gateway, {"BAYAR_BRAINTREE_READ_TIMEOUT_SECONDS": "20"}),
    Plan(
        ("BayarGatewayCallsRefusedBusy", "BayarCallsOverloaded"),
        a_slow_gateway_under_load,
        {"BAYAR_GRPC_THREADS": "6", "BAYAR_GRPC_QUEUE": "2", "BAYAR_BRAINTREE_MAX_CALLS": "2"},
    ),
)
