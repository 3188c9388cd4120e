"""The settlement batch summary of a day, by merchant account, card brand and transaction type."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal

from braintree_twin.calls import Answer, Call, Route
from braintree_twin.ids import day_of_batch
from braintree_twin.rules import accepted_fields as accepted
from braintree_twin.rules.money import canonical
from braintree_twin.state.records import Transaction
from braintree_twin.validation import Errors, ValidationFailed
from braintree_twin.xml_writer import Elements, Node

ROOT = "settlement_batch_summary"
DATE_REQUIRED, DATE_INVALID, CUSTOM_FIELD_INVALID = "82301", "82302", "82303"
_FORMS = ("%Y-%m-%d", "%Y/%m/%d", "%m/%d/%Y", "%Y%m%d")
_WALLET_NAMES = {"paypal_account": "PayPal", "venmo_account": "Venmo", "us_bank_account": "US Bank Account"}
_FIELD_NAME = re.compile(r"[a-z0-9_]+", re.ASCII)
_Group = tuple[str, str | None, str, str | None]


def generate(call: Call) -> Answer:
    params = call.params(ROOT)
    errors = Errors()
    given, custom_field = params.text("settlement_date"), params.text("group_by_custom_field")
    day = _day(given)
    if not given:
        errors.on(ROOT).add("settlement_date", DATE_REQUIRED)
    elif day is None:
        errors.on(ROOT).add("settlement_date", DATE_INVALID)
    if custom_field and not _is_known(call, custom_field):
        errors.on(ROOT).add("group_by_custom_field", CUSTOM_FIELD_INVALID)
    if errors or day is None:
        raise ValidationFailed(errors)
    return Answer(ROOT, {"records": Elements("record", _rows(call, day, custom_field))})


def _day(text: str | None) -> date | None:
    for form in _FORMS:
        try:
            # The SDKs send a date object as a datetime.
            return datetime.strptime((text or "").partition("T")[0], form).date()  # noqa: DTZ007
        except ValueError:
            continue
    return None


def _is_known(call: Call, name: str) -> bool:
    """Whether the merchant declared the custom field; if every name is accepted, whether it is in use."""
    if call.merchant.custom_fields is not None:
        return name in call.merchant.custom_fields
    if not _FIELD_NAME.fullmatch(name):
        return False
    found = call.store.transactions.scan(call.merchant.id, [("document LIKE ?", f'%"{name}":%')])
    return any(name in record.custom_fields for record in found)


def _rows(call: Call, day: date, custom_field: str | None) -> list[Node]:
    groups: dict[_Group, list[Transaction]] = {}
    for record in call.store.transactions.find(call.merchant.id, status="settled"):
        if day_of_batch(record.settlement_batch_id) == day.isoformat():
            groups.setdefault(_group(record, custom_field), []).append(record)
    return [_row(group, records, custom_field) for group, records in groups.items()]


def _group(record: Transaction, custom_field: str | None) -> _Group:
    brand = record.card["card_type"] if record.card else _WALLET_NAMES.get(record.kind, record.kind)
    return record.merchant_account_id, brand, record.type, record.custom_fields.get(custom_field or "")


def _row(group: _Group, records: list[Transaction], custom_field: str | None) -> Node:
    account, brand, kind, value = group
    total = sum((Decimal(record.amount) for record in records), Decimal(0))
    row: dict[str, Node] = {
        "card_type": brand,
        "count": str(len(records)),
        "merchant_account_id": account,
        "kind": kind,
        "amount_settled": canonical(total, records[0].currency),
    }
    return {**row, custom_field: value} if custom_field else row


ROUTES = (Route("POST", "/settlement_batch_summary", generate, takes={ROOT: accepted.SETTLEMENT_BATCH_SUMMARY}),)
