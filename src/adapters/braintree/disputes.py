"""Disputes at Braintree: translates the SDK's objects into values, and makes the calls that answer a dispute."""

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import braintree
from braintree.dispute_gateway import DisputeGateway
from braintree.successful_result import SuccessfulResult

from adapters.braintree import translate
from adapters.braintree.order_ids import UNMARKED, OrderIds
from application.ports.gateway import DisputeAnswered, DisputeOutcome, GatewayNotReached, Rejected
from domain.dispute import DisputeKind, DisputeReason, DisputeReport, DisputeState, Evidence
from domain.money import Money

_STATES: Final[Mapping[str, DisputeState]] = MappingProxyType(
    {
        "open": DisputeState.OPEN,
        "disputed": DisputeState.UNDER_REVIEW,
        "under_review": DisputeState.UNDER_REVIEW,
        "won": DisputeState.WON,
        "lost": DisputeState.LOST,
        "accepted": DisputeState.ACCEPTED,
        # By a rule of the merchant or a programme of the card network.
        "auto_accepted": DisputeState.ACCEPTED,
        "expired": DisputeState.EXPIRED,
    }
)
_REASONS: Final[Mapping[str, DisputeReason]] = MappingProxyType(
    {
        "fraud": DisputeReason.FRAUD,
        "product_not_received": DisputeReason.PRODUCT_NOT_RECEIVED,
        "product_unsatisfactory": DisputeReason.PRODUCT_UNSATISFACTORY,
        "credit_not_processed": DisputeReason.CREDIT_NOT_PROCESSED,
        "duplicate": DisputeReason.DUPLICATE,
        "cancelled_recurring_transaction": DisputeReason.CANCELLED_RECURRING,
        "not_recognized": DisputeReason.NOT_RECOGNIZED,
        "transaction_amount_differs": DisputeReason.PROCESSING_ERROR,
        "invalid_account": DisputeReason.PROCESSING_ERROR,
        "retrieval": DisputeReason.RETRIEVAL,
    }
)


def report(found: Any, order_ids: OrderIds = UNMARKED) -> DisputeReport:
    """Raises for a malformed dispute."""
    transaction = getattr(found, "transaction", None)
    reply_by = _day(getattr(found, "reply_by_date", None))
    received = _day(getattr(found, "received_date", None))
    return DisputeReport(
        gateway_dispute_id=translate.required(found, "id"),
        transaction_id=translate.required(transaction, "id"),
        kind=DisputeKind(found.kind),
        state=_STATES[found.status],
        reason=_REASONS.get(translate.text(found, "reason"), DisputeReason.OTHER),
        amount=_amount(found),
        change_time=_moment(found.updated_at),
        receive_time=_midnight(received) if received else _moment(found.created_at),
        # The deadline includes the day itself.
        reply_by_time=_midnight(reply_by + timedelta(days=1)) if reply_by else None,
        evidence=tuple(evidence(one) for one in getattr(found, "evidence", None) or ()),
        case_number=translate.text(found, "case_number"),
        reason_code=translate.text(found, "reason_code"),
        order_id=order_ids.read(translate.text(transaction, "order_id"))[0],
        open_time=_entered(found, first=True),
        state_time=_entered(found, first=False),
    )


def _entered(found: Any, *, first: bool) -> datetime | None:
    """The time of the first or the last change to the first, or the present, status."""
    history = getattr(found, "status_history", None) or ()
    times = [one.timestamp for one in history if first or one.status == found.status]
    times = [one for one in times if isinstance(one, datetime)]
    return _moment(min(times) if first else max(times)) if times else None


def evidence(found: Any) -> Evidence:
    sent = _day(getattr(found, "sent_to_processor_at", None))
    text = translate.written(found, "comment") or translate.written(found, "comments")
    return Evidence(
        evidence_id=translate.required(found, "id"),
        text=text,
        file_name="" if text else unquote(urlsplit(translate.text(found, "url")).path.rpartition("/")[2]),
        create_time=_moment(found.created_at) if getattr(found, "created_at", None) else None,
        send_time=_midnight(sent) if sent else None,
    )


def _amount(found: Any) -> Money:
    return Money.from_decimal(str(found.amount_disputed), str(found.currency_iso_code))


def outcome(result: object) -> DisputeOutcome:
    """The outcome of a call. Raises TypeError for an unknown result."""
    if isinstance(result, SuccessfulResult):
        added = getattr(result, "evidence", None)
        return DisputeAnswered(evidence(added) if added is not None else None)
    return Rejected(detail=translate.refusal_text(result))


@dataclass(frozen=True, slots=True)
class DisputeCalls:
    """The SDK's calls about disputes. The adapter interprets their errors."""

    sdk: Any
    order_ids: OrderIds

    def find(self, gateway_dispute_id: str) -> DisputeReport:
        return report(self.sdk.dispute.find(gateway_dispute_id), self.order_ids)

    def received(self, since: date) -> Iterator[DisputeReport]:
        # A gateway object for each search: a search stores its criteria on it.
        disputes = DisputeGateway(self.sdk)
        window = braintree.DisputeSearch.received_date >= since.isoformat()
        for found in disputes.search(window).disputes.items:
            yield report(found, self.order_ids)

    def accept(self, gateway_dispute_id: str) -> DisputeOutcome:
        return outcome(self.sdk.dispute.accept(gateway_dispute_id))

    def finalize(self, gateway_dispute_id: str) -> DisputeOutcome:
        return outcome(self.sdk.dispute.finalize(gateway_dispute_id))

    def add_text(self, gateway_dispute_id: str, text: str) -> DisputeOutcome:
        return outcome(self.sdk.dispute.add_text_evidence(gateway_dispute_id, text))

    def upload(self, name: str, content: bytes) -> str | Rejected:
        """The document's id. The document is no evidence yet."""
        file = io.BytesIO(content)
        file.name = name
        result = self.sdk.document_upload.create({"kind": braintree.DocumentUpload.Kind.EvidenceDocument, "file": file})
        if isinstance(result, SuccessfulResult):
            return translate.required(result.document_upload, "id")
        return Rejected(detail=translate.refusal_text(result))

    def add_file(self, gateway_dispute_id: str, document_id: str) -> DisputeOutcome:
        return outcome(self.sdk.dispute.add_file_evidence(gateway_dispute_id, document_id))


def uploaded(upload: Callable[[], str | Rejected], describe: Callable[[Exception], str]) -> str | Rejected:
    """A failed upload is part of no dispute: certainly nothing was added. Raises GatewayNotReached."""
    try:
        return upload()
    except GatewayNotReached:
        raise
    except Exception as failure:
        raise GatewayNotReached(describe(failure)) from failure


def _day(value: object) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, str) and value:
        return date.fromisoformat(value)
    return value if isinstance(value, date) else None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)


def _moment(value: datetime) -> datetime:
    """The SDK's times are UTC without a zone."""
    return value.replace(tzinfo=UTC)
