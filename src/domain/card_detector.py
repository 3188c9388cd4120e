"""Finds card numbers (PANs) in free text, in whatever spelling, so that none is stored or logged.

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
from itertools import pairwise
from typing import Final
from urllib.parse import unquote

from domain.card_exemptions import exempted, is_date, is_numbered_otherwise
from domain.card_issuers import is_card_number

_SHORTEST: Final = 12
_LONGEST: Final = 19
# A shorter number in one separator throughout is more often a telephone number, a date or an amount.
_SHORTEST_IN_ANY_GROUPS: Final = 14

_GROUPINGS: Final = (
    (4, 4, 4, 4),
    (4, 6, 5),
    (4, 6, 4),
    (4, 4, 4, 4, 3),
    (4, 4, 4, 4, 2),
    (4, 4, 4, 4, 1),
    (4, 4, 4, 3),
    (4, 4, 4, 2),
    (4, 4, 4, 1),
    (4, 4, 4),
    (4, 4, 5),
    (4, 5, 6),
    (4, 3, 3, 3),
    (5, 5, 5),
    (6, 6, 4),
    (6, 4, 6),
    (4, 6, 6),
    (6, 6, 6),
    (6, 6, 7),
    (6, 13),
    (6, 10),
    (6, 9),
    (4, 12),
    (12, 4),
    (8, 8),
    (8, 4, 4),
    (8, 11),
    (10, 6),
)
# No card is written like the order numbers of the largest shop.
_NO_GROUPING: Final = (3, 7, 7)
_BY_FIRST: Final = {first: tuple(g for g in _GROUPINGS if g[0] == first) for first in {g[0] for g in _GROUPINGS}}
# Digits further apart belong to different numbers.
_WIDEST_GAP: Final = 24

_ENCODED: Final = re.compile(r"<[^<>]*>|&#?[0-9A-Za-z]{1,10};|(?:%[0-9A-Fa-f]{2})+|\\u[0-9A-Fa-f]{4}")
_DIGITS: Final = re.compile(r"[0-9]+")
_LETTER: Final = re.compile(r"[^\W\d_]")
_INVISIBLE: Final = frozenset({"Mn", "Me", "Mc", "Cf", "Cn", "Co", "Cs"})
_FILLERS: Final = frozenset("\u115f\u1160\u3164\uffa0")
_CHINESE: Final = {digit: str(value) for value, digit in enumerate("〇一二三四五六七八九")} | {"零": "0"}
# What may follow a card number in the same run: its expiry (MMYY, YYMM, MMYYYY), then perhaps a security code.
_EXPIRY: Final = re.compile(
    r"(?:(?:0[1-9]|1[0-2])[2-4][0-9]|[2-4][0-9](?:0[1-9]|1[0-2])|(?:0[1-9]|1[0-2])20[2-4][0-9])(?:[0-9]{3,4})?"
)
_CODE: Final = re.compile(r"[0-9]{3,4}")

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Folded:
    """A text reduced to ASCII digits, separators and letters. `spans`: where each character stood; None: the same."""

    text: str
    spans: Sequence[Span] | None

    def origin(self, start: int, end: int) -> Span:
        if self.spans is None:
            return start, end
        return self.spans[start][0], self.spans[end - 1][1]


@dataclass(frozen=True, slots=True)
class _Group:
    digits: str
    start: int
    end: int
    # By the sign in front of it.
    is_phone: bool
    is_fraction: bool


def looks_like_card(text: str, *, is_phone: bool = False) -> bool:
    """Whether the text holds a card number. is_phone: it is a telephone number where it has at most 13 digits."""
    return len(text) >= _SHORTEST and next(_spans(text, is_phone), None) is not None


def find_card_numbers(text: str) -> list[Span]:
    """Where card numbers stand, in order, as the start and end of each; none overlaps another."""
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
    """Whether the digits of this very number stand in the text one after the other, whatever stands between them."""
    if len(text) < _SHORTEST or (text.isascii() and not _has_digits(text)):
        return False
    digits = re.sub(r"[^0-9]", "", fold_digits(number))
    if len(digits) < _SHORTEST:
        return False
    return any(digits in re.sub(r"[^0-9]", "", folded.text) for folded in _foldings(text))


def fold_digits(text: str) -> str:
    """The text with every decimal digit as an ASCII digit, and without what nobody sees."""
    return _fold(text).text


def _spans(text: str, is_phone: bool) -> Iterator[Span]:
    if text.isascii() and not _has_digits(text):
        return
    for folded in _foldings(text):
        if _has_digits(folded.text):
            for start, end in _in_folded(folded.text, is_phone):
                yield folded.origin(start, end)


def _has_digits(text: str) -> bool:
    """Whether there are enough ASCII digits. Encoded ones count: no way to encode a digit has none."""
    return sum(map(text.count, "0123456789")) >= _SHORTEST


def _foldings(text: str) -> Iterator[_Folded]:
    """The text as it stands, and as it reads without markup and escapes, where it has any."""
    yield _fold(text)
    if _ENCODED.search(text):
        yield _fold_pieces(_decoded(text))


def _decoded(text: str) -> Iterator[tuple[str, Span]]:
    end = 0
    for found in _ENCODED.finditer(text):
        yield from ((text[at], (at, at + 1)) for at in range(end, found.start()))
        yield from ((character, found.span()) for character in _meaning(found.group()))
        end = found.end()
    yield from ((text[at], (at, at + 1)) for at in range(end, len(text)))


def _meaning(encoded: str) -> str:
    match encoded[0]:
        case "<":
            return "\t"
        case "&":
            return html.unescape(encoded)
        case "%":
            return unquote(encoded)
        case _:
            return chr(int(encoded[2:], 16))


def _fold(text: str) -> _Folded:
    if text.isascii():
        return _Folded(text, None)
    return _fold_pieces((character, (at, at + 1)) for at, character in enumerate(text))


def _fold_pieces(pieces: Iterator[tuple[str, Span]]) -> _Folded:
    characters: list[str] = []
    spans: list[Span] = []
    for character, span in pieces:
        plain = character if character.isascii() else _plain(character)
        characters.extend(plain)
        spans.extend([span] * len(plain))
    return _Folded("".join(characters), spans)


def _plain(character: str) -> str:
    """ASCII digits for digits of any script or shape, spaces for spaces, hyphens for dashes, nothing for the unseen."""
    return "".join(map(_plain_one, unicodedata.normalize("NFKC", character)))


def _plain_one(character: str) -> str:
    digit = unicodedata.digit(character, None)
    if digit is not None:
        return str(digit)
    if character in _CHINESE:
        return _CHINESE[character]
    category = unicodedata.category(character)
    if category in _INVISIBLE or character in _FILLERS:
        return ""
    if category.startswith("Z"):
        return " "
    return "-" if category == "Pd" or character == "\u2212" else character


def _in_folded(text: str, is_phone: bool) -> Iterator[Span]:
    groups = list(_groups(text, is_phone))
    for group in groups:
        if not group.is_fraction and _in_run(group.digits, group.is_phone):
            yield group.start, group.end
    gaps = [text[one.end : next_one.start] for one, next_one in pairwise(groups)]
    kinds = [_kind(gap) for gap in gaps]
    yield from _in_groupings(groups, gaps, kinds)
    yield from _in_stretches(groups, kinds)
    yield from _in_stretches(groups, _sizes(groups, kinds))


def _groups(text: str, is_phone: bool) -> Iterator[_Group]:
    exempt = exempted(text)
    for found in _DIGITS.finditer(text):
        start, end = found.span()
        if any(first <= start and end <= last for first, last in exempt):
            continue
        before = text[max(0, start - 3) : start]
        is_fraction = before.endswith("0.") and not before[:-2].isdigit()
        yield _Group(found.group(), start, end, is_phone or before.endswith(("+", "+(")), is_fraction)


def _kind(gap: str) -> str:
    """Gaps of one kind have the same characters. Empty: it does not join."""
    if len(gap) > _WIDEST_GAP or _LETTER.search(gap):
        return ""
    return " " if gap.isspace() else "".join(sorted(set(gap)))


def _sizes(groups: list[_Group], kinds: list[str]) -> list[str]:
    """For each gap that joins, how long the groups beside it are, where both are short and equally long."""
    sizes = [len(group.digits) for group in groups]
    pairs = zip(pairwise(sizes), kinds, strict=True)
    return [str(one) if kind and one == other and one < 4 else "" for (one, other), kind in pairs]


def _in_groupings(groups: list[_Group], gaps: list[str], kinds: list[str]) -> Iterator[Span]:
    sizes = [len(group.digits) for group in groups]
    for at, size in enumerate(sizes):
        for grouping in _BY_FIRST.get(size, ()):
            end = at + len(grouping)
            if tuple(sizes[at:end]) != grouping or not _joined(gaps[at : end - 1], kinds[at : end - 1]):
                continue
            digits = "".join(group.digits for group in groups[at:end])
            if _is_card(digits, groups[at].is_phone):
                yield groups[at].start, groups[end - 1].end


def _joined(gaps: list[str], kinds: list[str]) -> bool:
    """By anything without letters, or by the same letter each time."""
    return all(kinds) or (len(set(gaps)) == 1 and len(gaps[0].strip()) == 1)


def _in_stretches(groups: list[_Group], kinds: list[str]) -> Iterator[Span]:
    """The longest sequences of groups whose gaps are all of one kind, each taken as a whole."""
    start = 0
    while start < len(kinds):
        end = start
        while end < len(kinds) and kinds[end] == kinds[start]:
            end += 1
        if kinds[start]:
            yield from _in_stretch(groups[start : end + 1])
        start = end


def _in_stretch(groups: list[_Group]) -> Iterator[Span]:
    digits = "".join(group.digits for group in groups)
    singles = all(len(group.digits) == 1 for group in groups)
    if singles:
        found = _in_run(digits, groups[0].is_phone)
    else:
        found = len(digits) >= _SHORTEST_IN_ANY_GROUPS and is_card_number(digits)
        found = found and tuple(len(group.digits) for group in groups) != _NO_GROUPING
        found = found and not any(is_date(group.digits) for group in groups)
    if found:
        yield groups[0].start, groups[-1].end


def _in_run(digits: str, is_phone: bool) -> bool:
    """Whether digits without a break are a card number, or begin or end with one."""
    size = len(digits)
    if size < _SHORTEST:
        return False
    if _is_card(digits, is_phone):
        return True
    bare = digits.lstrip("0")
    if 15 <= len(bare) < size and _is_card(bare, is_phone):
        return True
    return any(_begins_with_card(digits, length) for length in (16, 15, 19)) or (
        size > _LONGEST and (_ends_with_card(digits, 16) or _ends_with_card(digits, 15))
    )


def _begins_with_card(digits: str, length: int) -> bool:
    rest = digits[length:]
    if not rest or not _is_card(digits[:length], is_phone=False):
        return False
    speaks_for_it = _EXPIRY.fullmatch(rest) or (len(digits) == _LONGEST and _CODE.fullmatch(rest))
    return bool(speaks_for_it) or (len(digits) > _LONGEST and digits[0] in "45" and not is_numbered_otherwise(digits))


def _ends_with_card(digits: str, length: int) -> bool:
    return digits[-length] in "345" and _is_card(digits[-length:], is_phone=False) and not is_numbered_otherwise(digits)


def _is_card(digits: str, is_phone: bool) -> bool:
    if is_phone and len(digits) < _SHORTEST_IN_ANY_GROUPS:
        return False
    return is_card_number(digits) and not is_numbered_otherwise(digits)
