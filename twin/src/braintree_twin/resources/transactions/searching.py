"""Searching transactions: the criteria, and the two steps."""

from __future__ import annotations

from collections.abc import Callable

from braintree_twin.calls import Answer, Call
from braintree_twin.ledger.settlement import let_time_pass
from braintree_twin.search.criteria import Criterion, Texts, amount, moment, one_of, read_query, text, truth
from braintree_twin.search.paging import MOST_TRANSACTIONS, ids_answer, page_answer
from braintree_twin.state.records import Transaction
from braintree_twin.views.transactions import transaction as transaction_view

ROOT = "search"
_Values = Callable[[Transaction], Texts]


def _field(name: str) -> _Values:
    return lambda record: (getattr(record, name),)


def _of(section: str, name: str) -> _Values:
    return lambda record: (getattr(record, section).get(name),)


def _card(name: str) -> _Values:
    return lambda record: (record.card.get(name),) if record.card else ()


def _entered(status: str) -> _Values:
    return lambda record: [event["timestamp"] for event in record.history if event["status"] == status]


def _expiration(record: Transaction) -> Texts:
    return (f"{record.card['expiration_month']}/{record.card['expiration_year']}",) if record.card else ()


def _number(record: Transaction) -> Texts:
    """What is left of it to match: the first six and the last four."""
    return (record.card["bin"], record.card["last_4"]) if record.card else ()


_PLACE = (
    "first_name",
    "last_name",
    "company",
    "street_address",
    "extended_address",
    "locality",
    "region",
    "postal_code",
    "country_name",
)
_CUSTOMER = ("id", "first_name", "last_name", "company", "email", "phone", "fax", "website")
_HISTORY = (
    "authorized",
    "authorization_expired",
    "failed",
    "gateway_rejected",
    "processor_declined",
    "settled",
    "submitted_for_settlement",
    "voided",
)

CRITERIA: dict[str, Criterion[Transaction]] = {
    "id": Criterion(text, _field("id")),
    "ids": Criterion(one_of, _field("id")),
    "order_id": Criterion(text, _field("order_id"), "order_id"),
    "status": Criterion(one_of, _field("status")),
    "type": Criterion(one_of, _field("type")),
    "currency": Criterion(text, _field("currency")),
    "merchant_account_id": Criterion(one_of, _field("merchant_account_id")),
    "amount": Criterion(amount, _field("amount")),
    "created_at": Criterion(moment, _field("created_at")),
    "refund": Criterion(truth, lambda record: ("true" if record.refunded_transaction_id else "false",)),
    "payment_method_token": Criterion(text, _field("token")),
    "payment_instrument_type": Criterion(one_of, _field("kind")),
    "processor_authorization_code": Criterion(text, _field("processor_authorization_code")),
    "settlement_batch_id": Criterion(text, _field("settlement_batch_id")),
    "credit_card_cardholder_name": Criterion(text, _card("cardholder_name")),
    "credit_card_card_type": Criterion(one_of, _card("card_type")),
    "credit_card_unique_identifier": Criterion(text, _card("unique_number_identifier")),
    "credit_card_expiration_date": Criterion(text, _expiration),
    "credit_card_number": Criterion(text, _number),
    "disbursement_date": Criterion(
        moment, lambda record: (record.disbursement["date"],) if record.disbursement else ()
    ),
    **{f"billing_{name}": Criterion(text, _of("billing", name)) for name in _PLACE},
    **{f"shipping_{name}": Criterion(text, _of("shipping", name)) for name in _PLACE},
    **{f"customer_{name}": Criterion(text, _of("customer", name)) for name in _CUSTOMER},
    **{f"{status}_at": Criterion(moment, _entered(status)) for status in _HISTORY},
}


def search_ids(call: Call) -> Answer:
    let_time_pass(call)
    query = read_query(call.params(ROOT), CRITERIA)
    found = call.store.transactions.scan(call.merchant.id, query.conditions, newest_first=True)
    ids = [record.id for record in found if query.matches(record)]
    return ids_answer(ids[:MOST_TRANSACTIONS])


def search(call: Call) -> Answer:
    params = call.params(ROOT)
    query = read_query(params, CRITERIA)
    named = (call.store.transactions.get(call.merchant.id, identifier) for identifier in params.texts("ids"))
    found = [transaction_view(record) for record in named if record and query.matches(record)]
    return page_answer("credit_card_transactions", "transaction", found)
