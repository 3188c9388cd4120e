"""The rows about calls, payments and the gateway."""

from __future__ import annotations

from typing import Final

from deploy.grafana.panels import (
    Panel,
    Row,
    Target,
    Threshold,
    most,
    ours,
    positive,
    quantiles,
    rate,
    share,
    stat,
    total,
)

_CALLS: Final = "grpc_server_handled_total"
_UNARY: Final = 'grpc_type="unary"'
_FAILED: Final = f'{_UNARY}, grpc_code=~"UNAVAILABLE|DEADLINE_EXCEEDED|INTERNAL|UNKNOWN|DATA_LOSS"'
_GATEWAY: Final = "bayar_gateway_calls_total"
_READS: Final = f'{_UNARY}, grpc_method=~"(Get|List).*"'
_CHANGES: Final = f'{_UNARY}, grpc_method!~"(Get|List|Search|Verify).*"'
_AUTHORIZED: Final = 'operation="authorize"'

NOW: Final = Row(
    "Now",
    (
        stat(
            "Alerts that fire",
            "docs/operate/runbooks has a page for each.",
            'count(ALERTS{alertname=~"Bayar.*", alertstate="firing"}) or vector(0)',
        ),
        stat("Replicas that answer", "0: BayarAbsent.", 'sum(up{job="bayar"})', threshold=Threshold(1, is_floor=True)),
        stat(
            "Database",
            "1: a replica reaches it. 0: BayarDatabaseDown.",
            most("bayar_database_up"),
            threshold=Threshold(1, is_floor=True),
        ),
        stat(
            "Calls that fail",
            "UNAVAILABLE, DEADLINE_EXCEEDED or INTERNAL, of the last 5 minutes. Above 5 %: BayarCallsFailing.",
            share(f"({total(_CALLS, _FAILED, '5m')} or vector(0))", total(_CALLS, _UNARY, "5m")),
            "percentunit",
            Threshold(0.05),
        ),
        stat(
            "Payments unanswered",
            "Of those sent in the last 5 minutes. Above 5 %: BayarGatewayAnswersLost.",
            share(
                total(_GATEWAY, 'calls="moves", end="lost"', "5m"),
                total(_GATEWAY, 'calls="moves", end=~"answered|lost"', "5m"),
            ),
            "percentunit",
            Threshold(0.05),
        ),
        stat(
            "Open circuit breakers",
            "Processes that refuse payments because the gateway does not answer: BayarGatewayBreakerOpen.",
            "sum(" + ours("bayar_gateway_breaker_open", 'calls="moves"') + ")",
        ),
        stat(
            "Oldest unknown outcome",
            "Above an hour: BayarOperationsUnresolved.",
            most("bayar_operations_open_oldest_age_seconds", matchers='state="unresolved"'),
            "s",
            Threshold(3600),
        ),
        stat(
            "Declined",
            "Of the authorizations of the last 15 minutes. Above half: BayarDeclinesHigh.",
            share(
                total("bayar_payment_operations_total", f'{_AUTHORIZED}, outcome="declined"', "15m"),
                total("bayar_payment_operations_total", f'{_AUTHORIZED}, outcome=~"declined|succeeded"', "15m"),
            ),
            "percentunit",
            Threshold(0.5),
        ),
        stat("Feed behind", "Above a minute: BayarFeedLate.", most("bayar_feed_lag_seconds"), "s", Threshold(60)),
        stat(
            "Workers that are missing",
            "Of all replicas: BayarWorkersMissing, BayarWorkersTooFew.",
            f"sum({ours('bayar_workers_wanted')} - {ours('bayar_workers_ready')}) or vector(0)",
        ),
        stat(
            "Webhooks given up",
            "Of Braintree: BayarWebhooksDead.",
            most("bayar_webhook_unfinished", matchers='state="dead"'),
        ),
        stat(
            "Dead letters",
            "Events that were given up for an endpoint: BayarEventDeadLetters.",
            f"sum(max by (webhook_endpoint) ({ours('bayar_event_webhook_dead_letters')})) or vector(0)",
        ),
        Panel(
            "Alerts",
            "Those that fire. docs/operate/runbooks has a page for each.",
            (Target('max by (alertname) (ALERTS{alertname=~"Bayar.*", alertstate="firing"})', "{{alertname}}"),),
            width=24,
            kind="state-timeline",
        ),
    ),
)

CALLS: Final = Row(
    "Calls",
    (
        Panel(
            "Calls by code",
            "A decline is OK. INTERNAL is a fault of Bayar: BayarInternalErrors.",
            (Target(rate(_CALLS, "grpc_code", _UNARY), "{{grpc_code}}"),),
            "reqps",
            is_stacked=True,
        ),
        Panel(
            "Duration of changes",
            "They wait for the gateway: compare with its answers below.",
            quantiles("grpc_server_handling_seconds", _CHANGES),
            "s",
        ),
        Panel(
            "Duration of reads",
            "They wait for the database alone.",
            quantiles("grpc_server_handling_seconds", _READS),
            "s",
        ),
        Panel(
            "Calls by method",
            "The busiest ones.",
            (Target(f"topk(8, {rate(_CALLS, 'grpc_method', _UNARY)})", "{{grpc_method}}"),),
            "reqps",
        ),
        Panel(
            "Refused calls",
            "By the reason of the error. OVERLOADED: BayarCallsOverloaded. SERVICE_HELD: BayarServiceHeld.",
            (Target(positive(rate("bayar_grpc_refusals_total", "reason")), "{{reason}}"),),
            "reqps",
        ),
        Panel(
            "Open calls",
            "That wait for their answer, by replica. A process carries BAYAR_GRPC_THREADS.",
            (Target(f"sum by (instance) ({ours('bayar_grpc_calls_open')})", "{{instance}}"),),
        ),
    ),
)

PAYMENTS: Final = Row(
    "Payments",
    (
        Panel(
            "Authorizations by outcome",
            "unknown: the answer was lost, and the resolver looks for it.",
            (Target(rate("bayar_payment_operations_total", "outcome", _AUTHORIZED), "{{outcome}}"),),
            "reqps",
            is_stacked=True,
        ),
        Panel(
            "Declines by reason",
            "One reason or one brand alone: the issuer or the network has a fault. BayarDeclinesHigh.",
            (Target(positive(rate("bayar_payment_operations_total", "reason", 'outcome="declined"')), "{{reason}}"),),
            "reqps",
        ),
        Panel(
            "Captures, voids, refunds",
            "By outcome.",
            (
                Target(
                    positive(rate("bayar_payment_operations_total", "operation, outcome", 'operation!="authorize"')),
                    "{{operation}} {{outcome}}",
                ),
            ),
            "reqps",
        ),
        Panel(
            "Approved by currency",
            "Authorizations.",
            (
                Target(
                    rate("bayar_payment_operations_total", "currency", _AUTHORIZED + ', outcome="succeeded"'),
                    "{{currency}}",
                ),
            ),
            "reqps",
            width=6,
        ),
        Panel(
            "Without an outcome",
            "unresolved: the resolver looks for it. scheduled: refunds that wait for settlement.",
            (
                Target(f"max by (state) (sum by (instance, state) ({ours('bayar_operations_open')}))", "{{state}}"),
                Target(most("bayar_payment_methods_pending"), "pending methods"),
            ),
            width=6,
        ),
        Panel(
            "Age of the oldest",
            "BayarOperationsUnresolved, BayarScheduledRefundsLate.",
            (Target(most("bayar_operations_open_oldest_age_seconds", "state"), "{{state}}"),),
            "s",
            width=6,
        ),
        Panel(
            "Found by the resolver",
            "Outcomes that the background recorded, because a call's answer was lost or its process died.",
            (
                Target(
                    positive(rate("bayar_payment_operations_total", "outcome", 'recorded_by="background"')),
                    "{{outcome}}",
                ),
            ),
            "reqps",
            width=6,
        ),
    ),
)

GATEWAY: Final = Row(
    "The gateway",
    (
        Panel(
            "Calls that move money",
            "By their end. lost: nobody knows yet whether they had an effect (BayarGatewayAnswersLost). not_sent, "
            "refused_busy, refused_silent: surely nothing was charged (BayarGatewayNotReached).",
            (Target(rate(_GATEWAY, "end", 'calls="moves"'), "{{end}}"),),
            "reqps",
            is_stacked=True,
        ),
        Panel(
            "Answers that move money",
            "Above 5 s: BayarGatewaySlow.",
            quantiles("bayar_gateway_call_duration_seconds", 'calls="moves", end="answered"'),
            "s",
        ),
        Panel(
            "Other calls",
            "Searches of the resolver and the pollers, and everything else.",
            (Target(positive(rate(_GATEWAY, "calls, end", 'calls!="moves"')), "{{calls}} {{end}}"),),
            "reqps",
        ),
        Panel(
            "Calls under way",
            "Each process carries BAYAR_BRAINTREE_MAX_CALLS, 150 unless set: BayarGatewayCallsRefusedBusy.",
            (
                Target(f"sum by (instance) ({ours('bayar_gateway_calls_under_way')})", "{{instance}}"),
                Target(most("bayar_gateway_calls_under_way"), "the fullest process"),
            ),
        ),
        Panel(
            "Circuit breakers",
            "1 while a process refuses calls of this kind: BayarGatewayBreakerOpen, BayarGatewaySearchBreakerOpen.",
            (Target(most("bayar_gateway_breaker_open", "instance, calls"), "{{instance}} {{calls}}"),),
        ),
        Panel(
            "TLS handshakes",
            "Many full ones: connections do not last, or Braintree gives no tickets.",
            (Target(rate("bayar_gateway_handshakes_total", "kind"), "{{kind}}"),),
            "reqps",
        ),
    ),
)
