"""3-D Secure: the look-up of a card, and the challenge that may follow it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from braintree_twin.calls import Call
from braintree_twin.rules.three_d_secure_outcomes import (
    CHALLENGED,
    DATA_ONLY,
    EXEMPTIONS,
    SCENARIOS,
    SUCCEEDS,
    Outcome,
    Scenario,
    eci_flag,
)
from braintree_twin.state.records import Authentication, Fields, Nonce
from braintree_twin.vault.instruments import Instrument, consume
from braintree_twin.vault.test_nonces import TEST_AUTHENTICATIONS, TEST_AUTHENTICATIONS_BRAND

# The one-time code of every challenge, as in the sandbox.
CODE = "1234"
MAX_WRONG_CODES = 3
# A card that is not enrolled gets the answer of the newest version.
NEWEST_VERSION = "2.2.0"


@dataclass(frozen=True, slots=True)
class LookupRequest:
    """What the shop asks for beside the card."""

    amount: str
    merchant_account_id: str
    challenge: bool = False
    # low_value or transaction_risk_analysis.
    exemption: str | None = None
    data_only: bool = False


def look_up(call: Call, instrument: Instrument, request: LookupRequest) -> Authentication:
    """Look up a card, and replace its nonce by one that has the result; the old nonce is consumed."""
    card: dict[str, Any] = instrument.card or {}
    name = _scenario_name(card, request)
    identifier = call.ids.authentication()
    version = card.get("three_d_secure_version") or NEWEST_VERSION
    outcome = instrument.three_d_secure or _info(call, _lookup_outcome(name, request), card, version, identifier)
    record = Authentication(
        id=outcome["three_d_secure_authentication_id"] or identifier,
        transaction_id=call.ids.authentication(),
        created_at=call.clock.stamp(),
        nonce=call.ids.nonce(),
        amount=request.amount,
        merchant_account_id=request.merchant_account_id,
        scenario=name,
        card_identifier=card["unique_number_identifier"],
        brand=card["card_type"],
        info=outcome,
        open=outcome["status"] == "challenge_required",
    )
    consume(call, instrument)
    _put_nonce(call, record, instrument)
    call.store.authentications.put(call.merchant.id, record)
    return record


def _scenario_name(card: dict[str, Any], request: LookupRequest) -> str:
    name = card.get("scenario") or "not_enrolled"
    # The issuer challenges a cardholder whom it would have let pass, if the shop asks it to.
    return CHALLENGED if name == SUCCEEDS and request.challenge else name


def _lookup_outcome(name: str, request: LookupRequest) -> Outcome:
    if name == SUCCEEDS and request.data_only:
        return DATA_ONLY
    if name == SUCCEEDS and request.exemption:
        return EXEMPTIONS[request.exemption]
    return SCENARIOS[name].lookup


def _info(call: Call, outcome: Outcome, card: dict[str, Any], version: str, identifier: str) -> Fields:
    """The look-up's result, as nonces and transactions keep it."""
    answered = outcome.trans_status is not None
    return {
        **_shown(call, outcome, card["card_type"]),
        "three_d_secure_version": version,
        "three_d_secure_authentication_id": identifier,
        "xid": None,
        "ds_transaction_id": call.ids.uuid() if answered else None,
        "acs_transaction_id": call.ids.uuid() if answered else None,
        "three_d_secure_server_transaction_id": call.ids.uuid() if answered else None,
        "lookup_trans_status": outcome.trans_status,
    }


def _shown(call: Call, outcome: Outcome, brand: str) -> Fields:
    return {
        "status": outcome.status,
        "enrolled": outcome.enrolled,
        "liability_shifted": "true" if outcome.shifted else "",
        "liability_shift_possible": "true" if outcome.shift_possible else "",
        "eci_flag": eci_flag(outcome, brand),
        "cavv": call.ids.cavv() if outcome.shifted else None,
        "pares_status": outcome.trans_status,
    }


def _put_nonce(call: Call, record: Authentication, instrument: Instrument) -> None:
    known = instrument.nonce
    nonce = Nonce(
        nonce=record.nonce,
        created_at=call.clock.stamp(),
        kind=instrument.kind,
        card=instrument.card,
        wallet=instrument.wallet,
        billing=instrument.billing or None,
        cvv_response=known.cvv_response if known else instrument.cvv,
        token=instrument.method.token if instrument.method else None,
        three_d_secure=record.info,
    )
    call.store.nonces.put(call.merchant.id, nonce)


def finish_challenge(call: Call, record: Authentication, *, answered: bool) -> Authentication:
    """End the challenge: the cardholder gave the code (`answered`), or gave up. The nonce gets the result."""
    if not record.open:
        return record
    scenario: Scenario = SCENARIOS[record.scenario]
    outcome = scenario.challenge if answered and scenario.challenge else SCENARIOS["challenge_failed"].challenge
    assert outcome is not None  # noqa: S101
    status = {"authentication_trans_status": outcome.trans_status}
    record.info = {**record.info, **_shown(call, outcome, record.brand), **status}
    record.open = False
    call.store.authentications.put(call.merchant.id, record)
    nonce = call.store.nonces.get(call.merchant.id, record.nonce)
    if nonce:
        nonce.three_d_secure = record.info
        call.store.nonces.put(call.merchant.id, nonce)
    return record


def renewed_nonce(call: Call, record: Authentication) -> Nonce | None:
    """A new nonce in place of the look-up's, with the result of the challenge; None if that one is gone."""
    known = call.store.nonces.get(call.merchant.id, record.nonce)
    if known is None or known.consumed:
        return None
    known.consumed = True
    call.store.nonces.put(call.merchant.id, known)
    renewed = Nonce(
        nonce=call.ids.nonce(),
        created_at=call.clock.stamp(),
        kind=known.kind,
        card=known.card,
        wallet=known.wallet,
        billing=known.billing,
        cvv_response=known.cvv_response,
        token=known.token,
        three_d_secure=record.info,
    )
    call.store.nonces.put(call.merchant.id, renewed)
    return renewed


@dataclass(frozen=True, slots=True)
class AuthenticationCodes:
    """The error codes of authentication ids that a payment or a verification cannot use."""

    unknown: str
    other_card: str
    other_nonce: str


def take_authentication(call: Call, identifier: str, instrument: Instrument, codes: AuthenticationCodes) -> str | None:
    """Give the instrument the result of the authentication with this id. Returns an error code if it cannot."""
    own = (instrument.three_d_secure or {}).get("three_d_secure_authentication_id")
    if own == identifier:
        return None
    fixed = TEST_AUTHENTICATIONS.get(identifier)
    record = call.store.authentications.get(call.merchant.id, identifier)
    if fixed is None and record is None:
        return codes.unknown
    if own is not None:
        return codes.other_nonce
    if not instrument.card or not _is_of(instrument.card, record):
        return codes.other_card
    instrument.three_d_secure = record.info if record else fixed
    return None


def _is_of(card: dict[str, Any], record: Authentication | None) -> bool:
    """Whether the authentication is the card's; None is one of the test authentications."""
    if record is None:
        return bool(card["card_type"] == TEST_AUTHENTICATIONS_BRAND)
    return bool(card["unique_number_identifier"] == record.card_identifier)
