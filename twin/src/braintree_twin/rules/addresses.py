"""Addresses: fields, limits, and countries by name, alpha-2, alpha-3 or numeric code."""

from __future__ import annotations

import re

from braintree_twin.params import Params
from braintree_twin.rules.countries import BY_FIELD, Country
from braintree_twin.state.records import Fields
from braintree_twin.validation import Errors

# Field -> code for more than 255 characters, in the order in which answers list the fields.
_TOO_LONG = {
    "first_name": "81805",
    "last_name": "81806",
    "company": "81802",
    "street_address": "81812",
    "extended_address": "81804",
    "locality": "81807",
    "region": "81810",
    "postal_code": "81809",
}
_COUNTRY_NOT_ACCEPTED = {
    "country_name": "91803",
    "country_code_alpha2": "91814",
    "country_code_alpha3": "91816",
    "country_code_numeric": "91817",
}
# The parts of the element `international_phone`, stored beside the other fields.
PHONE_PARTS = ("country_code", "national_number")
PHONE_FIELDS = tuple(f"international_phone_{part}" for part in PHONE_PARTS)
FIELDS = (*_TOO_LONG, *_COUNTRY_NOT_ACCEPTED, "phone_number", *PHONE_FIELDS)
_COMMON_NAMES = {"United States": "US", "USA": "US"}
INCONSISTENT_COUNTRY = "91815"
POSTAL_CODE_INVALID = "81813"
MAX_POSTAL_CODE_LENGTH = 9
MAX_TEXT_LENGTH = 255

_POSTAL_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 \-]*")


def read_address(params: Params, errors: Errors) -> Fields:
    """Read the given fields; a country gets all of its four codes. Adds to `errors`."""
    fields: Fields = {}
    for name, code in _TOO_LONG.items():
        if name in params:
            fields[name] = text = params.text_or_blank(name)
            if text and name != "postal_code" and len(text) > MAX_TEXT_LENGTH:
                errors.add(name, code)
    errors.add("postal_code", _postal_code_error(fields.get("postal_code")))
    if "phone_number" in params:
        fields["phone_number"] = params.text("phone_number")
    phone = params.section("international_phone")
    if phone:
        fields.update({f"international_phone_{part}": phone.text(part) for part in PHONE_PARTS})
    fields.update(_read_country(params, errors))
    return fields


def _postal_code_error(code: str | None) -> str | None:
    if not code:
        return None
    if not _POSTAL_CODE.fullmatch(code):
        return POSTAL_CODE_INVALID
    significant = code.replace(" ", "").replace("-", "")
    return _TOO_LONG["postal_code"] if len(significant) > MAX_POSTAL_CODE_LENGTH else None


def _by_short_name(text: str) -> Country | None:
    """The country whose code, or common name, stands in place of its name."""
    return BY_FIELD["country_code_alpha2"].get(_COMMON_NAMES.get(text, text))


def _read_country(params: Params, errors: Errors) -> Fields:
    named: list[Country] = []
    given = False
    for field, code in _COUNTRY_NOT_ACCEPTED.items():
        if field not in params:
            continue
        given = True
        text = params.text(field)
        if not text:
            continue
        country = BY_FIELD[field].get(text) or (_by_short_name(text) if field == "country_name" else None)
        if country:
            named.append(country)
        else:
            errors.add(field, code)
    if len(set(named)) > 1:
        errors.add("base", INCONSISTENT_COUNTRY)
    if not given:
        return {}
    country = named[0] if named else None
    return {
        "country_name": country.name if country else None,
        "country_code_alpha2": country.alpha2 if country else None,
        "country_code_alpha3": country.alpha3 if country else None,
        "country_code_numeric": country.numeric if country else None,
    }
