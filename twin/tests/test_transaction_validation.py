"""Validation errors and gateway rejections of new transactions and customers."""

from __future__ import annotations

from typing import Any

import pytest
from braintree import BraintreeGateway as Gateway
from braintree.test.nonces import Nonces
from twin_sdk import card, codes, codes_on, fresh_amount, sale, settled_sale

PASSED = {"eci_flag": "05", "cavv": "some_cavv", "xid": "some_xid"}


@pytest.mark.parametrize(
    ("fields", "path", "code"),
    [
        ({"tax_amount": "-1.00"}, ("tax_amount",), "81534"),
        ({"tax_amount": "much"}, ("tax_amount",), "81535"),
        ({"discount_amount": "much"}, ("discount_amount",), "915159"),
        ({"discount_amount": "-1.00"}, ("discount_amount",), "915160"),
        ({"shipping_amount": "1.001"}, ("shipping_amount",), "915162"),
        ({"shipping_amount": "-1.00"}, ("shipping_amount",), "915163"),
        ({"ships_from_postal_code": "1$345"}, ("ships_from_postal_code",), "915167"),
        ({"ships_from_postal_code": "12345678901"}, ("ships_from_postal_code",), "915165"),
        ({"product_sku": "product$ku!"}, ("product_sku",), "915202"),
        ({"sca_exemption": "invalid"}, ("sca_exemption",), "915213"),
        ({"exchange_rate_quote_id": "x" * 4001}, ("exchange_rate_quote_id",), "915229"),
        ({"processing_merchant_category_code": "12a4"}, ("processing_merchant_category_code",), "915265"),
        ({"shipping": {"shipping_method": "urgent"}}, ("shipping", "shipping_method"), "915203"),
        ({"shipping": {"phone_number": "123-234-3456=098765"}}, ("shipping", "phone_number"), "915204"),
        ({"billing": {"phone_number": "123-234-3456=098765"}}, ("billing", "phone_number"), "915206"),
        ({"risk_data": {"customer_device_id": "x" * 256}}, ("risk_data", "customer_device_id"), "94702"),
        ({"risk_data": {"customer_location_zip": "not_a_zip$"}}, ("risk_data", "customer_location_zip"), "94703"),
        ({"risk_data": {"customer_location_zip": "1234567890"}}, ("risk_data", "customer_location_zip"), "94705"),
        ({"risk_data": {"customer_tenure": "x" * 21}}, ("risk_data", "customer_tenure"), "94706"),
        ({"external_vault": {"status": "bad value"}}, ("external_vault", "status"), "915175"),
        (
            {"external_vault": {"status": "will_vault", "previous_network_transaction_id": "123456789012345"}},
            ("external_vault", "status"),
            "915177",
        ),
        (
            {"external_vault": {"status": "vaulted", "previous_network_transaction_id": "bad value$"}},
            ("external_vault", "previous_network_transaction_id"),
            "915179",
        ),
        ({"three_d_secure_pass_thru": {**PASSED, "eci_flag": ""}}, ("three_d_secure_pass_thru", "eci_flag"), "915113"),
        ({"three_d_secure_pass_thru": {**PASSED, "eci_flag": "9"}}, ("three_d_secure_pass_thru", "eci_flag"), "915114"),
        ({"three_d_secure_pass_thru": {**PASSED, "cavv": ""}}, ("three_d_secure_pass_thru", "cavv"), "915116"),
        ({"three_d_secure_pass_thru": {**PASSED, "xid": ""}}, ("three_d_secure_pass_thru", "xid"), "915115"),
        (
            {"three_d_secure_pass_thru": {**PASSED, "authentication_response": "asdf"}},
            ("three_d_secure_pass_thru", "authentication_response"),
            "915120",
        ),
        (
            {"three_d_secure_pass_thru": {**PASSED, "directory_response": "abc"}},
            ("three_d_secure_pass_thru", "directory_response"),
            "915121",
        ),
        (
            {"three_d_secure_pass_thru": {**PASSED, "cavv_algorithm": "bad"}},
            ("three_d_secure_pass_thru", "cavv_algorithm"),
            "915122",
        ),
        ({"three_d_secure_authentication_id": "foo"}, ("three_d_secure_authentication_id",), "915196"),
        (
            {"three_d_secure_authentication_id": "foo", "three_d_secure_pass_thru": PASSED},
            ("three_d_secure_authentication_id",),
            "915199",
        ),
        ({"options": {"credit_card": {"account_type": "ach"}}}, ("options", "credit_card", "account_type"), "915184"),
        ({"options": {"credit_card": {"account_type": "debit"}}}, ("options", "credit_card", "account_type"), "915185"),
        ({"options": {"paypal": {"custom_field": "x" * 256}}}, ("options", "paypal", "custom_field"), "91580"),
        ({"customer": {"email": "nobody"}}, ("customer", "email"), "81604"),
        ({"customer": {"id": "not valid"}}, ("customer", "id"), "91610"),
        ({"credit_card": card(cvv="12")}, ("credit_card", "cvv"), "81707"),
        ({"credit_card": card(cardholder_name="x" * 176)}, ("credit_card", "cardholder_name"), "81723"),
        ({"credit_card": card(expiration_month="05")}, ("credit_card", "expiration_date"), "91708"),
        ({"credit_card": card(token="all")}, ("credit_card", "token"), "91721"),
        ({"billing_address_id": "zz", "billing": {"region": "IL"}}, ("base",), "91530"),
    ],
)
def test_each_error_of_a_transaction_has_its_code_and_element(
    gateway: Gateway, fields: dict[str, Any], path: tuple[str, ...], code: str
) -> None:
    result = gateway.transaction.sale({"amount": fresh_amount(), "credit_card": card(), **fields})
    assert codes_on(result, "transaction", *path) == [code]
    assert codes(result) == [code]


def test_valid_fields_pass(gateway: Gateway) -> None:
    transaction = sale(
        gateway,
        device_data="{}",
        product_sku="productsku01",
        sca_exemption="low_value",
        transaction_source="merchant",
        shipping_amount="1.00",
        ships_from_postal_code="12345",
        risk_data={"customer_browser": "IE6", "customer_ip": "192.168.0.1", "customer_location_zip": "91244"},
        shipping={"shipping_method": "electronic", "phone_number": "122-555-1237"},
        external_vault={"status": "vaulted", "previous_network_transaction_id": "123456789012345"},
        three_d_secure_pass_thru={**PASSED, "three_d_secure_version": "1.0.2", "authentication_response": "Y"},
    )
    assert (transaction.sca_exemption_requested, transaction.recurring) == ("low_value", False)
    assert transaction.risk_data.decision == "Approve"


def test_external_vault_accepts_cards_only(gateway: Gateway) -> None:
    result = gateway.transaction.sale(
        {
            "amount": fresh_amount(),
            "payment_method_nonce": Nonces.ApplePayVisa,
            "external_vault": {"status": "vaulted", "previous_network_transaction_id": "123456789012345"},
        }
    )
    assert codes_on(result, "transaction", "external_vault") == ["915176"]


def test_a_missing_required_3d_secure_authentication_rejects(gateway: Gateway) -> None:
    required = {"amount": fresh_amount(), "options": {"three_d_secure": {"required": True}}}
    result = gateway.transaction.sale({**required, "credit_card": card()})
    assert (result.transaction.status, result.transaction.gateway_rejection_reason) == (
        "gateway_rejected",
        "three_d_secure",
    )
    authenticated = "fake-three-d-secure-visa-full-authentication-nonce"
    assert gateway.transaction.sale({**required, "payment_method_nonce": authenticated}).is_success
    known = gateway.payment_method_nonce.find(authenticated).three_d_secure_info.three_d_secure_authentication_id
    sale(gateway, payment_method_nonce=authenticated, three_d_secure_authentication_id=known)


def test_avs_and_cvv_checks_can_be_skipped(gateway: Gateway) -> None:
    strict: dict[str, Any] = {
        "merchant_account_id": "twin_usd_avs_cvv",
        "credit_card": card(cvv="200"),
        "billing": {"postal_code": "20000"},
    }
    rejected = gateway.transaction.sale({"amount": fresh_amount(), **strict}).transaction
    assert rejected.gateway_rejection_reason == "avs_and_cvv"
    half = gateway.transaction.sale({"amount": fresh_amount(), **strict, "options": {"skip_avs": True}}).transaction
    assert (half.gateway_rejection_reason, half.avs_postal_code_response_code) == ("cvv", "B")
    passed = sale(gateway, **strict, options={"skip_avs": True, "skip_cvv": True})
    assert passed.cvv_response_code == "B"


def test_fraud_checks_can_be_skipped(gateway: Gateway) -> None:
    fraud = {"amount": fresh_amount(), "credit_card": card(number="4000111111111511")}
    assert gateway.transaction.sale(dict(fraud)).transaction.gateway_rejection_reason == "fraud"
    assert gateway.transaction.sale({**fraud, "options": {"skip_advanced_fraud_checking": True}}).is_success


def test_a_partial_authorization_needs_consent(gateway: Gateway) -> None:
    partly = sale(gateway, amount="1004.00", accept_partial_authorization=True)
    assert (partly.processor_response_code, partly.partially_authorized) == ("1004", True)
    whole = sale(gateway, amount="1004.00", order_id="whole")
    assert whole.processor_response_code == "1000"


@pytest.mark.parametrize("nonce", [Nonces.PayPalOneTimePayment, Nonces.VenmoAccount])
def test_a_credit_to_a_wallet_is_refused(gateway: Gateway, nonce: str) -> None:
    credit = gateway.transaction.credit({"amount": fresh_amount(), "payment_method_nonce": nonce})
    assert codes_on(credit, "transaction", "base") == ["915101"]


def test_a_credit_to_a_card_is_submitted_for_settlement(gateway: Gateway) -> None:
    credit = gateway.transaction.credit({"amount": fresh_amount(), "credit_card": card()}).transaction
    assert (credit.type, credit.status, credit.processor_response_code) == (
        "credit",
        "submitted_for_settlement",
        "1002",
    )


def test_a_refund_stays_within_its_currency(gateway: Gateway) -> None:
    settled = settled_sale(gateway)
    refused = gateway.transaction.refund(settled.id, {"amount": "1.00", "merchant_account_id": "twin_eur"})
    assert codes_on(refused, "transaction", "merchant_account_id") == ["91513"]
    moved = gateway.transaction.refund(
        settled.id, {"amount": "1.00", "merchant_account_id": "twin_usd_no_duplicate_check"}
    )
    assert moved.transaction.merchant_account_id == "twin_usd_no_duplicate_check"


@pytest.mark.parametrize(
    ("fields", "path", "code"),
    [
        ({"id": "not valid"}, ("id",), "91610"),
        ({"id": "all"}, ("id",), "91611"),
        ({"id": "x" * 37}, ("id",), "91612"),
        ({"first_name": "x" * 256}, ("first_name",), "81608"),
        ({"last_name": "x" * 256}, ("last_name",), "81613"),
        ({"company": "x" * 256}, ("company",), "81601"),
        ({"email": "@invalid.com"}, ("email",), "81604"),
        ({"fax": "x" * 256}, ("fax",), "81607"),
        ({"phone": "x" * 256}, ("phone",), "81614"),
        ({"website": "x" * 256}, ("website",), "81615"),
        ({"website": "not a website"}, ("website",), "81616"),
        ({"custom_fields": {"UPPER": "x"}}, ("custom_fields",), "91602"),
        ({"custom_fields": {"store_me": "x" * 256}}, ("custom_fields",), "81603"),
        (
            {"international_phone": {"country_code": "abc", "national_number": "3121234567"}},
            ("international_phone", "country_code"),
            "91625",
        ),
        (
            {"international_phone": {"country_code": "1", "national_number": "abc"}},
            ("international_phone", "national_number"),
            "91626",
        ),
        ({"payment_method_nonce": Nonces.Consumed}, ("payment_method_nonce",), "93107"),
    ],
)
def test_each_error_of_a_customer_has_its_code(
    gateway: Gateway, fields: dict[str, Any], path: tuple[str, ...], code: str
) -> None:
    result = gateway.customer.create(fields)
    assert codes_on(result, "customer", *path) == [code]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"number": None}, "81714"),
        ({"number": "4111111111111112"}, "81715"),
        ({"number": "41111"}, "81716"),
        ({"number": "4222222222222"}, "81717"),
        ({"expiration_date": None}, "81709"),
        ({"expiration_date": "13/2030"}, "81710"),
        ({"expiration_date": "05/9999"}, "81711"),
        ({"expiration_date": None, "expiration_month": "13", "expiration_year": "2030"}, "81712"),
        ({"expiration_date": None, "expiration_month": "12", "expiration_year": "203"}, "81713"),
        ({"cvv": "12"}, "81707"),
        ({"cvv": "abcd"}, "81707"),
        ({"token": "not valid"}, "91718"),
        ({"token": "x" * 37}, "91720"),
        ({"token": "new"}, "91721"),
        ({"billing_address_id": "zz"}, "91702"),
        ({"billing_address_id": "zz", "billing_address": {"region": "IL"}}, "91701"),
        ({"customer_id": None}, "91704"),
        ({"customer_id": "nobody"}, "91705"),
        ({"options": {"verify_card": True, "verification_amount": "-1.00"}}, "91739"),
        ({"options": {"verify_card": True, "verification_amount": "much"}}, "91740"),
        ({"options": {"verification_merchant_account_id": "nobody"}}, "91728"),
        ({"options": {"verification_merchant_account_id": "twin_usd_suspended"}}, "91742"),
    ],
)
def test_each_error_of_a_card_has_its_code(gateway: Gateway, fields: dict[str, Any], code: str) -> None:
    customer = gateway.customer.create({}).customer
    assert codes(gateway.credit_card.create({"customer_id": customer.id, **card(), **fields})) == [code]
