"""Customers: fields, limits, custom fields; and the form of customer ids and payment method tokens."""

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
MAX_TEXT_LENGTH = 255
MAX_IDENTIFIER_LENGTH = 36
MAX_CUSTOM_FIELD_LENGTH = 255

_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_WEBSITE = re.compile(r"(https?://)?[\w\-]+(\.[\w\-]+)*(:[0-9]+)?(/\S*)?", re.IGNORECASE)
_IDENTIFIER = re.compile(r"[A-Za-z0-9_\-]+")
_CUSTOM_FIELD_NAME = re.compile(r"[a-z0-9_]+")
# Field, form, and error code if it does not match.
_INTERNATIONAL_PHONE = (
    ("country_code", re.compile(r"\+?[1-9][0-9]{0,2}", re.ASCII), "91625"),
    # E.164: at most 15 digits with the country code.
    ("national_number", re.compile(r"(?:[()\-. ]*[0-9]){4,14}[()\-. ]*", re.ASCII), "91626"),
)
_RESERVED = frozenset({"all", "new"})

# If every name is accepted, names with these prefixes are refused all the same, so that tests can see the error.
NEVER_DECLARED = ("invalid", "unknown", "undeclared", "not_")

# Error codes of an id that the merchant chooses: invalid, reserved, too long.
CUSTOMER_ID = ("91610", "91611", "91612")
TOKEN = ("91718", "91721", "91720")


def read_customer(params: Params, errors: Errors) -> Fields:
    """Read the given fields. Adds to `errors`."""
    fields: Fields = {}
    for name, code in _TOO_LONG.items():
        if name in params:
            fields[name] = text = params.text_or_blank(name)
            if text and len(text) > MAX_TEXT_LENGTH:
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


def identifier_error(text: str, codes: tuple[str, str, str]) -> str | None:
    invalid, reserved, too_long = codes
    if len(text) > MAX_IDENTIFIER_LENGTH:
        return too_long
    if text in _RESERVED:
        return reserved
    return None if _IDENTIFIER.fullmatch(text) else invalid


def read_custom_fields(merchant: Merchant, params: Params, errors: Errors, *, invalid: str, too_long: str) -> Fields:
    """Read the custom fields; a blank one is None. The merchant's settings say which names are accepted.

    Adds to `errors`.
    """
    section = params.section("custom_fields")
    fields: Fields = {}
    unknown = [name for name in section if not _is_declared(merchant, name)]
    if unknown:
        errors.add("custom_fields", invalid, unknown)
    for name in section:
        fields[name] = section.text(name)
    long = [name for name, text in fields.items() if text and len(text) > MAX_CUSTOM_FIELD_LENGTH]
    if long:
        errors.add("custom_fields", too_long, long)
    return fields


def without_blank(custom_fields: Fields) -> Fields:
    """The custom fields that have a value: the gateway keeps no others."""
    return {name: text for name, text in custom_fields.items() if text is not None}


def _is_declared(merchant: Merchant, name: str) -> bool:
    if merchant.custom_fields is None:
        if name.startswith(NEVER_DECLARED):
            return False
        return _CUSTOM_FIELD_NAME.fullmatch(name) is not None
    return name in merchant.custom_fields
