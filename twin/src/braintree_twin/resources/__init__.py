"""The gateway's resources, a module each. To add one: write the module, and name it here."""

from __future__ import annotations

from braintree_twin.calls import Route
from braintree_twin.resources import (
    catalog,
    client_tokens,
    credit_cards,
    customer_searching,
    customers,
    disputes,
    document_uploads,
    merchant_accounts,
    payment_methods,
    settlement_batches,
    testing,
    transactions,
    verification_searching,
)

ROUTES: tuple[Route, ...] = (
    *transactions.ROUTES,
    *testing.ROUTES,
    *customers.ROUTES,
    *payment_methods.ROUTES,
    *credit_cards.ROUTES,
    *client_tokens.ROUTES,
    *merchant_accounts.ROUTES,
    *catalog.ROUTES,
    *settlement_batches.ROUTES,
    *customer_searching.ROUTES,
    *verification_searching.ROUTES,
    *disputes.ROUTES,
    *document_uploads.ROUTES,
)
