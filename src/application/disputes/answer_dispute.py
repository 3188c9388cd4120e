"""Executes a dispute action at most once, in three steps: record it, call the gateway, record the outcome."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from application.common.conflicts import retry_on_conflict
from application.common.errors import DisputeAnswerRefused
from application.common.lease import Lease, LeasePolicy
from application.common.validator import require_checked
from application.disputes.get_dispute import own_dispute
from application.disputes.record_dispute import RecordDispute
from application.idempotency.gateway_call import GatewayCall, GatewayCallExecutor
from application.idempotency.idempotency_guard import IdempotencyGuard, IdempotentRequest
from application.ports.gateway import (
    DisputeAnswered,
    DisputeOutcome,
    GatewayNotReached,
    GatewayRefusedCredentials,
    GatewayUnavailable,
    Rejected,
    Unknown,
)
from application.ports.runtime import Clock, IdSource
from application.ports.store import Store, UnitOfWork
from domain.dispute import ActionKind, ActionState, Dispute, DisputeAction, DisputeState
from domain.errors import DisputeNotOpen
from domain.events import EventContext
from domain.ids import OPERATION, DisputeId, OperationId

Send = Callable[[str, Lease], DisputeOutcome]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The requested action: its kind, and the data by which it is found again."""

    kind: ActionKind
    text: str = ""
    file_name: str = ""


@dataclass(frozen=True, slots=True)
class AnswerDispute:
    """Sends a dispute action to the gateway at most once. A replay gets its present result."""

    store: Store
    clock: Clock
    ids: IdSource
    guard: IdempotencyGuard
    executor: GatewayCallExecutor
    leases: LeasePolicy
    record: RecordDispute

    def __call__(self, request: IdempotentRequest, dispute_id: str, answer: Answer, send: Send) -> Dispute:
        """The dispute as it is now. `send` gets the gateway's id of the dispute, and the lease.

        Raises NotFound, RequestIdReused, DisputeNotOpen, DisputeActionInProgress, DisputeAnswerRefused,
        GatewayUnavailable where the gateway was not asked yet, and StoreUnavailable.
        """
        call = _DisputeCall(
            request=request,
            resource_id=dispute_id,
            store=self.store,
            clock=self.clock,
            leases=self.leases,
            record=self.record,
            action_id=OperationId(self.ids.new(OPERATION)),
            answer=answer,
            send_answer=send,
        )
        with self.store.read() as work:
            dispute = own_dispute(work, dispute_id, request.caller)
            may_be_sent = self.guard.earlier(work, request) is None or call.may_send_again(dispute)
        if may_be_sent:
            # An action open here may have ended at the gateway, and evidence that exists there must not be taken for
            # ours.
            self.record.sync(dispute)
        return self.executor.execute(call)


@dataclass(frozen=True, slots=True, kw_only=True)
class _DisputeCall(GatewayCall[Dispute, tuple[Dispute, DisputeAction], DisputeOutcome]):
    """`resource_id` is the dispute's id."""

    store: Store
    clock: Clock
    leases: LeasePolicy
    record: RecordDispute
    action_id: OperationId
    answer: Answer
    send_answer: Send

    def load(self, work: UnitOfWork, resource_id: str) -> Dispute:
        return own_dispute(work, resource_id, self.request.caller, lock=True)

    def may_send_again(self, resource: Dispute) -> bool:
        action = resource.action_of(self.request.request_id)
        return action is None or action.state is ActionState.UNSENT

    def record_intents(
        self, work: UnitOfWork, resource: Dispute | None, context: EventContext
    ) -> tuple[Dispute, list[tuple[Dispute, DisputeAction]]]:
        dispute = (resource or self.load(work, self.resource_id)).start(
            self.answer.kind,
            self.action_id,
            self.request.request_id,
            text=self.answer.text,
            file_name=self.answer.file_name,
            time=context.time,
        )
        dispute = replace(dispute, next_check_time=context.time + self.leases.duration)
        work.disputes.save(dispute)
        return dispute, [(dispute, dispute.actions[-1])]

    def send(self, intent: tuple[Dispute, DisputeAction], lease: Lease) -> DisputeOutcome:
        dispute, _ = intent
        return self.send_answer(dispute.report.gateway_dispute_id, lease)

    def record_outcome(self, intent: tuple[Dispute, DisputeAction], answer: DisputeOutcome) -> Dispute:
        dispute, action = intent
        match answer:
            case DisputeAnswered(evidence):
                evidence_id = evidence.evidence_id if evidence else ""
                dispute = self._finish(action, ActionState.SUCCEEDED, evidence_id=evidence_id)
            case Rejected(detail=detail):
                dispute = self._finish(action, ActionState.REFUSED, detail=detail)
            case Unknown():
                return self._check_soon()
        try:
            return self.record.sync(dispute)
        except GatewayUnavailable:
            # The action is done, and only the report is outdated. The poll brings it up to date.
            return self._check_soon()

    def record_unsent(self, unsent: Sequence[tuple[Dispute, DisputeAction]], failure: GatewayNotReached) -> Dispute:
        is_refused = isinstance(failure, GatewayRefusedCredentials)
        for _, action in unsent:
            self._finish(action, ActionState.UNSENT, detail="credentials refused" if is_refused else "not reached")
        raise failure

    def present(self, resource: Dispute) -> Dispute:
        with self.store.read() as work:
            return own_dispute(work, resource.dispute_id, self.request.caller)

    def result_or_raise(self, resource: Dispute, _sent: Sequence[tuple[Dispute, DisputeAction]], /) -> Dispute:
        action = resource.action_of(self.request.request_id)
        match action.state if action else None:
            case ActionState.REFUSED if resource.state is not DisputeState.OPEN:
                raise DisputeNotOpen(resource.dispute_id, resource.state.value)
            case ActionState.REFUSED if action is not None:
                raise DisputeAnswerRefused(resource.dispute_id, action.detail)
            case ActionState.UNSENT:
                raise GatewayNotReached(action.detail if action else "")
        return resource

    @retry_on_conflict
    def _finish(self, action: DisputeAction, state: ActionState, *, detail: str = "", evidence_id: str = "") -> Dispute:
        with self.store.begin() as work:
            dispute = require_checked(work.disputes.get(DisputeId(self.resource_id), lock=True))
            dispute = dispute.finish(action.action_id, state, detail=detail, evidence_id=evidence_id)
            dispute = self.record.with_next_check(replace(dispute, update_time=self.clock.now()))
            work.disputes.save(dispute)
        return dispute

    @retry_on_conflict
    def _check_soon(self) -> Dispute:
        soon = self.clock.now() + self.leases.first_check
        with self.store.begin() as work:
            dispute = require_checked(work.disputes.get(DisputeId(self.resource_id), lock=True))
            dispute = replace(dispute, next_check_time=soon)
            work.disputes.save(dispute)
        return dispute
