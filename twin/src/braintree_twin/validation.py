"""Collects what is wrong with a request, and answers it in Braintree's nested shape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from braintree_twin.rules.messages import message_of
from braintree_twin.xml_out import Elements, Node, Symbol


class Errors:
    """The faults of one level of a request, and below it those of the levels inside."""

    def __init__(self) -> None:
        self._faults: list[tuple[str, str]] = []
        self._inner: dict[str, Errors] = {}

    def on(self, name: str) -> Errors:
        """The errors of the element with this name, one level down."""
        return self._inner.setdefault(name, Errors())

    def add(self, attribute: str, code: str | None) -> None:
        """Note a fault; no code, no fault, so that a check's outcome can be passed on as it is."""
        if code is not None:
            self._faults.append((attribute, code))

    def __bool__(self) -> bool:
        return bool(self._faults) or any(self._inner.values())

    def codes(self) -> Iterator[str]:
        yield from (code for _, code in self._faults)
        for inner in self._inner.values():
            yield from inner.codes()

    def faults(self) -> list[tuple[str, str]]:
        """This level's own: attribute and code."""
        return list(self._faults)

    def levels(self) -> dict[str, Errors]:
        """The levels inside that have faults, by name."""
        return {name: errors for name, errors in self._inner.items() if errors}

    def node(self) -> dict[str, Node]:
        faults: list[Node] = [
            {"code": code, "attribute": Symbol(attribute), "message": message_of(code)}
            for attribute, code in self._faults
        ]
        inner = {name: errors.node() for name, errors in self._inner.items() if errors}
        return {"errors": Elements("error", faults), **inner}


class ValidationFailed(Exception):
    """Nothing was done, because of these errors. Raised before a handler changes anything."""

    def __init__(self, errors: Errors) -> None:
        super().__init__(", ".join(errors.codes()))
        self.errors = errors


def failed(root: str, attribute: str, code: str) -> ValidationFailed:
    """The failure of a single field, or of `base`: the thing as a whole."""
    errors = Errors()
    errors.on(root).add(attribute, code)
    return ValidationFailed(errors)


def error_answer(
    errors: Errors, params: Mapping[str, Any], message: str | None = None, **things: Node
) -> dict[str, Node]:
    """What stands in <api-error-response>: the errors, the request's fields, and things like a declined transaction."""
    sentences = [message] if message else [message_of(code) for code in errors.codes()]
    return {"errors": errors.node(), "params": _echo(params), "message": "\n".join(sentences), **things}


def _echo(value: Any) -> Node:
    if isinstance(value, dict):
        return {name: _echo(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return Elements("item", [_echo(item) for item in value])
    return value if value is None else str(value)
