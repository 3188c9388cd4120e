"""Applies a bug: replaces a function before the service starts."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Final

Patch = Callable[[], None]

_PROBABILITY: Final = 0.3


def occurs() -> bool:
    return random.random() < _PROBABILITY  # noqa: S311


def replace_function(owner: Any, name: str, mutate: Callable[[Callable[..., Any]], Callable[..., Any]]) -> Patch:
    """Replace a function by `mutate(function)`. Fails if there is no function of this name."""

    def do() -> None:
        setattr(owner, name, mutate(getattr(owner, name)))

    return do


def all_of(*plants: Patch) -> Patch:
    def do() -> None:
        for each in plants:
            each()

    return do


def property_of(function: Callable[[Any], Any]) -> Any:
    return property(function)
