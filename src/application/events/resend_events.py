"""Shows the delivery status of event endpoints, and resends events."""

from collections.abc import Sequence
from dataclasses import dataclass

from application.common.caller import Caller
from application.common.errors import FieldViolation, InvalidRequest, Rule
from application.common.pagination import checked_page_size
from application.common.validator import Validator, require_checked
from application.idempotency.idempotency_guard import IdempotencyGuard, IdempotentRequest
from application.ports.deliveries import Delivery, DeliveryCursor, DeliveryState, Endpoint
from application.ports.runtime import Clock
from application.ports.store import Store
from domain.ids import EventId

MAX_EVENTS = 100


@dataclass(frozen=True, slots=True)
class EndpointStatus:
    """An endpoint, its delivery state if it has one, its lag behind the feed, and its number of dead letters."""

    endpoint: Endpoint
    cursor: DeliveryCursor | None
    behind: int
    dead_count: int


@dataclass(frozen=True, slots=True)
class ListEndpoints:
    store: Store
    endpoints: Sequence[Endpoint]

    def __call__(self) -> list[EndpointStatus]:
        """Raises StoreUnavailable."""
        with self.store.read() as work:
            cursors = {cursor.name: cursor for cursor in work.deliveries.cursors()}
            end = work.feed.end()
            return [
                EndpointStatus(
                    one,
                    cursor := cursors.get(one.name),
                    end - cursor.position if cursor else 0,
                    work.deliveries.count_dead(one.name),
                )
                for one in self.endpoints
            ]


@dataclass(frozen=True, slots=True)
class ListDeliveries:
    store: Store
    endpoints: Sequence[Endpoint]

    def __call__(self, endpoint: str, *, after_position: int, page_size: int) -> list[Delivery]:
        """Dead letters, and events that wait to be resent. Raises InvalidRequest and StoreUnavailable."""
        validator = Validator()
        size = checked_page_size(validator, page_size)
        if endpoint not in {one.name for one in self.endpoints}:
            validator.add("endpoint", Rule.EXISTS)
        if after_position < 0:
            validator.add("after_position", Rule.NOT_NEGATIVE)
        validator.done()
        with self.store.read() as work:
            return work.deliveries.page(endpoint, after=after_position, limit=size)


@dataclass(frozen=True, slots=True)
class ResendEvents:
    store: Store
    clock: Clock
    guard: IdempotencyGuard
    endpoints: Sequence[Endpoint]

    def __call__(self, request_id: str, endpoint: str, event_ids: Sequence[str], caller: Caller) -> int:
        """Returns the number of events to resend. Raises InvalidRequest, RequestIdReused and StoreUnavailable."""
        validator = Validator()
        checked = validator.request_id(request_id)
        chosen = next((one for one in self.endpoints if one.name == endpoint), None)
        if chosen is None or not caller.reaches(chosen.caller_id, None):
            validator.add("endpoint", Rule.EXISTS)
        if not event_ids:
            validator.add("event_ids", Rule.REQUIRED)
        if len(event_ids) > MAX_EVENTS:
            validator.add("event_ids", Rule.MAX_ENTRIES, MAX_EVENTS)
        for number, event_id in enumerate(event_ids[:MAX_EVENTS]):
            validator.plain_text(f"event_ids[{number}]", event_id)
        validator.done()
        wanted = list(dict.fromkeys(EventId(event_id) for event_id in event_ids))
        fields = {"endpoint": endpoint, "event_ids": wanted}
        request = IdempotentRequest(caller, require_checked(checked), "ResendEvents", fields)
        context = request.context(self.clock.now())
        with self.store.begin() as work:
            if self.guard.claim(work, request, endpoint, context.time) is not None:
                return len(wanted)
            for event_id in wanted:
                entry = work.feed.find(event_id)
                if entry is None or entry.caller_id != require_checked(chosen).caller_id:
                    # Raised inside the transaction, which rolls everything back.
                    raise InvalidRequest((FieldViolation("event_ids", Rule.EXISTS),))
                work.deliveries.upsert(
                    Delivery(
                        endpoint=endpoint,
                        event_id=event_id,
                        position=entry.position,
                        state=DeliveryState.WAITING,
                        reason=f"asked for by {context.actor}",
                        time=context.time,
                    )
                )
        return len(wanted)
