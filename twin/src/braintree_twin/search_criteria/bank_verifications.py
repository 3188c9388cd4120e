"""The criteria of UsBankAccountVerificationSearch."""

from __future__ import annotations

from collections.abc import Callable

from braintree_twin.calls import Call
from braintree_twin.rules.bank_accounts import WAYS
from braintree_twin.search.index_lookups import id_column, list_column, time_column
from braintree_twin.search.operators import Texts, one_of, one_of_known, text, timestamp
from braintree_twin.search.paging import MAX_OTHER_RESULTS
from braintree_twin.search.query import Criterion
from braintree_twin.search.two_step_search import TwoStepSearch
from braintree_twin.state.records import BankVerification
from braintree_twin.views.bank_accounts import verification as verification_view

STATUSES = ("failed", "gateway_rejected", "processor_declined", "unrecognized", "verified", "pending")


def _field(name: str) -> Callable[[BankVerification], Texts]:
    return lambda record: (getattr(record, name),)


def _account(name: str) -> Callable[[BankVerification], Texts]:
    return lambda record: (record.account.get(name),)


def _criteria(call: Call) -> dict[str, Criterion[BankVerification]]:
    def email(record: BankVerification) -> Texts:
        customer = call.store.customers.get(call.merchant.id, record.customer_id)
        return (customer.email,) if customer else ()

    return {**CRITERIA, "customer_email": Criterion(text, email)}


CRITERIA: dict[str, Criterion[BankVerification]] = {
    "id": Criterion(text, _field("id"), id_column("record_key")),
    "ids": Criterion(one_of, _field("id"), list_column("record_key")),
    "created_at": Criterion(timestamp, _field("created_at"), time_column("created_at")),
    "status": Criterion(one_of_known(*STATUSES), _field("status"), list_column("status")),
    "verification_method": Criterion(one_of_known(*WAYS), _field("method")),
    "account_holder_name": Criterion(text, _account("account_holder_name")),
    "account_type": Criterion(text, _account("account_type")),
    "routing_number": Criterion(text, _account("routing_number")),
    # Only the last four digits are stored: an end of more than four finds nothing.
    "account_number": Criterion(text, _account("last_4")),
    "customer_id": Criterion(text, _field("customer_id")),
    "payment_method_token": Criterion(text, _field("token")),
}
SEARCH: TwoStepSearch[BankVerification] = TwoStepSearch(
    path="/us_bank_account_verifications",
    root="us_bank_account_verifications",
    tag="us_bank_account_verification",
    limit=MAX_OTHER_RESULTS,
    table=lambda store: store.bank_verifications,
    criteria=_criteria,
    key=lambda record: record.id,
    view=lambda _, record: verification_view(record),
)
ROUTES = SEARCH.routes
