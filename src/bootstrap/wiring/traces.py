"""Wires traces around the objects that they observe. While traces are off, every object is the plain one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from adapters.persistence.store import SqlStore
from application.common.lease import LeasePolicy
from application.idempotency.gateway_call import GatewayCallExecutor
from application.idempotency.idempotency_guard import IdempotencyGuard
from application.ports.runtime import Clock
from application.ports.webhook_sender import WebhookSender
from application.recovery.resolve_outcome import ResolveOutcome
from application.recovery.send_scheduled_refund import SendScheduledRefund
from bootstrap.config.settings import Settings
from bootstrap.observability.call_metrics import CallMetrics, GatewayMetrics, StoreMetrics
from bootstrap.observability.calls import Calls
from bootstrap.observability.event_log import GatewayLog, OutcomeLog
from bootstrap.observability.fan_out import GatewayObservers, StoreObservers
from bootstrap.observability.instruments import Instruments
from bootstrap.observability.traced import (
    DisputeTrace,
    GatewaySpans,
    MethodTrace,
    StoreSpans,
    TracedExecutor,
    TracedRefund,
    TracedResolution,
    TracedWebhookSender,
)
from bootstrap.observability.traced_calls import TracedCalls
from domain.dispute import Dispute
from domain.ids import PaymentMethodId

if TYPE_CHECKING:
    from bootstrap.observability.tracing import Tracing


def tracing(settings: Settings) -> Tracing | None:
    """None: traces are off, and nothing of OpenTelemetry is loaded."""
    if not settings.otlp_endpoint:
        return None
    from bootstrap.observability.tracing import Tracing

    return Tracing(settings.otlp_endpoint, settings.trace_ratio)


def store_observers(instruments: Instruments, tracing: Tracing | None, engine: Engine) -> StoreObservers:
    spans = [StoreSpans(tracing, engine.dialect.name)] if tracing else []
    return StoreObservers(StoreMetrics(instruments), OutcomeLog(), *spans)


def gateway_observers(instruments: Instruments, tracing: Tracing | None) -> GatewayObservers:
    spans = [GatewaySpans(tracing)] if tracing else []
    return GatewayObservers(GatewayMetrics(instruments), GatewayLog(), *spans)


def call_observer(instruments: Instruments, tracing: Tracing | None) -> Calls:
    metrics = CallMetrics(instruments)
    return TracedCalls(metrics, tracing) if tracing else Calls(metrics)


def executor(
    tracing: Tracing | None, store: SqlStore, clock: Clock, guard: IdempotencyGuard, leases: LeasePolicy
) -> GatewayCallExecutor:
    if tracing is None:
        return GatewayCallExecutor(store, clock, guard, leases)
    return TracedExecutor(store, clock, guard, leases, tracing)


def resolution(tracing: Tracing | None, resolve: ResolveOutcome, store: SqlStore) -> ResolveOutcome | TracedResolution:
    return TracedResolution(resolve, tracing, store.trace_context_of) if tracing else resolve


def method_surround(
    tracing: Tracing | None, store: SqlStore
) -> Callable[[PaymentMethodId], AbstractContextManager[object]]:
    return MethodTrace(tracing, store.trace_context_of) if tracing else nullcontext


def dispute_surround(tracing: Tracing | None, store: SqlStore) -> Callable[[Dispute], AbstractContextManager[object]]:
    return DisputeTrace(tracing, store.trace_context_of) if tracing else nullcontext


def scheduled_refund(
    tracing: Tracing | None, send: SendScheduledRefund, store: SqlStore
) -> SendScheduledRefund | TracedRefund:
    return TracedRefund(send, tracing, store.trace_context_of) if tracing else send


def webhook_sender(tracing: Tracing | None, sender: WebhookSender, store: SqlStore) -> WebhookSender:
    return TracedWebhookSender(sender, tracing, store.trace_context_of) if tracing else sender
