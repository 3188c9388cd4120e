"""Checks an identifier for ambiguity: whether it looks the same as another text that the database tells apart."""

import re
import unicodedata
from typing import Final

# Invisible characters outside the format characters (Cf): fillers, joiners, variation selectors (Unicode's
# Default_Ignorable_Code_Point), and the empty braille cell.
_INVISIBLE: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164"
    "\ufe00-\ufe0f\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff]"
)


def is_unambiguous(text: str) -> bool:
    """False where another text looks exactly the same: by invisible characters, another composition of letters
    (anything but NFC), a space at either end or two in a row, or a space other than U+0020.

    It does not detect letters of different scripts that look alike.
    """
    return (
        unicodedata.is_normalized("NFC", text)
        and text == text.strip()
        and "  " not in text
        and (text.isascii() or not (_INVISIBLE.search(text) or any(map(_is_format_or_space, text))))
    )


def _is_format_or_space(character: str) -> bool:
    return unicodedata.category(character) in ("Cf", "Zs") and character != " "
