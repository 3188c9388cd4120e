"""Bugs in the feed: events lost, doubled, out of order, or of another payment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import delete

from adapters.grpc.services.event_service import EventServicer
from adapters.persistence.tables import feed_events
from tests.crash.mutations.patching import Patch, occurs, replace_function

_ONE_OF: Final = 15


def feed(change: Callable[[list[Any]], list[Any]]) -> Patch:
    def mutate(original: Callable[..., Any]) -> Callable[..., Any]:
        def page(*arguments: Any) -> Any:
            events, position = original(*arguments)
            return change(list(events)), position

        return page

    return replace_function(EventServicer, "_page", mutate)


def dropped(events: list[Any]) -> list[Any]:
    return [event for event in events if event.position % _ONE_OF]


def doubled(events: list[Any]) -> list[Any]:
    return [event for event in events for _ in range(1 if event.position % _ONE_OF else 2)]


def swapped(events: list[Any]) -> list[Any]:
    """Swap the contents of two neighbouring events."""
    for before, after in zip(events[::2], events[1::2], strict=False):
        if not after.position % 2:
            before.position, after.position = after.position, before.position
    return sorted(events, key=lambda event: event.position)


def without_resources(events: list[Any]) -> list[Any]:
    return [event for event in events if event.HasField("payment_change") or event.position % 4]


def latest_payload(events: list[Any]) -> list[Any]:
    """Show the payment at the end of the page in every event."""
    last = {e.payment_change.payment.payment_id: e.payment_change.payment for e in events}
    for event in events:
        if event.HasField("payment_change"):
            event.payment_change.payment.CopyFrom(last[event.payment_change.payment.payment_id])
    return events


def resume_too_late(original: Callable[..., Any]) -> Callable[..., Any]:
    def after(self: Any, position: int, which: Any, *, limit: int) -> Any:
        return original(self, position + (1 if position and occurs() else 0), which, limit=limit)

    return after


def never_sequenced(original: Callable[..., Any]) -> Callable[..., Any]:
    """Mark an event as sequenced without adding it to the feed."""

    def place(self: Any, of_payments: list[Any], changes: list[Any]) -> None:
        original(self, of_payments, changes)
        if len(of_payments) > 1 and occurs():
            forgotten = feed_events.c.event_id == of_payments[0]["event_id"]
            self.connection.execute(delete(feed_events).where(forgotten))

    return place
