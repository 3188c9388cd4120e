"""Executes a dispute action at most once, in three steps: record it, call the gateway, record the outcome."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from application.common.caller import Caller
from application.common.conflicts import retry_on_conflict
from application.common.errors import DisputeAnswerRefused
from application.common.lease import Lease
from application.common.validator import require_checked
from application.disputes.get_dispute import own_dispute
from application.disputes.record_dispute import RecordDispute
from application.idempotency.payment_executor import PaymentExecutor, Request
from application.ports.gateway import (
    DisputeAnswered,
    DisputeOutcome,
    GatewayNotReached,
    GatewayRefusedCredentials,
    GatewayUnavailable,
    Rejected,
    Unknown,
)
from application.ports.store import Store
from domain.dispute import ActionKind, ActionState, Dispute, DisputeAction, DisputeState
from domain.errors import DisputeNotOpen
from domain.ids import OPERATION, DisputeId, OperationId

Call = Callable[[str, Lease], DisputeOutcome]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The requested action: its kind, and the data by which it is found again."""

    kind: ActionKind
    text: str = ""
    file_name: str = ""


@dataclass(frozen=True, slots=True)
class AnswerDispute:
    """Sends a dispute action to the gateway at most once. Repeats get its present outcome."""

    store: Store
    executor: PaymentExecutor
    record: RecordDispute

    def __call__(self, request: Request, dispute_id: str, answer: Answer, call: Call) -> Dispute:
        """The dispute as it is now. `call` gets the gateway's id of the dispute, and the lease.

        Raises NotFound, RequestIdReused, DisputeNotOpen, DisputeActionInProgress, DisputeAnswerRefused,
        GatewayUnavailable where the gateway was not asked yet, and StoreUnavailable.
        """
        with self.executor.in_flight.track(request.key):
            if self._is_to_be_sent(request, dispute_id):
                # An action open here may have ended at the gateway, and evidence that exists there must not be taken
                # for ours.
                self.record.again(self._read(dispute_id, request.caller))
                lease = self.executor.begin_lease()
                dispute, action = self._start(request, dispute_id, answer)
                if action is not None:
                    try:
                        outcome = call(dispute.report.gateway_dispute_id, lease)
                    except GatewayNotReached as failure:
                        self._finish(dispute_id, action, ActionState.UNSENT, detail=_reason(failure))
                        raise
                    return self.told(self._record(dispute, action, outcome), request)
        self.executor.in_flight.wait(request.key, self.executor.lease.total_seconds())
        return self.told(self._read(dispute_id, request.caller), request)

    def told(self, dispute: Dispute, request: Request) -> Dispute:
        """The dispute. Raises if the request's action had no effect."""
        action = dispute.action_of(request.request_id)
        match action.state if action else None:
            case ActionState.REFUSED if dispute.state is not DisputeState.OPEN:
                raise DisputeNotOpen(dispute.dispute_id, dispute.state.value)
            case ActionState.REFUSED if action is not None:
                raise DisputeAnswerRefused(dispute.dispute_id, action.detail)
            case ActionState.UNSENT:
                raise GatewayNotReached(action.detail if action else "")
        return dispute

    def _read(self, dispute_id: str, caller: Caller) -> Dispute:
        with self.store.read() as work:
            return own_dispute(work, dispute_id, caller)

    def _is_to_be_sent(self, request: Request, dispute_id: str) -> bool:
        with self.store.read() as work:
            dispute = own_dispute(work, dispute_id, request.caller)
            return self.executor.earlier(work, request) is None or _may_be_sent_again(dispute, request)

    @retry_on_conflict
    def _start(self, request: Request, dispute_id: str, answer: Answer) -> tuple[Dispute, DisputeAction | None]:
        stamp = self.executor.stamp(request.caller)
        action_id = OperationId(self.executor.ids.new(OPERATION))
        with self.store.begin(stamp.actor) as work:
            earlier = self.executor.claim(work, self.executor.record_of(request, dispute_id, stamp))
            dispute = own_dispute(work, dispute_id, request.caller, lock=True)
            if earlier is not None and not _may_be_sent_again(dispute, request):
                return dispute, None
            dispute = dispute.start(
                answer.kind,
                action_id,
                request.request_id,
                text=answer.text,
                file_name=answer.file_name,
                time=stamp.time,
            )
            dispute = replace(dispute, next_check_time=stamp.time + self.executor.lease)
            work.disputes.save(dispute)
        return dispute, dispute.actions[-1]

    def _record(self, dispute: Dispute, action: DisputeAction, outcome: DisputeOutcome) -> Dispute:
        match outcome:
            case DisputeAnswered(evidence):
                evidence_id = evidence.evidence_id if evidence else ""
                dispute = self._finish(dispute.dispute_id, action, ActionState.SUCCEEDED, evidence_id=evidence_id)
            case Rejected(detail=detail):
                dispute = self._finish(dispute.dispute_id, action, ActionState.REFUSED, detail=detail)
            case Unknown():
                return self._look_soon(dispute.dispute_id)
        try:
            return self.record.again(dispute)
        except GatewayUnavailable:
            # The action is done, and only the report is outdated. The poll brings it up to date.
            return self._look_soon(dispute.dispute_id)

    @retry_on_conflict
    def _finish(
        self, dispute_id: str, action: DisputeAction, state: ActionState, *, detail: str = "", evidence_id: str = ""
    ) -> Dispute:
        with self.store.begin() as work:
            dispute = require_checked(work.disputes.get(DisputeId(dispute_id), lock=True))
            dispute = dispute.finish(action.action_id, state, detail=detail, evidence_id=evidence_id)
            dispute = self.record.planned(replace(dispute, update_time=self.executor.clock.now()))
            work.disputes.save(dispute)
        return dispute

    @retry_on_conflict
    def _look_soon(self, dispute_id: str) -> Dispute:
        soon = self.executor.clock.now() + self.executor.first_check
        with self.store.begin() as work:
            dispute = replace(
                require_checked(work.disputes.get(DisputeId(dispute_id), lock=True)), next_check_time=soon
            )
            work.disputes.save(dispute)
        return dispute


def _may_be_sent_again(dispute: Dispute, request: Request) -> bool:
    action = dispute.action_of(request.request_id)
    return action is None or action.state is ActionState.UNSENT


def _reason(failure: GatewayNotReached) -> str:
    return "credentials refused" if isinstance(failure, GatewayRefusedCredentials) else "not reached"
