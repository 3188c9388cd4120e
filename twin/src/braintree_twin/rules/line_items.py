"""Line items: the form and limits of each field."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from braintree_twin.errors import MalformedRequest
from braintree_twin.params import Params
from braintree_twin.rules.money import canonical
from braintree_twin.state.records import Fields
from braintree_twin.validation import Errors

MAX_LINE_ITEMS = 249
MONEY_DECIMALS = 2
TOO_MANY, EXPECTED = "915157", "915158"
MAX_NUMBER = Decimal(2147483647)
KINDS = ("debit", "credit")
UPC_TYPES = ("UPC-A", "UPC-B", "UPC-C", "UPC-D", "UPC-E", "UPC-2", "UPC-5")

_PLAIN = re.compile(r"(-?)[0-9]{1,30}(?:\.([0-9]{1,8}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class _TextRule:
    longest: int
    too_long: str
    required: str | None = None


@dataclass(frozen=True, slots=True)
class _NumberRule:
    """The error codes of a number: `not_positive` if zero is refused, `negative` if only less than zero is."""

    decimals: int
    invalid: str
    too_large: str
    not_positive: str | None = None
    negative: str | None = None
    required: str | None = None

    def fault(self, text: str | None) -> str | None:
        if text is None:
            return self.required
        match = _PLAIN.fullmatch(text)
        if not match or len(match[2] or "") > self.decimals:
            return self.invalid
        number = Decimal(text)
        if number <= 0 and self.not_positive:
            return self.not_positive
        if number < 0:
            return self.negative or self.invalid
        return self.too_large if number > MAX_NUMBER else None


_TEXTS = {
    "commodity_code": _TextRule(12, "95801"),
    "description": _TextRule(127, "95803"),
    "name": _TextRule(35, "95823", required="95822"),
    "product_code": _TextRule(12, "95809"),
    "unit_of_measure": _TextRule(12, "95821"),
    "upc_code": _TextRule(17, "95831"),
}
_NUMBERS = {
    "discount_amount": _NumberRule(2, "95804", "95805", negative="95806"),
    "quantity": _NumberRule(4, "95810", "95812", not_positive="95810", required="95811"),
    "tax_amount": _NumberRule(2, "95827", "95828", negative="95829"),
    "total_amount": _NumberRule(2, "95813", "95815", not_positive="95816", required="95814"),
    "unit_amount": _NumberRule(4, "95817", "95819", not_positive="95820", required="95818"),
    "unit_tax_amount": _NumberRule(2, "95824", "95825", negative="95826"),
}
FIELDS = (
    "name",
    "kind",
    "quantity",
    "unit_amount",
    "unit_of_measure",
    "total_amount",
    "tax_amount",
    "unit_tax_amount",
    "discount_amount",
    "product_code",
    "commodity_code",
    "description",
    "url",
    "upc_code",
    "upc_type",
    "image_url",
)


def read_line_items(params: Params, currency: str, errors: Errors) -> list[Fields]:
    """Read the line items. Adds to `errors` below `index_0`, `index_1` ..."""
    if not params.has("line_items"):
        return []
    items = _listed(params)
    if items is None:
        errors.add("line_items", EXPECTED)
        return []
    if len(items) > MAX_LINE_ITEMS:
        errors.add("line_items", TOO_MANY)
        return []
    read = [_read(item, errors.on("line_items").on(f"index_{place}")) for place, item in enumerate(items)]
    return read if errors else [_shown(fields, currency) for fields in read]


def _listed(params: Params) -> list[Params] | None:
    """The items; None if the request gives one item, or anything else, in place of a list."""
    given = params.raw("line_items")
    if isinstance(given, dict) and any(name in given for name in FIELDS):
        return None
    try:
        return params.sections("line_items")
    except MalformedRequest:
        return None


def _read(item: Params, errors: Errors) -> Fields:
    fields: Fields = {name: item.text(name) for name in FIELDS}
    for name, text_rule in _TEXTS.items():
        text = fields[name]
        errors.add(name, text_rule.required if text is None else None)
        errors.add(name, text_rule.too_long if text and len(text) > text_rule.longest else None)
    for name, number_rule in _NUMBERS.items():
        errors.add(name, number_rule.fault(fields[name]))
    kind = fields["kind"]
    if kind not in KINDS:
        errors.add("kind", "95807" if kind else "95808")
    _check_upc(fields, errors)
    return fields


def _shown(fields: Fields, currency: str) -> Fields:
    """The item as answers show it: amounts of money with their currency's decimals."""
    amounts = (name for name, rule in _NUMBERS.items() if rule.decimals == MONEY_DECIMALS and fields[name])
    return {**fields, **{name: canonical(Decimal(fields[name] or "0"), currency) for name in amounts}}


def _check_upc(fields: Fields, errors: Errors) -> None:
    code, kind = fields["upc_code"], fields["upc_type"]
    if kind and kind not in UPC_TYPES:
        errors.add("upc_type", "95833")
    if code and not kind:
        errors.add("upc_type", "95832")
    if kind and not code:
        errors.add("upc_code", "95830")
