"""Finds card numbers (PANs) in free text, in any spelling, so that none is stored or logged.

A card number is 12 to 19 digits that an issuer's range, a length of that range and the Luhn check digit confirm. One
random number of 16 digits in 25 looks like that, so where digits are grouped, the grouping must speak for a card, too:

- one unbroken run of digits, with letters or anything else around it,
- a grouping that is printed on cards or written by people (4-4-4-4, 4-6-5, ...), with any separators,
- groups with one separator throughout, or of one size throughout, that begin and end with the number.

It does not find numbers written in words, reversed, encrypted or encoded (base64, hexadecimal). The time is
linear in the length of the text.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Final
from urllib.parse import unquote

from domain.card_exemptions import is_date, is_numbered_otherwise, without_exempted
from domain.card_issuers import is_card_number

_SHORTEST: Final = 12
_LONGEST: Final = 19
# The minimum in a telephone field, behind a plus, or in groups that no card has: a shorter number there is more often a
# telephone number, a date or an amount.
_SHORTEST_OTHERWISE: Final = 14
_SHORTEST_BEHIND_ZEROS: Final = 15

# The digits of each group, one character each: A for 10, B for 11, C for 12, D for 13.
_GROUPINGS: Final = (
    *("4444", "465", "464", "44443", "44442", "44441", "4443", "4442", "4441", "444", "445", "456", "4333", "448"),
    *("33334", "555", "556", "664", "646", "466", "666", "667", "6D", "6A", "69", "4C", "C4", "88", "844", "8B", "A6"),
)
_OF_GROUPINGS: Final = tuple(re.compile(f"(?=(?P<sizes>{sizes}))") for sizes in _GROUPINGS)
# This grouping, of the largest shop's order numbers, occurs on no card.
_NO_GROUPING: Final = "377"
_SIZES: Final = "0123456789ABCD"
_OTHER_SIZE: Final = "-"
# Digits further apart belong to different numbers.
_WIDEST_GAP: Final = 24

_ENCODED: Final = re.compile(
    r"<[^<>]*>|&(?:amp;)*(?:#x?[0-9A-Fa-f]{1,7};?|[0-9A-Za-z]{1,10};)|(?:%(?:25)*[0-9A-Fa-f]{2})+|[%\\]u[0-9A-Fa-f]{4}"
    r"|\\u\{[0-9A-Fa-f]{1,5}\}|\\x[0-9A-Fa-f]{2}|(?:=3[0-9]){4,}"
)
_ENCODED_AGAIN: Final = re.compile(r"%(?:25)+")
# A telephone number has a plus in front; the fraction of a number has a zero and a point in front.
_DIGITS: Final = re.compile(r"(?P<phone>(?<=\+)|(?<=\+\())?(?P<fraction>(?<=(?<![0-9])0\.))?[0-9]+")
_NO_DIGITS: Final = re.compile(r"[^0-9]+")
_LETTER: Final = re.compile(r"[^\W\d_]")
_INVISIBLE: Final = frozenset({"Mn", "Me", "Mc", "Cf", "Cn", "Co", "Cs"})
_FILLERS: Final = frozenset("\u115f\u1160\u3164\uffa0")
# The possible suffix of a card number in the same run: its expiry (MMYY, YYMM, MMYYYY), then perhaps a security code.
# A security code alone makes 19 digits of it.
_EXPIRY: Final = re.compile(
    r"(?:(?:0[1-9]|1[0-2])[2-4][0-9]|[2-4][0-9](?:0[1-9]|1[0-2])|(?:0[1-9]|1[0-2])20[2-4][0-9])(?:[0-9]{3,4})?"
)

Span = tuple[int, int]
# The meaning of a character of the text, and its position.
_Piece = tuple[str, Span]


@dataclass(frozen=True, slots=True)
class _Folded:
    """A text reduced to ASCII digits, separators and letters. `spans`: the original positions; None: unchanged."""

    text: str
    spans: Sequence[Span] | None

    def origin(self, start: int, end: int) -> Span:
        if self.spans is None:
            return start, end
        return self.spans[start][0], self.spans[end - 1][1]


@dataclass(frozen=True, slots=True)
class _Group:
    digits: str
    size: str
    start: int
    end: int
    # The minimum length of a card number that begins here. It depends on the sign in front.
    shortest: int
    is_fraction: bool

    @classmethod
    def of(cls, found: re.Match[str], is_phone: bool) -> _Group:
        digits = found.group()
        size = _SIZES[len(digits)] if len(digits) < len(_SIZES) else _OTHER_SIZE
        shortest = _SHORTEST_OTHERWISE if is_phone or found["phone"] is not None else _SHORTEST
        return cls(digits, size, *found.span(), shortest, found["fraction"] is not None)


def looks_like_card(text: str, *, is_phone: bool = False) -> bool:
    """Whether the text holds a card number. is_phone: at most 13 digits count as a telephone number."""
    return next(_spans(text, is_phone), None) is not None


def find_card_numbers(text: str) -> list[Span]:
    """The start and end of each card number, in order, without overlap."""
    found: list[Span] = []
    for start, end in sorted(_spans(text, is_phone=False)):
        if found and start < found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def without_card_numbers(text: str, replacement: str) -> str:
    for start, end in reversed(find_card_numbers(text)):
        text = f"{text[:start]}{replacement}{text[end:]}"
    return text


def holds_digits(text: str, number: str) -> bool:
    """Whether the text contains the digits of this number in order, with anything between them."""
    if not _has_digits(text) or not _has_digits(number):
        return False
    digits = _NO_DIGITS.sub("", _fold(number).text)
    return any(digits in _NO_DIGITS.sub("", folded.text) for folded in _foldings(text))


def _spans(text: str, is_phone: bool) -> Iterator[Span]:
    if _has_digits(text):
        for folded in _foldings(text):
            for start, end in _in_folded(folded.text, is_phone):
                yield folded.origin(start, end)


def _has_digits(text: str) -> bool:
    """Whether there are enough digits, in any script. Encoded ones count: every encoding of a digit contains digits.

    Nearly every text stops here, so it loops in C only.
    """
    if text.isascii():
        return sum(map(text.count, "0123456789")) >= _SHORTEST
    return sum(map(str.isnumeric, unicodedata.normalize("NFKC", text))) >= _SHORTEST


def _foldings(text: str) -> Iterator[_Folded]:
    """The text as it is, and decoded where it has markup or escapes."""
    yield _fold(text)
    if _ENCODED.search(text):
        yield _fold_pieces(_decoded(text))


def _decoded(text: str) -> Iterator[_Piece]:
    end = 0
    for found in _ENCODED.finditer(text):
        yield from _pieces(text, range(end, found.start()))
        yield from ((character, found.span()) for character in _meaning(found.group()))
        end = found.end()
    yield from _pieces(text, range(end, len(text)))


def _pieces(text: str, places: range) -> Iterator[_Piece]:
    return ((text[at], (at, at + 1)) for at in places)


def _meaning(encoded: str) -> str:
    match encoded[0]:
        case "<":
            return "\t"
        case "&":
            return html.unescape(encoded.replace("amp;", ""))
        case "=":
            return encoded[2::3]
        case "%" if encoded[1] != "u":
            return unquote(_ENCODED_AGAIN.sub("%", encoded))
        case _:
            return chr(int(encoded[2:].strip("{}"), 16))


def _fold(text: str) -> _Folded:
    if text.isascii():
        return _Folded(text, None)
    return _fold_pieces(_pieces(text, range(len(text))))


def _fold_pieces(pieces: Iterator[_Piece]) -> _Folded:
    characters: list[str] = []
    spans: list[Span] = []
    for character, span in pieces:
        plain = character if character.isascii() else _plain(character)
        characters.extend(plain)
        spans.extend([span] * len(plain))
    return _Folded("".join(characters), spans)


def _plain(character: str) -> str:
    """ASCII digits for digits of any script or shape, spaces for spaces, hyphens for dashes; drops invisible ones."""
    return "".join(map(_plain_one, unicodedata.normalize("NFKC", character)))


def _plain_one(character: str) -> str:
    value = unicodedata.numeric(character, None)
    if value is not None and value in range(10):
        return str(int(value))
    category = unicodedata.category(character)
    if category in _INVISIBLE or character in _FILLERS:
        return ""
    if category.startswith("Z"):
        return " "
    return "-" if category == "Pd" or character == "\u2212" else character


def _in_folded(text: str, is_phone: bool) -> Iterator[Span]:
    text = without_exempted(text)
    if not _has_digits(text):
        return
    groups = [_Group.of(found, is_phone) for found in _DIGITS.finditer(text)]
    for group in groups:
        if not group.is_fraction and _in_run(group.digits, group.shortest):
            yield group.start, group.end
    gaps = [text[one.end : next_one.start] for one, next_one in pairwise(groups)]
    kinds = [_kind(gap) for gap in gaps]
    sizes = "".join(group.size for group in groups)
    yield from _in_groupings(groups, sizes, gaps, kinds)
    yield from _in_stretches(groups, kinds)
    yield from _in_stretches(groups, list(map(_kind_of_sizes, sizes, sizes[1:], kinds)))


def _kind_of_sizes(one: str, other: str, kind: str) -> str:
    """The kind of the gap between two groups. Any gap that joins may join short groups of one length throughout."""
    return one if kind and one == other and one in "123" else ""


def _kind(gap: str) -> str:
    """Gaps of one kind have the same characters. An empty kind does not join."""
    if len(gap) > _WIDEST_GAP or _LETTER.search(gap):
        return ""
    return " " if gap.isspace() else "".join(sorted(set(gap)))


def _in_groupings(groups: list[_Group], sizes: str, gaps: list[str], kinds: list[str]) -> Iterator[Span]:
    for grouping in _OF_GROUPINGS:
        for found in grouping.finditer(sizes):
            first, end = found.span("sizes")
            last = end - 1
            digits = _digits(groups[first:end])
            is_long = len(digits) >= groups[first].shortest
            if is_long and _joined(gaps[first:last], kinds[first:last]) and _is_card(digits):
                yield groups[first].start, groups[last].end


def _joined(gaps: list[str], kinds: list[str]) -> bool:
    """Whether no gap has a letter, or each gap is the same single letter."""
    between = {gap.strip() for gap in gaps}
    return all(kinds) or (len(between) == 1 and all(len(one) == 1 for one in between))


def _in_stretches(groups: list[_Group], kinds: list[str]) -> Iterator[Span]:
    """The longest sequences of groups whose gaps are all of one kind, each as a whole."""
    first = 0
    for kind, gaps in groupby(kinds):
        last = first + len(list(gaps))
        if kind and _in_stretch(groups[first : last + 1]):
            yield groups[first].start, groups[last].end
        first = last


def _in_stretch(groups: list[_Group]) -> bool:
    digits = _digits(groups)
    sizes = "".join(group.size for group in groups)
    if len(sizes) == len(digits):
        return _in_run(digits, groups[0].shortest)
    if len(digits) < _SHORTEST_OTHERWISE or sizes == _NO_GROUPING:
        return False
    return is_card_number(digits) and not any(is_date(group.digits) for group in groups)


def _digits(groups: list[_Group]) -> str:
    return "".join(group.digits for group in groups)


def _in_run(digits: str, shortest: int) -> bool:
    """Whether an unbroken run of digits is a card number, or begins or ends with one."""
    if len(digits) < shortest:
        return False
    bare = digits.lstrip("0")
    if _is_card(digits) or (len(bare) >= _SHORTEST_BEHIND_ZEROS and _is_card(bare)):
        return True
    return any(_begins_with_card(digits, length) for length in (15, 16, 19)) or any(
        _ends_with_card(digits, length) for length in (15, 16)
    )


def _begins_with_card(digits: str, length: int) -> bool:
    if not _is_card(digits[:length]):
        return False
    if len(digits) == _LONGEST or _EXPIRY.fullmatch(digits[length:]):
        return True
    return len(digits) > _LONGEST and digits[0] in "45" and not is_numbered_otherwise(digits)


def _ends_with_card(digits: str, length: int) -> bool:
    is_likely = len(digits) > _LONGEST and digits[-length] in "345" and not is_numbered_otherwise(digits)
    return is_likely and is_card_number(digits[-length:])


def _is_card(digits: str) -> bool:
    return is_card_number(digits) and not is_numbered_otherwise(digits)
