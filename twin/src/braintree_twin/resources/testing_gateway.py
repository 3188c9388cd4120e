"""The SDKs' testing gateway: settle, decline or confirm the settlement of one transaction."""

from __future__ import annotations

from braintree_twin.calls import Answer, Call, Handler, Route
from braintree_twin.ledger.lifecycle import settle_as
from braintree_twin.resources.transactions.common import ROOT, answer, load
from braintree_twin.validation import failed

CANNOT_SIMULATE = "91575"
SETTLEABLE = frozenset({"submitted_for_settlement", "settling", "settlement_confirmed", "settlement_pending"})


def _set_status_handler(status: str) -> Handler:
    def move(call: Call) -> Answer:
        record = load(call)
        if record.status not in SETTLEABLE or record.partial_settlement_ids:
            raise failed(ROOT, "base", CANNOT_SIMULATE)
        settle_as(call, record, status)
        return answer(call, record)

    return move


settle, decline_settlement = _set_status_handler("settled"), _set_status_handler("settlement_declined")

ROUTES = (
    Route("PUT", "/transactions/{id}/settle", settle),
    Route("PUT", "/transactions/{id}/settlement_confirm", _set_status_handler("settlement_confirmed")),
    Route("PUT", "/transactions/{id}/settlement_decline", decline_settlement),
    Route("PUT", "/transactions/{id}/settlement_pending", _set_status_handler("settlement_pending")),
)
