"""The texts of the page in each language, and the forms of amounts and dates."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Final

from application.common.languages import FALLBACK, chosen_language
from domain.money import Money

_RIGHT_TO_LEFT: Final = frozenset({"ar", "fa", "he", "ur"})
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
    return texts[chosen_language(requested, texts)]
