"""The callers of the client API: their authentication, and the fields that every one of them sends."""

from __future__ import annotations

from braintree_twin.calls import Call
from braintree_twin.client_api.authentication import Client, authenticate_client
from braintree_twin.errors import NotAuthenticated
from braintree_twin.request_schema import EVERYTHING

# Credentials, and facts about the library that calls.
CALLER = dict.fromkeys(
    (
        "authorization_fingerprint",
        "tokenization_key",
        "shared_customer_identifier",
        "shared_customer_identifier_type",
        "braintree_library_version",
        "config_version",
        "_meta",
    ),
    EVERYTHING,
)


def authenticated_client(call: Call) -> Client:
    """The caller. Raises NotAuthenticated for wrong credentials, and if the customer of the client token is gone."""
    client = authenticate_client(call)
    if client.customer_id and not call.store.customers.get(call.merchant.id, client.customer_id):
        raise NotAuthenticated("the customer is gone")
    return client
