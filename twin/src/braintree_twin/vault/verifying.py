"""Verifies cards: by the behaviour of the number, then by the AVS and CVV rules."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from braintree_twin.calls import Call
from braintree_twin.merchants import MerchantAccount
from braintree_twin.params import Params
from braintree_twin.rules import cards
from braintree_twin.rules.avs_cvv import avs_response, rejection
from braintree_twin.rules.money import APPLE_PAY_VERIFICATION_AMOUNT, VERIFICATION_AMOUNT, AmountRule, canonical
from braintree_twin.rules.processor_responses import kind_of
from braintree_twin.state.records import Fields, Verification
from braintree_twin.validation import Errors
from braintree_twin.vault.instruments import Instrument

# Behaviour of the number -> status, processor response code, gateway rejection reason.
_OUTCOMES: dict[str, tuple[str, str | None, str | None]] = {
    cards.VALID: ("verified", "1000", None),
    cards.DISPUTE: ("verified", "1000", None),
    cards.REVIEW: ("verified", "1000", None),
    cards.VERIFICATION_DECLINED: ("processor_declined", "2000", None),
    cards.VERIFICATION_FAILS: ("failed", "3000", None),
    cards.FRAUD: ("gateway_rejected", None, "fraud"),
    cards.RISK_THRESHOLD: ("gateway_rejected", None, "risk_threshold"),
}


NOT_SUPPORTED = "91730"
CURRENCY_OF_NO_ACCOUNT = "91760"
ACCOUNT_TYPES = ("credit", "debit")
# The brands that can be charged as credit or as debit.
TWO_ACCOUNT_BRANDS = frozenset({"Hiper", "Hipercard", "Elo"})


def link_id(call: Call, card: dict[str, Any]) -> str | None:
    """A new transaction link id, which only Mastercard's cards have."""
    return call.ids.link() if card["card_type"] == "MasterCard" else None


def account_type_error(given: str | None, brand: str | None, invalid: str, not_supported: str) -> str | None:
    """The error code of an account type: only some brands can be both. Without a brand nothing more is wrong."""
    if given is None:
        return None
    if given not in ACCOUNT_TYPES:
        return invalid
    return not_supported if brand is not None and brand not in TWO_ACCOUNT_BRANDS else None


@dataclass(frozen=True, slots=True)
class VerificationExtras:
    """Details of a verification beside card, account and amount."""

    account_type: str | None = None
    # The names on the account are to be checked.
    inquires_names: bool = False
    device_data: bool = False
    # Fraud checking is left out: a card that it would reject is verified, and there is no risk data.
    skips_fraud_checking: bool = False
    # The result of another provider's authentication.
    three_d_secure: Fields | None = None


@dataclass(frozen=True, slots=True)
class OptionCodes:
    """The error codes of a verification's options; Apple Pay has its own."""

    account_invalid: str
    account_suspended: str
    not_supported: str
    amount: AmountRule
    type_invalid: str
    type_not_supported: str


OF_CARDS = OptionCodes("91728", "91742", NOT_SUPPORTED, VERIFICATION_AMOUNT, "91757", "91758")
OF_APPLE_PAY = OptionCodes("93540", "93541", "93533", APPLE_PAY_VERIFICATION_AMOUNT, "93538", "93543")


def option_codes(kind: str | None) -> OptionCodes:
    return OF_APPLE_PAY if kind == "apple_pay_card" else OF_CARDS


def read_options(
    call: Call, params: Params, errors: Errors, codes: OptionCodes = OF_CARDS
) -> tuple[MerchantAccount, Decimal]:
    """Read the merchant account and the amount of a verification from the options."""
    options, faults = params.section("options"), errors.on("options")
    given = options.text("verification_merchant_account_id")
    account = call.merchant.by_id.get(given) if given else call.merchant.default_account
    if account is None:
        faults.add("verification_merchant_account_id", codes.account_invalid)
        account = call.merchant.default_account
    elif account.suspended:
        faults.add("verification_merchant_account_id", codes.account_suspended)
    elif "verification" in account.lacks and options.flag("verify_card"):
        faults.add("verification_merchant_account_id", codes.not_supported)
    currency = options.text("verification_currency_iso_code")
    if currency is not None and currency != account.currency:
        faults.add("verification_currency_iso_code", CURRENCY_OF_NO_ACCOUNT)
    amount, fault = codes.amount.check(options.text("verification_amount"), account.currency)
    faults.add("verification_amount", fault)
    return account, amount or Decimal(0)


def verify(
    call: Call,
    instrument: Instrument,
    account: MerchantAccount,
    amount: Decimal,
    extras: VerificationExtras = VerificationExtras(),
) -> Verification:
    """Verify a card and store the verification."""
    card: dict[str, Any] = instrument.card or {}
    status, code, reason = _OUTCOMES[instrument.behaviour]
    if extras.skips_fraud_checking and reason:
        status, code, reason = _OUTCOMES[cards.VALID]
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
        account_type=extras.account_type,
        mastercard_transaction_link_id=link_id(call, card) if code == "1000" else None,
        three_d_secure=extras.three_d_secure or instrument.three_d_secure,
        device_data_captured=extras.device_data,
        fraud_checked=not extras.skips_fraud_checking,
        ani_first_name=_name_response(instrument, "first_name", extras),
        ani_last_name=_name_response(instrument, "last_name", extras),
    )
    call.store.verifications.put(call.merchant.id, record)
    return record


def _name_response(instrument: Instrument, name: str, extras: VerificationExtras) -> str:
    """The account name inquiry's response: M matches, I not provided (inferred: every name matches)."""
    return "M" if extras.inquires_names and instrument.billing.get(name) else "I"


def link(call: Call, record: Verification | None, token: str, customer_id: str | None) -> None:
    """Link a verification to its payment method."""
    if record:
        record.token, record.customer_id = token, customer_id
        call.store.verifications.put(call.merchant.id, record)
