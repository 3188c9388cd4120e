"""Transactions: sales, credits, and every later call about them."""

from __future__ import annotations

from braintree_twin.calls import Answer, Call, Handler, Route
from braintree_twin.resources.transactions.adjusting_authorization import adjust_authorization
from braintree_twin.resources.transactions.api_request_keys import with_api_request_key
from braintree_twin.resources.transactions.cloning import clone
from braintree_twin.resources.transactions.common import ROOT, load
from braintree_twin.resources.transactions.creating import create
from braintree_twin.resources.transactions.line_items import find_line_items
from braintree_twin.resources.transactions.refunding import refund
from braintree_twin.resources.transactions.reversing import reverse
from braintree_twin.resources.transactions.shipments import add_shipment
from braintree_twin.resources.transactions.submitting_for_settlement import (
    submit_for_partial_settlement,
    submit_for_settlement,
)
from braintree_twin.resources.transactions.updating_details import update_details
from braintree_twin.resources.transactions.voiding import find, void
from braintree_twin.rules import accepted_fields as accepted
from braintree_twin.validation import failed


def _refuse_escrow(code: str) -> Handler:
    """Escrow is for sub-merchants only, and the twin has none."""

    def refuse(call: Call) -> Answer:
        load(call)
        raise failed(ROOT, "base", code)

    return refuse


ROUTES = (
    Route("POST", "/transactions", with_api_request_key(create), takes={ROOT: accepted.SALE}),
    Route("GET", "/transactions/{id}", find),
    Route(
        "PUT",
        "/transactions/{id}/submit_for_settlement",
        with_api_request_key(submit_for_settlement),
        takes={ROOT: accepted.SUBMISSION},
    ),
    Route(
        "POST",
        "/transactions/{id}/submit_for_partial_settlement",
        with_api_request_key(submit_for_partial_settlement),
        takes={ROOT: accepted.PARTIAL_SUBMISSION},
    ),
    Route("PUT", "/transactions/{id}/void", with_api_request_key(void), takes={ROOT: accepted.KEY_ONLY}),
    Route("POST", "/transactions/{id}/refund", with_api_request_key(refund), takes={ROOT: accepted.REFUND}),
    Route("POST", "/transactions/{id}/reverse", with_api_request_key(reverse), takes={ROOT: accepted.KEY_ONLY}),
    Route("PUT", "/transactions/{id}/adjust_authorization", adjust_authorization, takes={ROOT: accepted.ADJUSTMENT}),
    Route("PUT", "/transactions/{id}/update_details", update_details, takes={ROOT: accepted.DETAILS}),
    Route("PUT", "/transactions/{id}/hold_in_escrow", _refuse_escrow("91560")),
    Route("PUT", "/transactions/{id}/release_from_escrow", _refuse_escrow("91561")),
    Route("PUT", "/transactions/{id}/cancel_release", _refuse_escrow("91562")),
    Route("POST", "/transactions/{id}/clone", clone, takes={"transaction_clone": accepted.CLONE}),
    Route("POST", "/transactions/{id}/shipments", add_shipment, takes={"shipment": accepted.SHIPMENT}),
    Route("GET", "/transactions/{id}/line_items", find_line_items),
)
