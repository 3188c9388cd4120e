"""Recognizes replays: a request that changes something is recorded once, under its caller and request id."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from application.common.caller import Caller
from application.common.errors import RequestIdReused
from application.idempotency.fingerprint import Fingerprinter, differing_fields
from application.idempotency.in_flight_requests import InFlightRequests, Key
from application.idempotency.standing_refusals import StandingRefusal, refusal_from_fields, refusal_to_fields
from application.ports.store import RequestRecord, UnitOfWork
from domain.events import EventContext
from domain.ids import RequestId


@dataclass(frozen=True, slots=True)
class IdempotentRequest:
    """A request that changes something.

    `fields` holds all of its content, except card numbers and security codes.
    """

    caller: Caller
    # As the caller sent it.
    sent_id: RequestId
    method: str
    fields: Mapping[str, object]
    # Identifies the request within `idempotency_scope`, and within its resource.
    request_id: RequestId = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "request_id", self.caller.own_request_id(self.sent_id))

    @property
    def key(self) -> Key:
        return self.caller.idempotency_scope, self.request_id

    def context(self, time: datetime) -> EventContext:
        return EventContext(time, self.caller.actor, self.caller.on_behalf)


@dataclass(frozen=True, slots=True)
class IdempotencyGuard:
    """Records each request once. A replay gets the earlier record, if its content is the same."""

    fingerprinter: Fingerprinter
    in_flight: InFlightRequests
    # The longest time that a replay waits for the first request.
    longest_wait: timedelta

    def claim(
        self,
        work: UnitOfWork,
        request: IdempotentRequest,
        resource_id: str,
        time: datetime,
        refusal: StandingRefusal | None = None,
    ) -> RequestRecord | None:
        """Records a new request and returns None, or returns the earlier record of an equal one.

        Raises RequestIdReused, or the standing refusal that answers the request.
        """
        record = self.record_of(request, resource_id, time, refusal)
        earlier = work.requests.claim(record)
        if earlier is not None:
            _check_replay(request, earlier, record)
        return earlier

    def earlier(self, work: UnitOfWork, request: IdempotentRequest) -> RequestRecord | None:
        """The record of an earlier equal request, or None. Raises what `claim` raises."""
        earlier = work.requests.get(*request.key)
        if earlier is not None:
            _check_replay(request, earlier, self.record_of(request, earlier.resource_id, earlier.create_time))
        return earlier

    def is_replay(self, work: UnitOfWork, request: IdempotentRequest) -> bool:
        """Whether an equal request was recorded before. Raises what `claim` raises."""
        return self.earlier(work, request) is not None

    def refuse(self, work: UnitOfWork, request: IdempotentRequest, refusal: StandingRefusal) -> None:
        """Makes the refusal the permanent answer to a recorded request."""
        work.requests.refuse(*request.key, refusal_to_fields(refusal))

    def wait(self, request: IdempotentRequest) -> None:
        """Waits for an equal request that this process is executing."""
        self.in_flight.wait(request.key, self.longest_wait.total_seconds())

    def record_of(
        self, request: IdempotentRequest, resource_id: str, time: datetime, refusal: StandingRefusal | None = None
    ) -> RequestRecord:
        return RequestRecord(
            caller_id=request.caller.idempotency_scope,
            request_id=request.request_id,
            method=request.method,
            resource_id=resource_id,
            fingerprint=self.fingerprinter.of({"method": request.method, **request.fields}),
            create_time=time,
            refusal=refusal_to_fields(refusal) if refusal is not None else None,
        )


def _check_replay(request: IdempotentRequest, earlier: RequestRecord, later: RequestRecord) -> None:
    """Raises RequestIdReused where they differ, or the standing refusal that answers both."""
    differing = differing_fields(earlier.fingerprint, later.fingerprint)
    if differing:
        raise RequestIdReused(request.sent_id, differing)
    if earlier.refusal is not None:
        raise refusal_from_fields(earlier.refusal)
