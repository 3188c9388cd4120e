"""POST /graphql. The status is 200 whatever happens, as in GraphQL; failures stand in `errors`."""

from __future__ import annotations

import json
from contextlib import suppress
from functools import lru_cache
from importlib.resources import files
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLSchema,
    MiddlewareManager,
    OperationDefinitionNode,
    OperationType,
    build_schema,
    execute_sync,
    parse,
    validate,
)
from graphql.language import BooleanValueNode, FloatValueNode, IntValueNode, StringValueNode, ValueNode

from braintree_twin.calls import Call, JsonAnswer, Route
from braintree_twin.client_api.authentication import Client, authenticate_client
from braintree_twin.errors import MalformedRequest, NotAuthenticated, NotFound, RequestError, TooLarge, UnhandledFields
from braintree_twin.graphql_api.bank_mutations import BANK_MUTATIONS
from braintree_twin.graphql_api.card_mutations import CARD_MUTATIONS
from braintree_twin.graphql_api.client_mutations import CLIENT_MUTATIONS
from braintree_twin.graphql_api.client_queries import CLIENT_QUERIES
from braintree_twin.graphql_api.context import Fields, Forbidden, Graph, InvalidInput, InvalidVariables
from braintree_twin.graphql_api.mutations import MUTATIONS
from braintree_twin.graphql_api.queries import QUERIES
from braintree_twin.graphql_api.read_inputs import InputReader
from braintree_twin.graphql_api.services import SERVICES
from braintree_twin.graphql_api.unknown_inputs import unknown_inputs
from braintree_twin.ids import Ids
from braintree_twin.oauth.grants import bearer, grant_of_access_token, grant_of_call
from braintree_twin.oauth.scopes import permits_graph

# For servers, and for browsers and apps.
SCHEMA_FILES = (
    "schema.graphql",
    "client_schema.graphql",
    "services_schema.graphql",
    "bank_schema.graphql",
    "cards_schema.graphql",
)
MAX_TOKENS = 10_000
CACHED_QUERIES = 256
_CLASSES: dict[type[Exception], str] = {
    NotAuthenticated: "AUTHENTICATION",
    Forbidden: "AUTHORIZATION",
    NotFound: "NOT_FOUND",
}
_NOT_FOUND = "An object with this ID was not found."


def _schema() -> GraphQLSchema:
    folder = files(__package__)
    schema = build_schema("\n".join(folder.joinpath(name).read_text(encoding="utf-8") for name in SCHEMA_FILES))
    amount: Any = schema.type_map["Amount"]
    amount.parse_literal = _written_amount
    return schema


def _written_amount(node: ValueNode, _: dict[str, Any] | None = None) -> str:
    """An amount as the query writes it: 10.00 stays 10.00."""
    if isinstance(node, BooleanValueNode) or not isinstance(node, FloatValueNode | IntValueNode | StringValueNode):
        raise GraphQLError("an amount is a number or a text", node)
    return node.value


SCHEMA = _schema()
ROOT_FIELDS: Fields = {
    **QUERIES,
    **CLIENT_QUERIES,
    **MUTATIONS,
    **BANK_MUTATIONS,
    **CARD_MUTATIONS,
    **CLIENT_MUTATIONS,
    **SERVICES,
}


@lru_cache(maxsize=CACHED_QUERIES)
def _parsed(query: str) -> tuple[DocumentNode | None, tuple[GraphQLError, ...]]:
    """The query, if it can be read, and its errors."""
    try:
        document = parse(query, max_tokens=MAX_TOKENS)
    except GraphQLError as error:
        return None, (error,)
    return document, tuple(validate(SCHEMA, document))


def answer(call: Call) -> JsonAnswer:
    try:
        graph = Graph(call, _client(call))
    except NotAuthenticated as refusal:
        return _answer(call, {}, [_error(refusal.message, "AUTHENTICATION", "developer_error")])
    request = _read(call.body)
    query, variables = request.get("query"), request.get("variables") or {}
    if not isinstance(query, str) or not isinstance(variables, dict):
        return _answer(call, {}, [_error("the request needs a query", "VALIDATION", "developer_error")])
    try:
        return _execute(graph, query, variables, request.get("operationName"))
    except RecursionError:
        return _answer(call, {}, [_error("the query is nested too deeply", "RESOURCE_LIMIT", "developer_error")])


def refused(ids: Ids, refusal: RequestError) -> JsonAnswer:
    """The answer to a request that ends before anybody reads its query. Its status is 200 here as well."""
    message = refusal.message or "the API keys are not valid"
    error_class = "RESOURCE_LIMIT" if isinstance(refusal, TooLarge) else _CLASSES.get(type(refusal), "VALIDATION")
    shown = _error(message, error_class, "developer_error")
    return JsonAnswer({"extensions": {"requestId": ids.token()}, "errors": [shown]})


def _client(call: Call) -> Client | None:
    """The browser that calls, or None if the merchant's keys are given. Raises NotAuthenticated."""
    token = bearer(call.headers.get("authorization", ""))
    if token:
        if grant_of_access_token(call.store, token, call.clock.stamp()):
            return None
        raise NotAuthenticated("the access token is not valid")
    if call.headers.get("authorization", "").lower().startswith("basic "):
        if call.merchant.has_keys(call.headers["authorization"]):
            return None
        raise NotAuthenticated("the API keys are not valid")
    return authenticate_client(call)


def _read(body: bytes) -> Fields:
    """The request. Numbers with decimals stay as they are written."""
    try:
        content = json.loads(body.decode("utf-8") or "{}", parse_float=str)
    except (ValueError, RecursionError) as error:
        raise MalformedRequest("the JSON cannot be read") from error
    if not isinstance(content, dict):
        raise MalformedRequest("the JSON must be an object")
    return content


def _execute(graph: Graph, query: str, variables: dict[str, Any], operation: Any) -> JsonAnswer:
    document, faults = _parsed(query)
    if document is None or faults:
        _count_unknown(graph.call, document, variables)
        return _answer(graph.call, {}, [_invalid(error) for error in faults])
    grant = grant_of_call(graph.call)
    if grant and not permits_graph(grant.scope, writes=_writes(document)):
        message = f"the scope {grant.scope} does not permit this call"
        return _answer(graph.call, {}, [_error(message, "AUTHORIZATION", "developer_error")])
    reader = InputReader()
    result = execute_sync(
        SCHEMA,
        document,
        root_value=ROOT_FIELDS,
        context_value=graph,
        variable_values=variables,
        operation_name=operation if isinstance(operation, str) else None,
        middleware=MiddlewareManager(reader),
    )
    if result.errors:
        # A refused request acts on nothing.
        _count_unknown(graph.call, document, variables)
    else:
        graph.call.note_unhandled(reader.unhandled())
    unexecuted = any(isinstance(error.original_error, InvalidVariables) for error in result.errors or ())
    return _answer(graph.call, {} if unexecuted else {"data": result.data}, _errors(result))


def _count_unknown(call: Call, document: DocumentNode | None, variables: dict[str, Any]) -> None:
    """Count the unknown fields of a refused request. A strict twin answers as the graph does: it is refused anyway."""
    if document is not None:
        with suppress(UnhandledFields):
            call.note_unhandled(unknown_inputs(SCHEMA, document, variables))


def _writes(document: DocumentNode) -> bool:
    """Whether the document has a mutation."""
    operations = (each for each in document.definitions if isinstance(each, OperationDefinitionNode))
    return any(each.operation is OperationType.MUTATION for each in operations)


def _errors(result: ExecutionResult) -> list[Fields]:
    found: list[Fields] = []
    for error in result.errors or []:
        original = error.original_error
        if original is None or isinstance(original, GraphQLError):
            found.append(_invalid(error))
        elif isinstance(original, InvalidInput):
            found += [
                _error(fault.message, "VALIDATION", "user_error", error, fault.path, fault.code)
                for fault in original.faults
            ]
        elif isinstance(original, RequestError):
            error_class = _CLASSES.get(type(original), "VALIDATION")
            message = original.message or _NOT_FOUND
            found.append(_error(message, error_class, "developer_error", error))
        else:
            # A fault of the twin's own: nothing of the request is kept.
            raise original
    return found


def _invalid(error: GraphQLError) -> Fields:
    """A query that the schema does not allow."""
    return _error(error.message, "VALIDATION", "developer_error", error)


def _error(
    message: str,
    error_class: str,
    error_type: str,
    at: GraphQLError | None = None,
    input_path: tuple[str, ...] = (),
    code: str = "",
) -> Fields:
    extensions: Fields = {"errorClass": error_class, "errorType": error_type}
    if input_path:
        extensions["inputPath"] = list(input_path)
    if code:
        extensions["legacyCode"] = code
    shown: Fields = {"message": message, "extensions": extensions}
    if at is not None and at.locations:
        shown["locations"] = [{"line": each.line, "column": each.column} for each in at.locations]
    if at is not None and at.path:
        shown["path"] = list(at.path)
    return shown


def _answer(call: Call, data: Fields, errors: list[Fields]) -> JsonAnswer:
    content: Fields = {**data, "extensions": {"requestId": call.ids.token()}}
    return JsonAnswer({**content, "errors": errors} if errors else content)


PATH = "/graphql"
ROUTES = (Route("POST", PATH, answer, needs_keys=False, takes=None),)
