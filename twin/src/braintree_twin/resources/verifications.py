"""Verifications of a card that is not vaulted."""

from __future__ import annotations

from decimal import Decimal

from braintree_twin.calls import Answer, Call, Route
from braintree_twin.errors import NotFound
from braintree_twin.merchants import MerchantAccount
from braintree_twin.params import Params
from braintree_twin.rules import accepted_fields as accepted
from braintree_twin.rules.addresses import read_address
from braintree_twin.rules.external_vault import check_external_vault
from braintree_twin.rules.money import STANDALONE_VERIFICATION_AMOUNT
from braintree_twin.rules.three_d_secure import OF_VERIFICATIONS, passed_through, read_pass_thru
from braintree_twin.validation import Errors, ValidationFailed
from braintree_twin.vault.authentications import AuthenticationCodes, take_authentication
from braintree_twin.vault.cards import read_card, read_cvv
from braintree_twin.vault.instruments import Instrument, NonceCodes, consume, has_invalid_number, of_card, of_nonce
from braintree_twin.vault.verifying import VerificationExtras, account_type_error, verify
from braintree_twin.views.verifications import verification as verification_view
from braintree_twin.views.verifications import verification_failure

ROOT = "verification"
# The same codes as for any nonce of a card.
NONCE_CODES = NonceCodes(unknown="91732", consumed="91731", locked="91733")
UNKNOWN_ACCOUNT, SUSPENDED_ACCOUNT = "94204", "94205"
AUTHENTICATED_TWICE = "942199"
_OF_VERIFICATIONS = AuthenticationCodes(unknown="942196", other_card="942197", other_nonce="942198")


def create(call: Call) -> Answer:
    params = call.params(ROOT)
    errors = Errors()
    faults = errors.on(ROOT)
    instrument = _instrument(call, params, faults)
    account, amount = _read_options(call, params, instrument, faults)
    check_external_vault(params, faults, instrument.kind if instrument else None)
    passed = read_pass_thru(params, faults, OF_VERIFICATIONS)
    given = params.text("three_d_secure_authentication_id")
    if given and instrument:
        code = (
            take_authentication(call, given, instrument, _OF_VERIFICATIONS) if passed is None else AUTHENTICATED_TWICE
        )
        faults.add("three_d_secure_authentication_id", code)
    if errors or instrument is None:
        raise ValidationFailed(errors)
    options = params.section("options")
    extras = VerificationExtras(
        account_type=options.text("account_type"),
        inquires_names=options.has("account_information_inquiry"),
        three_d_secure=passed_through(passed),
    )
    record = verify(call, instrument, account, amount, extras)
    consume(call, instrument)
    return verification_failure(call, record) or Answer(ROOT, verification_view(record), 201)


def _instrument(call: Call, params: Params, errors: Errors) -> Instrument | None:
    card, faults = params.section("credit_card"), errors.on("credit_card")
    nonce = params.text("payment_method_nonce")
    billing = read_address(card.section("billing_address"), faults.on("billing_address"))
    if nonce is None:
        details = read_card(call, card, faults, required=True)
        return of_card(details.card, details.cvv, billing) if details.card else None
    if has_invalid_number(nonce):
        faults.add("number", "81715")
        return None
    found = of_nonce(call, nonce, NONCE_CODES)
    if isinstance(found, str):
        errors.add("payment_method_nonce", found)
        return None
    if found.card is None:
        errors.add("payment_method_nonce", "91738")
        return None
    found.cvv = read_cvv(card, None, faults) or found.cvv
    found.billing = {**found.billing, **billing}
    return found


def _read_options(
    call: Call, params: Params, instrument: Instrument | None, errors: Errors
) -> tuple[MerchantAccount, Decimal]:
    options, faults = params.section("options"), errors.on("options")
    given = options.text("merchant_account_id")
    account = call.merchant.by_id.get(given) if given else call.merchant.default_account
    if account is None:
        faults.add("merchant_account_id", UNKNOWN_ACCOUNT)
        account = call.merchant.default_account
    elif account.suspended:
        faults.add("merchant_account_id", SUSPENDED_ACCOUNT)
    amount, fault = STANDALONE_VERIFICATION_AMOUNT.check(options.text("amount"), account.currency)
    faults.add("amount", fault)
    brand = (instrument.card or {}).get("card_type") if instrument else None
    faults.add("account_type", account_type_error(options.text("account_type"), brand, "942184", "942185"))
    return account, amount or Decimal(0)


def find(call: Call) -> Answer:
    record = call.store.verifications.get(call.merchant.id, call.path["id"])
    if record is None:
        raise NotFound
    return Answer(ROOT, verification_view(record))


ROUTES = (
    Route("POST", "/verifications", create, takes={ROOT: accepted.VERIFICATION}),
    Route("GET", "/verifications/{id}", find),
)
