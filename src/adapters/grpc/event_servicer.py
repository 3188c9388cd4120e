"""EventService: in the contract, and not carried out yet."""

from collections.abc import AsyncIterator
from typing import Any

from adapters.grpc.errors import NotAvailableYet
from bayar.payments.v1 import event_service_pb2 as wire
from bayar.payments.v1.event_service_pb2_grpc import EventServiceServicer


class EventServicer(EventServiceServicer):
    async def StreamEvents(
        self, request: wire.StreamEventsRequest, context: Any
    ) -> AsyncIterator[wire.StreamEventsResponse]:
        raise NotAvailableYet
        yield  # makes it a stream
