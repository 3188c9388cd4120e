"""What is handed from one to another never changes on the way, and misspelled attributes are no new ones."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import is_dataclass
from typing import Any

import pytest

import application
import domain

# What they are for is to remember something between calls.
MUTABLE = {"PollDisputes", "RefusedRecords", "_Sighting", "_Tally"}


def classes() -> Iterator[Any]:
    for package in (application, domain):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            for value in vars(importlib.import_module(module.name)).values():
                if isinstance(value, type) and is_dataclass(value) and value.__module__ == module.name:
                    yield value


@pytest.mark.parametrize("value", list(classes()), ids=lambda value: f"{value.__module__}.{value.__name__}")
def test_a_value_is_frozen_and_has_slots(value: Any) -> None:
    assert value.__dataclass_params__.frozen is (value.__name__ not in MUTABLE)
    assert "__slots__" in vars(value)
