"""The queries: ping, any object by its id, ids from the XML API, and the search of transactions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from braintree_twin.calls import Call
from braintree_twin.errors import NotFound
from braintree_twin.graphql_api import inputs
from braintree_twin.graphql_api.context import Fields, Info, graph_of
from braintree_twin.graphql_api.global_ids import split_id
from braintree_twin.graphql_api.local_payments import KIND as LOCAL_PAYMENT_CONTEXT
from braintree_twin.graphql_api.local_payments import context_of as local_payment_context_of
from braintree_twin.graphql_api.objects import (
    bank_verification_of,
    connection,
    customer_of,
    method_of,
    transaction_of,
    verification_of,
)
from braintree_twin.ids import global_id
from braintree_twin.ledger.settlement import advance_due
from braintree_twin.params import Params
from braintree_twin.search.query import read_query
from braintree_twin.search.two_step_search import TwoStepSearch
from braintree_twin.search_criteria.customers import SEARCH as CUSTOMER_SEARCH
from braintree_twin.search_criteria.transactions import SEARCH
from braintree_twin.search_criteria.verifications import SEARCH as VERIFICATION_SEARCH
from braintree_twin.views.cards import method_global_id
from braintree_twin.xml_reader import Value

_FINDERS: Mapping[str, Callable[[Call, str], Fields | None]] = {
    "transaction": transaction_of,
    "refund": transaction_of,
    "customer": customer_of,
    "paymentmethod": method_of,
    "verification": verification_of,
    "usbankaccountverification": bank_verification_of,
    LOCAL_PAYMENT_CONTEXT: local_payment_context_of,
}


def node(info: Info, *, id: str) -> Fields:
    call = graph_of(info).require_keys()
    kind, identifier = split_id(id) or ("", "")
    found = _FINDERS[kind](call, identifier) if kind in _FINDERS else None
    if found is None:
        raise NotFound
    return found


def id_from_legacy_id(info: Info, *, legacyId: str, type: str) -> str | None:  # noqa: N803 - the graph's names
    """The global id. Of these, only payment methods have to exist."""
    call = graph_of(info).require_keys()
    if type != "PAYMENT_METHOD":
        return global_id(type.lower(), legacyId)
    method = call.store.payment_methods.get(call.merchant.id, legacyId)
    if method is None:
        raise NotFound
    return method_global_id(method.kind, method.token)


def _search(
    search: TwoStepSearch[Any],
    criteria: Callable[[Fields], dict[str, Value]],
    shown: Callable[[Call, str], Fields | None],
) -> Callable[..., Fields]:
    """The resolver of a search, by the criteria of the XML API."""

    def resolve(info: Info, *, input: Fields, first: int | None = None, after: str | None = None) -> Fields:
        call = graph_of(info).require_keys()
        advance_due(call)
        query = read_query(Params(criteria(input)), search.criteria(call))
        ids = query.find_keys(search.table(call.store), call.merchant.id, search.key, search.limit)
        return connection([found for found in (shown(call, each) for each in ids) if found], first, after)

    return resolve


QUERIES: Mapping[str, Any] = {
    "ping": "pong",
    "node": node,
    "idFromLegacyId": id_from_legacy_id,
    "search": {
        "transactions": _search(SEARCH, inputs.transaction_search, transaction_of),
        "payments": _search(SEARCH, inputs.payment_search, transaction_of),
        "refunds": _search(SEARCH, inputs.refund_search, transaction_of),
        "customers": _search(CUSTOMER_SEARCH, lambda given: inputs.search(given, "customer"), customer_of),
        "verifications": _search(
            VERIFICATION_SEARCH, lambda given: inputs.search(given, "verification"), verification_of
        ),
    },
}
