"""The elements of a transaction that this service reads, and a light object that shows them to the translation.

The gateway describes a transaction in 300 tags. Most of them say nothing that is kept here.
"""

from types import SimpleNamespace
from typing import Any, Final

# The names of all elements that translate.py and authentication.py read of a transaction, at any depth: a test compares
# them. The parser skips every other element, with its content.
READ: Final = frozenset(
    {
        "transaction",
        "id",
        "order_id",
        "type",
        "status",
        "amount",
        "currency_iso_code",
        "merchant_account_id",
        "created_at",
        "updated_at",
        "refunded_transaction_id",
        "authorized_transaction_id",
        "refund_ids",
        "partial_settlement_transaction_ids",
        "authorization_expires_at",
        "settlement_batch_id",
        "status_history",
        "timestamp",
        "processor_response_code",
        "processor_response_text",
        "processor_response_type",
        "additional_processor_response",
        "processor_settlement_response_code",
        "processor_settlement_response_text",
        "gateway_rejection_reason",
        "merchant_advice_code",
        "network_transaction_id",
        "mastercard_transaction_link_id",
        "avs_postal_code_response_code",
        "avs_street_address_response_code",
        "cvv_response_code",
        "disbursement_details",
        "disbursement_date",
        "settlement_amount",
        "settlement_currency_iso_code",
        "disputes",
        "kind",
        "amount_disputed",
        "authorization_adjustments",
        "success",
        "risk_data",
        "decision",
        "decision_reasons",
        "device_data_captured",
        "fraud_service_provider",
        "transaction_risk_score",
        "three_d_secure_info",
        "liability_shifted",
        "liability_shift_possible",
        "eci_flag",
        "three_d_secure_version",
        "enrolled",
        "ds_transaction_id",
        "three_d_secure_authentication_id",
        "payment_instrument_type",
        "credit_card",
        "paypal",
        "apple_pay",
        "android_pay_card",
        "venmo_account",
        "token",
        "card_type",
        "last_4",
        "expiration_month",
        "expiration_year",
        "cardholder_name",
        "country_of_issuance",
        "issuing_bank",
        "unique_number_identifier",
        "source_card_type",
        "source_card_last_4",
        "virtual_card_type",
        "virtual_card_last_4",
        "payer_email",
        "email",
        "username",
    }
)

# The SDK's name of each part that is an object, by the element's name.
_OBJECTS: Final = {
    "credit_card": "credit_card_details",
    "paypal": "paypal_details",
    "apple_pay": "apple_pay_details",
    "android_pay_card": "android_pay_card_details",
    "venmo_account": "venmo_account_details",
    "disbursement_details": "disbursement_details",
    "risk_data": "risk_data",
    "three_d_secure_info": "three_d_secure_info",
}
_LISTS: Final = ("status_history", "disputes", "authorization_adjustments")


def shown(attributes: dict[str, Any]) -> SimpleNamespace:
    """The parts under the names of the SDK's Transaction; amounts stay texts.

    The SDK builds a dozen objects of the whole answer, which takes longer than parsing it.
    """
    found = SimpleNamespace(**attributes)
    for element, name in _OBJECTS.items():
        part = attributes.get(element)
        if part is not None:
            setattr(found, name, SimpleNamespace(**part))
    for name in _LISTS:
        parts = attributes.get(name)
        if parts:
            setattr(found, name, [SimpleNamespace(**part) for part in parts])
    return found
