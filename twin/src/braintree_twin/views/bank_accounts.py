"""The XML of US bank accounts, SEPA debit accounts and local payments, and of the verifications of accounts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from braintree_twin.ids import global_id
from braintree_twin.rules.bank_accounts import LOCAL_PAYMENT, STANDARD, US_BANK_ACCOUNT, VERIFIED, ach_type
from braintree_twin.rules.processor_responses import text_of
from braintree_twin.state.records import BankVerification, Transaction
from braintree_twin.xml_writer import Elements, Node, Timestamp

_ACCOUNT = ("account_holder_name", "account_type", "bank_name", "last_4", "ownership_type", "routing_number")
# Facts of a payment through PayPal, which SEPA and local payments take.
_PAYPAL_SIDE = (
    "capture_id",
    "debug_id",
    "refund_id",
    "transaction_fee_amount",
    "transaction_fee_currency_iso_code",
    "refund_from_transaction_fee_amount",
    "refund_from_transaction_fee_currency_iso_code",
)


def us_bank_account(wallet: Mapping[str, str | None], since: str) -> dict[str, Node]:
    """The account's fields. `since` is the time of the mandate if nobody gave one."""
    text = wallet.get("ach_mandate_text")
    accepted = wallet.get("ach_mandate_accepted_at") or since
    mandate: Node = {"text": text, "accepted_at": Timestamp(_stamp(accepted))} if text else None
    return {
        **{name: wallet.get(name) for name in _ACCOUNT},
        "plaid_verified_at": None,
        "ach_mandate": mandate,
        "business_name": wallet.get("business_name"),
        "first_name": wallet.get("first_name"),
        "last_name": wallet.get("last_name"),
    }


def ach_types(record: Transaction) -> dict[str, Node]:
    """The speed of a bank payment, and the one that was asked for; absent from payments of other kinds."""
    if record.kind != US_BANK_ACCOUNT:
        return {}
    return {
        "ach_type": ach_type(record.kind, record.used_ach_type or record.requested_ach_type),
        "requested_ach_type": record.requested_ach_type or STANDARD,
    }


def _stamp(text: str) -> str:
    """Whole seconds and Z: the SDKs send a time with or without a zone, or with fractions."""
    moment = text.partition(".")[0].partition("+")[0].removesuffix("Z").replace(" ", "T")
    return f"{moment}Z" if "T" in moment else f"{moment}T00:00:00Z"


def verification(record: BankVerification) -> dict[str, Node]:
    code = record.processor_response_code
    return {
        "id": record.id,
        "status": record.status,
        "verification_method": record.method,
        "verification_determined_at": Timestamp(record.determined_at) if record.determined_at else None,
        "created_at": Timestamp(record.created_at),
        "updated_at": Timestamp(record.updated_at),
        "gateway_rejection_reason": None,
        "merchant_account_id": record.merchant_account_id,
        "processor_response_code": code,
        "processor_response_text": text_of(code) if code else None,
        "additional_processor_response": record.additional_processor_response,
        "us_bank_account": {
            **us_bank_account(record.account, record.created_at),
            "token": record.token,
            "verified": record.status == VERIFIED,
            "global_id": global_id("paymentmethod_usbank", record.token),
        },
        "global_id": global_id("usbankaccountverification", record.id),
    }


def verified_account(records: Sequence[BankVerification]) -> dict[str, Node]:
    """Whether an account is verified, and its verifications."""
    return {
        "verified": any(record.status == VERIFIED for record in records),
        "verifications": Elements("us_bank_account_verification", [verification(record) for record in records]),
    }


def sepa_account(wallet: Mapping[str, str | None]) -> dict[str, Node]:
    names = ("bank_reference_token", "last_4", "mandate_type", "merchant_or_partner_customer_id")
    return {**{name: wallet.get(name) for name in names}, "view_mandate_url": None}


def paid_instrument(record: Transaction) -> dict[str, Node]:
    """The bank account or local payment of a transaction."""
    if record.kind == US_BANK_ACCOUNT:
        return us_bank_account(record.wallet, record.created_at)
    sides = _paypal_side(record)
    if record.kind == LOCAL_PAYMENT:
        return {**_local_payment(record), **sides}
    return {
        **sepa_account(record.wallet),
        "correlation_id": f"CORRELATION{record.id.upper()}",
        # PayPal tells these with the settlement.
        "paypal_v2_order_id": f"ORDER{record.id.upper()}" if _is_settled(record) else None,
        "settlement_type": "instant" if _is_settled(record) else None,
        **sides,
    }


def _is_settled(record: Transaction) -> bool:
    return any(event["status"] == "settled" for event in record.history)


def _local_payment(record: Transaction) -> dict[str, Node]:
    wallet = record.wallet
    return {
        "funding_source": wallet.get("funding_source"),
        "payer_id": wallet.get("payer_id") or "FAKEPAYERID12",
        "payment_id": wallet.get("payment_id") or f"PAY-{record.id.upper()}",
        "payment_context_id": wallet.get("payment_context_id"),
        "custom_field": wallet.get("custom_field"),
        "description": wallet.get("description"),
        "implicitly_vaulted_payment_method_token": None,
        "implicitly_vaulted_payment_method_global_id": None,
    }


def _paypal_side(record: Transaction) -> dict[str, Node]:
    # A buyer's bank pays a local payment at once, submitted or not.
    captured = record.kind == LOCAL_PAYMENT or any(
        event["status"] == "submitted_for_settlement" for event in record.history
    )
    mark, currency = record.id.upper(), record.currency
    refund = record.type == "credit"
    values = (
        f"CAP{mark}" if captured else None,
        f"DEBUG{mark}" if record.kind == LOCAL_PAYMENT or _is_settled(record) else None,
        f"REF{mark}" if refund else None,
        "0.01" if captured else None,
        currency if captured else None,
        "0.01" if refund else None,
        currency if refund else None,
    )
    return dict(zip(_PAYPAL_SIDE, values, strict=True))
