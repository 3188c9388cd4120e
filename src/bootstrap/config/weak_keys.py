"""Detects keys that were not drawn at random: examples, passwords, placeholders."""

from itertools import pairwise
from typing import Final

# Among 32 random bytes, 30 are distinct on average; fewer than 20 do not occur in the life of the universe.
_FEWEST_DIFFERENT: Final = 20
_FEWEST_DIFFERENT_CHARACTERS: Final = 8


def is_weak_key(key: bytes) -> bool:
    """Whether 32 bytes repeat one or a few bytes, count up or down, repeat their half, or are readable."""
    half = len(key) // 2
    steps = {(after - before) % 256 for before, after in pairwise(key)}
    return (
        len(set(key)) < _FEWEST_DIFFERENT
        or len(steps) == 1
        or key[:half] == key[half : 2 * half]
        or all(32 <= byte < 127 for byte in key)
    )


def is_weak_text(secret: str) -> bool:
    """Whether a secret of 32 characters and more has hardly any different ones."""
    return len(set(secret)) < _FEWEST_DIFFERENT_CHARACTERS
