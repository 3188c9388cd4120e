"""The transactions of one customer: their ids, then a page of them by id. The Ruby and PHP SDKs list them so."""

from __future__ import annotations

from braintree_twin.calls import Answer, Call, Route
from braintree_twin.errors import NotFound
from braintree_twin.ledger.settlement import advance_due
from braintree_twin.request_schema import schema
from braintree_twin.search.paging import MAX_TRANSACTION_RESULTS, ids_answer, page_answer
from braintree_twin.state.records import Transaction
from braintree_twin.views.transactions import transaction as transaction_view


def _of_customer(call: Call) -> list[Transaction]:
    """The customer's transactions, newest first."""
    customer_id = call.path["id"]
    if call.store.customers.get(call.merchant.id, customer_id) is None:
        raise NotFound
    advance_due(call)
    return call.store.transactions.find(
        call.merchant.id, newest_first=True, limit=MAX_TRANSACTION_RESULTS, customer_id=customer_id
    )


def list_ids(call: Call) -> Answer:
    return ids_answer([record.id for record in _of_customer(call)])


def list_page(call: Call) -> Answer:
    wanted = set(call.params("search").texts("ids"))
    found = [transaction_view(record) for record in _of_customer(call) if record.id in wanted]
    return page_answer("credit_card_transactions", "transaction", found)


ROUTES = (
    Route("POST", "/customers/{id}/transaction_ids", list_ids),
    Route("POST", "/customers/{id}/transactions", list_page, takes={"search": schema("ids")}),
)
