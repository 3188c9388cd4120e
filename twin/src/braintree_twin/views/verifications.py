"""The XML of card verifications."""

from __future__ import annotations

from braintree_twin.calls import Answer, Call
from braintree_twin.ids import global_id
from braintree_twin.params import Params
from braintree_twin.rules.processor_responses import text_of
from braintree_twin.state.records import Verification
from braintree_twin.validation import Errors, error_answer
from braintree_twin.views.addresses import transaction_address
from braintree_twin.views.authentication import risk_data, three_d_secure
from braintree_twin.views.cards import transaction_card
from braintree_twin.xml_writer import Node, Timestamp


def verification(record: Verification) -> dict[str, Node]:
    code = record.processor_response_code
    card = transaction_card(record.card, record.token)
    card["unique_number_identifier"] = record.card_number_identifier
    card["account_type"] = record.account_type
    return {
        "id": record.id,
        "status": record.status,
        "amount": record.amount,
        "currency_iso_code": record.currency,
        "merchant_account_id": record.merchant_account_id,
        "avs_error_response_code": record.avs_error,
        "avs_postal_code_response_code": record.avs_postal,
        "avs_street_address_response_code": record.avs_street,
        "cvv_response_code": record.cvv,
        "gateway_rejection_reason": record.gateway_rejection_reason,
        "processor_response_code": code,
        "processor_response_text": text_of(code) if code else None,
        "processor_response_type": record.processor_response_type,
        "additional_processor_response": None,
        "network_response_code": "XX" if code else None,
        "network_response_text": "sample network response text" if code else None,
        "network_transaction_id": record.network_transaction_id,
        "mastercard_transaction_link_id": record.mastercard_transaction_link_id,
        "created_at": Timestamp(record.created_at),
        "updated_at": Timestamp(record.updated_at),
        "credit_card": card,
        "billing": transaction_address(record.billing),
        **_risk_data(record),
        "three_d_secure_info": three_d_secure(record.three_d_secure),
        "ani_first_name_response_code": record.ani_first_name,
        "ani_last_name_response_code": record.ani_last_name,
        "global_id": global_id("verification", record.id),
    }


def _risk_data(record: Verification) -> dict[str, Node]:
    """The element risk_data; absent without fraud checking, since the SDKs read its content whenever it is there."""
    if not record.fraud_checked:
        return {}
    captured = record.device_data_captured
    return {"risk_data": risk_data(record.id, record.card, record.gateway_rejection_reason, captured=captured)}


def verification_failure(call: Call, record: Verification | None) -> Answer | None:
    """The 422 for a card whose verification failed: no errors, but the verification. None where nothing failed."""
    if record is None or record.status == "verified":
        return None
    message = (
        f"Gateway Rejected: {record.gateway_rejection_reason}"
        if record.gateway_rejection_reason
        else text_of(record.processor_response_code or "")
    )
    echo = Params(call.document).echo()
    node = error_answer(Errors(), echo, message=message, verification=verification(record))
    return Answer("api_error_response", node, 422)
