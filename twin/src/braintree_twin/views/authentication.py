"""The XML of risk data and 3-D Secure results, which transactions, verifications and nonces share."""

from __future__ import annotations

from typing import Any

from braintree_twin.rules.cards import REVIEW
from braintree_twin.state.records import Fields
from braintree_twin.xml_writer import Elements, Node

# Decision -> risk score, 0 to 99 (inferred; the numbers are the twin's own).
_SCORES = {"Approve": "12", "Review": "57", "Decline": "92"}


def risk_data(
    identifier: str, card: dict[str, Any] | None, rejection_reason: str | None, *, captured: bool
) -> dict[str, Node]:
    """The result of fraud checking. `captured`: the request had device data; without, there is no score."""
    decision = _decision(card, rejection_reason)
    return {
        "id": identifier,
        "decision": decision,
        "fraud_service_provider": "fraud_protection",
        "device_data_captured": captured,
        "decision_reasons": Elements("item", ()),
        "transaction_risk_score": _SCORES[decision] if captured else None,
        "liability_shift": None,
    }


def _decision(card: dict[str, Any] | None, rejection_reason: str | None) -> str:
    if rejection_reason in ("fraud", "risk_threshold"):
        return "Decline"
    return "Review" if card and card.get("behaviour") == REVIEW else "Approve"


def three_d_secure(info: Fields | None) -> Node:
    if info is None:
        return None
    return {
        "status": info["status"],
        "enrolled": info["enrolled"],
        "liability_shifted": bool(info["liability_shifted"]),
        "liability_shift_possible": bool(info["liability_shift_possible"]),
        "cavv": info.get("cavv"),
        "xid": info.get("xid"),
        "ds_transaction_id": info.get("ds_transaction_id"),
        "eci_flag": info.get("eci_flag"),
        "three_d_secure_version": info.get("three_d_secure_version"),
        "three_d_secure_authentication_id": info.get("three_d_secure_authentication_id"),
        "pares_status": info.get("pares_status"),
        "acs_transaction_id": info.get("acs_transaction_id"),
        "three_d_secure_server_transaction_id": info.get("three_d_secure_server_transaction_id"),
        **{
            step: {"trans_status": info.get(f"{step}_trans_status"), "trans_status_reason": None}
            for step in ("lookup", "authentication")
        },
    }
