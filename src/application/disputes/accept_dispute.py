"""Accepts a dispute: the merchant does not contest it."""

from dataclasses import dataclass

from application.common.caller import Caller
from application.common.validator import Validator, require_checked
from application.disputes.answer_dispute import Answer, AnswerDispute
from application.idempotency.idempotency_guard import IdempotentRequest
from application.ports.gateway import Gateway
from domain import ids
from domain.dispute import ActionKind, Dispute


@dataclass(frozen=True, slots=True)
class AcceptDispute:
    gateway: Gateway
    answer: AnswerDispute

    def __call__(self, request_id: str, dispute_id: str, caller: Caller) -> Dispute:
        """Raises InvalidRequest and what AnswerDispute raises."""
        request = check_request(request_id, dispute_id, caller, "AcceptDispute")
        return self.answer(request, dispute_id, Answer(kind=ActionKind.ACCEPT), self.gateway.accept_dispute)


def check_request(request_id: str, dispute_id: str, caller: Caller, method: str) -> IdempotentRequest:
    """The request, checked. Raises InvalidRequest."""
    validator = Validator()
    checked = validator.request_id(request_id)
    validator.resource_id("dispute_id", dispute_id, ids.DISPUTE)
    validator.done()
    return IdempotentRequest(caller, require_checked(checked), method, {"dispute_id": dispute_id})
