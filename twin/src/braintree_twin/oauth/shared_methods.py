"""Payment methods that a merchant grants to the owner of an OAuth application: as a nonce of the owner's."""

from __future__ import annotations

from dataclasses import dataclass, replace

from braintree_twin.calls import Answer, Call, Route
from braintree_twin.clock import parse_stamp, stamp
from braintree_twin.errors import NotFound
from braintree_twin.merchants import Merchant
from braintree_twin.oauth.grants import grant_of_call
from braintree_twin.request_schema import schema
from braintree_twin.state.records import Nonce, PaymentMethod
from braintree_twin.validation import failed
from braintree_twin.vault.instruments import of_method
from braintree_twin.views.nonces import nonce_view

ROOT = "payment_method"
# The application's owner has to be known, and a call with a merchant's own keys names none.
NOT_GRANTED_BY_KEYS = "93804"


@dataclass(frozen=True, slots=True)
class _Share:
    """A method that is granted: the call of the merchant whose vault has it, and the merchant that may use it."""

    vault: Call
    method: PaymentMethod
    recipient: str
    application: Merchant


def _share(call: Call) -> _Share:
    """The grant that the request asks for.

    The owner of the application grants its own methods to the merchant that connected with it, whose access token it
    uses. A merchant may grant its methods to the owner the same way.
    """
    token = call.params(ROOT).text("shared_payment_method_token")
    permitted = grant_of_call(call)
    owner = call.find_owner(permitted.client_id) if permitted else None
    own = call.store.payment_methods.get(call.merchant.id, token)
    if permitted is None or owner is None:
        raise failed(ROOT, "base", NOT_GRANTED_BY_KEYS) if own else NotFound
    method = call.store.payment_methods.get(owner.id, token)
    if method:
        return _Share(replace(call, merchant=owner), method, call.merchant.id, owner)
    if own is None:
        raise NotFound
    return _Share(call, own, owner.id, owner)


def grant(call: Call) -> Answer:
    """Create a nonce for the recipient; it can be vaulted only if the grant allows it."""
    share = _share(call)
    method, params = share.method, call.params(ROOT)
    instrument = of_method(share.vault, method)
    keeps_postal_code = params.flag("include_billing_postal_code")
    record = Nonce(
        nonce=call.ids.nonce(),
        created_at=call.clock.stamp(),
        kind=method.kind,
        card=method.card,
        wallet=method.wallet,
        billing={"postal_code": instrument.billing.get("postal_code")} if keeps_postal_code else None,
        reusable=params.flag("allow_vaulting"),
        granted_from=method.token,
        revoked_after=_moment(params.text("revoke_after")),
        facilitator={
            "oauth_application_client_id": share.application.client_id,
            "oauth_application_name": share.application.company_name,
            "source_payment_method_token": method.token,
        },
    )
    call.store.nonces.put(share.recipient, record)
    return Answer("payment_method_nonce", nonce_view(record.nonce, instrument, consumed=False), 201)


def _moment(text: str | None) -> str | None:
    return stamp(parse_stamp(text)) if text and text.endswith("Z") else None


def revoke(call: Call) -> Answer:
    """Revoke every grant of this method: its unused nonces pay no more."""
    share = _share(call)
    _lock_nonces(call, share.recipient, share.method.token)
    return Answer("success", "true")


def revoke_all_grants(call: Call, token: str) -> None:
    """Revoke the grants of this method to every merchant."""
    for recipient in call.merchant_ids():
        _lock_nonces(call, recipient, token)


def _lock_nonces(call: Call, recipient: str, token: str) -> None:
    for record in call.store.nonces.find(recipient):
        if record.granted_from == token and not record.consumed:
            record.locked = True
            call.store.nonces.put(recipient, record)


ROUTES = (
    Route(
        "POST",
        "/payment_methods/grant",
        grant,
        takes={
            ROOT: schema(
                "shared_payment_method_token allow_vaulting include_billing_postal_code revoke_after",
                no_effect="external_network_tokenization_enrollment_id",
            )
        },
    ),
    Route("POST", "/payment_methods/revoke", revoke, takes={ROOT: schema("shared_payment_method_token")}),
)
