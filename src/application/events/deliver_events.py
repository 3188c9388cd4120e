"""Delivers events to the endpoints that operators configured: at least once, in order, with retries for three days."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from application.common.backoff import doubled
from application.events.read_feed import FeedPage, ReadFeed
from application.ports.deliveries import Delivery, DeliveryCursor, DeliveryState, Endpoint
from application.ports.feed import FeedFilter, FeedItem
from application.ports.runtime import Clock
from application.ports.store import Store
from application.ports.webhook_sender import WebhookSender

FIRST_PAUSE: Final = timedelta(seconds=5)
LONGEST_PAUSE: Final = timedelta(hours=1)
# After this time an event becomes a dead letter, listed for administrators, and the next one is tried.
GIVE_UP_AFTER: Final = timedelta(days=3)
# Longer than the timeout of one attempt.
LEASE: Final = timedelta(seconds=60)
_BATCH: Final = 50
# The number of feed pages without an event for the endpoint that one run reads: well within the lease.
_STRIDES: Final = 100


@dataclass(frozen=True, slots=True)
class DeliverEvents:
    """Every replica may run one. Each endpoint is served by one replica at a time."""

    store: Store
    read_feed: ReadFeed
    sender: WebhookSender
    clock: Clock
    endpoints: Sequence[Endpoint]
    is_stopping: Callable[[], bool] = lambda: False

    def __call__(self) -> int:
        """Returns the number of delivered events. Raises StoreUnavailable."""
        return sum(self.serve(endpoint) for endpoint in self.endpoints)

    def serve(self, endpoint: Endpoint) -> int:
        """Serves one endpoint, so that a slow one does not delay others. Raises StoreUnavailable."""
        now = self.clock.now()
        with self.store.begin() as work:
            start = 0 if endpoint.from_beginning else work.feed.end()
            cursor = work.deliveries.claim(endpoint.name, start, now, now + LEASE)
            waiting = work.deliveries.waiting(endpoint.name, _BATCH) if cursor is not None else []
        if cursor is None:
            return 0
        sent = sum(self._send_again(endpoint, one) for one in waiting)
        which = FeedFilter(caller_id=endpoint.caller_id, kinds=endpoint.kinds)
        page = self._next_page(cursor.position, which)
        for item in page.items:
            if self.is_stopping():
                break
            cursor = self._send(endpoint, item, cursor)
            if cursor.attempt_count:
                return sent
            sent += 1
        else:
            cursor = replace(cursor, position=page.position)
        self._save(replace(cursor, next_attempt_time=self.clock.now()))
        return sent

    def _next_page(self, position: int, which: FeedFilter) -> FeedPage:
        """The next page with events, or the last page read if none has any."""
        for _ in range(_STRIDES):
            page = self.read_feed.after(position, which, limit=_BATCH)
            if page.items or page.position == position:
                break
            position = page.position
        return page

    def _send(self, endpoint: Endpoint, item: FeedItem, cursor: DeliveryCursor) -> DeliveryCursor:
        """Tries to send the next event. Returns the endpoint's new, saved delivery state."""
        error = self.sender.send(endpoint, item, self.clock.now())
        now = self.clock.now()
        if not error:
            return self._save(_advanced(cursor, item, now, success_time=now))
        failing_since = cursor.failing_since or now
        if now - failing_since >= GIVE_UP_AFTER:
            dead = _delivery(endpoint, item, DeliveryState.DEAD, error, now)
            return self._save(_advanced(cursor, item, now, success_time=cursor.success_time), dead)
        return self._save(
            replace(
                cursor,
                attempt_count=cursor.attempt_count + 1,
                failing_since=failing_since,
                last_error=error,
                next_attempt_time=now + doubled(FIRST_PAUSE, cursor.attempt_count, LONGEST_PAUSE),
            )
        )

    def _send_again(self, endpoint: Endpoint, one: Delivery) -> int:
        """Tries once to resend an event that an administrator requested, outside the regular order."""
        item = self.read_feed.find(one.event_id)
        error = self.sender.send(endpoint, item, self.clock.now()) if item else "the event is gone"
        with self.store.begin() as work:
            if error:
                work.deliveries.upsert(replace(one, state=DeliveryState.DEAD, reason=error, time=self.clock.now()))
            else:
                work.deliveries.delete(one.endpoint, one.event_id)
        return not error

    def _save(self, cursor: DeliveryCursor, dead: Delivery | None = None) -> DeliveryCursor:
        with self.store.begin() as work:
            if dead is not None:
                work.deliveries.upsert(dead)
            work.deliveries.save(cursor)
        return cursor


def _advanced(
    cursor: DeliveryCursor, item: FeedItem, now: datetime, *, success_time: datetime | None
) -> DeliveryCursor:
    return DeliveryCursor(
        name=cursor.name, position=item.entry.position, next_attempt_time=now + LEASE, success_time=success_time
    )


def _delivery(endpoint: Endpoint, item: FeedItem, state: DeliveryState, reason: str, time: datetime) -> Delivery:
    return Delivery(
        endpoint=endpoint.name,
        event_id=item.entry.event_id,
        position=item.entry.position,
        state=state,
        reason=reason,
        time=time,
    )
