"""How a bug is planted: a function is replaced before the service starts."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Final

Plant = Callable[[], None]

_PROBABILITY: Final = 0.3


def strikes() -> bool:
    return random.random() < _PROBABILITY  # noqa: S311


def instead(owner: Any, name: str, mutate: Callable[[Callable[..., Any]], Callable[..., Any]]) -> Plant:
    """Replaces a function by what becomes of it. Fails where there is none of this name any more."""

    def do() -> None:
        setattr(owner, name, mutate(getattr(owner, name)))

    return do


def all_of(*plants: Plant) -> Plant:
    def do() -> None:
        for each in plants:
            each()

    return do


def property_of(function: Callable[[Any], Any]) -> Any:
    return property(function)
