"""Bugs in disputes: wrong records, wrong answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from application.gateway_webhooks.process_gateway_webhooks import ProcessGatewayWebhooks
from application.ports.gateway import DisputeAnswered
from application.ports.gateway_webhooks import GatewayWebhookOutcome
from bayar.payments.v1.dispute_pb2 import DisputeState
from domain.dispute import DisputeState as State


def lost_as_won(original: Callable[..., Any]) -> Callable[..., Any]:
    def record(self: Any, report: Any) -> Any:
        if report.state in (State.LOST, State.ACCEPTED):
            report = replace(report, state=State.WON)
        return original(self, report)

    return record


def webhooks_tell_of_expired_disputes() -> None:
    """Record each dispute of a webhook as expired."""

    def read_and_record(self: Any, subject: Any) -> Any:
        report = self.gateway.find_dispute(subject.dispute_id)
        self.record_dispute(replace(report, state=State.EXPIRED))
        return GatewayWebhookOutcome.RECORDED

    setattr(ProcessGatewayWebhooks, "sync_dispute", read_and_record)  # noqa: B010


def pretended_acceptance(_: Callable[..., Any]) -> Callable[..., Any]:
    def accept(*_: Any) -> Any:
        return DisputeAnswered(None)

    return accept


def accepted_is_told_as_won(original: Callable[..., Any]) -> Callable[..., Any]:
    def accept(*arguments: Any) -> Any:
        answer = original(*arguments)
        answer.dispute.state = DisputeState.DISPUTE_STATE_WON
        return answer

    return accept
