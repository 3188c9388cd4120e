"""Finalizes a dispute: sends the evidence to the bank."""

from dataclasses import dataclass

from application.common.caller import Caller
from application.disputes.accept_dispute import check_request
from application.disputes.answer_dispute import Answer, AnswerDispute
from application.ports.gateway import Gateway
from domain.dispute import ActionKind, Dispute


@dataclass(frozen=True, slots=True)
class FinalizeDispute:
    gateway: Gateway
    answer: AnswerDispute

    def __call__(self, request_id: str, dispute_id: str, caller: Caller) -> Dispute:
        """Raises InvalidRequest and what AnswerDispute raises."""
        request = check_request(request_id, dispute_id, caller, "FinalizeDispute")
        return self.answer(request, dispute_id, Answer(kind=ActionKind.FINALIZE), self.gateway.finalize_dispute)
