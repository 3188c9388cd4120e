"""Whether an identifier reads the same to people as it does to the database."""

from __future__ import annotations

import unicodedata
from typing import Final

# Characters without a form of their own that are no format characters (Cf): fillers, joiners, variation selectors
# (Unicode's Default_Ignorable_Code_Point), and the empty braille cell.
_INVISIBLE: Final = frozenset(
    {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2065, 0x2800, 0x3164, 0xFFA0}
    | {*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xFFF0, 0xFFF9), *range(0xE0000, 0xE1000)}
)


def is_unambiguous(text: str) -> bool:
    """False where another text looks exactly the same: by invisible characters, another composition of letters
    (anything but NFC), a space at either end or two in a row, or a space other than U+0020.

    Letters of different scripts that look alike are not told.
    """
    return (
        unicodedata.is_normalized("NFC", text)
        and text == text.strip()
        and "  " not in text
        and (text.isascii() or not any(map(_is_invisible, text)))
    )


def _is_invisible(character: str) -> bool:
    category = unicodedata.category(character)
    return category == "Cf" or (category == "Zs" and character != " ") or ord(character) in _INVISIBLE
