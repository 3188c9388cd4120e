"""Card numbers: brands, the sandbox's test numbers, and the behaviour that each of them triggers.

Behaviours, stored with a card in place of its number:
valid, verification_declined, verification_fails, fraud, risk_threshold, review, dispute.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from braintree_twin.rules.three_d_secure_outcomes import ENROLLMENTS

VALID = "valid"
VERIFICATION_DECLINED = "verification_declined"
VERIFICATION_FAILS = "verification_fails"
FRAUD = "fraud"
RISK_THRESHOLD = "risk_threshold"
# Fraud Protection Advanced lets it pass, and asks for a review.
REVIEW = "review"
DISPUTE = "dispute"

# Test number -> behaviour.
TEST_NUMBERS: dict[str, str] = {
    **dict.fromkeys(
        (
            "4111111111111111",
            "4005519200000004",
            "4009348888881881",
            "4012000033330026",
            "4012000033330620",
            "4012000077777777",
            "4012888888881881",
            "4217651111111119",
            "4500600000000061",
            "5555555555554444",
            "2223000048400011",
            "378282246310005",
            "371449635398431",
            "371260714673002",
            "378267515471109",
            "371544868764018",
            "370295001292109",
            "6011000991300009",
            "6011111111111117",
            "36259600000004",
            "3530111333300000",
            "6304000000000000",
            "5066991111111118",
            "6370950000000005",
            "6062820524845321",
            "4111111111131010",
            "4111161010101010",
            "4117101010101010",
            "4111111510101010",
            "4111111114101010",
            "4111111111111210",
            "4111111141010101",
            "4111111111121102",
            "4111111111310101",
            "4111111111112101",
            "4229989800000003",
            "4229989700000004",
            "4229989100000000",
            "4229989900000002",
            "4229989500000006",
            "4242424242424242",
            "6212345678900028",
            "6212345678900036",
            "6212345678900085",
            "6212345678900093",
            "6212345678901232",
            "6212345678901265",
            "4023490000000008",
            "63049580000009",
        ),
        VALID,
    ),
    **dict.fromkeys(
        ("4000111111111115", "5105105105105100", "378734493671000", "6011000990139424", "38520000009814"),
        VERIFICATION_DECLINED,
    ),
    "3566002020360505": VERIFICATION_FAILS,
    "4000111111111511": FRAUD,
    "4111130000000003": RISK_THRESHOLD,
    "4111140000000002": REVIEW,
    "4023898493988028": DISPUTE,
    **dict.fromkeys(ENROLLMENTS, VALID),
}


@dataclass(frozen=True, slots=True)
class Brand:
    """A card brand: name, number prefixes, and the days that an authorization lasts."""

    name: str
    prefixes: re.Pattern[str]
    logo: str
    cvv_length: int = 3
    authorization_days: int = 7


# The first that matches wins.
BRANDS: tuple[Brand, ...] = (
    Brand("Elo", re.compile(r"506699|5067|509|636368|438935|504175|451416|627780|65052[0-9]"), "elo"),
    Brand("Hipercard", re.compile(r"606282"), "hipercard"),
    Brand("Hiper", re.compile(r"637095|637599|637609|637612"), "hiper"),
    Brand("American Express", re.compile(r"3[47]"), "american_express", cvv_length=4),
    Brand("Diners Club", re.compile(r"3(0[0-5]|[689])"), "diners_club", authorization_days=30),
    Brand("JCB", re.compile(r"35(2[89]|[3-8])"), "jcb", authorization_days=30),
    Brand("Discover", re.compile(r"6011|65|64[4-9]"), "discover", authorization_days=30),
    Brand("China UnionPay", re.compile(r"62"), "unionpay", authorization_days=30),
    Brand("MasterCard", re.compile(r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720"), "mastercard"),
    Brand("Visa", re.compile(r"4"), "visa"),
    Brand("Maestro", re.compile(r"5018|5020|5038|5[6-9]|6"), "maestro"),
)
UNKNOWN_BRAND = Brand("Unknown", re.compile(""), "unknown")
_BY_NAME = {brand.name: brand for brand in BRANDS}
BRAND_NAMES = tuple(_BY_NAME)

INDICATORS = (
    "prepaid",
    "prepaid_reloadable",
    "healthcare",
    "debit",
    "durbin_regulated",
    "commercial",
    "payroll",
    "business",
    "consumer",
    "corporate",
    "purchase",
)

# BIN data of test numbers, where it differs from "Unknown".
BIN_DATA: dict[str, dict[str, str]] = {
    "4229989800000003": {"business": "Yes"},
    "4111111111131010": {"commercial": "Yes"},
    "4229989700000004": {"consumer": "Yes"},
    "4229989100000000": {"corporate": "Yes"},
    "4111161010101010": {"durbin_regulated": "Yes"},
    "4117101010101010": {"debit": "Yes"},
    "4111111510101010": {"healthcare": "Yes", "product_id": "J3"},
    "4111111114101010": {"payroll": "Yes", "product_id": "MSA"},
    "4111111111111210": {"prepaid": "Yes"},
    "4500600000000061": {"prepaid": "Yes"},
    "4229989900000002": {"prepaid": "Yes", "prepaid_reloadable": "Yes"},
    "4229989500000006": {"purchase": "Yes"},
    "4111111141010101": {"issuing_bank": "NETWORK ONLY"},
    "4111111111121102": {"country_of_issuance": "USA"},
    "4012000033330026": {"country_of_issuance": "CAN"},
    "4111111111112101": {"prepaid": "Unknown"},
    "4012000033330620": {"country_of_issuance": "USA"},
    "4111111111310101": {**dict.fromkeys(INDICATORS, "No"), "product_id": "MSB"},
}


def brand_of(number: str) -> Brand:
    return next((brand for brand in BRANDS if brand.prefixes.match(number)), UNKNOWN_BRAND)


def brand_named(name: str) -> Brand:
    return _BY_NAME.get(name, UNKNOWN_BRAND)


def passes_luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def number_error(number: str, *, test_numbers_only: bool) -> str | None:
    """The error code of an invalid card number, or None. Spaces and hyphens are already removed."""
    if not 12 <= len(number) <= 19:
        return "81716"
    if not (number.isascii() and number.isdigit()) or not passes_luhn(number):
        return "81715"
    if test_numbers_only and number not in TEST_NUMBERS:
        return "81717"
    return None
