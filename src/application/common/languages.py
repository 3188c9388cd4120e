"""The choice of a language for texts that people read."""

import re
from collections.abc import Container, Iterable
from typing import Final

FALLBACK: Final = "en"
# Obsolete codes that software still sends.
_RENAMED: Final = {"in": "id"}
_MOST_RANGES: Final = 20


def chosen_language(requested: Iterable[str], available: Container[str]) -> str:
    """The first requested language that is available, compared by primary language; the fallback if none is."""
    for language in requested:
        primary = language.strip().split("-")[0].lower()
        primary = _RENAMED.get(primary, primary)
        if primary in available:
            return primary
    return FALLBACK


def accepted_languages(header: str) -> list[str]:
    """The languages of an Accept-Language header (RFC 9110), most preferred first."""
    ranked: list[tuple[float, str]] = []
    for part in header.split(",")[:_MOST_RANGES]:
        language, _, parameters = part.strip().partition(";")
        quality = re.fullmatch(r"\s*q=([01](?:\.\d{0,3})?)\s*", parameters)
        weight = float(quality.group(1)) if quality else 1.0
        if language and weight > 0:
            ranked.append((-weight, language.strip()))
    return [language for _, language in sorted(ranked, key=lambda one: one[0])]
