"""Translates disputes and gateway webhooks between messages and the application's values."""

from adapters.grpc.translate import enums
from adapters.grpc.translate.requests import times_of
from adapters.grpc.translate.resources import moment, money
from application.disputes.add_dispute_evidence import AddEvidenceCommand, RawFile
from application.disputes.list_disputes import RawDisputeFilter
from application.ports.gateway_webhooks import StoredGatewayWebhook
from bayar.payments.v1 import admin_service_pb2, dispute_pb2, dispute_service_pb2
from domain.dispute import Dispute, Evidence


def dispute(one: Dispute) -> dispute_pb2.Dispute:
    report, under_way = one.report, one.under_way
    return dispute_pb2.Dispute(
        dispute_id=one.dispute_id,
        payment_id=one.payment_id,
        caller_id=one.caller_id,
        kind=enums.DISPUTE_KIND[report.kind],
        state=enums.DISPUTE_STATE[report.state],
        reason=enums.DISPUTE_REASON[report.reason],
        amount=money(report.amount),
        receive_time=moment(report.receive_time),
        reply_by_time=moment(report.reply_by_time),
        evidence=[_evidence(evidence) for evidence in one.evidence],
        create_time=moment(one.create_time),
        update_time=moment(one.update_time),
        case_number=report.case_number,
        reason_code=report.reason_code,
        pending_action=enums.DISPUTE_ACTION[under_way.kind] if under_way else dispute_pb2.DISPUTE_ACTION_UNSPECIFIED,
        next_check_time=moment(one.next_check_time),
    )


def _evidence(one: Evidence) -> dispute_pb2.DisputeEvidence:
    return dispute_pb2.DisputeEvidence(
        evidence_id=one.evidence_id,
        text=one.text,
        file_name=one.file_name,
        create_time=moment(one.create_time),
        send_time=moment(one.send_time),
    )


def dispute_filter(request: dispute_service_pb2.ListDisputesRequest) -> RawDisputeFilter:
    [reply_before] = times_of("", request, reply_before_time=request.reply_before_time)
    return RawDisputeFilter(
        payment_id=request.payment_id,
        states=tuple(enums.dispute_state_from(number) for number in request.states),
        reply_before=reply_before,
    )


def add_evidence_command(request: dispute_service_pb2.AddDisputeEvidenceRequest) -> AddEvidenceCommand:
    evidence: str | RawFile | None = None
    match request.WhichOneof("evidence"):
        case "text":
            evidence = request.text
        case "file":
            evidence = RawFile(request.file.name, request.file.content)
    return AddEvidenceCommand(request_id=request.request_id, dispute_id=request.dispute_id, evidence=evidence)


def notification(one: StoredGatewayWebhook) -> admin_service_pb2.WebhookNotification:
    webhook = one.webhook
    return admin_service_pb2.WebhookNotification(
        notification_id=webhook.notification_id,
        kind=webhook.kind,
        state=enums.NOTIFICATION_STATE[one.state],
        outcome=enums.NOTIFICATION_OUTCOME[one.outcome],
        event_time=moment(webhook.event_time),
        receive_time=moment(one.receive_time),
        finish_time=moment(one.finish_time),
        attempt_count=one.attempt_count,
        next_attempt_time=moment(one.next_attempt_time),
        last_error=one.last_error,
        gateway_transaction_ids=webhook.subject.transaction_ids,
        gateway_dispute_id=webhook.subject.dispute_id,
    )
