"""The context of the resolvers: the call, the caller, and access to the handlers of the XML API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from graphql import FieldNode, FragmentSpreadNode, GraphQLResolveInfo, SelectionSetNode

from braintree_twin.calls import Answer, Call, Handler
from braintree_twin.client_api.authentication import Client
from braintree_twin.client_api.errors import camel_case
from braintree_twin.errors import RequestError
from braintree_twin.graphql_api.global_ids import legacy_id
from braintree_twin.validation import Errors, ValidationFailed
from braintree_twin.xml_reader import Value

Info: TypeAlias = GraphQLResolveInfo
Fields: TypeAlias = dict[str, Any]


class Forbidden(RequestError):
    """The caller may not make this call: a browser, for example."""

    status = 403


@dataclass(frozen=True, slots=True)
class InputFault:
    """One validation error, with the path of the field in the mutation's input."""

    message: str
    code: str
    path: tuple[str, ...]


class InvalidInput(Exception):
    def __init__(self, faults: list[InputFault]) -> None:
        super().__init__("; ".join(fault.message for fault in faults))
        self.faults = faults


class InvalidVariables(InvalidInput):
    """The variables do not fit their types: nothing was executed, and the answer has no data."""


@dataclass(frozen=True, slots=True)
class Graph:
    """One request: the call, and the browser that makes it, or None for a server with the merchant's keys."""

    call: Call
    client: Client | None

    def require_keys(self) -> Call:
        if self.client is not None:
            raise Forbidden("only a server with API keys may make this call")
        return self.call

    def run(
        self, handler: Handler, root: str, fields: Mapping[str, Value], *, section: str | None = None, **path: str
    ) -> Answer:
        """Run a handler of the XML API with this document. `section` is the input's name for the document's root."""
        call = replace(self.require_keys(), document={root: dict(fields)}, path=path, query={})
        try:
            answer = handler(call)
        except ValidationFailed as failure:
            raise InvalidInput(list_faults(failure.errors, root, section)) from failure
        if not isinstance(answer, Answer):
            raise TypeError(handler)
        return answer


def graph_of(info: Info) -> Graph:
    graph = info.context
    if not isinstance(graph, Graph):
        raise TypeError(info.context)
    return graph


def selects(info: Info, type_name: str) -> bool:
    """Whether the query has a fragment on this type directly in the field that is resolved."""
    return any(_names(info, field.selection_set, type_name) for field in info.field_nodes)


def _names(info: Info, chosen: SelectionSetNode | None, type_name: str) -> bool:
    for each in chosen.selections if chosen else ():
        fragment: Any = info.fragments[each.name.value] if isinstance(each, FragmentSpreadNode) else each
        if isinstance(fragment, FieldNode):
            continue
        condition = fragment.type_condition
        if condition is not None and condition.name.value == type_name:
            return True
        if _names(info, fragment.selection_set, type_name):
            return True
    return False


# Errors of these fields are about the payment method that the input names beside the transaction.
_METHOD = frozenset({"payment_method_token", "payment_method_nonce"})


def list_faults(errors: Errors, root: str, section: str | None) -> list[InputFault]:
    return _below(errors, ("input",), {root: section})


def _below(errors: Errors, path: tuple[str, ...], names: Mapping[str, str | None]) -> list[InputFault]:
    found = [
        InputFault(_in_graph_words(fault.message), fault.code, _path(path, fault.attribute))
        for fault in errors.faults()
    ]
    for name, level in errors.levels().items():
        shown = names.get(name, camel_case(name))
        found += _below(level, (*path, shown) if shown else path, {})
    return found


def _in_graph_words(message: str) -> str:
    """The message, with the graph's name of a nonce."""
    return message.replace("payment_method_nonce", "single-use payment method")


def _path(path: tuple[str, ...], attribute: str) -> tuple[str, ...]:
    if attribute in _METHOD:
        return ("input", "paymentMethodId")
    return path if attribute == "base" else (*path, camel_case(attribute))


def transaction_path(input_: Mapping[str, Any], name: str = "transactionId") -> str:
    return legacy_id(str(input_[name]), "transaction", "refund")
