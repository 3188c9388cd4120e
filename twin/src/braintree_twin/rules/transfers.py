"""Transfers of money between accounts, and sub-merchants of a payment facilitator: what a sale says of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from braintree_twin.merchants import MerchantAccount
from braintree_twin.params import Params
from braintree_twin.rules.addresses import read_address
from braintree_twin.validation import Errors

# The element that errors of a transfer's fields are reported on, beside the transaction.
FUNDING = "account_funding_transaction"
TYPES = frozenset({"account_to_account", "boleto_ticket", "person_to_person", "wallet_transfer"})
TYPE_INVALID, REQUIRED, REFUSED, NOT_A_FACILITATOR = "97501", "97510", "97511", "97405"
REFERENCE_TYPES = frozenset({"account_number", "card_number", "email", "iban", "other", "phone_number", "wallet_id"})

_NAME = re.compile(r"[^\W_][\w .'\-]{0,254}")
_TAX_ID = re.compile(r"[A-Za-z0-9]{1,14}")
_REFERENCE = re.compile(r"[0-9]{1,50}", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Party:
    name: str
    tax_id: str
    first_name: str
    last_name: str
    reference: str
    reference_type: str


_PARTIES = (
    _Party("sender", "97502", "97503", "97504", "97505", "97513"),
    _Party("receiver", "97506", "97507", "97508", "97509", "97514"),
)
_FIELDS = (
    "first_name",
    "middle_name",
    "last_name",
    "date_of_birth",
    "tax_id",
    "account_reference_number",
    "account_reference_number_type",
)


def read_transfer(params: Params, account: MerchantAccount, errors: Errors) -> dict[str, Any] | None:
    """Read the transfer details of a sale. `errors` are those of the whole request; None if there are no details."""
    on_sale = errors.on("transaction")
    if not params.has("transfer"):
        on_sale.add("transfer", REQUIRED if account.transfers == "required" else None)
        return None
    if account.transfers == "refused":
        on_sale.add("transfer", REFUSED)
        return None
    section, faults = params.section("transfer"), errors.on(FUNDING)
    kind = section.text("type")
    faults.add("type", TYPE_INVALID if kind is not None and kind not in TYPES else None)
    parties = {each.name: _read_party(section.section(each.name), each, faults) for each in _PARTIES}
    return {"type": kind, **{name: fields for name, fields in parties.items() if fields}}


def _read_party(section: Params, party: _Party, errors: Errors) -> dict[str, Any]:
    if not section:
        return {}
    for field, form, code in (
        ("first_name", _NAME, party.first_name),
        ("last_name", _NAME, party.last_name),
        ("tax_id", _TAX_ID, party.tax_id),
        ("account_reference_number", _REFERENCE, party.reference),
    ):
        text = section.text(field)
        errors.add(f"{party.name}_{field}", code if text is not None and not form.fullmatch(text) else None)
    kind = section.text("account_reference_number_type")
    errors.add(
        f"{party.name}_account_reference_number_type",
        party.reference_type if kind is not None and kind.lower() not in REFERENCE_TYPES else None,
    )
    fields: dict[str, Any] = {name: section.text(name) for name in _FIELDS if name in section}
    address = read_address(section.section("address"), errors.on(party.name).on("address"))
    return {**fields, "address": address} if address else fields


def read_facilitator(params: Params, account: MerchantAccount, errors: Errors) -> dict[str, Any] | None:
    """Read the payment facilitator and its sub-merchant; None if there are none. Adds to `errors`."""
    if not params.has("payment_facilitator"):
        return None
    if not account.payment_facilitator:
        errors.add("payment_facilitator", NOT_A_FACILITATOR)
        return None
    section = params.section("payment_facilitator")
    merchant = section.section("sub_merchant")
    fields: dict[str, Any] = {
        name: merchant.text(name) for name in ("reference_number", "tax_id", "legal_name") if name in merchant
    }
    address = read_address(
        merchant.section("address"), errors.on("payment_facilitator").on("sub_merchant").on("address")
    )
    if address:
        fields["address"] = address
    return {"payment_facilitator_id": section.text("payment_facilitator_id"), "sub_merchant": fields}
