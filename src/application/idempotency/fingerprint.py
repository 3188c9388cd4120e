"""Request fingerprints: keyed hashes that show whether two requests are equal, without storing their content."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Fingerprinter:
    """Hashes each field of a request under a secret key. The fields must not include card numbers or security codes."""

    key: bytes = field(repr=False)

    def of(self, fields: Mapping[str, object]) -> dict[str, str]:
        """A keyed hash for each field that is set."""
        return {name: self._hash(name, value) for name, value in fields.items() if value not in (None, "", {}, False)}

    def _hash(self, name: str, value: object) -> str:
        text = repr(sorted(value.items())) if isinstance(value, Mapping) else str(value)
        return hmac.new(self.key, f"{name}\0{text}".encode(), hashlib.sha256).hexdigest()[:32]


def differing_fields(earlier: Mapping[str, str], later: Mapping[str, str]) -> tuple[str, ...]:
    """The fields in which two fingerprints differ, sorted."""
    return tuple(sorted(name for name in earlier.keys() | later.keys() if earlier.get(name) != later.get(name)))
