"""Dynamic descriptors: the text on the cardholder's statement."""

from __future__ import annotations

import re

from braintree_twin.params import Params
from braintree_twin.state.records import Fields
from braintree_twin.validation import Errors

# Company (3, 7 or 12 characters), asterisk, product: 22 characters in all.
_NAME = re.compile(
    r"(?=.{1,22}$)([A-Za-z0-9.+\- ]{3}|[A-Za-z0-9.+\- ]{7}|[A-Za-z0-9.+\- ]{12})\*[A-Za-z0-9.+\- ]{1,18}"
)
_PHONE = re.compile(r"[0-9()\-. ]{10,14}")
_URL = re.compile(r"[^\s]{1,13}")


def read_descriptor(params: Params, errors: Errors) -> Fields:
    section = params.section("descriptor")
    faults = errors.on("descriptor")
    fields: Fields = {}
    for name, form, code in (("name", _NAME, "92201"), ("phone", _PHONE, "92202"), ("url", _URL, "92206")):
        fields[name] = text = section.text(name)
        if text is not None and not form.fullmatch(text):
            faults.add(name, code)
    digits = [character for character in fields["phone"] or "0" * 10 if character.isdigit()]
    if fields["phone"] and _PHONE.fullmatch(fields["phone"]) and len(digits) != 10:
        faults.add("phone", "92202")
    return {name: text for name, text in fields.items() if text is not None}
