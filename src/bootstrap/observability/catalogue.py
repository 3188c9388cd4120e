"""The catalogue of metrics: each with its labels, its meaning, and the action that its value asks for.

docs/operate/metrics.md is generated from it (metrics_page.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

# In seconds: a read takes a millisecond, a payment half a second, and a gateway that hangs more than a minute.
CALL_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 75.0)
TRANSACTION_BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)


class Kind(StrEnum):
    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """One family. remedy: for the operator who sees an unusual value."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    meaning: str
    remedy: str
    buckets: tuple[float, ...] = ()


_CALL_LABELS: Final = ("grpc_type", "grpc_service", "grpc_method", "grpc_code")
# Labels that a scraper adds by itself (job, endpoint, instance ...) have other names: it would rename ours.
_ENDPOINT: Final = ("webhook_endpoint",)
_JOB: Final = "background_job"
_OPEN: Final = ("operation", "state")

GRPC_HANDLED: Final = Metric(
    "grpc_server_handled_total",
    Kind.COUNTER,
    _CALL_LABELS,
    "Calls of the contract that ended, by method and code. A decline is OK. Calls of methods that this version does "
    "not have are all `unknown`, their type, too.",
    "INTERNAL is a fault of Bayar: see the alert BayarInternalErrors. UNAVAILABLE: see BayarCallsFailing. "
    "UNAUTHENTICATED and RESOURCE_EXHAUSTED: look at the callers. UNIMPLEMENTED: a caller's contract is newer than "
    "this version, or somebody tries paths.",
)
GRPC_SECONDS: Final = Metric(
    "grpc_server_handling_seconds",
    Kind.HISTOGRAM,
    _CALL_LABELS,
    "Duration of calls in seconds, from their arrival to their answer. Of streams: their lifetime. Exemplars carry the "
    "trace id.",
    "Compare with bayar_gateway_call_duration_seconds and bayar_database_transaction_seconds: the rest is Bayar's own, "
    "and grows where CPU is short.",
    CALL_BUCKETS,
)
GRPC_REFUSED: Final = Metric(
    "bayar_grpc_refusals_total",
    Kind.COUNTER,
    ("grpc_method", "reason"),
    "Calls that ended with an error, by its reason (ErrorInfo).",
    "docs/integrate/errors.md explains each reason. OVERLOADED: see the alert BayarCallsOverloaded. SERVICE_HELD: see "
    "BayarServiceHeld.",
)
GRPC_OPEN: Final = Metric(
    "bayar_grpc_calls_open",
    Kind.GAUGE,
    (),
    "Unary calls that wait for their answer.",
    "Near BAYAR_GRPC_THREADS: calls wait for the gateway or the database. Look for the slow one, or add replicas.",
)
OPERATIONS: Final = Metric(
    "bayar_payment_operations_total",
    Kind.COUNTER,
    ("operation", "outcome", "reason", "brand", "currency", "recorded_by"),
    "Outcomes of operations as they were committed: succeeded, declined, failed, unknown, or found (made by somebody "
    "else at the gateway). reason is the decline's or the failure's. recorded_by: call, or background for what the "
    "resolver found.",
    "More declines of one reason or brand: the issuer or the network has a fault, or somebody tests cards. See the "
    "alert BayarDeclinesHigh. More unknown: look at the gateway.",
)
OPEN_OPERATIONS: Final = Metric(
    "bayar_operations_open",
    Kind.GAUGE,
    _OPEN,
    "Operations without an outcome. pending: their call is under way. unresolved: their outcome was lost or their "
    "process died, and the resolver looks for it. scheduled: refunds that wait for settlement.",
    "unresolved that stay: see the alert BayarOperationsUnresolved. scheduled ones wait a day or more: "
    "BayarScheduledRefundsLate.",
)
OLDEST_OPEN: Final = Metric(
    "bayar_operations_open_oldest_age_seconds",
    Kind.GAUGE,
    _OPEN,
    "Age of the oldest operation without an outcome, in seconds. 0: there is none.",
    "bayar unresolved lists them. Above an hour, a person is needed: see the alert BayarOperationsUnresolved.",
)
PENDING_METHODS: Final = Metric(
    "bayar_payment_methods_pending",
    Kind.GAUGE,
    (),
    "Stored methods whose outcome at the gateway is unknown.",
    "The resolver finds them as it finds payments. If the number stays, see the alert BayarPaymentMethodsPending.",
)
UNPUBLISHED: Final = Metric(
    "bayar_feed_unpublished_events",
    Kind.GAUGE,
    (),
    "Committed events that have no position in the feed yet.",
    "Normally a few, for less than a second. Look at the background job `event relay`.",
)
FEED_LAG: Final = Metric(
    "bayar_feed_lag_seconds",
    Kind.GAUGE,
    (),
    "Age of the oldest event without a position, in seconds.",
    "Readers of the feed are this far behind. See the alert BayarFeedLate.",
)
SEARCH_LAG: Final = Metric(
    "bayar_search_lag_seconds",
    Kind.GAUGE,
    (),
    "Age of the oldest event that the search index has not followed yet, in seconds.",
    "Payments changed since then are found by their ids and references only. See the alert BayarSearchLate.",
)
SEARCH_COMPLETE: Final = Metric(
    "bayar_search_index_complete",
    Kind.GAUGE,
    (),
    "1 once the search index has every payment, 0 while it is being built.",
    "0 after an upgrade or `bayar search rebuild`, for as long as `bayar search status` says.",
)
WEBHOOK_ATTEMPTS: Final = Metric(
    "bayar_event_webhook_attempts_total",
    Kind.COUNTER,
    ("webhook_endpoint", "outcome"),
    "Attempts to deliver an event to an endpoint: delivered or failed.",
    "failed: AdminService.ListEventEndpoints shows the last error. The endpoint's owner mends it.",
)
WEBHOOK_SECONDS: Final = Metric(
    "bayar_event_webhook_duration_seconds",
    Kind.HISTOGRAM,
    _ENDPOINT,
    "Duration of an attempt in seconds.",
    "A slow endpoint delays only its own events.",
    (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
WEBHOOK_LAG: Final = Metric(
    "bayar_event_webhook_lag_events",
    Kind.GAUGE,
    _ENDPOINT,
    "Positions of the feed between the endpoint's cursor and the end.",
    "Grows while the endpoint fails or is too slow.",
)
WEBHOOK_FAILING: Final = Metric(
    "bayar_event_webhook_failing_seconds",
    Kind.GAUGE,
    _ENDPOINT,
    "Seconds since the endpoint's next event failed for the first time. 0: it does not fail.",
    "After three days the event becomes a dead letter, and the next one is tried. See the "
    "alert BayarEventEndpointFailing.",
)
WEBHOOK_DEAD: Final = Metric(
    "bayar_event_webhook_dead_letters",
    Kind.GAUGE,
    _ENDPOINT,
    "Events that were given up for the endpoint.",
    "See the alert BayarEventDeadLetters.",
)
INBOX_REQUESTS: Final = Metric(
    "bayar_webhook_requests_total",
    Kind.COUNTER,
    ("kind", "outcome"),
    "Requests to the address of Braintree's webhooks.",
    "forged: see the alert BayarWebhooksForged. store_unavailable, busy: see BayarWebhooksNotStored.",
)
INBOX_PROCESSED: Final = Metric(
    "bayar_webhook_notifications_total",
    Kind.COUNTER,
    ("kind", "outcome"),
    "Processed webhooks of Braintree.",
    "dead: see the alert BayarWebhooksDead.",
)
INBOX_UNFINISHED: Final = Metric(
    "bayar_webhook_unfinished",
    Kind.GAUGE,
    ("state",),
    "Webhooks of Braintree that wait (pending), or were given up (dead).",
    "pending: see the alert BayarWebhooksWaiting. dead: see BayarWebhooksDead.",
)
POLLS_DUE: Final = Metric(
    "bayar_settlement_polls_due",
    Kind.GAUGE,
    (),
    "Payments whose settlement poll is due, counted up to 10,000.",
    "Normally none for longer than a minute. Look at the background job `settlement poller` and the gateway's "
    "searches.",
)
SETTLEMENT_LAG: Final = Metric(
    "bayar_settlement_lag_seconds",
    Kind.GAUGE,
    (),
    "Seconds by which the most overdue settlement poll is late.",
    "Settlements are seen this much later. See the alert BayarSettlementLate.",
)
DATABASE_UP: Final = Metric(
    "bayar_database_up",
    Kind.GAUGE,
    (),
    "1 if the database answered the queries of this scrape, else 0. Then all numbers that come from it are missing.",
    "See the alerts BayarDatabaseDown and BayarDatabaseNotReached. Other metrics are exported all the same.",
)
POOL: Final = Metric(
    "bayar_database_connections",
    Kind.GAUGE,
    ("state",),
    "Connections of the process's pool: in_use, idle, and the limit (BAYAR_DATABASE_CONNECTIONS).",
    "in_use at the limit: calls wait for a connection. See the alert BayarDatabaseConnectionsUsedUp.",
)
TRANSACTIONS: Final = Metric(
    "bayar_database_transactions_total",
    Kind.COUNTER,
    ("kind", "outcome"),
    "Transactions: read or write, committed or rolled_back.",
    "Some are rolled back by rule (a refused request). A rising share: look at the log for StoreUnavailable.",
)
TRANSACTION_SECONDS: Final = Metric(
    "bayar_database_transaction_seconds",
    Kind.HISTOGRAM,
    ("kind",),
    "Duration of transactions in seconds, with the wait for a connection and the commit.",
    "A slow write slows every payment. See the alert BayarDatabaseSlow.",
    TRANSACTION_BUCKETS,
)
GATEWAY_OPEN: Final = Metric(
    "bayar_gateway_calls_under_way",
    Kind.GAUGE,
    (),
    "Calls to the gateway that wait for an answer.",
    "At BAYAR_BRAINTREE_MAX_CALLS further calls are refused. See the alert BayarGatewayCallsRefusedBusy.",
)
GATEWAY_CALLS: Final = Metric(
    "bayar_gateway_calls_total",
    Kind.COUNTER,
    ("calls", "end"),
    "Calls to the gateway by kind (moves of money, searches, others) and end. The effect of lost calls is not "
    "known yet.",
    "lost: see the alert BayarGatewayAnswersLost. not_sent: see BayarGatewayNotReached. refused_silent: the breaker is "
    "open. refused_busy: see BayarGatewayCallsRefusedBusy.",
)
GATEWAY_SECONDS: Final = Metric(
    "bayar_gateway_call_duration_seconds",
    Kind.HISTOGRAM,
    ("calls", "end"),
    "Duration of calls to the gateway in seconds, with the wait for a place. Exemplars carry the trace id.",
    "Slow answers for all replicas: the gateway. For one: its network. See the alert BayarGatewaySlow.",
    CALL_BUCKETS,
)
BREAKER: Final = Metric(
    "bayar_gateway_breaker_open",
    Kind.GAUGE,
    ("calls",),
    "1 while calls of this kind are refused because the gateway does not answer them.",
    "See the alerts BayarGatewayBreakerOpen and BayarGatewaySearchBreakerOpen.",
)
HANDSHAKES: Final = Metric(
    "bayar_gateway_handshakes_total",
    Kind.COUNTER,
    ("kind",),
    "New TLS connections to the gateway: full ones, and those that resumed an earlier session.",
    "Many full ones: something between closes the connections.",
)
JOB_RUNS: Final = Metric(
    "bayar_background_job_runs_total",
    Kind.COUNTER,
    (_JOB, "outcome"),
    "Runs of background jobs: worked, idle or failed.",
    "failed: the log names the cause. A job retries by itself. See the alert BayarBackgroundJobFailing.",
)
JOB_SUCCESS: Final = Metric(
    "bayar_background_job_last_success_timestamp_seconds",
    Kind.GAUGE,
    (_JOB,),
    "Time of the job's last run without an error, in seconds since 1970.",
    "An old time: the job fails, hangs, or is held (bayar background status).",
)
RECONCILED: Final = Metric(
    "bayar_reconciliation_runs_total",
    Kind.COUNTER,
    ("outcome",),
    "Reconciliations: completed or broken_off.",
    "Run one each day (bayar reconcile).",
)
DIFFERENCES: Final = Metric(
    "bayar_reconciliation_differences_total",
    Kind.COUNTER,
    ("kind",),
    "Differences between Bayar's record and the gateway's that reconciliations found. foreign: other deployments' and "
    "not Bayar's business.",
    "See the alert BayarReconciliationDifferences.",
)
WORKERS_WANTED: Final = Metric(
    "bayar_workers_wanted", Kind.GAUGE, (), "The configured number of workers.", "Compare with bayar_workers_ready."
)
WORKERS_READY: Final = Metric(
    "bayar_workers_ready",
    Kind.GAUGE,
    (),
    "The number of workers that answer calls.",
    "See the alerts BayarWorkersTooFew and BayarWorkersMissing.",
)
WORKERS_REPLACED: Final = Metric(
    "bayar_workers_replaced_total",
    Kind.COUNTER,
    (),
    "Workers that ended unexpectedly and were replaced.",
    "See the alert BayarWorkersDying.",
)
LINES_DROPPED: Final = Metric(
    "bayar_log_lines_dropped_total",
    Kind.COUNTER,
    ("stream",),
    "Lines that found no room or could not be written.",
    "See the alert BayarLogLinesDropped.",
)
BUILD: Final = Metric(
    "bayar_build_info",
    Kind.GAUGE,
    ("version", "python"),
    "1, with the versions of the service and of Python as labels.",
    "Two versions for longer than an update: a replica was left behind.",
)

CATALOGUE: Final = tuple(value for value in list(globals().values()) if isinstance(value, Metric))
