"""The rows about the database, events, webhooks and processes."""

from __future__ import annotations

from typing import Final

from deploy.grafana.panels import Panel, Row, Target, increase, most, ours, positive, quantiles, rate

DATABASE: Final = Row(
    "The database",
    (
        Panel(
            "Transactions",
            "Some are rolled back by rule. A rising share: look at the log for StoreUnavailable.",
            (Target(rate("bayar_database_transactions_total", "kind, outcome"), "{{kind}} {{outcome}}"),),
            "reqps",
        ),
        Panel(
            "Duration of writes",
            "With the wait for a connection and the commit. Above 0.5 s: BayarDatabaseSlow.",
            quantiles("bayar_database_transaction_seconds", 'kind="write"'),
            "s",
        ),
        Panel(
            "Connections",
            "Of the fullest process. At the limit: BayarDatabaseConnectionsUsedUp.",
            (Target(most("bayar_database_connections", "state", 'state!="idle"'), "{{state}}"),),
        ),
    ),
)

EVENTS: Final = Row(
    "Events, settlement, reconciliation",
    (
        Panel(
            "Feed and search index",
            "Events without a position, and the age of the oldest: BayarFeedLate. Search index: 1 is complete.",
            (
                Target(most("bayar_feed_lag_seconds"), "seconds behind"),
                Target(most("bayar_feed_unpublished_events"), "events"),
                Target(most("bayar_search_lag_seconds"), "search: seconds behind"),
                Target(most("bayar_search_index_complete"), "search: complete"),
            ),
        ),
        Panel(
            "Attempts at endpoints",
            "Webhooks to your own services: BayarEventEndpointFailing.",
            (
                Target(
                    rate("bayar_event_webhook_attempts_total", "webhook_endpoint, outcome"),
                    "{{webhook_endpoint}} {{outcome}}",
                ),
            ),
            "reqps",
        ),
        Panel(
            "Endpoints behind",
            "Positions of the feed that wait for each endpoint.",
            (Target(most("bayar_event_webhook_lag_events", "webhook_endpoint"), "{{webhook_endpoint}}"),),
        ),
        Panel(
            "Duration of attempts",
            "Of one in twenty.",
            (
                Target(
                    "histogram_quantile(0.95, "
                    f"{rate('bayar_event_webhook_duration_seconds_bucket', 'webhook_endpoint, le')})",
                    "{{webhook_endpoint}}",
                ),
            ),
            "s",
            width=6,
        ),
        Panel(
            "Endpoints failing",
            "Since when the next event fails. After three days it is a dead letter: BayarEventDeadLetters.",
            (Target(most("bayar_event_webhook_failing_seconds", "webhook_endpoint"), "{{webhook_endpoint}}"),),
            "s",
            width=6,
        ),
        Panel(
            "Settlement polls",
            "Polls that are due, and the lateness of the most overdue in seconds: BayarSettlementLate.",
            (
                Target(most("bayar_settlement_polls_due"), "due"),
                Target(most("bayar_settlement_lag_seconds"), "seconds late"),
            ),
            width=6,
        ),
        Panel(
            "Reconciliation",
            "Runs and differences of a day: BayarReconciliationDifferences.",
            (
                Target(increase("bayar_reconciliation_runs_total", "outcome", window="1d"), "runs {{outcome}}"),
                Target(increase("bayar_reconciliation_differences_total", "kind", window="1d"), "{{kind}}"),
            ),
            width=6,
        ),
    ),
)

WEBHOOKS: Final = Row(
    "Webhooks of Braintree",
    (
        Panel(
            "Received",
            "By outcome. forged: no genuine signature (BayarWebhooksForged). store_unavailable, busy: "
            "BayarWebhooksNotStored.",
            (Target(rate("bayar_webhook_requests_total", "outcome"), "{{outcome}}"),),
            "reqps",
        ),
        Panel(
            "Processed",
            "By outcome.",
            (Target(rate("bayar_webhook_notifications_total", "outcome"), "{{outcome}}"),),
            "reqps",
        ),
        Panel(
            "Unfinished",
            "Each replica counts the same rows: BayarWebhooksWaiting, BayarWebhooksDead.",
            (Target(most("bayar_webhook_unfinished", "state"), "{{state}}"),),
        ),
    ),
)

PROCESSES: Final = Row(
    "Processes",
    (
        Panel(
            "Workers that are ready",
            "A replica answers 503 on /readyz below half of its workers. Only with BAYAR_WORKERS above 1.",
            (
                Target(ours("bayar_workers_ready"), "{{instance}}"),
                Target(f"sum({ours('bayar_workers_wanted')})", "wanted, all together"),
            ),
        ),
        Panel(
            "Workers replaced",
            "Those that ended by themselves, in 15 minutes: BayarWorkersDying.",
            (Target(increase("bayar_workers_replaced_total", "instance"), "{{instance}}"),),
        ),
        Panel(
            "Failed runs of background jobs",
            "In 15 minutes: BayarBackgroundJobFailing.",
            (
                Target(
                    positive(increase("bayar_background_job_runs_total", "background_job", 'outcome="failed"')),
                    "{{background_job}}",
                ),
            ),
        ),
        Panel(
            "CPU",
            "Cores of each replica. A worker is bound by one.",
            (Target(rate("process_cpu_seconds_total", "instance"), "{{instance}}"),),
            width=6,
        ),
        Panel(
            "Memory",
            "Of each replica: its processes together.",
            (Target(f"sum by (instance) ({ours('process_resident_memory_bytes')})", "{{instance}}"),),
            "bytes",
            width=6,
        ),
        Panel(
            "Log lines dropped",
            "In 15 minutes: BayarLogLinesDropped.",
            (Target(increase("bayar_log_lines_dropped_total", "instance"), "{{instance}}"),),
            width=6,
        ),
        Panel(
            "Versions",
            "Processes of each. Two for longer than an update: a replica was left behind.",
            (Target(f"count by (version) ({ours('bayar_build_info')})", "{{version}}"),),
            width=6,
        ),
    ),
)
