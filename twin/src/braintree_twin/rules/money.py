"""Amounts as exact text, with the decimals of their currency."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

# ISO 4217: the currencies whose exponent is not 2.
_EXPONENTS = {
    **dict.fromkeys(
        (
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ),
        0,
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}
# Digits before the decimal point.
MAX_WHOLE_DIGITS = 10
# Discounts and shipping are limited to 2^31-1 cents: the SDKs' tests are refused with 999999999 (inferred).
MAX_LEVEL_3_AMOUNT = Decimal("21474836.47")

_PLAIN = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?", re.ASCII)


def exponent(currency: str) -> int:
    return _EXPONENTS.get(currency, 2)


def canonical(amount: Decimal, currency: str) -> str:
    """The amount with its currency's decimals: 10.00 in USD, 1000 in JPY, 1.500 in KWD."""
    return f"{amount:.{exponent(currency)}f}"


@dataclass(frozen=True, slots=True)
class AmountRule:
    """The error codes of one amount field; None if the gateway has no such error."""

    invalid: str
    negative: str | None = None
    not_positive: str | None = None
    too_large: str | None = None
    required: str | None = None
    largest: Decimal = Decimal(10**MAX_WHOLE_DIGITS) - Decimal("0.001")

    def check(self, text: str | None, currency: str) -> tuple[Decimal | None, str | None]:
        """The amount, or an error code; (None, None) if it is absent and optional."""
        if text is None:
            return None, self.required
        match = _PLAIN.fullmatch(text)
        if not match or len(match[3] or "") > exponent(currency) or len(text) > 64:
            return None, self.invalid
        amount = Decimal(text)
        if match[1]:
            return None, self.negative or self.not_positive or self.invalid
        if amount == 0 and self.not_positive:
            return None, self.not_positive
        if amount > self.largest:
            return None, self.too_large or self.invalid
        return amount, None


TRANSACTION_AMOUNT = AmountRule("81503", negative="81501", not_positive="81531", too_large="81528", required="81502")
# For calls about an existing transaction, where no amount means the whole amount.
STEP_AMOUNT = AmountRule("81503", negative="81501", not_positive="81531", too_large="81528")
# The other amount fields of a sale.
SALE_AMOUNTS = {
    "tax_amount": AmountRule("81535", negative="81534", too_large="81536"),
    "discount_amount": AmountRule("915159", negative="915160", too_large="915161", largest=MAX_LEVEL_3_AMOUNT),
    "shipping_amount": AmountRule("915162", negative="915163", too_large="915164", largest=MAX_LEVEL_3_AMOUNT),
    # Braintree publishes no codes for these two: they get those of a shipping amount and a tax amount.
    "shipping_tax_amount": AmountRule("915162", negative="915163", too_large="915164", largest=MAX_LEVEL_3_AMOUNT),
    "surcharge_amount": AmountRule("81535", negative="81534", too_large="81536"),
    "service_fee_amount": AmountRule("91555", negative="91554", too_large="91556"),
}
VERIFICATION_AMOUNT = AmountRule("91740", negative="91739", too_large="91752")
APPLE_PAY_VERIFICATION_AMOUNT = AmountRule("93534", negative="93535", too_large="93537")
STANDALONE_VERIFICATION_AMOUNT = AmountRule("94202", negative="94201", too_large="94207")
