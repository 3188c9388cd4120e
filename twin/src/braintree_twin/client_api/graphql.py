"""The GraphQL mutation tokenizeCreditCard, which Hosted Fields and Drop-in need. No other is supported."""

from __future__ import annotations

from typing import Any

from braintree_twin.calls import Call, JsonAnswer, Route
from braintree_twin.client_api.authentication import authenticate_client
from braintree_twin.client_api.endpoints import tokenize_card
from braintree_twin.client_api.errors import camel_case
from braintree_twin.client_api.nonces import BRAND_CODES, client_bin_data
from braintree_twin.errors import MalformedRequest, NotAuthenticated, RequestError
from braintree_twin.json_reader import read_json
from braintree_twin.params import Params
from braintree_twin.state.records import Nonce
from braintree_twin.validation import Errors, ValidationFailed

MUTATION = "tokenizeCreditCard"


def answer(call: Call) -> JsonAnswer:
    """Answer the mutation. The status is always 200, as in GraphQL; failures stand in `errors`."""
    try:
        client = authenticate_client(call)
        if not call.document:
            call.document = read_json(call.body)
        query = Params(call.document).text("query")
        if query is None or MUTATION not in query:
            raise MalformedRequest(f"the twin's graph knows {MUTATION} only")
        made = tokenize_card(call, client, _card(Params(call.document)))
    except ValidationFailed as failure:
        return _errors(call, _validation_errors(failure.errors, ["input"]))
    except NotAuthenticated as refusal:
        return _errors(call, [_error(refusal.message, "AUTHENTICATION", "developer_error")])
    except RequestError as refusal:
        return _errors(call, [_error(refusal.message, "VALIDATION", "developer_error")])
    if made.nonce is None:
        return _errors(call, [_error("Credit card verification failed", "VALIDATION", "user_error", ["input"])])
    return JsonAnswer({"data": {MUTATION: _token(made.nonce)}, "extensions": _extensions(call)})


def _card(document: Params) -> Params:
    """The mutation's card as the client API's REST endpoint takes it."""
    given = document.section("variables").section("input")
    card, options = given.section("credit_card"), given.section("options")
    fields = {name: card.raw(name) for name in card}
    return Params({**fields, "options": {name: options.raw(name) for name in options}}, "input.creditCard.")


def _token(nonce: Nonce) -> dict[str, Any]:
    card = nonce.card or {}
    return {
        "token": nonce.nonce,
        "creditCard": {
            "bin": card["bin"],
            "brandCode": BRAND_CODES.get(card["card_type"], "UNKNOWN"),
            "last4": card["last_4"],
            "cardholderName": card["cardholder_name"],
            "expirationMonth": card["expiration_month"],
            "expirationYear": card["expiration_year"],
            "binData": {name: _indicator(value) for name, value in client_bin_data(card).items()},
        },
        "authenticationInsight": None,
    }


def _indicator(value: Any) -> Any:
    return value.upper() if value in ("Yes", "No", "Unknown") else value


def _validation_errors(errors: Errors, path: list[str]) -> list[dict[str, Any]]:
    found = [
        _error(fault.message, "VALIDATION", "user_error", [*path, camel_case(fault.attribute)], fault.code)
        for fault in errors.faults()
    ]
    for name, level in errors.levels().items():
        found += _validation_errors(level, [*path, camel_case(name)])
    return found


def _error(
    message: str, error_class: str, error_type: str, path: list[str] | None = None, code: str | None = None
) -> dict[str, Any]:
    extensions: dict[str, Any] = {"errorClass": error_class, "errorType": error_type}
    if path:
        extensions["inputPath"] = path
    if code:
        extensions["legacyCode"] = code
    return {"message": message, "path": [MUTATION], "extensions": extensions}


def _errors(call: Call, errors: list[dict[str, Any]]) -> JsonAnswer:
    return JsonAnswer({"data": {MUTATION: None}, "errors": errors, "extensions": _extensions(call)})


def _extensions(call: Call) -> dict[str, Any]:
    return {"requestId": call.ids.token()}


ROUTES = (Route("POST", "/graphql", answer, needs_keys=False, takes=None),)
