"""The vault: customers, cards, payment methods."""

from __future__ import annotations

import base64
import json
from typing import Any

import braintree
import pytest
from braintree.exceptions.not_found_error import NotFoundError
from braintree.test.nonces import Nonces
from twin_sdk import card, codes, codes_on, sale

Gateway = braintree.BraintreeGateway


def new_customer(gateway: Gateway, **fields: Any) -> Any:
    result = gateway.customer.create(fields)
    assert result.is_success, result.message
    return result.customer


def test_a_customer_is_created_found_updated_and_deleted(gateway: Gateway) -> None:
    customer = new_customer(
        gateway, id="ada-1", first_name="Ada", email="ada@example.com", custom_fields={"tier": "gold"}
    )
    assert customer.id == "ada-1"
    found = gateway.customer.find("ada-1")
    assert (found.first_name, found.email, found.custom_fields) == ("Ada", "ada@example.com", {"tier": "gold"})
    changed = gateway.customer.update("ada-1", {"last_name": "Lovelace", "email": ""}).customer
    assert (changed.first_name, changed.last_name, changed.email) == ("Ada", "Lovelace", "")
    gateway.customer.delete("ada-1")
    with pytest.raises(NotFoundError):
        gateway.customer.find("ada-1")


def test_a_customer_id_is_unique(gateway: Gateway) -> None:
    new_customer(gateway, id="once")
    assert codes_on(gateway.customer.create({"id": "once"}), "customer", "id") == ["91609"]


@pytest.mark.parametrize(
    ("fields", "field", "code"),
    [
        ({"id": "not valid!"}, "id", "91610"),
        ({"id": "all"}, "id", "91611"),
        ({"id": "x" * 37}, "id", "91612"),
        ({"first_name": "x" * 256}, "first_name", "81608"),
        ({"email": "nobody"}, "email", "81604"),
        ({"website": "@nowhere"}, "website", "81616"),
        ({"payment_method_nonce": "nothing"}, "payment_method_nonce", "93108"),
    ],
)
def test_each_error_of_a_customer_has_its_code(gateway: Gateway, fields: dict[str, Any], field: str, code: str) -> None:
    assert codes_on(gateway.customer.create(fields), "customer", field) == [code]


def test_a_customer_comes_with_a_card_its_address_and_a_default(gateway: Gateway) -> None:
    customer = new_customer(
        gateway,
        first_name="Ada",
        credit_card=card(cvv="123", billing_address={"postal_code": "60622", "country_name": "Mexico"}),
    )
    (vaulted,) = customer.credit_cards
    assert vaulted.default
    assert vaulted.billing_address.country_code_alpha2 == "MX"
    assert [address.id for address in customer.addresses] == [vaulted.billing_address.id]
    transaction = sale(gateway, customer_id=customer.id)
    assert transaction.credit_card_details.token == vaulted.token
    assert transaction.customer_details.first_name == "Ada"
    assert transaction.avs_postal_code_response_code == "M"


def test_equal_card_numbers_have_equal_unique_number_identifiers(gateway: Gateway) -> None:
    first, second, other = (
        new_customer(gateway, credit_card=card(number=number)).credit_cards[0]
        for number in ("4111111111111111", "4111111111111111", "5555555555554444")
    )
    assert first.unique_number_identifier == second.unique_number_identifier
    assert first.unique_number_identifier != other.unique_number_identifier


def test_a_token_can_be_chosen_and_is_unique(gateway: Gateway) -> None:
    customer = new_customer(gateway)
    created = gateway.credit_card.create({**card(), "customer_id": customer.id, "token": "my-token"})
    assert created.credit_card.token == "my-token"
    again = gateway.credit_card.create({**card(), "customer_id": customer.id, "token": "my-token"})
    assert codes_on(again, "credit_card", "token") == ["91719"]
    assert gateway.payment_method.find("my-token").bin == "411111"


def test_a_method_is_created_from_a_nonce_found_updated_and_deleted(gateway: Gateway) -> None:
    customer = new_customer(gateway)
    first, second = (
        gateway.payment_method.create(
            {"customer_id": customer.id, "payment_method_nonce": nonce, "token": f"{nonce}-{customer.id[:4]}"[-36:]}
        ).payment_method
        for nonce in (Nonces.TransactableVisa, Nonces.PayPalBillingAgreement)
    )
    assert (first.default, second.default) == (True, False)
    updated = gateway.payment_method.update(first.token, {"cardholder_name": "Grace", "expiration_date": "01/2031"})
    assert updated.payment_method.cardholder_name == "Grace"
    assert updated.payment_method.expiration_date == "01/2031"
    made_default = gateway.payment_method.update(second.token, {"options": {"make_default": True}})
    assert made_default.payment_method.default
    assert not gateway.payment_method.find(first.token).default
    found = gateway.customer.find(customer.id)
    assert {method.token for method in found.payment_methods} == {first.token, second.token}
    gateway.payment_method.delete(second.token)
    assert gateway.payment_method.find(first.token).default
    with pytest.raises(NotFoundError):
        gateway.payment_method.find(second.token)


@pytest.mark.parametrize(
    ("fields", "field", "code"),
    [
        ({"payment_method_nonce": Nonces.Transactable}, "customer_id", "93104"),
        ({"payment_method_nonce": Nonces.Transactable, "customer_id": "nobody"}, "customer_id", "93105"),
        ({}, "payment_method_nonce", "93103"),
        ({"payment_method_nonce": Nonces.Consumed}, "payment_method_nonce", "93107"),
        ({"payment_method_nonce": "nothing"}, "payment_method_nonce", "93108"),
    ],
)
def test_each_error_of_a_payment_method_has_its_code(
    gateway: Gateway, fields: dict[str, Any], field: str, code: str
) -> None:
    assert code in codes_on(gateway.payment_method.create(fields), "payment_method", field)


def test_a_sale_vaults_the_card_under_the_chosen_ids(gateway: Gateway) -> None:
    transaction = sale(
        gateway,
        customer={"id": "kept-customer", "first_name": "Ada"},
        credit_card=card(token="kept-token"),
        options={"store_in_vault_on_success": True},
    )
    assert transaction.vault_credit_card.token == "kept-token"
    assert transaction.vault_customer.id == "kept-customer"
    paid_again = sale(gateway, payment_method_token="kept-token")
    assert paid_again.customer_details.id == "kept-customer"


def test_a_declined_sale_vaults_nothing_on_success(gateway: Gateway) -> None:
    result = gateway.transaction.sale(
        {
            "amount": "2000.00",
            "credit_card": card(),
            "customer": {"id": "never"},
            "options": {"store_in_vault_on_success": True},
        }
    )
    assert result.transaction.status == "processor_declined"
    with pytest.raises(NotFoundError):
        gateway.customer.find("never")


def test_a_method_pays_for_its_own_customer_only(gateway: Gateway) -> None:
    owner = new_customer(gateway, credit_card=card())
    other = new_customer(gateway)
    request = {"amount": "1.00", "payment_method_token": owner.credit_cards[0].token, "customer_id": other.id}
    assert codes(gateway.transaction.sale(dict(request))) == ["91516"]
    assert codes_on(gateway.transaction.sale(dict(request)), "transaction", "base") == ["91516"]
    unknown = gateway.transaction.sale({**request, "payment_method_token": "nothing"})
    assert codes_on(unknown, "transaction", "payment_method_token") == ["91518"]
    assert codes_on(unknown, "transaction", "base") == ["91516"]
    both = gateway.transaction.sale({**request, "payment_method_token": "nothing", "credit_card": card()})
    assert codes_on(both, "transaction", "payment_method_token") == ["91518"]
    assert codes_on(both, "transaction", "base") == ["91515", "91516"]
    assert codes(gateway.transaction.sale({"amount": "1.00", "customer_id": other.id})) == ["91511"]


@pytest.mark.parametrize(
    ("number", "status"),
    [
        ("4000111111111115", "processor_declined"),
        ("3566002020360505", "failed"),
        ("4000111111111511", "gateway_rejected"),
    ],
)
def test_the_number_decides_a_verification(gateway: Gateway, number: str, status: str) -> None:
    customer = new_customer(gateway)
    request = {**card(number=number), "customer_id": customer.id}
    result = gateway.credit_card.create({**request, "options": {"verify_card": True}})
    assert not result.is_success
    assert result.errors.deep_errors == []
    assert result.credit_card_verification.status == status
    assert gateway.customer.find(customer.id).credit_cards == []
    assert gateway.credit_card.create(request).is_success


def test_a_verified_card_shows_its_verification(gateway: Gateway) -> None:
    customer = new_customer(gateway, credit_card=card(options={"verify_card": True, "verification_amount": "1.02"}))
    assert customer.credit_cards[0].verification.status == "verified"


def test_a_duplicate_card_can_be_refused(gateway: Gateway) -> None:
    customer = new_customer(gateway, credit_card=card(number="2223000048400011"))
    request = {**card(number="2223000048400011"), "customer_id": customer.id}
    anywhere = gateway.credit_card.create({**request, "options": {"fail_on_duplicate_payment_method": True}})
    assert codes(anywhere) == ["81724"]
    here = gateway.credit_card.create({**request, "options": {"fail_on_duplicate_payment_method_for_customer": True}})
    assert codes(here) == ["81763"]


def test_a_client_token_decodes_as_the_real_one_does(gateway: Gateway) -> None:
    token = json.loads(base64.b64decode(gateway.client_token.generate()))
    assert token["version"] == 2
    assert token["merchantId"] == "twin_merchant"
    assert token["configUrl"].endswith("/merchants/twin_merchant/client_api/v1/configuration")
    assert token["authorizationFingerprint"].count(".") == 2


def test_a_client_token_for_an_unknown_customer_is_refused(gateway: Gateway) -> None:
    with pytest.raises(ValueError, match=r"[Cc]ustomer"):
        gateway.client_token.generate({"customer_id": "nobody"})
