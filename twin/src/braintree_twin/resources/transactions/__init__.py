"""Sales and credits, and everything that can happen to them."""

from __future__ import annotations

from braintree_twin.calls import Route
from braintree_twin.resources.transactions.creating import create
from braintree_twin.resources.transactions.refunding import refund
from braintree_twin.resources.transactions.request_keys import keyed
from braintree_twin.resources.transactions.searching import SEARCH
from braintree_twin.resources.transactions.settling import submit_for_partial_settlement, submit_for_settlement
from braintree_twin.resources.transactions.voiding import find, void

ROUTES = (
    Route("POST", "/transactions", keyed(create)),
    *SEARCH.routes,
    Route("GET", "/transactions/{id}", find),
    Route("PUT", "/transactions/{id}/submit_for_settlement", keyed(submit_for_settlement)),
    Route("POST", "/transactions/{id}/submit_for_partial_settlement", keyed(submit_for_partial_settlement)),
    Route("PUT", "/transactions/{id}/void", keyed(void)),
    Route("POST", "/transactions/{id}/refund", keyed(refund)),
)
