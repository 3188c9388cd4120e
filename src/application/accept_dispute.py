"""Gives in to a dispute."""

from dataclasses import dataclass

from application.answer_dispute import Answer, AnswerDispute
from application.caller import Caller
from application.checks import Checks, known
from application.exactly_once import Request
from application.ports.gateway import Gateway
from domain import ids
from domain.dispute import ActionKind, Dispute


@dataclass(frozen=True, slots=True)
class AcceptDispute:
    gateway: Gateway
    answer: AnswerDispute

    def __call__(self, request_id: str, dispute_id: str, caller: Caller) -> Dispute:
        """Raises InvalidRequest and what AnswerDispute raises."""
        request = named(request_id, dispute_id, caller, "AcceptDispute")
        return self.answer(request, dispute_id, Answer(kind=ActionKind.ACCEPT), self.gateway.accept_dispute)


def named(request_id: str, dispute_id: str, caller: Caller, method: str) -> Request:
    """The request, checked. Raises InvalidRequest."""
    checks = Checks()
    checked = checks.request_id(request_id)
    checks.resource_id("dispute_id", dispute_id, ids.DISPUTE)
    checks.done()
    return Request(caller, known(checked), method, {"dispute_id": dispute_id})
