"""Verifies cards: by the behaviour of the number, then by the AVS and CVV rules."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from braintree_twin.calls import Call
from braintree_twin.merchants import MerchantAccount
from braintree_twin.params import Params
from braintree_twin.rules import cards
from braintree_twin.rules.avs_cvv import avs_response, rejection
from braintree_twin.rules.money import VERIFICATION_AMOUNT, canonical
from braintree_twin.rules.processor_responses import kind_of
from braintree_twin.state.records import Verification
from braintree_twin.validation import Errors
from braintree_twin.vault.instruments import Instrument

# Behaviour of the number -> status, processor response code, gateway rejection reason.
_OUTCOMES: dict[str, tuple[str, str | None, str | None]] = {
    cards.VALID: ("verified", "1000", None),
    cards.DISPUTE: ("verified", "1000", None),
    cards.VERIFICATION_DECLINED: ("processor_declined", "2000", None),
    cards.VERIFICATION_FAILS: ("failed", "3000", None),
    cards.FRAUD: ("gateway_rejected", None, "fraud"),
}


def read_options(call: Call, params: Params, errors: Errors) -> tuple[MerchantAccount, Decimal]:
    """Read the merchant account and the amount of a verification from the options."""
    options, faults = params.section("options"), errors.on("options")
    given = options.text("verification_merchant_account_id")
    account = call.merchant.by_id.get(given) if given else call.merchant.default_account
    if account is None:
        faults.add("verification_merchant_account_id", "91728")
        account = call.merchant.default_account
    elif account.suspended:
        faults.add("verification_merchant_account_id", "91742")
    amount, fault = VERIFICATION_AMOUNT.check(options.text("verification_amount"), account.currency)
    faults.add("verification_amount", fault)
    return account, amount or Decimal(0)


def verify(
    call: Call, instrument: Instrument, account: MerchantAccount, amount: Decimal, *, account_type: str | None = None
) -> Verification:
    """Verify a card and store the verification."""
    card: dict[str, Any] = instrument.card or {}
    status, code, reason = _OUTCOMES[instrument.behaviour]
    avs, cvv = avs_response(instrument.billing), instrument.cvv or "I"
    if status == "verified":
        reason = rejection(account, avs, cvv)
        status = "gateway_rejected" if reason else status
    now = call.clock.stamp()
    record = Verification(
        id=call.ids.transaction(),
        status=status,
        created_at=now,
        updated_at=now,
        merchant_account_id=account.id,
        currency=account.currency,
        amount=canonical(amount, account.currency),
        card=card,
        billing=instrument.billing,
        avs_error=avs.error,
        avs_postal=avs.postal,
        avs_street=avs.street,
        cvv=cvv,
        processor_response_code=code,
        processor_response_type=kind_of(code) if code else None,
        network_transaction_id="0" + call.clock.now().strftime("%Y%m%d%H%M%S") if code == "1000" else None,
        gateway_rejection_reason=reason,
        account_type=account_type,
    )
    call.store.verifications.put(call.merchant.id, record)
    return record


def link(call: Call, record: Verification | None, token: str, customer_id: str | None) -> None:
    """Link a verification to its payment method."""
    if record:
        record.token, record.customer_id = token, customer_id
        call.store.verifications.put(call.merchant.id, record)
