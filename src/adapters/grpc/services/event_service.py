"""EventService: the change feed as a stream that resumes at any position."""

import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from adapters.grpc.middleware.call_context import CurrentCaller
from adapters.grpc.scheduling.stream_pool import StreamPool
from adapters.grpc.services.event_buffer import EventBuffer
from adapters.grpc.services.feed_watcher import FeedWatcher
from adapters.grpc.translate.events import event_mapper, event_message, feed_kind_from
from adapters.grpc.translate.resources import known_moment
from application.events.read_feed import ReadFeed
from application.ports.feed import FeedFilter
from application.ports.runtime import Clock
from bayar.payments.v1 import event_service_pb2 as wire
from bayar.payments.v1.event_service_pb2_grpc import EventServiceServicer

_PAGE: Final = 200
# The first page is small: its events arrive soon, and a stream that nobody reads costs little.
_FIRST_PAGE: Final = 25
# The contract promises a heartbeat every 15 s.
_HEARTBEAT_SECONDS: Final = 10.0


class EventServicer(EventServiceServicer):
    def __init__(
        self, current_caller: CurrentCaller, clock: Clock, read_feed: ReadFeed, poll_seconds: float, work: StreamPool
    ) -> None:
        self._current_caller = current_caller
        self._clock = clock
        self._read_feed = read_feed
        self._work = work
        self._buffer = EventBuffer()
        # One poller for all streams, never behind the position that they have read.
        self._watcher = FeedWatcher(read_feed.end, ThreadPoolExecutor(1, thread_name_prefix="feed"), poll_seconds)

    async def StreamEvents(
        self, request: wire.StreamEventsRequest, context: Any
    ) -> AsyncIterator[wire.StreamEventsResponse]:
        caller, stream = self._current_caller(), object()
        kinds = [feed_kind_from(number) for number in request.types]
        which = await self._work.run(
            caller, self._read_feed.check, request.after_position, kinds, request.customer_id, caller
        )
        position, last_sent, limit = request.after_position, time.monotonic(), _FIRST_PAGE
        yield self._heartbeat(position)
        try:
            while True:
                events, reached = await self._work.run(caller, self._page, position, which, limit)
                is_whole, count, ahead = len(events) == limit, len(events), position
                limit = min(2 * limit, _PAGE)
                self._buffer.put(stream, events)
                # Only the buffer holds the events while they wait for their reader.
                del events
                while (event := self._buffer.take(stream)) is not None:
                    yield wire.StreamEventsResponse(event=event)
                    ahead, count, last_sent = event.position, count - 1, time.monotonic()
                if count:
                    # The reader was slow and its events were evicted: read again from its position.
                    position = ahead
                    continue
                is_silent = ahead == position
                moved, position = reached > position, reached
                if is_whole:
                    continue
                if time.monotonic() - last_sent >= _HEARTBEAT_SECONDS or (moved and is_silent):
                    yield self._heartbeat(position)
                    last_sent = time.monotonic()
                left = _HEARTBEAT_SECONDS - (time.monotonic() - last_sent)
                await self._watcher.wait_beyond(position, max(left, 0.0))
        finally:
            self._buffer.forget(stream)

    def _page(self, position: int, which: FeedFilter, limit: int) -> tuple[list[Any], int]:
        page = self._read_feed.after(position, which, limit=limit)
        mapper, today = event_mapper(), self._clock.now().date()
        return [event_message(item, mapper, today) for item in page.items], page.position

    def _heartbeat(self, position: int) -> wire.StreamEventsResponse:
        beat = wire.Heartbeat(position=position, heartbeat_time=known_moment(self._clock.now()))
        return wire.StreamEventsResponse(heartbeat=beat)
