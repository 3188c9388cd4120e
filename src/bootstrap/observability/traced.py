"""Decorators and observers that make spans: for each step of a request, each transaction, each call to the gateway."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from adapters.braintree.transport.circuit_breaker import CallClass, CallEnd
from adapters.persistence.observer import PaymentChange
from application.common.lease import Lease
from application.idempotency.gateway_call import GatewayCall, GatewayCallExecutor
from application.idempotency.standing_refusals import STANDING
from application.payments.payment_call import StartedOperation
from application.ports.deliveries import Endpoint
from application.ports.feed import FeedItem
from application.ports.gateway import GatewayNotReached
from application.ports.store import ReferenceTaken
from application.ports.webhook_sender import WebhookSender
from domain.dispute import Dispute, DisputeAction
from domain.events import OperationEvent
from domain.ids import OperationId, PaymentId, PaymentMethodId
from domain.operation import Operation
from domain.payment import Payment

if TYPE_CHECKING:
    from bootstrap.observability.tracing import Tracing

Resource = TypeVar("Resource")

# Returns the traceparent with which an operation, a method or a dispute's last action was recorded, or an empty text.
TraceOf = Callable[[str], str]

_RESOURCES: Final = {"pay_": "payment_id", "pm_": "payment_method_id", "dis_": "dispute_id"}
_ROLLED_BACK: Final = {"bayar.transaction": "rolled back"}
_COMMITTED: Final = {"bayar.transaction": "committed"}


@dataclass(frozen=True, slots=True)
class TracedExecutor(GatewayCallExecutor):
    """Executes with a span for each step: record the intent, call the gateway, record the outcome."""

    tracing: Tracing

    def record_intents(self, call: GatewayCall[Resource, Any, Any]) -> tuple[Resource, Sequence[Any] | None]:
        ids = {"request_id": str(call.request.request_id)}
        with self.tracing.span("record the intent", ids, expected=(ReferenceTaken, *STANDING)):
            resource, intents = GatewayCallExecutor.record_intents(self, call)
            # Of a replay, the resource is an earlier one.
            ids |= _ids_of(call, intents[0]) if intents else {}
            self.tracing.add_ids(ids)
        self.tracing.add_ids(ids)
        return resource, intents

    def send_each(
        self, call: GatewayCall[Resource, Any, Any], resource: Resource, intents: Sequence[Any], lease: Lease
    ) -> Resource:
        steps = cast("GatewayCall[Resource, Any, Any]", _TracedSteps(call, self.tracing))
        return GatewayCallExecutor.send_each(self, steps, resource, intents, lease)


class _TracedSteps:
    """The steps of a call after the first, with spans."""

    def __init__(self, call: GatewayCall[Any, Any, Any], tracing: Tracing) -> None:
        self._call = call
        self._tracing = tracing
        self.renew_lease = call.renew_lease

    def send(self, intent: Any, lease: Lease) -> Any:
        with self._tracing.span("call the gateway", _ids_of(self._call, intent)):
            return self._call.send(intent, lease)

    def record_outcome(self, intent: Any, answer: Any) -> Any:
        with self._tracing.span("record the outcome", _ids_of(self._call, intent)):
            return self._call.record_outcome(intent, answer)

    def record_unsent(self, unsent: Sequence[Any], failure: GatewayNotReached) -> Any:
        ids = _ids_of(self._call, unsent[0])
        with self._tracing.span("record that nothing was sent", ids, expected=(GatewayNotReached,)):
            return self._call.record_unsent(unsent, failure)


def _ids_of(call: GatewayCall[Any, Any, Any], intent: Any) -> dict[str, str]:
    prefix = call.resource_id.partition("_")[0] + "_"
    ids = {_RESOURCES.get(prefix, "resource_id"): call.resource_id}
    match intent:
        case StartedOperation(operation=operation):
            ids["operation_id"] = operation.operation_id
        case (_, DisputeAction(action_id=action_id)):
            ids["operation_id"] = action_id
    return ids


class StoreSpans:
    """A span for each transaction within a trace."""

    def __init__(self, tracing: Tracing, database: str) -> None:
        """database: the product's name, by OpenTelemetry's conventions."""
        self._tracing = tracing
        self._database = {"db.system.name": database}

    def transaction_ended(
        self, *, is_write: bool, began: float, is_committed: bool, changes: Sequence[PaymentChange]
    ) -> None:
        facts = {**self._database, **(_COMMITTED if is_committed else _ROLLED_BACK)}
        if changes:
            facts["bayar.payment_id"] = changes[-1].payment.terms.payment_id
        # A rollback is no fault by itself: a refusal rolls back, too.
        self._tracing.add_past_span("write transaction" if is_write else "read", began, facts, is_fault=False)


class GatewaySpans:
    """A span for each call to the gateway within a trace, without the ids and tokens of its path."""

    def __init__(self, tracing: Tracing) -> None:
        self._tracing = tracing

    def call_ended(self, kind: CallClass, end: CallEnd, verb: str, path: str, began: float, /) -> None:
        _, _, rest = path.partition("/merchants/")
        resource = rest.split("/")[1] if "/" in rest else "gateway"
        facts = {"http.request.method": verb, "bayar.gateway.class": kind.value, "bayar.gateway.end": end.value}
        is_fault = end is not CallEnd.ANSWERED
        if is_fault:
            facts["error.type"] = end.value
        self._tracing.add_past_span(f"{verb} {resource}", began, facts, is_fault=is_fault)


@dataclass(frozen=True, slots=True)
class TracedResolution:
    """Resolves an operation within the trace of the call that began it."""

    resolve: Callable[[PaymentId, OperationId], Payment]
    tracing: Tracing
    trace_of: TraceOf

    def __call__(self, payment_id: PaymentId, operation_id: OperationId) -> Payment:
        ids = {"payment_id": payment_id, "operation_id": operation_id}
        with self.tracing.span("resolve the outcome", ids, within=self.trace_of(operation_id)) as span:
            payment = self.resolve(payment_id, operation_id)
            span.set_attribute("bayar.request_id", _request_id(payment, operation_id))
            return payment


def _request_id(payment: Payment, operation_id: OperationId) -> str:
    """The request that began the operation; empty for one that somebody else made at the gateway."""
    found = (one.request_id for one in payment.operations if one.operation_id == operation_id)
    return str(next(found, None) or "")


@dataclass(frozen=True, slots=True)
class MethodTrace:
    """Surrounds the work on a stored method whose outcome is unknown with the trace of the call that began it."""

    tracing: Tracing
    trace_of: TraceOf

    def __call__(self, method_id: PaymentMethodId) -> AbstractContextManager[object]:
        return self.tracing.span(
            "resolve the outcome", {"payment_method_id": method_id}, within=self.trace_of(method_id)
        )


@dataclass(frozen=True, slots=True)
class DisputeTrace:
    """Surrounds the work on a dispute's action whose outcome is unknown with the trace of the call that began it."""

    tracing: Tracing
    trace_of: TraceOf

    def __call__(self, dispute: Dispute) -> AbstractContextManager[object]:
        ids = {"dispute_id": dispute.dispute_id, "payment_id": dispute.payment_id}
        if dispute.under_way is not None:
            ids["operation_id"] = dispute.under_way.action_id
        return self.tracing.span("resolve the outcome", ids, within=self.trace_of(dispute.dispute_id))


@dataclass(frozen=True, slots=True)
class TracedRefund:
    """Sends a scheduled refund within the trace of the call that asked for it."""

    send: Callable[[Payment, Operation], None]
    tracing: Tracing
    trace_of: TraceOf

    def __call__(self, payment: Payment, operation: Operation) -> None:
        ids = {"payment_id": payment.terms.payment_id, "operation_id": operation.operation_id}
        within = self.trace_of(operation.operation_id)
        with self.tracing.span("send the scheduled refund", ids, within=within):
            self.send(payment, operation)


@dataclass(frozen=True, slots=True)
class TracedWebhookSender:
    """Sends an event within the trace of the call that caused it. An event without an operation has a new trace."""

    sender: WebhookSender
    tracing: Tracing
    trace_of: TraceOf

    def send(self, endpoint: Endpoint, item: FeedItem, time: datetime) -> str:
        ids = {"event_id": str(item.entry.event_id), "webhook_endpoint": endpoint.name}
        if item.entry.payment_id:
            ids["payment_id"] = item.entry.payment_id
        event = item.change.event.event if item.change else None
        within = ""
        if isinstance(event, OperationEvent):
            ids["operation_id"] = event.operation_id
            within = self.trace_of(event.operation_id)
        with self.tracing.span("deliver the event", ids, within=within, is_client=True) as span:
            error = self.sender.send(endpoint, item, time)
            if error:
                self.tracing.fail(span, "not delivered")
        return error
