"""Idempotency by api_request_key: a repeated request gets the same transaction, for thirty days."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import wraps

from braintree_twin.calls import Answer, AnyAnswer, Call, Handler
from braintree_twin.clock import stamp
from braintree_twin.merchants import MerchantAccount
from braintree_twin.resources.transactions.common import ROOT, account_of, answer, echo
from braintree_twin.state.records import RequestKey
from braintree_twin.validation import ValidationFailed, error_answer, failed

MAX_KEY_LENGTH = 255
LIFETIME = timedelta(days=30)
TOO_LONG, NOT_ALLOWED, OTHER_REQUEST = "915230", "915231", "915232"
IN_FLIGHT, FAILED_REQUEST = "915233", "915234"
FIELD = "api_request_key"


def with_api_request_key(handler: Handler) -> Handler:
    """Make a handler idempotent by api_request_key."""

    @wraps(handler)
    def with_key(call: Call) -> AnyAnswer:
        key = call.params(ROOT).text(FIELD)
        return handler(call) if key is None else _execute_once(call, handler, key)

    return with_key


def _execute_once(call: Call, handler: Handler, key: str) -> AnyAnswer:
    if not _account(call).api_request_keys:
        raise failed(ROOT, FIELD, NOT_ALLOWED)
    if len(key) > MAX_KEY_LENGTH:
        raise failed(ROOT, FIELD, TOO_LONG)
    if key in call.keys_in_flight:
        raise failed(ROOT, FIELD, IN_FLIGHT)
    fingerprint = call.ids.keyed_hash(json.dumps([call.path, call.route, call.document], sort_keys=True))
    known = call.store.request_keys.get(call.merchant.id, key)
    if known and known.created_at > stamp(call.clock.now() - LIFETIME):
        return _replay(call, known, fingerprint)
    used = RequestKey(key=key, fingerprint=fingerprint, created_at=call.clock.stamp())
    try:
        result = handler(call)
    except ValidationFailed as failure:
        result = Answer("api_error_response", error_answer(failure.errors, echo(call)), 422)
    used.transaction_id = _transaction_id(result)
    call.store.request_keys.put(call.merchant.id, used)
    return result


def _account(call: Call) -> MerchantAccount:
    record = call.store.transactions.get(call.merchant.id, call.path.get("id"))
    if record:
        return account_of(call, record)
    given = call.params(ROOT).text("merchant_account_id")
    return call.merchant.by_id.get(given or "") or call.merchant.default_account


def _replay(call: Call, known: RequestKey, fingerprint: str) -> Answer:
    if known.fingerprint != fingerprint:
        raise failed(ROOT, FIELD, OTHER_REQUEST)
    record = call.store.transactions.get(call.merchant.id, known.transaction_id)
    if record is None:
        raise failed(ROOT, FIELD, FAILED_REQUEST)
    return answer(call, record, status=200 if call.route.startswith("PUT ") else 201)


def _transaction_id(result: AnyAnswer) -> str | None:
    if not isinstance(result, Answer) or not isinstance(result.node, dict):
        return None
    record = result.node if result.root == ROOT else result.node.get("transaction")
    return str(record["id"]) if isinstance(record, dict) else None
