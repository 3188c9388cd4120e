"""Loads the seed's historical transactions, in any status."""

from __future__ import annotations

from datetime import datetime, timedelta

from braintree_twin.calls import Call
from braintree_twin.clock import parse_stamp, stamp
from braintree_twin.ledger.lifecycle import DISBURSED_AFTER, authorization_expiry
from braintree_twin.merchants import MerchantAccount
from braintree_twin.rules.bank_accounts import ACH_TYPES
from braintree_twin.rules.customers import FIELDS as CUSTOMER_FIELDS
from braintree_twin.rules.processor_responses import SETTLEMENT_TEXTS, kind_of
from braintree_twin.seed.fields import Fields
from braintree_twin.seed.instruments import read_payer
from braintree_twin.state.records import Transaction
from braintree_twin.vault.instruments import Instrument

# Status -> the history up to it, and the processor response code.
_PATHS: dict[str, tuple[tuple[str, ...], str | None]] = {
    "authorized": (("authorized",), "1000"),
    "authorization_expired": (("authorized", "authorization_expired"), "1000"),
    "voided": (("authorized", "voided"), "1000"),
    "submitted_for_settlement": (("authorized", "submitted_for_settlement"), "1000"),
    "settling": (("authorized", "submitted_for_settlement", "settling"), "1000"),
    "settled": (("authorized", "submitted_for_settlement", "settled"), "1000"),
    "settlement_confirmed": (("authorized", "submitted_for_settlement", "settlement_confirmed"), "1000"),
    "settlement_pending": (("authorized", "submitted_for_settlement", "settlement_pending"), "1000"),
    "settlement_declined": (("authorized", "submitted_for_settlement", "settlement_declined"), "1000"),
    "processor_declined": (("processor_declined",), "2000"),
    "gateway_rejected": (("gateway_rejected",), None),
    "failed": (("failed",), "3000"),
}
_SETTLEMENT_CODES = {"settled": "4000", "settlement_declined": "4001", "settlement_pending": "4002"}
REJECTION_REASONS = (
    "application_incomplete",
    "avs",
    "avs_and_cvv",
    "cvv",
    "duplicate",
    "excessive_retry",
    "fraud",
    "risk_threshold",
    "three_d_secure",
    "token_issuance",
)


def load_transaction(call: Call, fields: Fields, identifier: str) -> None:
    instrument = read_payer(call, fields)
    accounts = call.merchant.by_id
    account = accounts[fields.one_of("merchant_account", accounts, call.merchant.default_account.id)]
    status = fields.one_of("status", _PATHS, "authorized")
    amount = fields.amount("amount", account.currency)
    created = fields.moment("created_at") or call.clock.now()
    path, code = _PATHS[status]
    code = fields.text("processor_response_code") or code
    approved = code == "1000"
    rejected = fields.one_of("gateway_rejection_reason", REJECTION_REASONS, "fraud")
    record = Transaction(
        id=identifier,
        type=fields.one_of("type", ("sale", "credit"), "sale"),
        status=status,
        merchant_account_id=account.id,
        currency=account.currency,
        amount=amount,
        amount_requested=amount,
        created_at=stamp(created),
        updated_at=stamp(created),
        order_id=fields.text("order_id"),
        channel=fields.text("channel"),
        custom_fields=fields.table("custom_fields"),
        customer=_customer(call, fields, instrument),
        billing=instrument.billing,
        kind=instrument.kind,
        card=instrument.card,
        wallet=instrument.wallet,
        token=instrument.method.token if instrument.method else None,
        processor_response_code=code,
        processor_response_type=kind_of(code) if code else None,
        processor_authorization_code=call.ids.authorization_code() if approved else None,
        gateway_rejection_reason=rejected if status == "gateway_rejected" else None,
        acquirer_reference_number=fields.text("acquirer_reference_number"),
        network_transaction_id=fields.text("network_transaction_id"),
        retrieval_reference_number=fields.text("retrieval_reference_number"),
        store_id=fields.text("store_id"),
        three_d_secure=_three_d_secure(fields.section("three_d_secure")),
        shipments=fields.each("shipments", _shipment),
        ach_returns=fields.each("ach_returns", lambda each: _ach_return(each, created)),
        network_token=bool(instrument.method and instrument.method.network_token),
        upcoming_retry_date=_retry_date(call, fields),
        requested_ach_type=_ach_type(fields, "requested_ach_type"),
        used_ach_type=_ach_type(fields, "ach_type"),
    )
    record.history = [
        {"timestamp": stamp(created), "status": each, "amount": amount, "user": None, "transaction_source": "api"}
        for each in path
    ]
    record.authorization_adjustments = fields.each("adjustments", lambda each: _adjustment(each, account, created))
    _set_parent(call, fields, record)
    _schedule_due(call, record, fields.moment("settled_at") or created)
    _disburse(fields, record)
    if call.store.transactions.get(call.merchant.id, identifier) is None:
        call.store.transactions.put(call.merchant.id, record)


def _ach_type(fields: Fields, name: str) -> str | None:
    return fields.one_of(name, ACH_TYPES) if name in fields else None


def _retry_date(call: Call, fields: Fields) -> str | None:
    days = fields.number("upcoming_retry_in_days")
    return None if days is None else (call.clock.now() + timedelta(days=days)).date().isoformat()


def _adjustment(fields: Fields, account: MerchantAccount, created: datetime) -> dict[str, object]:
    """One adjustment of the authorization: the difference of the amounts, below zero for a smaller one."""
    success = fields.flag("success", True)
    code = fields.text("processor_response_code") or ("1000" if success else "3000")
    amount = fields.amount("amount", account.currency)
    return {
        "amount": f"-{amount}" if fields.flag("decrease", False) else amount,
        "timestamp": stamp(fields.moment("timestamp") or created),
        "success": success,
        "processor_response_code": code,
        "processor_response_type": kind_of(code),
    }


_SHIFTS = ("liability_shifted", "liability_shift_possible")
_SECURE_TEXTS = (
    "status",
    "enrolled",
    "cavv",
    "xid",
    "ds_transaction_id",
    "eci_flag",
    "three_d_secure_version",
    "pares_status",
    "three_d_secure_authentication_id",
)


def _three_d_secure(fields: Fields | None) -> dict[str, str | None] | None:
    """The result of 3-D Secure; a flag is the text that answers read as one."""
    if fields is None:
        return None
    texts = {name: fields.text(name) for name in _SECURE_TEXTS}
    shifts = {name: "true" if fields.flag(name, True) else "" for name in _SHIFTS}
    fields.reject_unknown()
    return {**texts, **shifts}


def _shipment(fields: Fields) -> dict[str, str | None]:
    names = ("carrier", "tracking_number", "paypal_tracker_id")
    return {"id": fields.text("id"), **{name: fields.text(name) for name in names}}


def _ach_return(fields: Fields, created: datetime) -> dict[str, str | None]:
    return {
        "reason_code": fields.required("reason_code"),
        "reject_reason": fields.text("reject_reason"),
        "created_at": stamp(fields.moment("created_at") or created),
    }


def _customer(call: Call, fields: Fields, instrument: Instrument) -> dict[str, str | None]:
    given = fields.text("customer")
    customer_id = given or (instrument.method.customer_id if instrument.method else None)
    customer = call.store.customers.get(call.merchant.id, customer_id)
    if given and customer is None:
        fields.fault("customer", f"is {given!r}, which is no customer of this merchant")
    return {"id": customer.id, **{name: getattr(customer, name) for name in CUSTOMER_FIELDS}} if customer else {}


def _set_parent(call: Call, fields: Fields, record: Transaction) -> None:
    """Make the transaction a refund of the sale that `refunds` names."""
    sale_id = fields.text("refunds")
    if sale_id is None:
        return
    sale = call.store.transactions.get(call.merchant.id, sale_id)
    if sale is None:
        fields.fault("refunds", f"is {sale_id!r}, which is no transaction of this merchant above this one")
        return
    if record.type != "credit":
        fields.fault("type", 'must be "credit" if it refunds a sale')
    record.refunded_transaction_id = sale.id
    if record.id not in sale.refund_ids:
        sale.refund_ids = [*sale.refund_ids, record.id]
        call.store.transactions.put(call.merchant.id, sale)


def _schedule_due(call: Call, record: Transaction, settled: datetime) -> None:
    """Set what comes due later: expiry of the authorization, disbursement."""
    code = _SETTLEMENT_CODES.get(record.status)
    if record.processor_authorization_code:
        record.authorization_expires_at = authorization_expiry(record)
    if record.status == "authorized":
        record.due_at = record.authorization_expires_at
    if code:
        record.processor_settlement_response_code = code
        record.processor_settlement_response_text = SETTLEMENT_TEXTS[code]
        record.history[-1]["timestamp"] = stamp(settled)
    if record.status == "settled":
        record.settlement_batch_id = f"{settled:%Y-%m-%d}_{record.merchant_account_id}_{call.ids.batch()}"
        record.due_at = stamp(settled + DISBURSED_AFTER)


def _disburse(fields: Fields, record: Transaction) -> None:
    """Pay the merchant on `disbursement_date`; without it, a day after settlement."""
    day = fields.day("disbursement_date")
    if day is None:
        return
    if record.status != "settled":
        fields.fault("disbursement_date", 'needs status = "settled"')
    if day < parse_stamp(record.created_at).date() - timedelta(days=1):
        fields.fault("disbursement_date", "must not be before created_at")
    record.due_at = None
    record.disbursement = {
        "date": day.isoformat(),
        "amount": record.amount,
        "currency": record.currency,
        "exchange_rate": "1",
        "base_exchange_rate": "1",
    }
