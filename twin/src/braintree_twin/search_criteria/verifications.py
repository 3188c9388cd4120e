"""The criteria of CreditCardVerificationSearch."""

from __future__ import annotations

from collections.abc import Callable

from braintree_twin.calls import Call
from braintree_twin.search.index_lookups import id_column, list_column, time_column
from braintree_twin.search.operators import Texts, card_number, one_of, one_of_known, text, timestamp
from braintree_twin.search.paging import MAX_OTHER_RESULTS
from braintree_twin.search.query import Criterion
from braintree_twin.search.two_step_search import TwoStepSearch
from braintree_twin.search_criteria.transactions import CARD_TYPES
from braintree_twin.state.records import Verification
from braintree_twin.views.verifications import verification as verification_view

STATUSES = ("failed", "gateway_rejected", "processor_declined", "unrecognized", "verified", "verifying", "pending")


def _field(name: str) -> Callable[[Verification], Texts]:
    return lambda record: (getattr(record, name),)


def _card(name: str) -> Callable[[Verification], Texts]:
    return lambda record: (record.card.get(name),)


def _criteria(call: Call) -> dict[str, Criterion[Verification]]:
    def email(record: Verification) -> Texts:
        customer = call.store.customers.get(call.merchant.id, record.customer_id)
        return (customer.email,) if customer else ()

    return {**CRITERIA, "customer_email": Criterion(text, email)}


CRITERIA: dict[str, Criterion[Verification]] = {
    "id": Criterion(text, _field("id"), id_column("record_key")),
    "ids": Criterion(one_of, _field("id"), list_column("record_key")),
    "created_at": Criterion(timestamp, _field("created_at"), time_column("created_at")),
    "status": Criterion(one_of_known(*STATUSES), _field("status")),
    "verification_type": Criterion(one_of, lambda _: ("credit_card",)),
    "credit_card_cardholder_name": Criterion(text, _card("cardholder_name")),
    "credit_card_card_type": Criterion(one_of_known(*CARD_TYPES), _card("card_type")),
    "credit_card_expiration_date": Criterion(
        text, lambda record: (f"{record.card['expiration_month']}/{record.card['expiration_year']}",)
    ),
    "credit_card_number": Criterion(card_number, lambda record: (f"{record.card['bin']}|{record.card['last_4']}",)),
    "billing_address_details_postal_code": Criterion(text, lambda record: (record.billing.get("postal_code"),)),
    "customer_id": Criterion(text, _field("customer_id")),
    "payment_method_token": Criterion(text, _field("token")),
}
SEARCH: TwoStepSearch[Verification] = TwoStepSearch(
    path="/verifications",
    root="credit_card_verifications",
    tag="verification",
    limit=MAX_OTHER_RESULTS,
    table=lambda store: store.verifications,
    criteria=_criteria,
    key=lambda record: record.id,
    view=lambda _, record: verification_view(record),
)
ROUTES = SEARCH.routes
