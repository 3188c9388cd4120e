"""The criteria of DisputeSearch. Unlike other searches, it answers with the disputes in one step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from braintree_twin.calls import Answer, Call, Route
from braintree_twin.ledger.settlement import advance_due
from braintree_twin.request_schema import EVERYTHING
from braintree_twin.search.index_lookups import id_column, list_column
from braintree_twin.search.operators import Texts, amount, one_of, text, timestamp
from braintree_twin.search.paging import MAX_OTHER_RESULTS, numbered_page
from braintree_twin.search.query import Criterion, read_query
from braintree_twin.state.records import Dispute
from braintree_twin.views.disputes import dispute as dispute_view


def _field(name: str) -> Callable[[Dispute], Texts]:
    return lambda record: (getattr(record, name),)


def _in_history(name: str) -> Callable[[Dispute], Texts]:
    return lambda record: [event.get(name) for event in record.history]


PROTECTION = {
    "effortless": "Effortless Chargeback Protection tool",
    "standard": "Chargeback Protection tool",
    "not_protected": "No Protection",
}
CRITERIA: dict[str, Criterion[Dispute]] = {
    "id": Criterion(text, _field("id"), id_column("record_key")),
    "status": Criterion(one_of, _field("status"), list_column("status")),
    "transaction_id": Criterion(text, _field("transaction_id"), id_column("transaction_id")),
    "customer_id": Criterion(text, _field("customer_id"), id_column("customer_id")),
    "amount_disputed": Criterion(amount, _field("amount")),
    "amount_won": Criterion(amount, _field("amount_won")),
    **{name: Criterion(text, _field(name)) for name in ("case_number", "reference_number")},
    **{name: Criterion(one_of, _field(name)) for name in ("kind", "reason", "reason_code", "merchant_account_id")},
    **{name: Criterion(timestamp, _field(name)) for name in ("received_date", "reply_by_date")},
    **{name: Criterion(timestamp, _in_history(name)) for name in ("effective_date", "disbursement_date")},
    "chargeback_protection_level": Criterion(one_of, _field("protection_level")),
    "protection_level": Criterion(one_of, lambda record: (PROTECTION[record.protection_level],)),
    "pre_dispute_program": Criterion(one_of, _field("pre_dispute_program")),
    "transaction_source": Criterion(one_of, lambda record: (record.transaction.get("source") or "api",)),
}


def search(call: Call) -> Answer:
    advance_due(call)
    table = call.store.disputes
    query = read_query(call.params("search"), CRITERIA)
    keys = query.find_keys(table, call.merchant.id, lambda record: record.id, MAX_OTHER_RESULTS)

    def view(key: str) -> dict[str, Any]:
        record = table.get(call.merchant.id, key)
        return dispute_view(record) if record else {}

    return numbered_page("disputes", "dispute", call.query.get("page"), keys, view)


ROUTES = (Route("POST", "/disputes/advanced_search", search, takes={"search": EVERYTHING}, query=frozenset({"page"})),)
