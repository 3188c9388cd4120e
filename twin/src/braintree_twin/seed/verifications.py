"""Loads the seed's card verifications, in any status."""

from __future__ import annotations

from typing import Any

from braintree_twin.calls import Call
from braintree_twin.clock import stamp
from braintree_twin.rules.processor_responses import kind_of
from braintree_twin.seed.accounts import AVS_CODES
from braintree_twin.seed.fields import Fields
from braintree_twin.seed.instruments import read_payer
from braintree_twin.seed.transactions import REJECTION_REASONS
from braintree_twin.state.records import Verification

# Status -> processor response code.
_CODES = {"verified": "1000", "processor_declined": "2000", "gateway_rejected": None, "failed": "3000"}


def load_verification(call: Call, fields: Fields, identifier: str) -> None:
    instrument = read_payer(call, fields)
    accounts = call.merchant.by_id
    account = accounts[fields.one_of("merchant_account", accounts, call.merchant.default_account.id)]
    status = fields.one_of("status", _CODES, "verified")
    code = fields.text("processor_response_code") or _CODES[status]
    created = stamp(fields.moment("created_at") or call.clock.now())
    reason = fields.one_of("gateway_rejection_reason", REJECTION_REASONS, "cvv")
    card: dict[str, Any] = instrument.card or {}
    if not card:
        fields.fault("kind", "is no card, and only cards have verifications here")
    record = Verification(
        id=identifier,
        status=status,
        created_at=created,
        updated_at=created,
        merchant_account_id=account.id,
        currency=account.currency,
        amount=fields.amount("amount", account.currency, "0"),
        card=card,
        token=instrument.method.token if instrument.method else None,
        customer_id=instrument.method.customer_id if instrument.method else None,
        billing=instrument.billing,
        avs_postal=fields.one_of("avs_postal", AVS_CODES, "I"),
        avs_street=fields.one_of("avs_street", AVS_CODES, "I"),
        cvv=fields.one_of("cvv", AVS_CODES, "I"),
        processor_response_code=code,
        processor_response_type=kind_of(code) if code else None,
        gateway_rejection_reason=reason if status == "gateway_rejected" else None,
        network_transaction_id=fields.text("network_transaction_id"),
    )
    if call.store.verifications.get(call.merchant.id, identifier) is None:
        call.store.verifications.put(call.merchant.id, record)
