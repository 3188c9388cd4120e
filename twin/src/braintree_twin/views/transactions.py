"""The XML of transactions."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_DOWN, Decimal
from typing import Any

from braintree_twin.ids import global_id
from braintree_twin.rules.bank_accounts import LOCAL_PAYMENT, SEPA, US_BANK_ACCOUNT
from braintree_twin.rules.money import canonical, exponent
from braintree_twin.rules.processor_responses import ADVICE_TEXTS, text_of
from braintree_twin.state.records import Dispute, Fields, Transaction
from braintree_twin.views.addresses import transaction_address
from braintree_twin.views.authentication import risk_data, three_d_secure
from braintree_twin.views.bank_accounts import ach_types, paid_instrument
from braintree_twin.views.cards import empty_transaction_card, logo, method_global_id, transaction_card
from braintree_twin.views.disputes import dispute
from braintree_twin.views.modifications import modifications
from braintree_twin.views.transaction_customers import transaction_customer
from braintree_twin.views.wallets import empty_fields, wallet_card
from braintree_twin.xml_writer import Date, Elements, Node, Timestamp

PARTIAL = "1004"
NETWORK_RESPONSE = ("XX", "sample network response text")

# Kind of instrument -> its element in a transaction.
_ELEMENTS = {
    "apple_pay_card": "apple_pay",
    "paypal_account": "paypal",
    "sepa_debit_account": "sepa_debit_account_detail",
}
# Kinds whose payment_instrument_type is not the kind itself.
_INSTRUMENT_TYPES = {"sepa_debit_account": "sepa_debit_account", "local_payment": "local_payment"}

_NO_TERMINAL: dict[str, Node] = {
    "response_emv_data": None,
    "merchant_identification_number": None,
    "terminal_identification_number": None,
    "merchant_name": None,
    "merchant_address": dict.fromkeys(("street_address", "locality", "region", "postal_code", "phone")),
    "pin_verified": False,
    "processing_mode": None,
}
# The person who receives a PayPal payment's goods, in the sandbox.
PAYPAL_RECIPIENT = "test@paypal.com"
_PAYPAL_EXTRAS = (
    "refund_from_transaction_fee_amount",
    "refund_from_transaction_fee_currency_iso_code",
    "tax_id",
    "tax_id_type",
)


def _stamp(text: str | None) -> Node:
    return Timestamp(text) if text else None


def _day(text: str | None) -> Node:
    return Date(text) if text else None


def transaction(record: Transaction) -> dict[str, Node]:
    return {**_head(record), **_response(record), **_instrument(record), **_life(record), **_tail(record)}


def _head(record: Transaction) -> dict[str, Node]:
    return {
        "id": record.id,
        "status": record.status,
        "type": record.type,
        "currency_iso_code": record.currency,
        "amount": record.amount,
        "amount_requested": record.amount_requested,
        "merchant_account_id": record.merchant_account_id,
        "sub_merchant_account_id": None,
        "master_merchant_account_id": None,
        "order_id": record.order_id,
        "created_at": Timestamp(record.created_at),
        "updated_at": Timestamp(record.updated_at),
        "customer": transaction_customer(record.customer),
        "billing": transaction_address(record.billing),
        "refund_id": record.refund_ids[-1] if record.refund_ids else None,
        "refund_ids": Elements("item", record.refund_ids),
        "refunded_transaction_id": record.refunded_transaction_id,
        "partial_settlement_transaction_ids": Elements("item", record.partial_settlement_ids),
        "authorized_transaction_id": record.authorized_transaction_id,
        "settlement_batch_id": record.settlement_batch_id,
        "shipping": transaction_address(record.shipping),
        "custom_fields": dict(record.custom_fields),
        "account_funding_transaction": bool(record.transfer and record.transfer.get("type")),
        **_parties(record),
    }


def _parties(record: Transaction) -> dict[str, Node]:
    """The transfer and who facilitates; absent if there is none, since the SDKs read what is there."""
    known = {
        "transfer": record.transfer,
        "payment_facilitator": record.payment_facilitator,
        "facilitated_details": record.facilitated,
        "facilitator_details": record.facilitator,
    }
    return {name: fields for name, fields in known.items() if fields}


def _response(record: Transaction) -> dict[str, Node]:
    code = record.processor_response_code
    return {
        "avs_error_response_code": record.avs_error,
        "avs_postal_code_response_code": record.avs_postal,
        "avs_street_address_response_code": record.avs_street,
        "cvv_response_code": record.cvv,
        "gateway_rejection_reason": record.gateway_rejection_reason,
        "processor_authorization_code": record.processor_authorization_code,
        "processor_response_code": code or "",
        "processor_response_text": text_of(code) if code else "",
        "additional_processor_response": record.additional_processor_response,
        "voice_referral_number": None,
        "purchase_order_number": record.purchase_order_number,
        "tax_amount": record.tax_amount,
        "tax_exempt": record.tax_exempt,
        "sca_exemption_requested": record.sca_exemption_requested,
        "processed_with_network_token": record.network_token,
    }


def _instrument(record: Transaction) -> dict[str, Node]:
    is_card = record.kind == "credit_card" and record.card is not None
    card = (
        transaction_card(record.card, record.token, record.account_type)
        if is_card and record.card
        else empty_transaction_card()
    )
    if not is_card:
        return {"credit_card": card, _element(record.kind): _wallet(record)}
    token: dict[str, Node] = {"network_token": {**card, "is_network_tokenized": True}} if record.network_token else {}
    return {"credit_card": card, **token}


def _element(kind: str) -> str:
    return _ELEMENTS.get(kind, kind)


def _wallet(record: Transaction) -> dict[str, Node]:
    known: dict[str, Node] = {"token": record.token, "global_id": method_global_id(record.kind, record.token)}
    if record.card:
        return {**wallet_card(record.kind, record.card, record.wallet), **_paid_by(record), **known}
    if record.kind == "paypal_account":
        return {**_paypal(record), **known}
    if record.kind in (US_BANK_ACCOUNT, SEPA, LOCAL_PAYMENT):
        return {**paid_instrument(record), "image_url": logo(record.kind), **known}
    return {**empty_fields(record.kind), **record.wallet, "image_url": logo(record.kind), **known}


def _paid_by(record: Transaction) -> dict[str, Node]:
    """The card behind a merchant's token of Apple Pay: a payment names it, and not the token."""
    last_4 = record.wallet.get("source_card_last4")
    if record.card is None or not last_4:
        return {}
    name = f"{record.card['card_type']} {last_4}"
    return {"payment_instrument_name": name, "source_description": name}


def _paypal(record: Transaction) -> dict[str, Node]:
    wallet = record.wallet
    captured = any(event["status"] == "submitted_for_settlement" for event in record.history)
    return {
        "payer_email": wallet.get("email"),
        "payer_id": wallet.get("payer_id"),
        "payer_first_name": wallet.get("payer_first_name"),
        "payer_last_name": wallet.get("payer_last_name"),
        "payer_status": wallet.get("payer_status"),
        "payment_id": wallet.get("payment_id") or f"PAY-{record.id.upper()}",
        "authorization_id": f"AUTH-{record.id.upper()}",
        "capture_id": f"CAP{record.id.upper()}" if captured else None,
        "refund_id": wallet.get("refund_id") or (f"REF{record.id.upper()}" if record.type == "credit" else None),
        "seller_protection_status": "ELIGIBLE",
        "transaction_fee_amount": "0.01" if captured else None,
        "transaction_fee_currency_iso_code": record.currency if captured else None,
        **{name: wallet.get(name) for name in _PAYPAL_EXTRAS},
        "recipient_email": wallet.get("recipient_email") or PAYPAL_RECIPIENT,
        "recipient_phone": _recipient_phone(wallet),
        "image_url": logo("paypal"),
        "debug_id": f"DEBUG{record.id.upper()}",
        **{name: wallet.get(name) for name in ("custom_field", "description", "payee_id", "payee_email")},
        "billing_agreement_id": wallet.get("billing_agreement_id"),
        "implicitly_vaulted_payment_method_token": None,
        "implicitly_vaulted_payment_method_global_id": None,
        "payment_instrument_type": "paypal_account",
    }


def _recipient_phone(wallet: Fields) -> Node:
    phone: dict[str, Node] = {name: wallet.get(f"recipient_{name}") for name in ("country_code", "national_number")}
    return phone if any(phone.values()) else None


def _life(record: Transaction) -> dict[str, Node]:
    return {
        "status_history": Elements("status_event", [_status_event(event) for event in record.history]),
        "plan_id": record.plan_id,
        "subscription_id": record.subscription_id,
        "subscription": {
            "billing_period_end_date": _day(record.billing_period.get("end")),
            "billing_period_start_date": _day(record.billing_period.get("start")),
        },
        "add_ons": modifications("add_on", record.add_ons),
        "discounts": modifications("discount", record.discounts),
        "descriptor": {name: record.descriptor.get(name) for name in ("name", "phone", "url")},
        "recurring": record.recurring,
        "channel": record.channel,
        "service_fee_amount": record.service_fee_amount,
        "escrow_status": None,
        "disbursement_details": _disbursement(record.disbursement),
        "shipments": Elements("shipment", [dict(shipment) for shipment in record.shipments]),
        "disputes": Elements("dispute", [dispute(Dispute(**fields)) for fields in record.disputes]),
        "ach_return_responses": Elements(
            "ach_return_response", [_ach_return(each) for each in record.returned_by_bank]
        ),
        "authorization_adjustments": Elements(
            "authorization_adjustment", [_adjustment(entry) for entry in record.authorization_adjustments]
        ),
        "payment_instrument_type": _INSTRUMENT_TYPES.get(record.kind, record.kind),
        "processor_settlement_response_code": record.processor_settlement_response_code,
        "processor_settlement_response_text": record.processor_settlement_response_text,
    }


def _status_event(event: Fields) -> dict[str, Node]:
    shown: dict[str, Node] = {
        "timestamp": _stamp(event["timestamp"]),
        "status": event["status"],
        "amount": event["amount"],
    }
    if event.get("user"):
        shown["user"] = event["user"]
    shown["transaction_source"] = event.get("transaction_source") or ""
    return shown


def _adjustment(entry: Mapping[str, Any]) -> dict[str, Node]:
    return {
        "amount": entry["amount"],
        "timestamp": _stamp(entry["timestamp"]),
        "success": bool(entry["success"]),
        "processor_response_code": entry["processor_response_code"],
        "processor_response_text": text_of(entry["processor_response_code"]),
        "processor_response_type": entry["processor_response_type"],
    }


def _ach_return(each: Fields) -> dict[str, Node]:
    return {"created_at": _stamp(each["created_at"]), "reason_code": each["reason_code"]}


def _last_return(record: Transaction) -> dict[str, Node]:
    """The code of the last return, and why the payment was rejected before it reached the bank."""
    last = record.ach_returns[-1] if record.ach_returns else {}
    return {"ach_return_code": last.get("reason_code"), "ach_reject_reason": last.get("reject_reason")}


def _disbursement(fields: Fields | None) -> dict[str, Node]:
    known = fields or {}
    date = known.get("date")
    return {
        "disbursement_date": Date(date) if date else None,
        "settlement_amount": known.get("amount"),
        "settlement_currency_iso_code": known.get("currency"),
        "settlement_currency_exchange_rate": known.get("exchange_rate"),
        "settlement_base_currency_exchange_rate": known.get("base_exchange_rate"),
        "funds_held": False if date else None,
        "success": True if date else None,
    }


def _tail(record: Transaction) -> dict[str, Node]:
    sent = record.type == "sale" and record.processor_response_code is not None
    network_code, network_text = NETWORK_RESPONSE if sent else (None, None)
    return {
        "network_response_code": network_code,
        "network_response_text": network_text,
        **_risk_data(record),
        "three_d_secure_info": three_d_secure(record.three_d_secure),
        "ships_from_postal_code": record.ships_from_postal_code,
        "shipping_amount": record.shipping_amount,
        "shipping_tax_amount": record.shipping_tax_amount,
        "discount_amount": record.discount_amount,
        "surcharge_amount": record.surcharge_amount,
        "network_transaction_id": record.network_transaction_id,
        "mastercard_transaction_link_id": record.mastercard_transaction_link_id,
        "merchant_advice_code": record.merchant_advice_code,
        "merchant_advice_code_text": ADVICE_TEXTS.get(record.merchant_advice_code or ""),
        # The gateway shows it only if it is true.
        **({"foreign_retailer": True} if record.foreign_retailer else {}),
        "processor_response_type": record.processor_response_type,
        "authorization_expires_at": _stamp(record.authorization_expires_at),
        **({"partially_authorized": True} if record.processor_response_code == PARTIAL else {}),
        "retried": bool(record.retry_ids),
        "retry_ids": Elements("item", record.retry_ids),
        "retried_transaction_id": record.retried_transaction_id,
        "upcoming_retry_date": record.upcoming_retry_date,
        **_last_return(record),
        **ach_types(record),
        "refund_global_ids": _global_ids("refund", record.refund_ids),
        "partial_settlement_transaction_global_ids": _global_ids("transaction", record.partial_settlement_ids),
        "refunded_transaction_global_id": global_id("transaction", record.refunded_transaction_id),
        "authorized_transaction_global_id": global_id("transaction", record.authorized_transaction_id),
        "global_id": transaction_global_id(record),
        "retry_global_ids": _global_ids("transaction", record.retry_ids),
        "retried_transaction_global_id": global_id("transaction", record.retried_transaction_id),
        "retrieval_reference_number": record.retrieval_reference_number,
        "installment_count": record.installment_count,
        **_installments(record),
        **_NO_TERMINAL,
        "debit_network": (record.card or {}).get("debit_network"),
        "acquirer_reference_number": record.acquirer_reference_number,
        "payment_receipt": _receipt(record),
    }


def _installments(record: Transaction) -> dict[str, Node]:
    """The installments of a sale; those of a refund have the part of each that is returned."""
    parts = monthly_parts(record)
    refunded = record.refunded_transaction_id is not None
    if not refunded:
        return {
            "installments": Elements("installment", [_installment(each, []) for each in parts]),
            "refunded_installments": Elements("installment", ()),
        }
    returned = [_installment(each, [{"amount": f"-{each['amount']}", "kind": "REFUND"}]) for each in parts]
    return {"installments": Elements("installment", ()), "refunded_installments": Elements("installment", returned)}


def _installment(part: Fields, adjustments: list[dict[str, Node]]) -> dict[str, Node]:
    planned: dict[str, Node] = {"projected_disbursement_date": None, "actual_disbursement_date": None}
    changes = [{**each, "projected_disbursement_date": None} for each in adjustments]
    return {**part, **planned, "adjustments": Elements("adjustment", changes)}


def monthly_parts(record: Transaction) -> list[Fields]:
    """Equal monthly parts; the last has the remainder of the division."""
    count = record.installment_count
    if not count:
        return []
    each = (Decimal(record.amount) / count).quantize(Decimal(1).scaleb(-exponent(record.currency)), ROUND_DOWN)
    parts = [*[each] * (count - 1), Decimal(record.amount) - each * (count - 1)]
    return [
        {
            "id": f"{record.refunded_transaction_id or record.id}_INST_{number}",
            "amount": canonical(part, record.currency),
        }
        for number, part in enumerate(parts, 1)
    ]


def transaction_global_id(record: Transaction) -> str | None:
    return global_id("refund" if record.refunded_transaction_id else "transaction", record.id)


def _global_ids(kind: str, ids: list[str]) -> Elements:
    return Elements("item", [global_id(kind, identifier) for identifier in ids])


def _risk_data(record: Transaction) -> dict[str, Node]:
    """The element risk_data; absent if there is none, since the SDKs read its content whenever it is there."""
    if record.type != "sale" or record.card is None or not record.fraud_checked:
        return {}
    captured = record.device_data_captured
    return {"risk_data": risk_data(record.id, record.card, record.gateway_rejection_reason, captured=captured)}


def _receipt(record: Transaction) -> dict[str, Node]:
    code = record.processor_response_code
    card = record.card or {}
    return {
        "id": record.id,
        "global_id": transaction_global_id(record),
        "amount": record.amount,
        "currency_iso_code": record.currency,
        "processor_response_code": code or "",
        "processor_response_text": text_of(code) if code else "",
        "processor_authorization_code": record.processor_authorization_code,
        "merchant_name": None,
        "merchant_address": _NO_TERMINAL["merchant_address"],
        "merchant_identification_number": None,
        "terminal_identification_number": None,
        "type": record.type,
        "pin_verified": False,
        "processing_mode": None,
        "network_identification_code": None,
        "card_type": card.get("card_type"),
        "card_last_4": card.get("last_4"),
        "account_balance": None,
    }
