"""A faster constructor for frozen dataclasses with slots."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING, Field, fields
from typing import Any, TypeVar

_Kind = TypeVar("_Kind", bound=type)


def quick_init(kind: _Kind) -> _Kind:
    """A decorator above `dataclass(frozen=True, slots=True)`: sets each field by its slot.

    The constructor that `dataclass` writes calls object.__setattr__ for each field, which takes twice as long.
    Parameters, defaults and `__post_init__` are the same. Raises TypeError for a field that no parameter sets.
    """
    every = fields(kind)
    if not all(one.init for one in every):
        raise TypeError(f"{kind.__name__} has a field that no parameter sets")
    known: dict[str, Any] = {"missing": MISSING}
    lines = []
    for one in every:
        name = one.name
        known |= {f"set_{name}": getattr(kind, name).__set__, f"default_{name}": one.default}
        value = name
        if one.default_factory is not MISSING:
            known[f"make_{name}"] = one.default_factory
            value = f"make_{name}() if {name} is missing else {name}"
        lines.append(f"set_{name}(self, {value})")
    if hasattr(kind, "__post_init__"):
        lines.append("self.__post_init__()")
    source = f"def __init__(self, {', '.join(_parameters(every))}):\n " + "\n ".join(lines)
    exec(source, known)  # noqa: S102  (dataclass makes its constructors in the same way)
    init = known["__init__"]
    init.__qualname__, init.__module__ = f"{kind.__qualname__}.__init__", kind.__module__
    # Its parameters are those that mypy knows from the dataclass.
    kind.__init__ = init  # type: ignore[misc]
    return kind


def _parameters(every: tuple[Field[Any], ...]) -> Iterator[str]:
    yield from (_parameter(one) for one in every if not one.kw_only)
    if any(one.kw_only for one in every):
        yield "*"
    yield from (_parameter(one) for one in every if one.kw_only)


def _parameter(one: Field[Any]) -> str:
    is_required = one.default is MISSING and one.default_factory is MISSING
    # Where a factory makes the default, this is the mark of a missing value.
    return one.name if is_required else f"{one.name}=default_{one.name}"
