"""Exemptions from card detection: UUIDs, digests, IBANs, article and parcel numbers, order numbers and dates."""

import re
from datetime import datetime
from typing import Final

# UUIDs, and digests such as MD5, SHA-1 and SHA-256. A UUID needs a letter: one without could hide a card number.
_HEXADECIMAL: Final = re.compile(
    r"(?i)(?<![0-9a-z])(?:(?=[0-9-]{0,35}[a-f])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|(?=(?:[0-9]*[a-f]){4})[0-9a-f]{32,128})(?![0-9a-z])"
)
_IBAN: Final = re.compile(r"(?<![0-9A-Za-z])[A-Z]{2}[0-9]{2}(?: ?[0-9A-Z]{4}){2,7}(?: ?[0-9A-Z]{1,3})?(?![0-9A-Za-z])")
# The length of an IBAN in each country, from the registry of ISO 13616.
_IBAN_REGISTRY: Final = """
15 NO
16 BE
18 DK FI FO GL NL SD
19 MK SI
20 AT BA EE KZ LT LU MN XK
21 CH HR LI LV
22 BG BH CR DE GB GE IE ME RS VA
23 AE GI IL IQ OM SO TL
24 AD CZ ES MD PK RO SA SE SK TN VG
25 LY PT ST
26 IS TR
27 BI DJ FR GR IT MC MR SM
28 AL AZ BY CY DO GT HU LB NI PL SV
29 BR EG PS QA UA
30 JO KW MU
31 MT SC
32 LC
33 RU
"""
_IBAN_LENGTHS: Final = {
    country: int(size)
    for size, *countries in map(str.split, _IBAN_REGISTRY.strip().splitlines())
    for country in countries
}
# UPC, EAN and GTIN-14, which number goods, in lengths that hardly any card has; SSCC; and parcel numbers of the US
# Postal Service.
_GS1_LENGTHS: Final = frozenset({12, 13, 20, 22, 26, 30, 34})


def without_exempted(text: str) -> str:
    """The text with UUIDs, digests and IBANs replaced by letters of the same length."""
    return _IBAN.sub(_unless_no_iban, _HEXADECIMAL.sub(_letters, text))


def is_numbered_otherwise(digits: str) -> bool:
    """Whether a number identifies itself as an article, a parcel, or an order with its time in front."""
    size = len(digits)
    if size in _GS1_LENGTHS:
        return _has_gs1_check_digit(digits)
    return size == 16 and digits[0] == "2" and _begins_with_time(digits)


def is_date(digits: str) -> bool:
    """Whether a group of digits is a plausible year, or a date with such a year (YYYYMMDD, DDMMYYYY)."""
    if len(digits) == 8:
        year_first = is_date(digits[:4]) and _is_time(digits, "%Y%m%d")
        return year_first or (is_date(digits[4:]) and _is_time(digits, "%d%m%Y"))
    return len(digits) == 4 and "2000" < digits < "2040"


def _begins_with_time(digits: str) -> bool:
    """YYMMDDhhmmss, or YYMMDD and a zero-padded counter: years from 2022 on look like a Mastercard's range."""
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
    return sum(map(int, digits[-1::-2] + 3 * digits[-2::-2])) % 10 == 0


def _letters(found: re.Match[str]) -> str:
    return "x" * len(found.group())


def _unless_no_iban(found: re.Match[str]) -> str:
    return _letters(found) if _is_iban(found.group().replace(" ", "")) else found.group()


def _is_iban(text: str) -> bool:
    """Checks the country, the length and the check digits (ISO 7064, mod 97-10)."""
    if _IBAN_LENGTHS.get(text[:2]) != len(text):
        return False
    return int("".join(str(int(character, 36)) for character in text[4:] + text[:4])) % 97 == 1
