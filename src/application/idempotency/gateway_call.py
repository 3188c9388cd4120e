"""Executes gateway calls at most once for each request, in three steps: record the intent, call the gateway, record the
outcome.

No transaction is open during a call. If the process dies at any point, the intent stays recorded, and a resolver finds
out the outcome.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from application.common.conflicts import retry_on_conflict
from application.common.lease import Lease, LeasePolicy
from application.idempotency.idempotency_guard import IdempotencyGuard, IdempotentRequest
from application.idempotency.standing_refusals import STANDING, StandingRefusal
from application.ports.gateway import GatewayNotReached
from application.ports.runtime import Clock
from application.ports.store import ReferenceTaken, Store, UnitOfWork
from domain.events import EventContext

Resource = TypeVar("Resource")
Intent = TypeVar("Intent")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayCall(ABC, Generic[Resource, Intent, Answer]):
    """The steps in which requests differ: what each records, sends and answers.

    `Resource` is created or changed by the request. `Intent` is the record of one call that is about to be sent. Most
    requests send one.
    """

    request: IdempotentRequest
    resource_id: str

    @abstractmethod
    def load(self, work: UnitOfWork, resource_id: str) -> Resource:
        """The resource of an earlier equal request, locked. Raises NotFound if the caller does not reach it."""

    @abstractmethod
    def may_send_again(self, resource: Resource) -> bool:
        """Whether the earlier request was surely never sent."""

    @abstractmethod
    def record_intents(
        self, work: UnitOfWork, resource: Resource | None, context: EventContext
    ) -> tuple[Resource, Sequence[Intent]]:
        """The first step. The resource is given where an earlier equal request was surely never sent."""

    @abstractmethod
    def send(self, intent: Intent, lease: Lease) -> Answer:
        """The second step. Raises GatewayNotReached only where surely nothing was sent."""

    @abstractmethod
    def record_outcome(self, intent: Intent, answer: Answer) -> Resource:
        """The third step."""

    @abstractmethod
    def record_unsent(self, unsent: Sequence[Intent], failure: GatewayNotReached) -> Resource:
        """The third step where a call could not be sent: it and the later ones fail in one transaction.

        After a crash between two transactions, the request would be neither done nor retried. Raises the failure, or
        returns the resource if the request has had an effect all the same.
        """

    @abstractmethod
    def present(self, resource: Resource) -> Resource:
        """The resource as it is now, for a replay."""

    def result_or_raise(self, resource: Resource, _sent: Sequence[Intent], /) -> Resource:
        """The resource, if the request had an effect or may have had one. Otherwise raises the reason."""
        return resource

    def renew_lease(self, _intent: Intent, lease: Lease, /) -> Lease:
        """The lease of a call that follows another one."""
        return lease

    def check_access(self, work: UnitOfWork) -> None:
        """Raises NotFound where the caller does not reach the resource any more."""

    def refusal_of(self, failure: ReferenceTaken | StandingRefusal) -> StandingRefusal:
        """The standing refusal that answers the request after a failure of its first step."""
        if isinstance(failure, ReferenceTaken):
            raise failure
        return failure


@dataclass(frozen=True, slots=True)
class GatewayCallExecutor:
    """Sends a request to the gateway at most once. A replay gets its present result."""

    store: Store
    clock: Clock
    guard: IdempotencyGuard
    leases: LeasePolicy

    def execute(self, call: GatewayCall[Resource, Any, Any]) -> Resource:
        """Raises what the steps raise, NotFound, RequestIdReused and StoreUnavailable.

        A standing refusal of the first step also answers every replay.
        """
        # Begins before the intent is recorded, so that it ends before others may check the outcome.
        lease = self.leases.begin()
        with self.guard.in_flight.track(call.request.key):
            try:
                resource, intents = self.record_intents(call)
            except (ReferenceTaken, *STANDING) as failure:
                resource, intents = self._record_refusal(call, call.refusal_of(failure)), None
            if intents is not None:
                sent = self.send_each(call, resource, intents, lease)
                return call.result_or_raise(sent, intents) if intents else resource
        self.guard.wait(call.request)
        return call.result_or_raise(call.present(resource), ())

    def send_each(
        self, call: GatewayCall[Resource, Intent, Any], resource: Resource, intents: Sequence[Intent], lease: Lease
    ) -> Resource:
        """The second and third step of each intent, one after the other."""
        for index, intent in enumerate(intents):
            if index:
                lease = call.renew_lease(intent, lease)
            try:
                answer = call.send(intent, lease)
            except GatewayNotReached as failure:
                return call.record_unsent(intents[index:], failure)
            resource = call.record_outcome(intent, answer)
        return resource

    @retry_on_conflict
    def record_intents(self, call: GatewayCall[Resource, Intent, Any]) -> tuple[Resource, Sequence[Intent] | None]:
        """The first step. No intents: it is a replay, and nothing is to be sent."""
        context = call.request.context(self.clock.now())
        with self.store.begin(context.actor, context.on_behalf) as work:
            earlier = self.guard.claim(work, call.request, call.resource_id, context.time)
            resource = call.load(work, earlier.resource_id) if earlier is not None else None
            if resource is not None and not call.may_send_again(resource):
                return resource, None
            return call.record_intents(work, resource, context)

    @retry_on_conflict
    def _record_refusal(self, call: GatewayCall[Resource, Any, Any], refusal: StandingRefusal) -> Resource:
        """Records the refusal as the permanent answer to the request, and raises it.

        Returns the resource if the same request was executed since the refusal. Raises NotFound if the credential does
        not reach the resource any more: another credential of the same caller was refused.
        """
        context = call.request.context(self.clock.now())
        with self.store.begin(context.actor, context.on_behalf) as work:
            call.check_access(work)
            earlier = self.guard.claim(work, call.request, call.resource_id, context.time, refusal)
            if earlier is not None:
                resource = call.load(work, earlier.resource_id)
                if not call.may_send_again(resource):
                    return resource
                self.guard.refuse(work, call.request, refusal)
        raise refusal
