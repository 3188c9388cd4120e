"""Subjects of notifications on demand: the resource with the given id, or a sample."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from braintree_twin.calls import Call
from braintree_twin.state.records import Dispute
from braintree_twin.views.disputes import dispute as dispute_view
from braintree_twin.views.merchant_accounts import merchant_account
from braintree_twin.views.payment_methods import payment_method
from braintree_twin.views.subscriptions import subscription as subscription_view
from braintree_twin.views.transactions import transaction as transaction_view
from braintree_twin.xml_writer import Date, Elements, Node, Timestamp

Subject = Mapping[str, Node]
_Maker = Callable[[Call, str, str], Subject]


def _check(_call: Call, _kind: str, _identifier: str) -> Subject:
    return {"check": True}


def _dispute(call: Call, kind: str, identifier: str) -> Subject:
    record = call.store.disputes.get(call.merchant.id, identifier)
    if record is None:
        status = kind.removeprefix("dispute_").replace("opened", "open")
        record = _sample_dispute(call, identifier, status)
    return {"dispute": dispute_view(record)}


def _sample_dispute(call: Call, identifier: str, status: str) -> Dispute:
    now = call.clock.stamp()
    account = call.merchant.default_account
    statuses = dict.fromkeys(("open", status))
    return Dispute(
        id=identifier,
        transaction_id=identifier,
        merchant_account_id=account.id,
        currency=account.currency,
        amount="100.00",
        amount_won="100.00" if status == "won" else "0.00",
        status=status,
        created_at=now,
        updated_at=now,
        received_date=now[:10],
        reply_by_date=now[:10],
        date_won=now[:10] if status == "won" else None,
        case_number="CASE-12345",
        reference_number="REF-9876",
        transaction={"amount": "100.00", "created_at": now, "payment_instrument_subtype": "Visa"},
        history=[{"status": each, "timestamp": now, "effective_date": now[:10]} for each in statuses],
    )


def _transaction(call: Call, kind: str, identifier: str) -> Subject:
    record = call.store.transactions.get(call.merchant.id, identifier)
    if record:
        return {"transaction": transaction_view(record)}
    account = call.merchant.default_account
    return {
        "transaction": {
            "id": identifier,
            "type": "sale",
            "amount": "100.00",
            "tax_amount": "0.00",
            "currency_iso_code": account.currency,
            "merchant_account_id": account.id,
            **_SAMPLE_TRANSACTIONS[kind](call),
        }
    }


_BANK: dict[str, Node] = {
    "payment_instrument_type": "us_bank_account",
    "us_bank_account": {
        "routing_number": "123456789",
        "last_4": "1234",
        "account_type": "checking",
        "account_holder_name": "Sample Holder",
    },
}
_SAMPLE_TRANSACTIONS: dict[str, Callable[[Call], dict[str, Node]]] = {
    "transaction_disbursed": lambda call: {
        "status": "settled",
        "disbursement_details": {
            "settlement_amount": "100.00",
            "settlement_currency_exchange_rate": "1",
            "disbursement_date": Date(call.clock.stamp()[:10]),
        },
    },
    "transaction_retried": lambda _: {"status": "submitted_for_settlement", "retried_transaction_id": "original_id"},
    "transaction_settled": lambda _: {"status": "settled", **_BANK},
    "transaction_settlement_declined": lambda _: {"status": "settlement_declined", **_BANK},
    "refund_failed": lambda _: {"status": "processor_declined", "type": "credit"},
}


def _review(call: Call, _kind: str, identifier: str) -> Subject:
    return {
        "transaction_review": {
            "transaction_id": identifier,
            "decision": "approve",
            "reviewer_email": "reviewer@twin.example",
            "reviewer_note": "A sample note",
            "reviewed_time": Timestamp(call.clock.stamp()),
        }
    }


def _disbursement(call: Call, kind: str, identifier: str) -> Subject:
    refused = kind == "disbursement_exception"
    return {
        "disbursement": {
            "id": identifier,
            "transaction_ids": Elements("item", ["sample1", "sample2"]),
            "disbursement_type": "credit",
            "success": not refused,
            "retry": False,
            "merchant_account": merchant_account(call.merchant.default_account),
            "amount": "100.00",
            "disbursement_date": Date(call.clock.stamp()[:10]),
            "exception_message": "bank_rejected" if refused else None,
            "follow_up_action": "update_funding_information" if refused else None,
        }
    }


def _subscription(call: Call, kind: str, identifier: str) -> Subject:
    record = call.store.subscriptions.get(call.merchant.id, identifier)
    if record:
        return {"subscription": subscription_view(call, record)}
    statuses = {
        "subscription_charged_successfully": "submitted_for_settlement",
        "subscription_charged_unsuccessfully": "failed",
    }
    charged: list[Node] = [{"id": identifier, "status": statuses[kind], "amount": "49.99"}] if kind in statuses else []
    lists: dict[str, Node] = {"add_ons": Elements("add_on", ()), "discounts": Elements("discount", ())}
    return {"subscription": {"id": identifier, "transactions": Elements("transaction", charged), **lists}}


def _revoked_method(call: Call, kind: str, identifier: str) -> Subject:
    record = call.store.payment_methods.get(call.merchant.id, identifier)
    if record:
        return {record.kind: payment_method(call, record)}
    now = call.clock.stamp()
    common: dict[str, Node] = {
        "token": identifier,
        "customer_id": "sample_customer",
        "default": True,
        "created_at": Timestamp(now),
        "updated_at": Timestamp(now),
        "subscriptions": Elements("subscription", ()),
    }
    if kind == "granted_payment_method_revoked":
        return {"venmo_account": {**common, "username": "sample_user", "venmo_user_id": "123456789"}}
    return {"paypal_account": {**common, "email": "payer@twin.example", "revoked_at": Timestamp(now)}}


def _granted_update(_call: Call, _kind: str, identifier: str) -> Subject:
    return {
        "granted_payment_instrument_update": {
            "grant_owner_merchant_id": "sample_owner",
            "grant_recipient_merchant_id": "sample_recipient",
            "payment_method_nonce": {"nonce": "sample-nonce", "consumed": False, "locked": False},
            "token": identifier,
            "updated_fields": Elements("item", ["expiration-month", "expiration-year"]),
        }
    }


def _report(call: Call, _kind: str, _identifier: str) -> Subject:
    day = Date(call.clock.stamp()[:10])
    return {"account_updater_daily_report": {"report_date": day, "report_url": "https://twin.example/report.csv"}}


def _local_payment(_call: Call, kind: str, identifier: str) -> Subject:
    payment: dict[str, Node] = {"payment_id": identifier, "payment_context_id": f"context-{identifier}"}
    transaction: Node = {"id": "1", "status": "settled", "amount": "10.00", "order_id": "order1234"}
    match kind:
        case "local_payment_completed":
            payer: dict[str, Node] = {"bic": "a-bic", "iban_last_chars": "1234", "payer_id": "a-payer-id"}
            more: dict[str, Node] = {"payer_name": "Sample Payer", "payment_method_nonce": "sample-nonce"}
            return {"local_payment": {**payer, **more, "payment_id": identifier, "transaction": transaction}}
        case "local_payment_funded":
            return {kind: {**payment, "transaction": transaction}}
        case _:
            return {kind: payment}


def _customer_data(_call: Call, _kind: str, identifier: str) -> Subject:
    profile: Node = {
        "username": "sample_user",
        "phone_number": "+15555550123",
        "email": "payer@twin.example",
        "billing_address": None,
        "shipping_address": None,
    }
    return {
        "payment_method_customer_data_updated_metadata": {
            "token": identifier,
            "payment_method": {
                "venmo_account": {"token": identifier, "username": "sample_user", "customer_id": "sample_customer"}
            },
            "datetime_updated": "2026-01-01T00:00:00.000Z",
            "enriched_customer_data": {"fields_updated": Elements("item", ["username"]), "profile_data": profile},
        }
    }


def _partner(call: Call, kind: str, identifier: str) -> Subject:
    keys: dict[str, Node] = {
        "merchant_public_id": call.merchant.id,
        "public_key": "sample_public_key",
        "private_key": "sample_private_key",
        "client_side_encryption_key": "sample_key",
    }
    return {"partner_merchant": {"partner_merchant_id": identifier, **(keys if kind.endswith("_connected") else {})}}


def _connected(_call: Call, kind: str, identifier: str) -> Subject:
    what: dict[str, Node] = {"action": "link"} if "paypal" in kind else {"status": "active"}
    return {kind: {**what, "merchant_public_id": identifier, "oauth_application_client_id": "sample_client"}}


def _oauth(_call: Call, _kind: str, identifier: str) -> Subject:
    fields: Any = {"merchant_id": identifier, "oauth_application_client_id": "sample_client"}
    return {"oauth_application_revocation": fields}


_STATUSES = ("accepted", "auto_accepted", "disputed", "expired", "lost", "opened", "under_review", "won")
_OF_SUBSCRIPTIONS = (
    "billing_skipped",
    "canceled",
    "charged_successfully",
    "charged_unsuccessfully",
    "expired",
    "trial_ended",
    "went_active",
    "went_past_due",
)
KINDS: dict[str, _Maker] = {
    "check": _check,
    "account_updater_daily_report": _report,
    **dict.fromkeys((f"dispute_{status}" for status in _STATUSES), _dispute),
    **dict.fromkeys(_SAMPLE_TRANSACTIONS, _transaction),
    "transaction_reviewed": _review,
    **dict.fromkeys(("disbursement", "disbursement_exception"), _disbursement),
    **dict.fromkeys((f"subscription_{event}" for event in _OF_SUBSCRIPTIONS), _subscription),
    **dict.fromkeys(("payment_method_revoked_by_customer", "granted_payment_method_revoked"), _revoked_method),
    **dict.fromkeys(
        ("grantor_updated_granted_payment_method", "recipient_updated_granted_payment_method"), _granted_update
    ),
    **dict.fromkeys(
        (f"local_payment_{event}" for event in ("completed", "expired", "funded", "reversed")), _local_payment
    ),
    "payment_method_customer_data_updated": _customer_data,
    **dict.fromkeys((f"partner_merchant_{event}" for event in ("connected", "declined", "disconnected")), _partner),
    **dict.fromkeys(("connected_merchant_status_transitioned", "connected_merchant_paypal_status_changed"), _connected),
    "oauth_access_revoked": _oauth,
}


def subject_of(call: Call, kind: str, identifier: str) -> Subject:
    return KINDS[kind](call, kind, identifier)
