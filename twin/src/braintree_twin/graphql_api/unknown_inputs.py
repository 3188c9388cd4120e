"""Finds the input fields that the schema does not have. The schema refuses them; the twin counts them as well."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from graphql import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLSchema,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    value_from_ast_untyped,
    visit,
)

from braintree_twin.request_schema import Effect, UnhandledField


def unknown_inputs(schema: GraphQLSchema, query: DocumentNode, variables: Mapping[str, Any]) -> list[UnhandledField]:
    """The unknown fields of inputs, in the query and in its variables, each once: vaultPaymentMethod.input.colour."""
    types = TypeInfo(schema)
    finder = _Finder(types, dict(variables))
    visit(query, TypeInfoVisitor(types, finder))
    return [UnhandledField(path, Effect.UNKNOWN) for path in dict.fromkeys(finder.found)]


class _Finder(Visitor):
    def __init__(self, types: TypeInfo, variables: dict[str, Any]) -> None:
        super().__init__()
        self._types = types
        self._variables = variables
        self._field = ""
        self.found: list[str] = []

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        """Note the field: its arguments follow before the fields below it."""
        self._field = node.name.value

    def enter_argument(self, node: ArgumentNode, *_: Any) -> None:
        argument = self._types.get_argument()
        if argument is not None:
            value = value_from_ast_untyped(node.value, self._variables)
            self.found += _below(value, argument.type, f"{self._field}.{node.name.value}")


def _below(value: Any, kind: GraphQLInputType, path: str) -> Iterator[str]:
    known = get_named_type(kind)
    if isinstance(value, list):
        for each in value:
            yield from _below(each, kind, path)
    elif isinstance(value, dict) and isinstance(known, GraphQLInputObjectType):
        for name, inner in value.items():
            if name in known.fields:
                yield from _below(inner, known.fields[name].type, f"{path}.{name}")
            else:
                yield f"{path}.{_printable(name)}"


def _printable(name: str) -> str:
    """The name in ASCII: JSON names may have line breaks and halves of characters, which no log takes."""
    return name.encode("unicode_escape").decode("ascii")
