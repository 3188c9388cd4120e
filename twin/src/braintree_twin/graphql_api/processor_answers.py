"""The answers of processor, network and fraud checking to a transaction, and its statuses, as the graph shows them."""

from __future__ import annotations

from typing import Any

from braintree_twin.graphql_api.context import Fields
from braintree_twin.rules.processor_responses import ADVICE_TEXTS, text_of
from braintree_twin.state.records import Transaction
from braintree_twin.views.authentication import risk_data
from braintree_twin.views.transactions import NETWORK_RESPONSE, monthly_parts

CHECKS = {
    "A": "NOT_APPLICABLE",
    "B": "BYPASS",
    "E": "SYSTEM_ERROR",
    "I": "NOT_PROVIDED",
    "M": "MATCHES",
    "N": "DOES_NOT_MATCH",
    "S": "ISSUER_DOES_NOT_PARTICIPATE",
    "U": "NOT_VERIFIED",
}
_FINAL = frozenset(
    {
        "authorization_expired",
        "failed",
        "gateway_rejected",
        "processor_declined",
        "settled",
        "settlement_declined",
        "voided",
    }
)
_DECLINES = {"hard_declined": "HARD", "soft_declined": "SOFT"}
_SOURCES = frozenset({"api", "control_panel", "payment_reader", "recurring"})


def money(amount: str | None, currency: str) -> Fields | None:
    return {"value": amount, "currencyCode": currency, "currencyIsoCode": currency} if amount is not None else None


def network_response() -> Fields:
    return dict(zip(("code", "message"), NETWORK_RESPONSE, strict=True))


def processor_response(record: Transaction) -> Fields | None:
    """The processor's answer to the authorization; None if it was never asked."""
    code = record.processor_response_code
    if not code:
        return None
    return {
        "legacyCode": code,
        "message": text_of(code),
        "cvvResponse": CHECKS.get(record.cvv or ""),
        "avsPostalCodeResponse": CHECKS.get(record.avs_postal or ""),
        "avsStreetAddressResponse": CHECKS.get(record.avs_street or ""),
        "authorizationId": record.processor_authorization_code,
        "additionalInformation": record.additional_processor_response,
        "retrievalReferenceNumber": record.retrieval_reference_number,
        "mastercardTransactionLinkId": record.mastercard_transaction_link_id,
    }


def settlement_response(record: Transaction) -> Fields | None:
    code = record.processor_settlement_response_code
    return {"legacyCode": code, "message": record.processor_settlement_response_text} if code else None


def advice(record: Transaction) -> Fields | None:
    code = record.merchant_advice_code
    return {"code": code, "message": ADVICE_TEXTS.get(code)} if code else None


def risk(record: Transaction) -> Fields | None:
    """The result of fraud checking; None of instruments that are not checked."""
    if record.card is None:
        return None
    captured = record.device_data_captured
    shown = risk_data(record.id, record.card, record.gateway_rejection_reason, captured=captured)
    score = shown["transaction_risk_score"]
    return {
        "id": record.id,
        "decision": str(shown["decision"]).upper().replace(" ", "_"),
        "deviceDataCaptured": captured,
        "fraudServiceProvider": str(shown["fraud_service_provider"]).upper(),
        "decisionReasons": [],
        "score": int(str(score)) if score is not None else None,
    }


def source(event: dict[str, Any]) -> str:
    known = event.get("transaction_source") or ""
    return known.upper() if known in _SOURCES else "UNKNOWN"


def event(record: Transaction, entry: dict[str, Any], duplicate_of: Any = None) -> Fields:
    """One status of the history, with what the graph says about statuses of its type."""
    status = str(entry["status"])
    empty: Fields = {"legacyCode": None, "message": None}
    is_settlement = status.startswith("settle")
    return {
        "__typename": "".join(word.capitalize() for word in status.split("_")) + "Event",
        "status": status.upper(),
        "timestamp": entry["timestamp"],
        "amount": money(entry["amount"], record.currency),
        "source": source(entry),
        "terminal": status in _FINAL,
        "userName": entry.get("user"),
        "processorResponse": (settlement_response(record) or empty) if is_settlement else processor_response(record),
        "networkResponse": network_response(),
        "merchantAdviceCodeResponse": advice(record),
        "riskDecision": (risk(record) or {}).get("decision"),
        "authorizationExpiresAt": record.authorization_expires_at,
        "declineType": _DECLINES.get(record.processor_response_type or ""),
        "gatewayRejectionReason": (record.gateway_rejection_reason or "").upper() or None,
        "duplicateOf": duplicate_of,
        "settlementBatchId": record.settlement_batch_id,
    }


def adjustments(record: Transaction) -> list[Fields]:
    """The adjustments of the authorization, oldest first."""
    return [
        {
            "amount": money(str(entry["amount"]), record.currency),
            "successful": bool(entry["success"]),
            "timestamp": entry["timestamp"],
            "processorResponse": {
                "legacyCode": entry["processor_response_code"],
                "message": text_of(str(entry["processor_response_code"])),
                "declineType": _DECLINES.get(str(entry["processor_response_type"])),
            },
        }
        for entry in record.authorization_adjustments
    ]


def installments(record: Transaction) -> Fields | None:
    if not record.installment_count:
        return None
    parts = [{"id": each["id"], "amount": each["amount"]} for each in monthly_parts(record)]
    return {"count": str(record.installment_count), "installments": parts}


def disbursement(record: Transaction) -> Fields | None:
    known = record.disbursement
    if not known or not known.get("date"):
        return None
    return {
        "date": known["date"],
        "amount": money(known.get("amount"), known.get("currency") or record.currency),
        "exchangeRate": known.get("exchange_rate"),
        "fundsHeld": False,
    }
