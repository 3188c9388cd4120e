"""Card numbers of every scheme and length, and the ways in which people and programs write them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from domain.card_issuers import passes_luhn

# Prefixes of each scheme, and the lengths of its numbers: written down once more, to judge the service's table.
SCHEMES: Final = (
    ("Visa", ("4111", "4929", "4005"), (13, 16, 19)),
    ("Mastercard", ("5105", "5200", "5454", "5599"), (16,)),
    ("Mastercard, 2-series", ("2221", "2300", "2520", "2720"), (16,)),
    ("American Express", ("34", "37"), (15,)),
    ("Diners Club", ("300", "305", "36", "38", "39"), (14, 16, 17, 18, 19)),
    ("Discover", ("6011", "644", "649", "65"), (16, 17, 18, 19)),
    ("JCB", ("3528", "3566", "3589"), (16, 17, 18, 19)),
    ("UnionPay", ("62", "6250", "8171"), (16, 17, 18, 19)),
    ("Maestro", ("5018", "5020", "5038", "5612", "5893", "6304", "6759", "6762"), (12, 13, 14, 15, 16, 17, 18, 19)),
    ("Elo", ("401178", "438935", "504175", "506700", "509000", "627780", "636297", "650031"), (16,)),
    ("Hipercard", ("606282", "384100", "637095"), (16,)),
    ("RuPay", ("60", "6521", "81", "82", "508", "353"), (16,)),
    ("Troy", ("9792", "6500"), (16,)),
    ("Mir", ("2200", "2204"), (16, 17, 18, 19)),
    ("Verve", ("506099", "507865", "650002"), (16, 18, 19)),
    ("GPN", ("1946", "6013"), (16,)),
    ("Dankort", ("5019", "4571"), (16,)),
    ("Napas, Uzcard, Humo", ("9704", "8600", "9860"), (16,)),
    ("Belkart, ArCa, Elcart, Prostir, Altyn Asyr", ("9112", "9051", "9417", "9804", "9934"), (16,)),
    ("Carnet", ("286900", "502275", "627535", "636318"), (16,)),
    ("UnionPay, older", ("9558", "9559"), (19,)),
)

# Numbers that test accounts and examples are full of.
WELL_KNOWN: Final = (
    "4111111111111111",
    "4222222222222",
    "4012888888881881",
    "5555555555554444",
    "2223000048400011",
    "378282246310005",
    "371449635398431",
    "6011000991300009",
    "6011111111111117",
    "30569309025904",
    "36259600000004",
    "3530111333300000",
    "6304000000000000",
    "6200000000000005",
    "6759649826438453",
    "6799990100000000019",
    "501800000009",
    "6062826786276634",
    "2200000000000004",
    "9792000000000001",
)


def numbers() -> Iterator[str]:
    chance = random.Random(20)  # noqa: S311 (the same each time)
    yield from (number for number in WELL_KNOWN if passes_luhn(number))
    for _, prefixes, lengths in SCHEMES:
        for prefix in prefixes:
            for length in lengths:
                body = prefix + "".join(chance.choice("0123456789") for _ in range(length - len(prefix) - 1))
                yield body + check_digit(body)


def check_digit(body: str) -> str:
    return next(digit for digit in "0123456789" if passes_luhn(body + digit))


def grouped(number: str, separator: str, sizes: tuple[int, ...] = (4, 4, 4, 4, 4)) -> str:
    groups, at = list[str](), 0
    for size in sizes:
        groups.append(number[at : at + size])
        at += size
    return separator.join([*filter(None, groups), *filter(None, [number[at:]])])


def printed(number: str, separator: str) -> str:
    """As it stands on the card."""
    return grouped(number, separator, (4, 6, 5) if len(number) in (14, 15) else (4, 4, 4, 4, 4))


def in_digits_from(zero: int) -> Callable[[str], str]:
    return lambda number: "".join(chr(zero + int(digit)) for digit in number)


SEPARATORS: Final = {
    "spaces": " ",
    "hyphens": "-",
    "points": ".",
    "slashes": "/",
    "underscores": "_",
    "commas": ",",
    "colons": ":",
    "bars": "|",
    "stars": "*",
    "two spaces": "  ",
    "hyphens in spaces": " - ",
    "line breaks": "\n",
    "tabs": "\t",
    "no-break spaces": "\u00a0",
    "narrow no-break spaces": "\u202f",
    "ideographic spaces": "\u3000",
    "en dashes": "\u2013",
    "em dashes": "\u2014",
    "minus signs": "\u2212",
    "soft hyphens": "\u00ad",
    "zero-width spaces": "\u200b",
    "word joiners": "\u2060",
    "middle dots": "\u00b7",
    "Hangul fillers": "\u3164",
    "bold": "</b><b>",
    "line breaks of HTML": "<br/>",
    "entities": "&nbsp;",
    "percent escapes": "%20",
    "a letter": "x",
}

SPELLINGS: Final[dict[str, Callable[[str], str]]] = {
    "alone": str,
    **{f"in printed groups, {name}": partial(printed, separator=text) for name, text in SEPARATORS.items()},
    **{f"digit by digit, {name}": text.join for name, text in SEPARATORS.items() if name != "a letter"},
    "in pairs": lambda n: grouped(n, " ", (2,) * 10) if len(n) >= 14 else n,
    "in groups of 6-6-4": lambda n: grouped(n, " ", (6, 6, 7)) if len(n) >= 16 else n,
    "in two halves": lambda n: grouped(n, "-", (8, 11)) if len(n) >= 16 else n,
    "with mixed separators": lambda n: printed(n, "-").replace("-", " ", 1) if len(n) >= 14 else n,
    "a letter in front": lambda n: f"x{n}",
    "a word in front": lambda n: f"order{n}",
    "an underscore in front": lambda n: f"op_{n}",
    "letters behind": lambda n: f"{n}abc",
    "in a sentence": lambda n: f"Paid with {n}, thank you.",
    "in groups in a sentence": lambda n: f"Card no. {printed(n, ' ')} was used twice",
    "in JSON": lambda n: f'{{"pan":"{n}","cvv":"123"}}',
    "in an attribute": lambda n: f'<input value="{n}">',
    "in a query": lambda n: f"https://shop.example/pay?card={n}&x=1",
    "behind a date": lambda n: f"2026-11-28 {n}",
    "before an expiry": lambda n: f"{n} 12/27",
    "before an expiry and a code": lambda n: f"{printed(n, ' ')} 12/27 123",
    "as on a magnetic stripe": lambda n: f";{n}=27121010000012345678?",
    "with zeros in front": lambda n: n.zfill(22) if len(n) >= 15 else n,
    "full-width": in_digits_from(0xFF10),
    "Arabic-Indic": in_digits_from(0x0660),
    "Persian": in_digits_from(0x06F0),
    "Devanagari": in_digits_from(0x0966),
    "Thai": in_digits_from(0x0E50),
    "mathematical bold": in_digits_from(0x1D7CE),
    "superscript": lambda n: n.translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")),
    "Chinese": lambda n: n.translate(str.maketrans("0123456789", "〇一二三四五六七八九")),
    "keycaps": lambda n: "".join(f"{digit}\ufe0f\u20e3" for digit in n),
    "underlined": lambda n: "".join(f"{digit}\u0332" for digit in n),
    "numeric entities": lambda n: "".join(f"&#{ord(digit)};" for digit in n),
    "percent-encoded": lambda n: "".join(f"%{ord(digit):02x}" for digit in n),
    "escaped": lambda n: "".join(f"\\u{ord(digit):04x}" for digit in n),
    "Chinese, financial": lambda n: n.translate(str.maketrans("0123456789", "零壹贰叁肆伍陆柒捌玖")),
    "in fives": lambda n: f"7 {grouped(n, ' ', (5, 5))}" if len(n) == 16 else n,
    "in threes": lambda n: f"7 {grouped(n, ' ', (3, 3, 3, 3))}" if len(n) == 16 else n,
    "in quarters and a half": lambda n: grouped(n, "-", (4, 4, 8)).replace("-", " ", 1) if len(n) == 16 else n,
    "entities without an end": lambda n: "".join(f"&#{ord(digit)}" for digit in n),
    "entities of entities": lambda n: "".join(f"&amp;#x{ord(digit):x};" for digit in n),
    "percent-encoded twice": lambda n: "".join(f"%25{ord(digit):02x}" for digit in n),
    "percent-encoded as in old scripts": lambda n: "".join(f"%u{ord(digit):04x}" for digit in n),
    "escaped by value": lambda n: "".join(f"\\x{ord(digit):02x}" for digit in n),
    "escaped in braces": lambda n: "".join(f"\\u{{{ord(digit):x}}}" for digit in n),
    "quoted-printable": lambda n: "".join(f"={ord(digit):02X}" for digit in n),
    "right to left": lambda n: f"\u202e{n}\u202c",
}
