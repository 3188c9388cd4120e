"""Payments by the vault of an OAuth application's owner: a connected merchant names its methods and addresses."""

from __future__ import annotations

from dataclasses import replace

from braintree_twin.calls import Call
from braintree_twin.oauth.grants import grant_of_call
from braintree_twin.oauth.scopes import SHARED_VAULT
from braintree_twin.params import Params
from braintree_twin.resources.transactions.common import ROOT
from braintree_twin.validation import failed

_PREFIX = "shared_"
NAMES = tuple(
    f"{_PREFIX}{name}"
    for name in (
        "payment_method_token",
        "payment_method_nonce",
        "customer_id",
        "billing_address_id",
        "shipping_address_id",
    )
)
NOT_PERMITTED = "91518"


def vault_of(call: Call, params: Params) -> tuple[Call, Params]:
    """The call and the fields that the source of a payment is read from: the owner's, if the sale names its vault.

    Raises ValidationFailed if the caller has no access token of an application, or one without this scope.
    """
    shared = [name for name in NAMES if params.has(name)]
    if not shared:
        return call, params
    permitted = grant_of_call(call)
    owner = call.find_owner(permitted.client_id) if permitted and SHARED_VAULT in permitted.scope.split(",") else None
    if owner is None:
        raise failed(ROOT, shared[0], NOT_PERMITTED)
    own = {name: params.raw(name) for name in params if name not in NAMES}
    renamed = {name.removeprefix(_PREFIX): params.raw(name) for name in shared}
    return replace(call, merchant=owner), Params({**own, **renamed}, f"{ROOT}.")
