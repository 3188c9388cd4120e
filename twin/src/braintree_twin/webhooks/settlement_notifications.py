"""Notifications that settlement causes: settlements of bank methods, and disbursements."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from braintree_twin.calls import Call
from braintree_twin.rules.money import canonical
from braintree_twin.state.records import Transaction
from braintree_twin.views.merchant_accounts import merchant_account
from braintree_twin.views.transactions import transaction
from braintree_twin.webhooks.notifications import address_of, notify
from braintree_twin.xml_writer import Date, Elements, Node

# Settlement of cards causes no notification.
_BANK_METHODS = frozenset({"us_bank_account", "sepa_debit_account", "local_payment"})
_SETTLEMENTS = {"settled": "transaction_settled", "settlement_declined": "transaction_settlement_declined"}


def notify_settled(call: Call, record: Transaction) -> None:
    if record.kind in _BANK_METHODS and record.status in _SETTLEMENTS:
        notify(call, _SETTLEMENTS[record.status], {"transaction": transaction(record)})


def notify_transaction_disbursed(call: Call, record: Transaction) -> None:
    if address_of(call.store, call.merchant.id):
        notify(call, "transaction_disbursed", {"transaction": transaction(record)})


def notify_disbursement(call: Call, records: Iterable[Transaction]) -> None:
    """One notification for each merchant account and day."""
    if not address_of(call.store, call.merchant.id):
        return
    batches: dict[tuple[str, str], list[Transaction]] = {}
    for record in records:
        date = (record.disbursement or {}).get("date") or ""
        batches.setdefault((record.merchant_account_id, date), []).append(record)
    for (account_id, date), paid in batches.items():
        notify(call, "disbursement", {"disbursement": _disbursement(call, account_id, date, paid)})


def _disbursement(call: Call, account_id: str, date: str, paid: list[Transaction]) -> dict[str, Node]:
    account = call.merchant.by_id.get(account_id) or call.merchant.default_account
    signed = (Decimal(record.amount) * (1 if record.type == "sale" else -1) for record in paid)
    total = sum(signed, Decimal(0))
    return {
        "id": call.ids.batch(),
        "transaction_ids": Elements("item", [record.id for record in paid]),
        "disbursement_type": "credit" if total >= 0 else "debit",
        "success": True,
        "retry": False,
        "merchant_account": merchant_account(account),
        "amount": canonical(abs(total), account.currency),
        "disbursement_date": Date(date),
        "exception_message": None,
        "follow_up_action": None,
    }
