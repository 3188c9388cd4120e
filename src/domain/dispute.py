"""A dispute (chargeback): a claim of the customer's bank on a payment, and the merchant's response."""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from types import MappingProxyType
from typing import Final, Self

from domain.errors import DisputeActionInProgress, DisputeNotOpen
from domain.ids import CallerId, CustomerId, DisputeId, OperationId, PaymentId, RequestId
from domain.money import Money


class DisputeKind(Enum):
    CHARGEBACK = "chargeback"
    PRE_ARBITRATION = "pre_arbitration"
    RETRIEVAL = "retrieval"

    @property
    def takes_money(self) -> bool:
        """False for a retrieval, which only asks for documents."""
        return self is not DisputeKind.RETRIEVAL


class DisputeState(Enum):
    OPEN = "open"
    UNDER_REVIEW = "under_review"
    WON = "won"
    LOST = "lost"
    ACCEPTED = "accepted"
    EXPIRED = "expired"

    @property
    def has_ended(self) -> bool:
        """The bank has no decision left to make."""
        return not FOLLOWING[self]


# The possible next states at the gateway. A report with another state, and no newer time, is stale.
FOLLOWING: Final = MappingProxyType(
    {
        DisputeState.OPEN: frozenset(DisputeState) - {DisputeState.OPEN},
        DisputeState.UNDER_REVIEW: frozenset(
            {DisputeState.WON, DisputeState.LOST, DisputeState.ACCEPTED, DisputeState.EXPIRED}
        ),
        DisputeState.WON: frozenset[DisputeState](),
        DisputeState.LOST: frozenset[DisputeState](),
        DisputeState.ACCEPTED: frozenset[DisputeState](),
        DisputeState.EXPIRED: frozenset[DisputeState](),
    }
)


class DisputeReason(Enum):
    FRAUD = "fraud"
    PRODUCT_NOT_RECEIVED = "product_not_received"
    PRODUCT_UNSATISFACTORY = "product_unsatisfactory"
    CREDIT_NOT_PROCESSED = "credit_not_processed"
    DUPLICATE = "duplicate"
    CANCELLED_RECURRING = "cancelled_recurring"
    NOT_RECOGNIZED = "not_recognized"
    PROCESSING_ERROR = "processing_error"
    RETRIEVAL = "retrieval"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One piece of evidence at the gateway. It is a file where it has no text."""

    evidence_id: str
    text: str = ""
    file_name: str = ""
    create_time: datetime | None = None
    send_time: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeReport:
    """A dispute as the gateway reports it."""

    gateway_dispute_id: str
    transaction_id: str
    kind: DisputeKind
    state: DisputeState
    reason: DisputeReason
    amount: Money
    # The time of the gateway's last change. A report with an earlier time is stale.
    change_time: datetime
    receive_time: datetime
    # The deadline for finalizing evidence. None where no reply is possible.
    reply_by_time: datetime | None = None
    evidence: tuple[Evidence, ...] = ()
    case_number: str = ""
    reason_code: str = ""
    # The id of our operation that made the disputed transaction, if the gateway reports it.
    order_id: str = ""
    # The gateway's times at which it was opened, and at which it entered its state. None: not given. Versions before
    # did not record them, so they make no report differ from another.
    open_time: datetime | None = field(default=None, compare=False)
    state_time: datetime | None = field(default=None, compare=False)

    @property
    def claim(self) -> Money:
        """The captured money that it takes, unless it is won."""
        takes = self.kind.takes_money and self.state is not DisputeState.WON
        return self.amount if takes else Money.zero(self.amount.currency_code)


class ActionKind(Enum):
    ACCEPT = "accept"
    ADD_TEXT = "add_text"
    ADD_FILE = "add_file"
    FINALIZE = "finalize"


class ActionState(Enum):
    STARTED = "started"
    SUCCEEDED = "succeeded"
    # It had no effect. `detail` holds the gateway's reason.
    REFUSED = "refused"
    # It had no effect, and may be retried: it was never sent, or not found for long enough.
    UNSENT = "unsent"


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeAction:
    """One gateway call about a dispute, recorded before it is made."""

    action_id: OperationId
    kind: ActionKind
    state: ActionState
    request_id: RequestId
    start_time: datetime
    # The digest by which a text is found again. Never the text itself.
    text_digest: str = ""
    file_name: str = ""
    # The evidence that existed before: the new one is not among it.
    known_evidence_ids: tuple[str, ...] = ()
    evidence_id: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """A dispute as last reported, with this service's actions, oldest first."""

    dispute_id: DisputeId
    caller_id: CallerId
    payment_id: PaymentId
    report: DisputeReport
    create_time: datetime
    update_time: datetime
    # The customer of the disputed payment.
    customer_id: CustomerId | None = None
    actions: tuple[DisputeAction, ...] = ()
    # The time of the next poll, and the number of polls since the last change. Not part of the history.
    next_check_time: datetime | None = field(default=None, compare=False)
    check_count: int = field(default=0, compare=False)

    @property
    def state(self) -> DisputeState:
        return self.report.state

    @property
    def under_way(self) -> DisputeAction | None:
        """The action whose outcome is not known yet. There is at most one."""
        return next((one for one in self.actions if one.state is ActionState.STARTED), None)

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """The added evidence, oldest first; files under their original names."""
        names = {one.evidence_id: one.file_name for one in self.actions if one.evidence_id and one.file_name}
        return tuple(replace(e, file_name=names.get(e.evidence_id, e.file_name)) for e in self.report.evidence)

    def action_of(self, request_id: RequestId) -> DisputeAction | None:
        """The latest action of the request."""
        return next((one for one in reversed(self.actions) if one.request_id == request_id), None)

    def is_older_than(self, report: DisputeReport) -> bool:
        """Whether the report is newer: by its time or, at the same time, by its state or evidence."""
        if report.change_time < self.report.change_time:
            return False
        if report.change_time > self.report.change_time:
            return True
        if report.state is not self.state:
            return report.state in FOLLOWING[self.state]
        return report != self.report and len(report.evidence) >= len(self.report.evidence)

    def apply_report(self, report: DisputeReport, *, time: datetime) -> Self:
        """Applies a gateway report. A stale report changes nothing."""
        if not self.is_older_than(report):
            return self
        order_id = report.order_id or self.report.order_id
        return replace(self, report=replace(report, order_id=order_id), update_time=time, check_count=0)

    def start(
        self,
        kind: ActionKind,
        action_id: OperationId,
        request_id: RequestId,
        *,
        text: str = "",
        file_name: str = "",
        time: datetime,
    ) -> Self:
        """Starts an action. Raises DisputeActionInProgress and DisputeNotOpen."""
        under_way = self.under_way
        if under_way is not None:
            raise DisputeActionInProgress(self.dispute_id, under_way.action_id)
        if self.state is not DisputeState.OPEN:
            raise DisputeNotOpen(self.dispute_id, self.state.value)
        started = DisputeAction(
            action_id=action_id,
            kind=kind,
            state=ActionState.STARTED,
            request_id=request_id,
            start_time=time,
            text_digest=text_digest(text) if text else "",
            file_name=file_name,
            known_evidence_ids=tuple(e.evidence_id for e in self.report.evidence),
        )
        return replace(self, actions=(*self.actions, started), update_time=time)

    def finish(self, action_id: OperationId, state: ActionState, *, detail: str = "", evidence_id: str = "") -> Self:
        """Records the outcome of an action. Repeating it changes nothing."""
        return replace(
            self,
            actions=tuple(
                replace(one, state=state, detail=detail, evidence_id=evidence_id)
                if one.action_id == action_id and one.state is ActionState.STARTED
                else one
                for one in self.actions
            ),
            check_count=0,
        )

    def resolve(self, action: DisputeAction) -> Self | None:
        """Resolves an action with a lost answer from the latest report. None: the report does not show it."""
        match action.kind:
            case ActionKind.ACCEPT:
                done = self.state is DisputeState.ACCEPTED
            case ActionKind.FINALIZE:
                done = self.state in (DisputeState.UNDER_REVIEW, DisputeState.WON, DisputeState.LOST)
            case ActionKind.ADD_TEXT | ActionKind.ADD_FILE:
                added = self._added_by(action)
                if added is not None:
                    return self.finish(action.action_id, ActionState.SUCCEEDED, evidence_id=added.evidence_id)
                done = False
        if done:
            return self.finish(action.action_id, ActionState.SUCCEEDED)
        if self.state is not DisputeState.OPEN:
            return self.finish(action.action_id, ActionState.REFUSED, detail=f"the dispute is {self.state.value}")
        return None

    def _added_by(self, action: DisputeAction) -> Evidence | None:
        claimed = {one.evidence_id for one in self.actions if one.evidence_id}
        for evidence in self.report.evidence:
            if evidence.evidence_id in claimed or evidence.evidence_id in action.known_evidence_ids:
                continue
            is_text = action.kind is ActionKind.ADD_TEXT
            if is_text and evidence.text and text_digest(evidence.text) == action.text_digest:
                return evidence
            if not is_text and not evidence.text:
                return evidence
        return None


def text_digest(text: str) -> str:
    """A digest of a text that ignores changes of white space on the way."""
    return hashlib.sha256(" ".join(text.split()).encode()).hexdigest()
