"""Card verifications in answers."""

from __future__ import annotations

from braintree_twin.ids import global_id
from braintree_twin.rules.responses import text_of
from braintree_twin.state.records import Verification
from braintree_twin.views.addresses import transaction_address
from braintree_twin.views.cards import transaction_card
from braintree_twin.xml_out import Node, Timestamp


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
        "created_at": Timestamp(record.created_at),
        "updated_at": Timestamp(record.updated_at),
        "credit_card": card,
        "billing": transaction_address(record.billing),
        "three_d_secure_info": None,
        "ani_first_name_response_code": None,
        "ani_last_name_response_code": None,
        "global_id": global_id("verification", record.id),
    }
