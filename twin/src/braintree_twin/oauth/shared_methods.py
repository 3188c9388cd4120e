"""Payment methods that a merchant grants to the owner of an OAuth application: as a nonce of the owner's."""

from __future__ import annotations

from braintree_twin.calls import Answer, Call, Route
from braintree_twin.clock import parse_stamp, stamp
from braintree_twin.errors import NotFound
from braintree_twin.oauth.grants import grant_of_call, merchant_named
from braintree_twin.request_schema import schema
from braintree_twin.state.records import Nonce, PaymentMethod
from braintree_twin.validation import failed
from braintree_twin.vault.instruments import of_method
from braintree_twin.views.nonces import nonce_view

ROOT = "payment_method"
# The application's owner has to be known, and a call with a merchant's own keys names none.
NOT_GRANTED_BY_KEYS = "93804"


def _method(call: Call) -> PaymentMethod:
    token = call.params(ROOT).text("shared_payment_method_token")
    method = call.store.payment_methods.get(call.merchant.id, token)
    if method is None:
        raise NotFound
    return method


def grant(call: Call) -> Answer:
    """Create a nonce for the owner of the application; it can be vaulted only if the grant allows it."""
    method, permitted = _method(call), grant_of_call(call)
    if permitted is None:
        raise failed(ROOT, "base", NOT_GRANTED_BY_KEYS)
    params = call.params(ROOT)
    instrument = of_method(call, method)
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
    )
    recipient = merchant_named(f"{permitted.client_id}$") or ""
    call.store.nonces.put(recipient, record)
    shown = of_method(call, method)
    return Answer("payment_method_nonce", nonce_view(record.nonce, shown, consumed=False), 201)


def _moment(text: str | None) -> str | None:
    return stamp(parse_stamp(text)) if text and text.endswith("Z") else None


def revoke(call: Call) -> Answer:
    """Revoke every grant of this method: its unused nonces pay no more."""
    method, permitted = _method(call), grant_of_call(call)
    if permitted is None:
        raise failed(ROOT, "base", NOT_GRANTED_BY_KEYS)
    _lock_nonces(call, merchant_named(f"{permitted.client_id}$") or "", method.token)
    return Answer("success", "true")


def revoke_all_grants(call: Call, token: str) -> None:
    """Revoke the grants of this method to every application that the merchant is connected to."""
    client_ids = {permitted.client_id for permitted in call.store.oauth_grants.find(call.merchant.id)}
    for client_id in client_ids:
        _lock_nonces(call, merchant_named(f"{client_id}$") or "", token)


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
