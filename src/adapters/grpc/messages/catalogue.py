"""The message catalogue: localized texts for people. A new language is a file more in each folder beside."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from typing import Any, Final

from application.common.languages import FALLBACK, chosen_language


class Catalogue:
    """Texts by locale, kind, name and audience, such as "id", "decline", "insufficient_funds", "customer"."""

    def __init__(self, texts: Mapping[str, Mapping[str, Any]]) -> None:
        self._texts = texts
        # The fallback first, the rest by name.
        self.locales: Final = sorted(texts, key=lambda locale: (locale != FALLBACK, locale))

    @classmethod
    def load(cls) -> Catalogue:
        """Reads LOCALE.toml of messages/declines/ and messages/errors/ (refused calls)."""
        texts: dict[str, dict[str, Any]] = {}
        messages = resources.files("adapters.grpc").joinpath("messages")
        for folder in ("declines", "errors"):
            for file in messages.joinpath(folder).iterdir():
                locale, dot, ending = file.name.rpartition(".")
                if dot and ending == "toml":
                    texts.setdefault(locale, {}).update(tomllib.loads(file.read_text("utf-8")))
        return cls(texts)

    def text(self, locale: str, kind: str, name: str, audience: str) -> str:
        """The text in the locale, or in the fallback. Raises KeyError for a name without a text."""
        for tried in (locale, FALLBACK):
            entry = self._texts.get(tried, {}).get(kind, {}).get(name, {})
            if audience in entry:
                return str(entry[audience])
        raise KeyError((kind, name, audience))

    def choose(self, requested: Iterable[str]) -> str:
        """The first requested language that has texts, compared by primary language; the fallback if none has."""
        return chosen_language(requested, self._texts)


@cache
def catalogue() -> Catalogue:
    """The texts that the service ships with."""
    return Catalogue.load()
