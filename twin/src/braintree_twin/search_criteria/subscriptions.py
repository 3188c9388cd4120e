"""The criteria of SubscriptionSearch."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from braintree_twin.calls import Call
from braintree_twin.ledger.subscriptions import ACTIVE, CANCELED, EXPIRED, PAST_DUE, PENDING
from braintree_twin.search.index_lookups import id_column, list_column
from braintree_twin.search.operators import Texts, amount, one_of, one_of_known, text, text_or_one_of, timestamp
from braintree_twin.search.paging import MAX_OTHER_RESULTS
from braintree_twin.search.query import Criterion
from braintree_twin.search.two_step_search import TwoStepSearch
from braintree_twin.state.records import Subscription
from braintree_twin.views.subscriptions import subscription as subscription_view


def _field(name: str) -> Callable[[Subscription], Texts]:
    return lambda record: (getattr(record, name),)


def _cycles_remaining(record: Subscription) -> Texts:
    cycles = record.number_of_billing_cycles
    return () if cycles is None else (str(cycles - record.current_billing_cycle),)


def _in_trial(record: Subscription) -> Texts:
    return ("true" if record.trial_period and record.current_billing_cycle == 0 else "false",)


def _criteria(call: Call) -> dict[str, Criterion[Subscription]]:
    today = call.clock.now().date()

    def days_past_due(record: Subscription) -> Texts:
        since = record.past_due_since
        return (str((today - date.fromisoformat(since)).days),) if since else ()

    return {
        "id": Criterion(text, _field("id"), id_column("record_key")),
        "ids": Criterion(one_of, _field("id"), list_column("record_key")),
        "plan_id": Criterion(text_or_one_of, _field("plan_id")),
        "status": Criterion(
            one_of_known(ACTIVE, CANCELED, EXPIRED, PAST_DUE, PENDING), _field("status"), list_column("status")
        ),
        "merchant_account_id": Criterion(text_or_one_of, _field("merchant_account_id")),
        "price": Criterion(amount, _field("price")),
        "created_at": Criterion(timestamp, _field("created_at")),
        "next_billing_date": Criterion(timestamp, _field("next_billing_date")),
        "billing_cycles_remaining": Criterion(amount, _cycles_remaining),
        "days_past_due": Criterion(amount, days_past_due),
        "in_trial_period": Criterion(text_or_one_of, _in_trial),
        "transaction_id": Criterion(text, lambda record: record.transaction_ids),
    }


SEARCH: TwoStepSearch[Subscription] = TwoStepSearch(
    path="/subscriptions",
    root="subscriptions",
    tag="subscription",
    limit=MAX_OTHER_RESULTS,
    table=lambda store: store.subscriptions,
    criteria=_criteria,
    key=lambda record: record.id,
    view=subscription_view,
)
ROUTES = SEARCH.routes
