"""A bounded buffer, shared by all streams, of events that were read and not sent yet."""

from collections import OrderedDict, deque
from collections.abc import Iterable
from typing import Final

from bayar.payments.v1.event_pb2 import Event

_MOST_BYTES: Final = 8 * 1024 * 1024


class EventBuffer:
    """A page of events for each stream. When the buffer is full, it evicts the pages of the streams that read nothing
    for longest; those streams read again from their position. Belongs to an event loop.
    """

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._pages: OrderedDict[object, deque[tuple[Event, int]]] = OrderedDict()

    def put(self, stream: object, events: Iterable[Event]) -> None:
        self.forget(stream)
        page = deque((event, event.ByteSize()) for event in events)
        self._pages[stream] = page
        self._bytes += sum(size for _, size in page)
        while self._bytes > self._most_bytes and len(self._pages) > 1:
            self.forget(next(iter(self._pages)))

    def take(self, stream: object) -> Event | None:
        """The next event of the stream's page. None: the page was evicted or is empty."""
        page = self._pages.get(stream)
        if not page:
            return None
        event, size = page.popleft()
        self._bytes -= size
        self._pages.move_to_end(stream)
        return event

    def forget(self, stream: object) -> None:
        page = self._pages.pop(stream, ())
        self._bytes -= sum(size for _, size in page)
