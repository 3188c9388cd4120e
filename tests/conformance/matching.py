"""One conformance case, its variables, and its comparison with answers. It needs the standard library alone."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

_VARIABLE: Final = re.compile(r"\$\{([\w.]+)\}")


@dataclass(frozen=True, slots=True)
class Case:
    """One case, with the server that it is for: "service" or "scripted"."""

    file: str
    server: str
    content: Mapping[str, Any]

    @property
    def id(self) -> str:
        """Unique: the file and the case's name."""
        return f"{self.file}: {self.content['name']}"

    def as_json(self) -> dict[str, Any]:
        return {"id": self.id, "server": self.server, **self.content}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Case:
        return cls(content["id"].partition(": ")[0], content["server"], content)


class Variables:
    """The values of `${...}` in one case: `${new.NAME}` is a UUID made at the first mention, others were saved."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}

    def save(self, paths: Mapping[str, str], answer: Mapping[str, Any]) -> None:
        for name, path in paths.items():
            value: Any = answer
            for part in path.split("."):
                value = value[int(part)] if part.isdigit() else value[part]
            self._values[name] = str(value)

    def fill(self, content: Any) -> Any:
        match content:
            case str():
                return _VARIABLE.sub(lambda found: self._value(found[1]), content)
            case Mapping():
                return {key: self.fill(value) for key, value in content.items()}
            case list():
                return [self.fill(each) for each in content]
            case _:
                return content

    def _value(self, name: str) -> str:
        if name.startswith("new."):
            self._values.setdefault(name, str(uuid.uuid4()))
        return self._values[name]


def mismatches(expected: Any, seen: Any, path: str = "answer") -> Iterator[str]:
    """Where `seen` is not as expected, in sentences. The rules stand in README.md."""
    match expected:
        case {"$present": True}:
            if _is_default(seen):
                yield f"{path} is absent"
        case {"$absent": True}:
            if not _is_default(seen):
                yield f"{path} is {seen!r} and should be absent"
        case {"$matches": pattern}:
            if not re.search(pattern, str(seen)):
                yield f"{path} is {seen!r} and does not match {pattern!r}"
        case Mapping():
            for key, value in expected.items():
                yield from mismatches(value, seen.get(key) if isinstance(seen, Mapping) else None, f"{path}.{key}")
        case list():
            seen = [] if seen is None else seen
            if not isinstance(seen, list) or len(seen) != len(expected):
                yield f"{path} is {seen!r}, not {len(expected)} items"
                return
            for index, (value, each) in enumerate(zip(expected, seen, strict=True)):
                yield from mismatches(value, each, f"{path}[{index}]")
        case _:
            if not (_text(expected) == _text(seen) or (_is_default(expected) and _is_default(seen))):
                yield f"{path} is {seen!r}, not {expected!r}"


def _is_default(value: Any) -> bool:
    """Whether proto JSON leaves it out."""
    return value in (None, "", 0, False, "0") or value == [] or value == {}


def _text(value: Any) -> str:
    """Numbers of 64 bits are text in proto JSON."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
