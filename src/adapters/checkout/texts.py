"""The texts of the page in each language, and the forms of amounts and dates."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Final

from domain.money import Money

FALLBACK: Final = "en"
# Obsolete codes that browsers still send.
_RENAMED: Final = {"in": "id"}
_RIGHT_TO_LEFT: Final = frozenset({"ar", "fa", "he", "ur"})
_MOST_RANGES: Final = 20
# Indonesian writes 1.000,50 where English writes 1,000.50.
_WITH_COMMA: Final = frozenset({"id"})


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of one language."""

    locale: str
    by_name: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        return self.by_name[name]

    def filled(self, name: str, **values: object) -> str:
        """The text with its values. Braces in a value stay as they are."""
        return self.by_name[name].format(**values)

    @property
    def direction(self) -> str:
        return "rtl" if self.locale in _RIGHT_TO_LEFT else "ltr"

    def amount(self, amount: Money) -> str:
        """The amount as people of this language write it: "USD 1,000.50", "Rp 1.000"."""
        whole, _, fraction = amount.to_decimal().removeprefix("-").partition(".")
        if amount.currency_code == "IDR" and not fraction.strip("0"):
            fraction = ""
        group, point = (".", ",") if self.locale in _WITH_COMMA else (",", ".")
        grouped = f"{int(whole):,}".replace(",", group)
        sign = "\u2212" if amount.minor_units < 0 else ""
        symbol = "Rp" if amount.currency_code == "IDR" else amount.currency_code
        return f"{sign}{symbol}\u00a0{grouped}{point + fraction if fraction else ''}"


@cache
def all_texts() -> Mapping[str, Texts]:
    """By language, the fallback first."""
    found = {}
    for file in resources.files("adapters.checkout").joinpath("texts").iterdir():
        locale, _, ending = file.name.rpartition(".")
        if ending == "toml":
            found[locale] = Texts(locale, MappingProxyType(tomllib.loads(file.read_text("utf-8"))))
    return MappingProxyType(dict(sorted(found.items(), key=lambda item: (item[0] != FALLBACK, item[0]))))


def choose(requested: Iterable[str]) -> Texts:
    """The texts of the first requested language that has some."""
    texts = all_texts()
    for language in requested:
        primary = language.strip().split("-")[0].lower()
        primary = _RENAMED.get(primary, primary)
        if primary in texts:
            return texts[primary]
    return texts[FALLBACK]


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
