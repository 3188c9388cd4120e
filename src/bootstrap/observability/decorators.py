"""Decorators that measure use cases and ports from outside."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from application.ports.deliveries import Endpoint
from application.ports.feed import FeedItem
from application.ports.webhook_sender import WebhookSender
from application.recovery.reconcile import Progress, Reconcile, ReconcileCommand
from application.recovery.reconciliation_findings import Finding
from bootstrap.observability import catalogue
from bootstrap.observability.instruments import Instruments


@dataclass(frozen=True, slots=True)
class MeasuredWebhookSender:
    """Counts and times the attempts at each endpoint."""

    sender: WebhookSender
    instruments: Instruments

    def send(self, endpoint: Endpoint, item: FeedItem, time_of_attempt: datetime, /) -> str:
        began = time.perf_counter()
        error = self.sender.send(endpoint, item, time_of_attempt)
        self.instruments.histogram(catalogue.WEBHOOK_SECONDS).labels(endpoint.name).observe(time.perf_counter() - began)
        self.instruments.counter(catalogue.WEBHOOK_ATTEMPTS).labels(
            endpoint.name, "failed" if error else "delivered"
        ).inc()
        return error


@dataclass(frozen=True, slots=True)
class MeasuredReconcile:
    """Counts reconciliations and the differences that they find."""

    reconcile: Reconcile
    instruments: Instruments

    def __call__(self, command: ReconcileCommand) -> Iterator[Finding | Progress]:
        """Raises what Reconcile raises, InvalidRequest at once."""
        return self._counted(self.reconcile(command))

    def _counted(self, found: Iterator[Finding | Progress]) -> Iterator[Finding | Progress]:
        outcome = "broken_off"
        try:
            for one in found:
                if isinstance(one, Finding):
                    self.instruments.counter(catalogue.DIFFERENCES).labels(one.kind.value).inc()
                elif one.is_done:
                    outcome = "completed"
                yield one
        finally:
            self.instruments.counter(catalogue.RECONCILED).labels(outcome).inc()


def measured_job(name: str, job: Callable[[], int], instruments: Instruments) -> Callable[[], int]:
    """Counts the runs of a background job."""
    runs = instruments.counter(catalogue.JOB_RUNS)
    worked, idle, failed = (runs.labels(name, outcome) for outcome in ("worked", "idle", "failed"))
    success = instruments.gauge(catalogue.JOB_SUCCESS).labels(name)

    def run() -> int:
        try:
            done = job()
        except Exception:
            failed.inc()
            raise
        (worked if done else idle).inc()
        success.set_to_current_time()
        return done

    return run
