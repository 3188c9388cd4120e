"""The page that a buyer is sent to for a local payment: it approves at once, and sends the buyer back."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

from braintree_twin.calls import Call, PageAnswer, Route
from braintree_twin.errors import NotFound
from braintree_twin.ledger.local_payments import CREATED, act, apply_due


def approve(call: Call) -> PageAnswer:
    with call.store.change():
        apply_due(call)
        record = call.store.local_payments.get(call.merchant.id, call.path["id"])
        if record is None:
            raise NotFound
        if record.status == CREATED:
            act(call, record, "approve")
    if not record.return_url:
        return PageAnswer(f"<!doctype html><title>Approved</title><p>The payment is {record.status}.</p>")
    joint = "&" if urlsplit(record.return_url).query else "?"
    query = urlencode({"paymentId": record.payment_id, "contextId": record.id})
    return PageAnswer("", 302, headers={"Location": f"{record.return_url}{joint}{query}"})


ROUTES = (Route("GET", "/local_payments/{id}/approval", approve, needs_keys=False),)
