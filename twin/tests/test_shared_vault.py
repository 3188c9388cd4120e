"""An application's partner shares its vault with connected merchants: by granted nonces, and by its own tokens."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from braintree.exceptions.not_found_error import NotFoundError
from sdk_suites import SEED, application, configured, of_merchant
from twin_sdk import card, codes, sale, sale_request

from braintree_twin.testing import Twin, start_twin

Gateway = Any


@pytest.fixture(scope="module")
def suites() -> Iterator[Twin]:
    with start_twin(arguments=("--seed", str(SEED))) as running:
        yield running


@pytest.fixture(scope="module")
def sandbox(suites: Twin) -> Gateway:
    return of_merchant(suites, "integration")


@pytest.fixture
def connected(suites: Twin) -> Gateway:
    """The gateway of a merchant that connected with the application of the partner."""
    grant = {"merchant_public_id": "integration_merchant_id", "scope": "grant_payment_method,shared_vault_transactions"}
    asking = application(suites)
    code = asking.config.http().post("/oauth_testing/grants", {"grant": grant})["grant"]["code"]
    credentials = asking.oauth.create_token_from_code({"code": code}).credentials
    return configured(suites, access_token=credentials.access_token)


@pytest.fixture
def partner(suites: Twin) -> Gateway:
    return of_merchant(suites, "oauth_app_partner_user", "integration_merchant_public_id")


def test_a_partner_grants_its_methods_to_a_connected_merchant(
    connected: Gateway, partner: Gateway, sandbox: Gateway
) -> None:
    made = partner.customer.create({"credit_card": card(billing_address={"postal_code": "95131"})}).customer
    token = made.credit_cards[0].token
    granted = connected.payment_method.grant(token, {"allow_vaulting": False, "include_billing_postal_code": True})
    nonce = granted.payment_method_nonce.nonce
    paid = sale(sandbox, payment_method_nonce=nonce)
    assert paid.billing_details.postal_code == "95131"
    assert (paid.facilitated_details.merchant_id, paid.facilitated_details.payment_method_nonce) == (
        "integration_merchant_id",
        nonce,
    )
    assert paid.facilitator_details.oauth_application_name == "PseudoShop"
    again = sandbox.transaction.sale(sale_request(payment_method_nonce=nonce))
    assert codes(again) == ["91564"]
    second = connected.payment_method.grant(token, {"allow_vaulting": True}).payment_method_nonce.nonce
    assert connected.payment_method.revoke(token).is_success
    assert codes(sandbox.transaction.sale(sale_request(payment_method_nonce=second))) == ["91566"]
    with pytest.raises(NotFoundError):
        connected.payment_method.grant("nothing", False)


@pytest.mark.parametrize("by_nonce", [True, False])
def test_a_connected_merchant_charges_the_shared_vault(
    connected: Gateway, partner: Gateway, sandbox: Gateway, by_nonce: bool
) -> None:
    customer = partner.customer.create({"first_name": "Bob", "credit_card": card()}).customer
    address = partner.address.create({"customer_id": customer.id, "first_name": "Joe"}).address
    token = customer.credit_cards[0].token
    shared = {
        "shared_customer_id": customer.id,
        "shared_billing_address_id": address.id,
        "shared_shipping_address_id": address.id,
    }
    if by_nonce:
        shared["shared_payment_method_nonce"] = partner.payment_method_nonce.create(token).payment_method_nonce.nonce
    else:
        shared["shared_payment_method_token"] = token
    asked = {"amount": "100.00" if by_nonce else "101.00", **shared}
    paid = connected.transaction.sale(dict(asked))
    assert paid.is_success, paid.message
    assert paid.transaction.customer_details.first_name == "Bob"
    assert paid.transaction.billing_details.first_name == paid.transaction.shipping_details.first_name == "Joe"
    assert paid.transaction.amount == Decimal(asked["amount"])
    # The merchant's own keys open nobody else's vault.
    assert not sandbox.transaction.sale(dict(asked)).is_success
