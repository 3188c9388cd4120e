"""Package tracking for PayPal sales."""

from __future__ import annotations

from braintree_twin.calls import Answer, Call
from braintree_twin.ledger.lifecycle import save
from braintree_twin.resources.transactions.common import ROOT, answer, load
from braintree_twin.validation import Errors, ValidationFailed

ROOT_SHIPMENT = "shipment"
# Braintree does not publish these codes; clients read the messages.
CARRIER_REQUIRED, TRACKING_NUMBER_REQUIRED, NOT_TRACKABLE = "97401", "97402", "97403"
_CAPTURED = frozenset({"submitted_for_settlement", "settling", "settled", "settlement_pending"})


def add_shipment(call: Call) -> Answer:
    record = load(call)
    params = call.params(ROOT_SHIPMENT)
    errors = Errors()
    faults = errors.on(ROOT_SHIPMENT)
    faults.add("carrier", None if params.has("carrier") else CARRIER_REQUIRED)
    faults.add("tracking_number", None if params.has("tracking_number") else TRACKING_NUMBER_REQUIRED)
    if record.kind != "paypal_account" or record.status not in _CAPTURED:
        errors.on(ROOT).add("base", NOT_TRACKABLE)
    if errors:
        raise ValidationFailed(errors)
    record.shipments.append(
        {
            "id": call.ids.token(),
            "carrier": params.text("carrier"),
            "tracking_number": params.text("tracking_number"),
            "paypal_tracking_id": None,
            # PayPal knows it only later.
            "paypal_tracker_id": None,
        }
    )
    save(call, record)
    return answer(call, record)
