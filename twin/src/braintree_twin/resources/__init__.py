"""The gateway's resources, a module each. To add one: write the module, and name it here."""

from __future__ import annotations

from braintree_twin.calls import Route
from braintree_twin.resources import (
    client_api,
    client_graphql,
    client_tokens,
    credit_cards,
    customers,
    payment_methods,
    testing,
    transactions,
)

ROUTES: tuple[Route, ...] = (
    *transactions.ROUTES,
    *testing.ROUTES,
    *customers.ROUTES,
    *payment_methods.ROUTES,
    *credit_cards.ROUTES,
    *client_tokens.ROUTES,
    *client_api.ROUTES,
    *client_graphql.ROUTES,
)
