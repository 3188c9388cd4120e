"""Sales and credits, and everything that can happen to them."""

from __future__ import annotations

from braintree_twin.calls import Answer, Call, Handler, Route
from braintree_twin.resources.transactions.changing import adjust_authorization, update_details
from braintree_twin.resources.transactions.cloning import clone
from braintree_twin.resources.transactions.common import ROOT, load
from braintree_twin.resources.transactions.creating import create
from braintree_twin.resources.transactions.line_items import find_line_items
from braintree_twin.resources.transactions.refunding import refund
from braintree_twin.resources.transactions.request_keys import keyed
from braintree_twin.resources.transactions.reversing import reverse
from braintree_twin.resources.transactions.searching import SEARCH
from braintree_twin.resources.transactions.settling import submit_for_partial_settlement, submit_for_settlement
from braintree_twin.resources.transactions.shipments import add_shipment
from braintree_twin.resources.transactions.voiding import find, void
from braintree_twin.validation import failed


def _impossible(code: str) -> Handler:
    """Money is held in escrow for sub-merchants only, of whom there are none here."""

    def refuse(call: Call) -> Answer:
        load(call)
        raise failed(ROOT, "base", code)

    return refuse


ROUTES = (
    Route("POST", "/transactions", keyed(create)),
    *SEARCH.routes,
    Route("GET", "/transactions/{id}", find),
    Route("PUT", "/transactions/{id}/submit_for_settlement", keyed(submit_for_settlement)),
    Route("POST", "/transactions/{id}/submit_for_partial_settlement", keyed(submit_for_partial_settlement)),
    Route("PUT", "/transactions/{id}/void", keyed(void)),
    Route("POST", "/transactions/{id}/refund", keyed(refund)),
    Route("POST", "/transactions/{id}/reverse", keyed(reverse)),
    Route("PUT", "/transactions/{id}/adjust_authorization", adjust_authorization),
    Route("PUT", "/transactions/{id}/update_details", update_details),
    Route("PUT", "/transactions/{id}/hold_in_escrow", _impossible("91560")),
    Route("PUT", "/transactions/{id}/release_from_escrow", _impossible("91561")),
    Route("PUT", "/transactions/{id}/cancel_release", _impossible("91562")),
    Route("POST", "/transactions/{id}/clone", clone),
    Route("POST", "/transactions/{id}/shipments", add_shipment),
    Route("GET", "/transactions/{id}/line_items", find_line_items),
)
