"""The SDKs' testing gateway: a finished 3-D Secure authentication of a card, without a browser."""

from __future__ import annotations

from braintree_twin.calls import Answer, Call, Route
from braintree_twin.errors import NotFound
from braintree_twin.request_schema import schema
from braintree_twin.rules.three_d_secure_outcomes import SUCCEEDS
from braintree_twin.state.records import Authentication
from braintree_twin.validation import Errors, ValidationFailed
from braintree_twin.vault.cards import read_card

ROOT = "three_d_secure_verification"


def create(call: Call) -> Answer:
    """Authenticate a card by number and expiry; the answer has the authentication id that a sale takes."""
    account = call.merchant.by_id.get(call.path["merchant_account_id"])
    if account is None:
        raise NotFound
    errors = Errors()
    details = read_card(call, call.params(ROOT), errors.on(ROOT), required=True)
    if errors or details.card is None:
        raise ValidationFailed(errors)
    identifier = call.ids.authentication()
    record = Authentication(
        id=identifier,
        transaction_id=call.ids.authentication(),
        created_at=call.clock.stamp(),
        nonce="",
        amount="0",
        merchant_account_id=account.id,
        scenario=SUCCEEDS,
        card_identifier=details.card.unique_number_identifier,
        brand=details.card.card_type,
        info={
            "status": "authenticate_successful",
            "enrolled": "Y",
            "liability_shifted": "true",
            "liability_shift_possible": "true",
            "eci_flag": "02" if details.card.card_type == "MasterCard" else "05",
            "cavv": call.ids.cavv(),
            "three_d_secure_version": "2.2.0",
            "three_d_secure_authentication_id": identifier,
        },
    )
    call.store.authentications.put(call.merchant.id, record)
    return Answer(ROOT, {"three_d_secure_authentication_id": identifier, "three_d_secure_token": identifier}, 201)


ROUTES = (
    Route(
        "POST",
        "/three_d_secure/create_verification/{merchant_account_id}",
        create,
        takes={ROOT: schema("number expiration_month expiration_year expiration_date cvv cardholder_name")},
    ),
)
