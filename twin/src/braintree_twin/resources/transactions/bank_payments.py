"""Refuses payments of US bank accounts that nobody has verified."""

from __future__ import annotations

from braintree_twin.calls import Call
from braintree_twin.merchants import MerchantAccount
from braintree_twin.params import Params
from braintree_twin.rules.bank_accounts import INSTANTLY_VERIFIED, US_BANK_ACCOUNT
from braintree_twin.validation import Errors
from braintree_twin.vault.bank_verifications import is_verified
from braintree_twin.vault.instruments import Instrument

NOT_VERIFIED, NONCE_NOT_VERIFIED = "915172", "915171"


def check_bank_payment(
    call: Call, account: MerchantAccount, instrument: Instrument, params: Params, errors: Errors
) -> None:
    """Add an error for an account that is not verified. Test nonces count as verified by the bank."""
    if instrument.kind != US_BANK_ACCOUNT or account.bank_accounts_exempt:
        return
    if instrument.method:
        attribute = "payment_method_token" if params.has("payment_method_token") else "payment_method_nonce"
        errors.add(attribute, None if is_verified(call, instrument.method.token) else NOT_VERIFIED)
    elif instrument.nonce and not instrument.wallet.get(INSTANTLY_VERIFIED):
        errors.add("payment_method_nonce", NONCE_NOT_VERIFIED)
