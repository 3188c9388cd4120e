"""Has a notification dealt with again."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from application.caller import Caller
from application.checks import Checks, known
from application.errors import NotFound, ResourceKind, Rule
from application.exactly_once import ExactlyOnce, Request
from application.ports.notifications import NotificationOutcome, NotificationState, StoredNotification
from application.ports.store import Store


@dataclass(frozen=True, slots=True)
class RetryNotification:
    store: Store
    exactly_once: ExactlyOnce

    def __call__(self, request_id: str, notification_id: str, caller: Caller) -> StoredNotification:
        """Makes it PENDING, whatever it was. Raises InvalidRequest, NotFound, RequestIdReused and StoreUnavailable."""
        checks = Checks()
        checked = checks.request_id(request_id)
        if not notification_id:
            checks.add("notification_id", Rule.REQUIRED)
        elif not re.fullmatch(r"[0-9a-f]{64}", notification_id):
            checks.add("notification_id", Rule.NOTIFICATION_ID)
        checks.done()
        request = Request(caller, known(checked), "RetryWebhookNotification", {"notification_id": notification_id})
        stamp = self.exactly_once.stamp(caller)
        with self.store.begin() as work:
            earlier = self.exactly_once.claim(work, self.exactly_once.record_of(request, notification_id, stamp))
            stored = work.notifications.get(notification_id, lock=True)
            if stored is None:
                raise NotFound(ResourceKind.NOTIFICATION, notification_id)
            if earlier is None:
                stored = replace(
                    stored,
                    state=NotificationState.PENDING,
                    outcome=NotificationOutcome.NONE,
                    attempt_count=0,
                    next_attempt_time=stamp.time,
                    finish_time=None,
                )
                work.notifications.save(stored)
        return stored
