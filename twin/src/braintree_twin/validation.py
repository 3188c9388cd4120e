"""Collects validation errors, and writes them in Braintree's nested form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from braintree_twin.calls import Answer
from braintree_twin.error_messages import message_of
from braintree_twin.params import Params
from braintree_twin.xml_writer import Elements, Node, Symbol


class Fault(NamedTuple):
    """One validation error of one field; `base` is the resource as a whole."""

    attribute: str
    code: str
    message: str


class Errors:
    """The validation errors of one level of a request, and of the levels inside."""

    def __init__(self, top: Errors | None = None) -> None:
        self._faults: list[Fault] = []
        self._inner: dict[str, Errors] = {}
        self._top = top

    @property
    def top(self) -> Errors:
        """The errors of the whole request."""
        return self if self._top is None else self._top

    def on(self, name: str) -> Errors:
        """The errors of the element with this name, one level down."""
        inner = self._inner.get(name)
        if inner is None:
            inner = self._inner[name] = Errors(self.top)
        return inner

    def add(self, attribute: str, code: str | None, names: Iterable[str] = (), *, message: str | None = None) -> None:
        """Add an error. None adds nothing, so that a check's result can be passed on. `names` go into its message."""
        if code is not None:
            self._faults.append(Fault(attribute, code, message or message_of(code, names)))

    def __bool__(self) -> bool:
        return bool(self._faults) or any(self._inner.values())

    def deep_faults(self) -> Iterator[Fault]:
        """The errors of this level and of every level inside."""
        yield from self._faults
        for inner in self._inner.values():
            yield from inner.deep_faults()

    def faults(self) -> list[Fault]:
        """The errors of this level."""
        return list(self._faults)

    def levels(self) -> dict[str, Errors]:
        """The levels inside that have errors, by name."""
        return {name: errors for name, errors in self._inner.items() if errors}

    def node(self) -> dict[str, Node]:
        faults: list[Node] = [
            {"code": fault.code, "attribute": Symbol(fault.attribute), "message": fault.message}
            for fault in self._faults
        ]
        inner = {name: errors.node() for name, errors in self._inner.items() if errors}
        return {"errors": Elements("error", faults), **inner}


class ValidationFailed(Exception):
    """The request is invalid. Raised before a handler changes anything. `things`: resources that the answer shows."""

    def __init__(self, errors: Errors, **things: Node) -> None:
        super().__init__(", ".join(fault.code for fault in errors.deep_faults()))
        self.errors = errors
        self.things = things

    def as_answer(self, document: Mapping[str, Any]) -> Answer:
        """The answer of a failed request whose changes are kept."""
        return Answer("api_error_response", {**error_answer(self.errors, Params(document).echo()), **self.things}, 422)


def failed(root: str, attribute: str, code: str, **things: Node) -> ValidationFailed:
    """The failure of a single field; `base` is the resource as a whole. `things`: resources that the answer shows."""
    errors = Errors()
    errors.on(root).add(attribute, code)
    return ValidationFailed(errors, **things)


def failed_saying(root: str, attribute: str, code: str, message: str) -> ValidationFailed:
    """The failure of a single field, in words that say more than the published ones."""
    errors = Errors()
    errors.on(root).add(attribute, code, message=message)
    return ValidationFailed(errors)


def error_answer(
    errors: Errors, params: Mapping[str, Any], message: str | None = None, **things: Node
) -> dict[str, Node]:
    """The content of <api-error-response>: errors, the request's fields, resources such as a declined sale."""
    sentences = [message] if message else [fault.message for fault in errors.deep_faults()]
    return {"errors": errors.node(), "params": _echo(params), "message": "\n".join(sentences), **things}


def _echo(value: Any) -> Node:
    if isinstance(value, dict):
        return {name: _echo(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return Elements("item", [_echo(item) for item in value])
    return value if value is None else str(value)
