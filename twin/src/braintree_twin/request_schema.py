"""The fields that a route takes, and what the twin does with each: so that nothing is dropped in silence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Self

from braintree_twin.xml_reader import Value


class Effect(StrEnum):
    """The effect of a field in the twin."""

    ACTED_ON = "acted on"
    CHECKED = "checked, without effect"
    NO_EFFECT = "known, without effect"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Schema:
    """One level of a request. A name in `effects` covers everything below it."""

    effects: Mapping[str, Effect] = field(default_factory=dict)
    sections: Mapping[str, Schema] = field(default_factory=dict)
    # Set if clients choose the names, as those of custom fields.
    any_name: Effect | None = None

    def extended(self, acted_on: str = "", *, checked: str = "", no_effect: str = "", **sections: Schema) -> Self:
        """The schema with more fields, or with other effects for those that it has."""
        more = schema(acted_on, checked=checked, no_effect=no_effect)
        return replace(self, effects={**self.effects, **more.effects}, sections={**self.sections, **sections})

    def leaves(self, path: str) -> Iterator[tuple[str, Effect]]:
        """Every field below a path, with its effect."""
        if self.any_name:
            yield f"{path}.*", self.any_name
        for name, effect in self.effects.items():
            yield f"{path}.{name}", effect
        for name, section in self.sections.items():
            yield from section.leaves(f"{path}.{name}")


def schema(
    acted_on: str = "", *, checked: str = "", no_effect: str = "", any_name: Effect | None = None, **sections: Schema
) -> Schema:
    """A schema from names that are separated by spaces, by effect, and its sections."""
    effects: dict[str, Effect] = {}
    for names, effect in ((acted_on, Effect.ACTED_ON), (checked, Effect.CHECKED), (no_effect, Effect.NO_EFFECT)):
        effects.update(dict.fromkeys(names.split(), effect))
    return Schema(effects, sections, any_name)


EVERYTHING = schema(any_name=Effect.ACTED_ON)


@dataclass(frozen=True, slots=True)
class UnhandledField:
    """A field that the twin does not act on."""

    path: str
    effect: Effect

    def __str__(self) -> str:
        return f"{self.path} is {self.effect}"


def unhandled_fields(document: Mapping[str, Value], takes: Mapping[str, Schema]) -> list[UnhandledField]:
    """The fields of a request that the twin does not act on, each once.

    An empty field is one of them if its name is unknown: SDKs send empty elements whose names the gateway knows.
    """
    found: dict[str, UnhandledField] = {}
    for root, value in document.items():
        for each in _below(value, takes.get(root), root):
            found.setdefault(each.path, each)
    return list(found.values())


def filled(fields: Mapping[str, Value]) -> dict[str, Value]:
    """The fields without the empty ones, at every level."""
    inner = {name: _filled(value) for name, value in fields.items()}
    return {name: value for name, value in inner.items() if not _is_empty(value)}


def _filled(value: Value) -> Value:
    if isinstance(value, list):
        return [_filled(each) for each in value]
    return filled(value) if isinstance(value, dict) else value


def _is_empty(value: Value) -> bool:
    return value is None or value in ({}, [])


def _below(value: Value, known: Schema | None, path: str) -> Iterator[UnhandledField]:
    if known is None:
        yield UnhandledField(path, Effect.UNKNOWN)
    elif _is_empty(value) or known.any_name is Effect.ACTED_ON:
        return
    elif isinstance(value, list):
        for item in value:
            yield from _below(item, known, path)
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _field(name, inner, known, f"{path}.{name}")
    elif known.any_name:
        yield UnhandledField(path, known.any_name)


def _field(name: str, value: Value, known: Schema, path: str) -> Iterator[UnhandledField]:
    effect = known.effects.get(name)
    if name in known.sections:
        yield from _below(value, known.sections[name], path)
    elif effect is None and name == "item":
        # An array without a type attribute.
        yield from _below(value, known, path.removesuffix(".item"))
    else:
        effect = effect or known.any_name or Effect.UNKNOWN
        if effect is Effect.UNKNOWN or (effect is not Effect.ACTED_ON and not _is_empty(value)):
            yield UnhandledField(path, effect)
