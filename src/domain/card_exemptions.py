"""Numbers that a card detector must leave alone: those that prove to be something else."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

_UUID: Final = re.compile(r"(?i)(?<![0-9a-z])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9a-z])")
# MD5, SHA-1, SHA-256 and the like.
_DIGEST: Final = re.compile(r"(?i)(?<![0-9a-z])[0-9a-f]{32,128}(?![0-9a-z])")
_IBAN: Final = re.compile(r"(?<![0-9A-Za-z])[A-Z]{2}[0-9]{2}(?: ?[0-9A-Z]{4}){2,7}(?: ?[0-9A-Z]{1,3})?(?![0-9A-Za-z])")
_HEX_LETTER: Final = re.compile(r"[A-Fa-f]")
_DIGEST_LETTERS: Final = 4
# The registry of ISO 13616: how long an IBAN is in each country.
_IBAN_COUNTRIES: Final = {
    15: "NO",
    16: "BE",
    18: "DK FI FO GL NL SD",
    19: "MK SI",
    20: "AT BA EE KZ LT LU MN XK",
    21: "CH HR LI LV",
    22: "BG BH CR DE GB GE IE ME RS VA",
    23: "AE GI IL IQ OM SO TL",
    24: "AD CZ ES MD PK RO SA SE SK TN VG",
    25: "LY PT ST",
    26: "IS TR",
    27: "BI DJ FR GR IT MC MR SM",
    28: "AL AZ BY CY DO GT HU LB NI PL SV",
    29: "BR EG PS QA UA",
    30: "JO KW MU",
    31: "MT SC",
    32: "LC",
    33: "RU",
}
_IBAN_LENGTHS: Final = {country: size for size, countries in _IBAN_COUNTRIES.items() for country in countries.split()}
# Lengths of which hardly a card is left, and in which goods are numbered: UPC, EAN, GTIN-14.
_GOODS: Final = frozenset({12, 13})
# SSCC, and the parcel numbers of the United States' post.
_PARCELS: Final = frozenset({20, 22, 26, 30, 34})


def exempted(text: str) -> list[tuple[int, int]]:
    """Where UUIDs, digests and IBANs stand. A UUID without a letter is none: a card number could be hidden in it."""
    found = [one.span() for one in _UUID.finditer(text) if _HEX_LETTER.search(one.group())]
    found += [one.span() for one in _DIGEST.finditer(text) if len(_HEX_LETTER.findall(one.group())) >= _DIGEST_LETTERS]
    return found + [one.span() for one in _IBAN.finditer(text) if _is_iban(one.group().replace(" ", ""))]


def is_numbered_otherwise(digits: str) -> bool:
    """Whether a number says of itself what it is: an article, a parcel, or an order with its time in front."""
    size = len(digits)
    if size in _GOODS or size in _PARCELS:
        return _has_gs1_check_digit(digits)
    return size == 16 and digits[0] == "2" and _begins_with_time(digits)


def is_date(digits: str) -> bool:
    """Whether a group of digits is a year of this age, or a date with such a year (YYYYMMDD, DDMMYYYY)."""
    if len(digits) == 4:
        return "2000" < digits < "2040"
    if len(digits) != 8:
        return False
    return any(
        _is_time(digits, form) and is_date(year) for form, year in (("%Y%m%d", digits[:4]), ("%d%m%Y", digits[4:]))
    )


def _begins_with_time(digits: str) -> bool:
    """YYMMDDhhmmss, or YYMMDD and a counter with zeros in front: years from 2022 on look like a Mastercard's range."""
    if digits[6:9] == "000":
        return _is_time(digits[:6], "%y%m%d")
    return _is_time(digits[:12], "%y%m%d%H%M%S")


def _is_time(text: str, form: str) -> bool:
    try:
        datetime.strptime(text, form)  # noqa: DTZ007 (whether it is one at all)
    except ValueError:
        return False
    return True


def _has_gs1_check_digit(digits: str) -> bool:
    total = sum(int(digit) * (3 if at % 2 else 1) for at, digit in enumerate(reversed(digits)))
    return total % 10 == 0


def _is_iban(text: str) -> bool:
    """By its country, its length and its check digits (ISO 7064, mod 97-10)."""
    if _IBAN_LENGTHS.get(text[:2]) != len(text):
        return False
    return int("".join(str(int(character, 36)) for character in text[4:] + text[:4])) % 97 == 1
