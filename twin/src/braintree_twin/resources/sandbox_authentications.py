"""The SDKs' testing gateway: a finished 3-D Secure authentication of a card, or a nonce with one, without a browser."""

from __future__ import annotations

from dataclasses import asdict

from braintree_twin.calls import Answer, Call, Route
from braintree_twin.errors import NotFound
from braintree_twin.request_schema import schema
from braintree_twin.rules.three_d_secure_outcomes import SUCCEEDS
from braintree_twin.state.records import Authentication, Card, Nonce
from braintree_twin.validation import Errors, ValidationFailed
from braintree_twin.vault.cards import read_card
from braintree_twin.vault.instruments import Instrument
from braintree_twin.views.nonces import nonce_view

ROOT, CARD = "three_d_secure_verification", "credit_card"


def create(call: Call) -> Answer:
    """Authenticate a card by number and expiry; the answer has the authentication id that a sale takes."""
    identifier = _authenticate(call, _card(call, ROOT), nonce="").id
    return Answer(ROOT, {"three_d_secure_authentication_id": identifier, "three_d_secure_token": identifier}, 201)


def create_nonce(call: Call) -> Answer:
    """Create a nonce of a card that is authenticated already."""
    card = _card(call, CARD)
    nonce = Nonce(nonce=call.ids.nonce(), created_at=call.clock.stamp(), card=asdict(card))
    nonce.three_d_secure = _authenticate(call, card, nonce=nonce.nonce).info
    call.store.nonces.put(call.merchant.id, nonce)
    instrument = Instrument(kind=CARD, card=nonce.card, three_d_secure=nonce.three_d_secure)
    return Answer("payment_method_nonce", nonce_view(nonce.nonce, instrument, consumed=False), 201)


def _card(call: Call, root: str) -> Card:
    errors = Errors()
    details = read_card(call, call.params(root), errors.on(root), required=True)
    if errors or details.card is None:
        raise ValidationFailed(errors)
    return details.card


def _authenticate(call: Call, card: Card, *, nonce: str) -> Authentication:
    account = call.merchant.by_id.get(call.path["merchant_account_id"])
    if account is None:
        raise NotFound
    identifier = call.ids.authentication()
    record = Authentication(
        id=identifier,
        transaction_id=call.ids.authentication(),
        created_at=call.clock.stamp(),
        nonce=nonce,
        amount="0",
        merchant_account_id=account.id,
        scenario=SUCCEEDS,
        card_identifier=card.unique_number_identifier,
        brand=card.card_type,
        info={
            "status": "authenticate_successful",
            "enrolled": "Y",
            "liability_shifted": "true",
            "liability_shift_possible": "true",
            "eci_flag": "02" if card.card_type == "MasterCard" else "05",
            "cavv": call.ids.cavv(),
            "three_d_secure_version": "2.2.0",
            "three_d_secure_authentication_id": identifier,
        },
    )
    call.store.authentications.put(call.merchant.id, record)
    return record


_TAKES = schema("number expiration_month expiration_year expiration_date cvv cardholder_name")
ROUTES = (
    Route("POST", "/three_d_secure/create_nonce/{merchant_account_id}", create_nonce, takes={CARD: _TAKES}),
    Route("POST", "/three_d_secure/create_verification/{merchant_account_id}", create, takes={ROOT: _TAKES}),
)
