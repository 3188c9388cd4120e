"""Retries a gateway webhook: makes it pending again."""

import re
from dataclasses import dataclass, replace

from application.common.caller import Caller
from application.common.errors import NotFound, ResourceKind, Rule
from application.common.validator import Validator, require_checked
from application.idempotency.idempotency_guard import IdempotencyGuard, IdempotentRequest
from application.ports.gateway_webhooks import GatewayWebhookOutcome, GatewayWebhookState, StoredGatewayWebhook
from application.ports.runtime import Clock
from application.ports.store import Store


@dataclass(frozen=True, slots=True)
class RetryGatewayWebhook:
    store: Store
    clock: Clock
    guard: IdempotencyGuard

    def __call__(self, request_id: str, notification_id: str, caller: Caller) -> StoredGatewayWebhook:
        """Makes it PENDING from any state. Raises InvalidRequest, NotFound, RequestIdReused and StoreUnavailable."""
        validator = Validator()
        checked = validator.request_id(request_id)
        if not notification_id:
            validator.add("notification_id", Rule.REQUIRED)
        elif not re.fullmatch(r"[0-9a-f]{64}", notification_id):
            validator.add("notification_id", Rule.NOTIFICATION_ID)
        validator.done()
        request = IdempotentRequest(
            caller, require_checked(checked), "RetryWebhookNotification", {"notification_id": notification_id}
        )
        context = request.context(self.clock.now())
        with self.store.begin() as work:
            earlier = self.guard.claim(work, request, notification_id, context.time)
            stored = work.gateway_webhooks.get(notification_id, lock=True)
            if stored is None:
                raise NotFound(ResourceKind.NOTIFICATION, notification_id)
            if earlier is None:
                stored = replace(
                    stored,
                    state=GatewayWebhookState.PENDING,
                    outcome=GatewayWebhookOutcome.NONE,
                    attempt_count=0,
                    next_attempt_time=context.time,
                    finish_time=None,
                )
                work.gateway_webhooks.save(stored)
        return stored
