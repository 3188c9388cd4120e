"""The gateway's resources, a module each. To add one: write the module, and name it here."""

from __future__ import annotations

from braintree_twin.calls import Route
from braintree_twin.resources import (
    addresses,
    catalog,
    client_api,
    client_graphql,
    client_tokens,
    credit_cards,
    customer_searching,
    customers,
    disputes,
    document_uploads,
    expiring_cards,
    merchant_accounts,
    nonces,
    payment_methods,
    paypal_accounts,
    settlement_batches,
    testing,
    transactions,
    verification_searching,
    verifications,
)

ROUTES: tuple[Route, ...] = (
    *transactions.ROUTES,
    *testing.ROUTES,
    *customers.ROUTES,
    *payment_methods.ROUTES,
    *credit_cards.ROUTES,
    *client_tokens.ROUTES,
    *addresses.ROUTES,
    *nonces.ROUTES,
    *verifications.ROUTES,
    *paypal_accounts.ROUTES,
    *expiring_cards.ROUTES,
    *merchant_accounts.ROUTES,
    *catalog.ROUTES,
    *settlement_batches.ROUTES,
    *client_api.ROUTES,
    *client_graphql.ROUTES,
    *customer_searching.ROUTES,
    *verification_searching.ROUTES,
    *disputes.ROUTES,
    *document_uploads.ROUTES,
)
