"""Venmo's payment contexts: created by a page, approved in an app that is not there, and then a nonce.

There is no Venmo: a context is approved as soon as somebody asks how it is, unless it was canceled before.
"""

from __future__ import annotations

from datetime import timedelta

from braintree_twin.calls import Call
from braintree_twin.client_api.authentication import Client
from braintree_twin.client_api.configuration import VENMO_MERCHANT
from braintree_twin.client_api.wallets import VENMO, make_nonce
from braintree_twin.clock import parse_stamp, stamp
from braintree_twin.errors import NotFound
from braintree_twin.graphql_api.context import Fields
from braintree_twin.graphql_api.global_ids import legacy_id
from braintree_twin.ids import global_id
from braintree_twin.state.records import Nonce
from braintree_twin.vault.instruments import Instrument
from braintree_twin.vault.test_nonces import VENMO_USER

LIFETIME = timedelta(minutes=5)
KIND = "venmopaymentcontext"
USER = "venmojoe"


def create_context(call: Call, given: Fields, typename: str) -> Fields:
    identifier = call.ids.authentication()
    usage = str(given.get("paymentMethodUsage") or "MULTI_USE")
    wallet = {"status": "CREATED", "typename": typename, "usage": usage, "payment_method_id": None}
    record = Nonce(nonce=_key(identifier), created_at=call.clock.stamp(), kind=KIND, wallet={**wallet})
    call.store.nonces.put(call.merchant.id, record)
    return _shown(identifier, record)


def _key(identifier: str) -> str:
    return f"{KIND}-{identifier}"


def _shown(identifier: str, record: Nonce) -> Fields:
    approved = record.wallet["status"] == "APPROVED"
    return {
        "__typename": record.wallet["typename"],
        "id": global_id(KIND, identifier),
        "merchantId": VENMO_MERCHANT,
        "createdAt": record.created_at,
        "expiresAt": stamp(parse_stamp(record.created_at) + LIFETIME),
        "status": record.wallet["status"],
        "paymentMethodId": record.wallet["payment_method_id"],
        "userName": f"@{USER}" if approved else None,
        "payerInfo": {"userName": f"@{USER}", "firstName": "Joe", "lastName": "Venmo"} if approved else None,
    }


def context_of(call: Call, identifier: str) -> Fields | None:
    """The context, approved if it waited; expired after its lifetime."""
    record = call.store.nonces.get(call.merchant.id, _key(identifier))
    if record is None:
        return None
    if record.wallet["status"] == "CREATED":
        expired = call.clock.now() >= parse_stamp(record.created_at) + LIFETIME
        record.wallet["status"] = "EXPIRED" if expired else "APPROVED"
        if not expired:
            record.wallet["payment_method_id"] = _approve(call, record)
        call.store.nonces.put(call.merchant.id, record)
    return _shown(identifier, record)


def _approve(call: Call, record: Nonce) -> str:
    wallet = {"username": USER, "venmo_user_id": VENMO_USER, "source_description": f"Venmo Account: {USER}"}
    reusable = record.wallet["usage"] == "MULTI_USE"
    return make_nonce(call, Client(), Instrument(kind=VENMO, wallet={**wallet}, reusable=reusable)).nonce


def update_context(call: Call, global_identifier: str, status: str) -> None:
    record = call.store.nonces.get(call.merchant.id, _key(legacy_id(global_identifier, KIND)))
    if record is None:
        raise NotFound
    record.wallet["status"] = status
    call.store.nonces.put(call.merchant.id, record)
