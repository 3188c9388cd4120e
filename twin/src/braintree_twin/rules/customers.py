"""Customers: their fields and limits, and which identifiers may be chosen for them and their methods."""

from __future__ import annotations

import re

from braintree_twin.merchants import Merchant
from braintree_twin.params import Params
from braintree_twin.rules.addresses import PHONE_FIELDS
from braintree_twin.state.records import Fields
from braintree_twin.validation import Errors

# Field -> code for more than 255 characters, in the order in which answers list the fields.
_TOO_LONG = {
    "first_name": "81608",
    "last_name": "81613",
    "company": "81601",
    "email": "81605",
    "phone": "81614",
    "fax": "81607",
    "website": "81615",
}
FIELDS = (*_TOO_LONG, *PHONE_FIELDS)
LONGEST_TEXT = 255
LONGEST_IDENTIFIER = 36
LONGEST_CUSTOM_FIELD = 255

_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_WEBSITE = re.compile(r"(https?://)?[\w\-]+(\.[\w\-]+)*(:[0-9]+)?(/\S*)?", re.IGNORECASE)
_IDENTIFIER = re.compile(r"[A-Za-z0-9_\-]+")
_CUSTOM_FIELD_NAME = re.compile(r"[a-z0-9_]+")
# Field, form, and code of another one.
_INTERNATIONAL_PHONE = (
    ("country_code", re.compile(r"\+?[0-9]{1,4}", re.ASCII), "91625"),
    ("national_number", re.compile(r"[0-9()\-. ]{1,30}", re.ASCII), "91626"),
)
_RESERVED = frozenset({"all", "new"})

# Names that a merchant who takes every name is never taken to have declared, so that the refusal can be seen too.
NEVER_DECLARED = ("invalid", "unknown", "undeclared", "not_")

# Codes of an identifier that a merchant chooses: invalid, reserved, too long.
CUSTOMER_ID = ("91610", "91611", "91612")
TOKEN = ("91718", "91721", "91720")


def read_customer(params: Params, errors: Errors) -> Fields:
    """The fields that are given; faults go into the errors."""
    fields: Fields = {}
    for name, code in _TOO_LONG.items():
        if name in params:
            fields[name] = text = params.text(name)
            if text and len(text) > LONGEST_TEXT:
                errors.add(name, code)
    email, website = fields.get("email"), fields.get("website")
    if email and not _EMAIL.fullmatch(email):
        errors.add("email", "81604")
    if website and not _WEBSITE.fullmatch(website):
        errors.add("website", "81616")
    phone = params.section("international_phone")
    for name, form, code in _INTERNATIONAL_PHONE:
        text = phone.text(name)
        errors.on("international_phone").add(name, code if text is not None and not form.fullmatch(text) else None)
        if phone:
            fields[f"international_phone_{name}"] = text
    return fields


def identifier_fault(text: str, codes: tuple[str, str, str]) -> str | None:
    invalid, reserved, too_long = codes
    if len(text) > LONGEST_IDENTIFIER:
        return too_long
    if text in _RESERVED:
        return reserved
    return None if _IDENTIFIER.fullmatch(text) else invalid


def read_custom_fields(merchant: Merchant, params: Params, errors: Errors, *, invalid: str, too_long: str) -> Fields:
    """The custom fields; which names are accepted is the merchant's setting."""
    section = params.section("custom_fields")
    fields: Fields = {}
    unknown = [name for name in section if not _is_declared(merchant, name)]
    if unknown:
        errors.add("custom_fields", invalid)
    for name in section:
        fields[name] = text = section.text(name)
        if text and len(text) > LONGEST_CUSTOM_FIELD:
            errors.add("custom_fields", too_long)
    return fields


def _is_declared(merchant: Merchant, name: str) -> bool:
    if merchant.custom_fields is None:
        if name.startswith(NEVER_DECLARED):
            return False
        return _CUSTOM_FIELD_NAME.fullmatch(name) is not None
    return name in merchant.custom_fields
