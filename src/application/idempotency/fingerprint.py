"""Request fingerprints: keyed hashes that show whether two requests are equal, without storing their content."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from application.common.keyed_digest import keyed_digest

# Fields that stored fingerprints know by an earlier name, so that a request is still recognized after an upgrade.
_PRESENT_NAMES: Final = {"descriptor": "statement_descriptor"}


@dataclass(frozen=True, slots=True)
class Fingerprinter:
    """Hashes each field of a request under a secret key. The fields must not include card numbers or security codes."""

    key: bytes = field(repr=False)

    def of(self, fields: Mapping[str, object]) -> dict[str, str]:
        """A keyed hash for each field that is set."""
        return {name: self._hash(name, value) for name, value in fields.items() if value not in (None, "", {}, False)}

    def _hash(self, name: str, value: object) -> str:
        # Nearly all are texts and numbers. To ask for a mapping takes longer than for those.
        if not isinstance(value, str | int) and isinstance(value, Mapping):
            value = repr(sorted(value.items()))
        return keyed_digest(self.key, f"{name}\0{value!s}")


def differing_fields(earlier: Mapping[str, str], later: Mapping[str, str]) -> tuple[str, ...]:
    """The fields in which two fingerprints differ, by their names in the contract, sorted."""
    differing = (name for name in earlier.keys() | later.keys() if earlier.get(name) != later.get(name))
    return tuple(sorted(_present_name(name) for name in differing))


def _present_name(name: str) -> str:
    field_name, dot, part = name.partition(".")
    return _PRESENT_NAMES.get(field_name, field_name) + dot + part
