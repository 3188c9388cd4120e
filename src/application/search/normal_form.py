"""The normal form of searched texts: case, accents and the marks around a word make no difference."""

import re
import unicodedata
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

# A number that stands for itself in a reference, such as 1234 in "ORDER-1234".
_MIN_PART: Final = 3
_MAX_PARTS: Final = 12
_MARKS: Final = re.compile(r"[\W_]+")
_DIGIT: Final = re.compile(r"\d")


def normalised(text: str) -> str:
    """Case-folded, without accents, in the compatibility form (NFKD), with single spaces."""
    if text.isascii():
        return " ".join(text.lower().split())
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(character for character in decomposed if unicodedata.category(character) != "Mn")
    return " ".join(unicodedata.normalize("NFKD", bare.casefold()).split())


def words_of(text: str) -> list[str]:
    """The normalised words of a text, split at spaces, without the marks around them."""
    return [without_marks(word) for word in normalised(text).split()]


def without_marks(word: str) -> str:
    """The word without punctuation at its ends. A word of nothing else stays as it is."""
    if word[:1].isalnum() and word[-1:].isalnum():
        return word
    inside = [place for place, character in enumerate(word) if character.isalnum()]
    return word[inside[0] : inside[-1] + 1] if inside else word


def name_words(text: str) -> Iterator[str]:
    """The words of a name. "O'Brien" is "obrien", "o" and "brien"."""
    for word in words_of(text):
        parts = _parts(word)
        if parts:
            yield "".join(parts)
            yield from parts


def name_word(word: str) -> str:
    """One normalised word as the words of names are indexed; empty if it has no letter or digit."""
    return "".join(_parts(word))


def reference_parts(reference: str) -> list[str]:
    """The words of a reference with spaces, and its parts that hold a digit: "2026" and "a77" of "INV/2026/A77"."""
    words = words_of(reference)
    numbered = [part for part in _parts(normalised(reference)) if len(part) >= _MIN_PART and _DIGIT.search(part)]
    return list(dict.fromkeys([*(words if len(words) > 1 else []), *numbered]))[:_MAX_PARTS]


def plain_decimal(value: Decimal) -> str:
    """The shortest form of a decimal number: "10.5" for 10.50, "10" for 10.00."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _parts(text: str) -> list[str]:
    return [text] if text.isalnum() else [part for part in _MARKS.split(text) if part]
