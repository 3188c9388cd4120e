"""Collects validation errors, and writes them in Braintree's nested form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from braintree_twin.error_messages import message_of
from braintree_twin.xml_writer import Elements, Node, Symbol


class Errors:
    """The validation errors of one level of a request, and of the levels inside."""

    def __init__(self) -> None:
        self._faults: list[tuple[str, str]] = []
        self._inner: dict[str, Errors] = {}

    def on(self, name: str) -> Errors:
        """The errors of the element with this name, one level down."""
        return self._inner.setdefault(name, Errors())

    def add(self, attribute: str, code: str | None) -> None:
        """Add an error. None adds nothing, so that a check's result can be passed on."""
        if code is not None:
            self._faults.append((attribute, code))

    def __bool__(self) -> bool:
        return bool(self._faults) or any(self._inner.values())

    def codes(self) -> Iterator[str]:
        yield from (code for _, code in self._faults)
        for inner in self._inner.values():
            yield from inner.codes()

    def faults(self) -> list[tuple[str, str]]:
        """The errors of this level: attribute and code."""
        return list(self._faults)

    def levels(self) -> dict[str, Errors]:
        """The levels inside that have errors, by name."""
        return {name: errors for name, errors in self._inner.items() if errors}

    def node(self) -> dict[str, Node]:
        faults: list[Node] = [
            {"code": code, "attribute": Symbol(attribute), "message": message_of(code)}
            for attribute, code in self._faults
        ]
        inner = {name: errors.node() for name, errors in self._inner.items() if errors}
        return {"errors": Elements("error", faults), **inner}


class ValidationFailed(Exception):
    """The request is invalid. Raised before a handler changes anything."""

    def __init__(self, errors: Errors) -> None:
        super().__init__(", ".join(errors.codes()))
        self.errors = errors


def failed(root: str, attribute: str, code: str) -> ValidationFailed:
    """The failure of a single field; `base` is the resource as a whole."""
    errors = Errors()
    errors.on(root).add(attribute, code)
    return ValidationFailed(errors)


def error_answer(
    errors: Errors, params: Mapping[str, Any], message: str | None = None, **things: Node
) -> dict[str, Node]:
    """The content of <api-error-response>: errors, the request's fields, resources such as a declined sale."""
    sentences = [message] if message else [message_of(code) for code in errors.codes()]
    return {"errors": errors.node(), "params": _echo(params), "message": "\n".join(sentences), **things}


def _echo(value: Any) -> Node:
    if isinstance(value, dict):
        return {name: _echo(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return Elements("item", [_echo(item) for item in value])
    return value if value is None else str(value)
