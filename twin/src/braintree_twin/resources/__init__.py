"""The gateway's resources, one module each. A new resource needs its module and a line in ROUTES."""

from __future__ import annotations

from braintree_twin.browser import approvals, challenge
from braintree_twin.calls import Route
from braintree_twin.client_api import bank_accounts, payment_resources, three_d_secure, wallets
from braintree_twin.client_api import endpoints as client_api
from braintree_twin.oauth import endpoints as oauth
from braintree_twin.oauth import shared_methods
from braintree_twin.resources import (
    addresses,
    apple_pay_domains,
    catalog,
    client_tokens,
    created_merchants,
    credit_cards,
    customer_transactions,
    customers,
    disputes,
    document_uploads,
    expiring_cards,
    local_payments,
    merchant_accounts,
    nonces,
    open_finance,
    payment_methods,
    paypal_accounts,
    paypal_payment_resources,
    plans,
    request_probes,
    sandbox_authentications,
    settlement_batches,
    subscriptions,
    testing_gateway,
    transactions,
    us_bank_account_verifications,
    verifications,
)
from braintree_twin.search_criteria import bank_verifications as bank_verification_search
from braintree_twin.search_criteria import customers as customer_search
from braintree_twin.search_criteria import disputes as dispute_search
from braintree_twin.search_criteria import subscriptions as subscription_search
from braintree_twin.search_criteria import transactions as transaction_search
from braintree_twin.search_criteria import verifications as verification_search

ROUTES: tuple[Route, ...] = (
    *transactions.ROUTES,
    *testing_gateway.ROUTES,
    *request_probes.ROUTES,
    *customers.ROUTES,
    *customer_transactions.ROUTES,
    *apple_pay_domains.ROUTES,
    *payment_methods.ROUTES,
    *credit_cards.ROUTES,
    *client_tokens.ROUTES,
    *addresses.ROUTES,
    *nonces.ROUTES,
    *verifications.ROUTES,
    *paypal_accounts.ROUTES,
    *expiring_cards.ROUTES,
    *merchant_accounts.ROUTES,
    *created_merchants.ROUTES,
    *plans.ROUTES,
    *catalog.ROUTES,
    *subscriptions.ROUTES,
    *settlement_batches.ROUTES,
    *us_bank_account_verifications.ROUTES,
    *open_finance.ROUTES,
    *paypal_payment_resources.ROUTES,
    *sandbox_authentications.ROUTES,
    *oauth.ROUTES,
    *shared_methods.ROUTES,
    *local_payments.ROUTES,
    *client_api.ROUTES,
    *three_d_secure.ROUTES,
    *wallets.ROUTES,
    *bank_accounts.ROUTES,
    *payment_resources.ROUTES,
    *challenge.ROUTES,
    *approvals.ROUTES,
    *customer_search.ROUTES,
    *verification_search.ROUTES,
    *bank_verification_search.ROUTES,
    *subscription_search.ROUTES,
    *transaction_search.ROUTES,
    *dispute_search.ROUTES,
    *disputes.ROUTES,
    *document_uploads.ROUTES,
)
