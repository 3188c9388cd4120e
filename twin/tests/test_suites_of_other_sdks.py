"""Answers of the sandbox that the official suites of Ruby and Node expect, beside those of Python's."""

from __future__ import annotations

from base64 import b64decode
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from braintree import SubscriptionSearch, TransactionSearch
from braintree.exceptions.authorization_error import AuthorizationError
from braintree.exceptions.request_timeout_error import RequestTimeoutError
from braintree.unknown_payment_method import UnknownPaymentMethod
from browser_calls import Browser
from sdk_suites import of_merchant
from twin_sdk import VISA, card, codes, codes_on, sale, sale_request, settled_sale

from braintree_twin.testing import Twin

Gateway = Any
ONE_TIME = "fake-paypal-one-time-nonce"
PASS_THRU = {"eci_flag": "05", "cavv": "some_cavv", "xid": "some_xid"}


@pytest.mark.parametrize(
    ("number", "code"),
    [("invalid", "81716"), ("invalidnumber", "81715"), ("invalid card number", "81715"), ("4" * 20, "81716")],
)
def test_the_length_of_a_card_number_counts_letters_too(gateway: Gateway, number: str, code: str) -> None:
    refused = gateway.customer.create({"credit_card": {"number": number, "expiration_date": "05/2030"}})
    assert codes_on(refused, "customer", "credit_card", "number") == [code]


@pytest.mark.parametrize("name", ["US", "United States", "United States of America"])
def test_a_country_goes_by_its_code_and_its_common_name(gateway: Gateway, name: str) -> None:
    assert sale(gateway, billing={"country_name": name}).billing_details.country_code_alpha3 == "USA"


def test_a_paypal_account_gets_the_token_of_its_tokenization_when_a_sale_vaults_it(
    gateway: Gateway, twin: Twin
) -> None:
    token = f"paypal_{datetime.now(UTC):%H%M%S%f}"
    account = {"paypalAccount": {"consentCode": "CONSENT", "token": token}}
    _, content = Browser(twin, gateway).client_api("POST", "payment_methods/paypal_accounts", account)
    nonce = content["paypalAccounts"][0]["nonce"]
    sold = sale(gateway, payment_method_nonce=nonce, options={"store_in_vault": True})
    assert sold.paypal_details.token == token
    assert gateway.paypal_account.find(token).token == token


def test_payments_by_paypal_name_their_recipient(gateway: Gateway) -> None:
    assert sale(gateway, payment_method_nonce=ONE_TIME).paypal_details.recipient_email == "test@paypal.com"
    phone = {"country_code": "1", "national_number": "4082222222"}
    options = {"paypal": {"recipient_email": "ann@example.com", "recipient_phone": phone}}
    told = sale(gateway, payment_method_nonce=ONE_TIME, options=options).paypal_details
    assert (told.recipient_email, told.recipient_phone) == ("ann@example.com", phone)


def test_errors_of_pass_through_stand_on_the_verification(gateway: Gateway) -> None:
    customer = gateway.customer.create().customer
    asked = card(three_d_secure_pass_thru=PASS_THRU, options={"verify_card": True})
    for refused in (
        gateway.customer.update(customer.id, {"credit_card": asked}),
        gateway.credit_card.create({**asked, "customer_id": customer.id}),
    ):
        assert codes_on(refused, "verification", "three_d_secure_version") == ["942117"]
        assert codes(refused) == ["942117"]


def test_the_last_installment_has_the_remainder(sandbox: Gateway) -> None:
    asked = {"merchant_account_id": "card_processor_brl", "amount": "100.01", "installments": {"count": 12}}
    sold = sale(sandbox, **asked, options={"submit_for_settlement": True})
    assert [each["amount"] for each in sold.installments] == ["8.33"] * 11 + ["8.38"]
    refunded = sandbox.transaction.refund(sold.id, Decimal("49.99")).transaction.refunded_installments
    assert [each["adjustments"][0]["amount"] for each in refunded] == ["-4.16"] * 11 + ["-4.23"]


def test_a_declined_network_token_is_tried_again_as_often_as_the_account_says(sandbox: Gateway) -> None:
    asked = {"amount": "2000.00", "payment_method_token": "network_tokenized_credit_card"}
    declined = sandbox.transaction.sale({**asked, "merchant_account_id": "ma_transaction_multiple_retries"}).transaction
    assert len(declined.retry_ids) == 2
    retries = [sandbox.transaction.find(each) for each in declined.retry_ids]
    assert [(each.retried_transaction_id, each.retry_ids) for each in retries] == [(declined.id, [])] * 2


def test_a_network_token_that_paid_before_needs_no_cryptogram(gateway: Gateway) -> None:
    attributes = {"ecommerce_indicator": "05", "token_requestor_id": "45310020105"}
    asked = sale_request(credit_card=card(network_tokenization_attributes=attributes))
    assert codes(gateway.transaction.sale(asked)) == ["81762"]
    earlier = {"status": "vaulted", "previous_network_transaction_id": "123456789012345"}
    repeated = {**sale_request(credit_card=card(network_tokenization_attributes=attributes)), "external_vault": earlier}
    assert gateway.transaction.sale(repeated).transaction.processed_with_network_token


def test_a_partly_authorized_sale_says_so(gateway: Gateway) -> None:
    asked = sale_request(amount="1004.00", order_id="in part", accept_partial_authorization=True)
    assert gateway.transaction.sale(asked).transaction.partially_authorized


def test_an_external_vault_without_a_card_is_refused(gateway: Gateway) -> None:
    asked = {"amount": "10.00", "external_vault": {"status": "will_vault"}}
    assert codes_on(gateway.transaction.sale(asked), "transaction", "external_vault") == ["915176"]


def test_a_customer_is_created_with_the_billing_agreement_of_a_paypal_account(gateway: Gateway) -> None:
    def create(**account: str) -> Any:
        # The Python SDK lets no such field through; Ruby's does.
        path = f"{gateway.config.base_merchant_path()}/customers"
        return gateway.config.http().post(path, {"customer": {"paypal_account": account}})

    made = create(billing_agreement_id="B-1", email="ann@b.example")["customer"]
    (account,) = gateway.customer.find(made["id"]).paypal_accounts
    assert (account.billing_agreement_id, account.email) == ("B-1", "ann@b.example")
    assert create(email="nobody")["api_error_response"]["message"].count("\n") == 1


def test_a_customers_client_token_vaults_paypal_by_consent(gateway: Gateway, twin: Twin) -> None:
    customer = gateway.customer.create().customer
    browser = Browser(twin, gateway, customer_id=customer.id)
    asked = {"paypalAccount": {"consentCode": "CONSENT"}}
    _, content = browser.client_api("POST", "payment_methods/paypal_accounts", asked)
    nonce = content["paypalAccounts"][0]["nonce"]
    plan = {"payment_method_nonce": nonce, "plan_id": "integration_trialless_plan"}
    paid = gateway.subscription.create(plan).subscription.transactions[0]
    assert paid.customer_details.id == customer.id


def test_a_client_tokens_fingerprint_has_its_domains(gateway: Gateway, twin: Twin) -> None:
    browser = Browser(twin, gateway, domains=["shop.example"])
    assert b"shop.example" in b64decode(browser.fingerprint.split(".")[1])
    asked = {"domains": ["example"]}
    with pytest.raises(ValueError, match="must be valid domain names"):
        gateway.client_token.generate(asked)


def test_a_search_below_zero_fails(gateway: Gateway) -> None:
    with pytest.raises(RequestTimeoutError):
        gateway.transaction.search(TransactionSearch.amount == "-10.00")


def test_the_records_of_the_other_suites_are_found(sandbox: Gateway) -> None:
    waiting = sandbox.transaction.find("first_attempted_ach_transaction")
    assert waiting.upcoming_retry_date == f"{(datetime.now(UTC) + timedelta(days=1)).date()}"
    for identifier, kind in (
        ("aft_txn", "credit_card"),
        ("apple_pay_transaction", "apple_pay_card"),
        ("android_pay_card_transaction", "android_pay_card"),
        ("android_pay_network_token_transaction", "android_pay_card"),
    ):
        assert sandbox.transaction.find(identifier).payment_instrument_type == kind
    assert sandbox.transaction.find("threedsecuredtransaction").three_d_secure_info.pares_status == "Y"
    assert sandbox.transaction.find("settledtransaction").paypal_details.tax_id_type == "BR_CPF"


def test_expired_subscriptions_are_found(sandbox: Gateway) -> None:
    found = sandbox.subscription.search(SubscriptionSearch.status == "Expired")
    assert [each.id for each in found.items] == ["expired_subscription"]


def test_a_subscription_is_charged_by_its_own_account_only(gateway: Gateway) -> None:
    token = gateway.customer.create({"credit_card": card()}).customer.credit_cards[0].token
    made = gateway.subscription.create({"payment_method_token": token, "plan_id": "integration_trialless_plan"})
    asked = {"amount": "5.00", "subscription_id": made.subscription.id, "merchant_account_id": "twin_usd_second"}
    # The Python SDK lets no such field through; Node's does.
    refused = gateway.config.http().post(
        f"{gateway.config.base_merchant_path()}/transactions", {"transaction": {**asked, "type": "sale"}}
    )
    assert refused["api_error_response"]["errors"]["transaction"]["errors"][0]["code"] == "915180"


@pytest.mark.parametrize(
    ("identifier", "used", "requested"),
    [
        ("sameday_ach_sameday_requested", "same_day", "same_day"),
        ("standard_ach_sameday_requested", "standard", "same_day"),
        ("standard_ach_standard_requested", "standard", "standard"),
    ],
)
def test_a_bank_may_be_slower_than_requested(sandbox: Gateway, identifier: str, used: str, requested: str) -> None:
    paid = sandbox.transaction.find(identifier)
    assert (paid.ach_type, paid.requested_ach_type) == (used, requested)
    search = [TransactionSearch.id == identifier, TransactionSearch.ach_type == used]
    assert [each.id for each in sandbox.transaction.search(search).items] == [identifier]


def test_a_processor_without_adjustments_says_so_first(sandbox: Gateway) -> None:
    sold = sale(sandbox, amount="75.50")
    assert codes(sandbox.transaction.adjust_authorization(sold.id, "75.50")) == ["915222"]


def test_the_sdks_see_how_their_requests_arrive(gateway: Gateway) -> None:
    path = gateway.config.base_merchant_path()
    shown = gateway.config.http().get(f"{path}/test/headers")["headers"]
    assert shown["HTTP_USER_AGENT"].startswith("Braintree Python")
    assert "HTTP_AUTHORIZATION" not in shown
    with pytest.raises(AuthorizationError):
        gateway.config.http().get(f"{path}/home")


def test_apple_pay_is_provisioned_where_an_account_takes_it(suites: Twin, sandbox: Gateway) -> None:
    def provision(gateway: Gateway) -> Any:
        return gateway.config.http().put(f"{gateway.config.base_merchant_path()}/provision_raw_apple_pay")

    networks = ["visa", "mastercard", "amex", "discover", "maestro", "elo"]
    assert provision(sandbox)["apple_pay"]["supported_networks"] == networks
    refused = provision(of_merchant(suites, "forward_payment_method"))["api_error_response"]
    assert refused["errors"]["apple_pay"]["errors"][0]["code"] == "83501"


def test_paypal_shows_the_name_of_the_merchant(suites: Twin) -> None:
    shop = Browser(suites, of_merchant(suites, "altpay_merchant", merchant_id="altpay_merchant"))
    assert shop.config["paypal"]["displayName"] == "merchant who has paypal and sepa enabled"


def test_a_refund_below_the_sale_keeps_the_sandbox_rules(gateway: Gateway) -> None:
    sold = settled_sale(gateway, credit_card=card(number=VISA))
    assert codes_on(gateway.transaction.refund(sold.id, "0.00"), "transaction", "amount") == ["81531"]


FLIGHT: dict[str, Any] = {"restricted_ticket": False, "legs": [{"fare_amount": "-0.50"}]}


@pytest.mark.parametrize("submit", ["submit_for_settlement", "submit_for_partial_settlement"])
def test_the_industry_data_of_a_submission_are_validated(gateway: Gateway, submit: str) -> None:
    def asked(**data: object) -> dict[str, Any]:
        return {"industry": {"industry_type": "travel_flight", "data": {**FLIGHT, **data}}}

    held = sale(gateway)
    refused = getattr(gateway.transaction, submit)(held.id, "3.00", asked(fee_amount="-1.00"))
    assert sorted(codes(refused)) == ["93420", "96309"]
    assert getattr(gateway.transaction, submit)(held.id, "3.00", asked(legs=[{"fare_amount": "0.50"}])).is_success


def test_a_google_pay_card_without_a_cryptogram_is_no_networks_token(gateway: Gateway) -> None:
    written = {"number": VISA, "expiration_month": "11", "expiration_year": "31", "google_transaction_id": "google-7"}
    shown = [
        gateway.transaction.sale({"amount": "7.00", "android_pay_card": {**written, **more}}).transaction
        for more in ({}, {"cryptogram": "AAAA"})
    ]
    assert [each.android_pay_card_details.is_network_tokenized for each in shown] == [False, True]


def test_a_payment_by_a_merchants_token_names_the_card_behind_it(gateway: Gateway) -> None:
    paid = sale(gateway, payment_method_nonce="fake-apple-pay-mpan-nonce").apple_pay_details
    assert (paid.payment_instrument_name, paid.source_description) == ("Visa 2006", "Visa 2006")


def test_a_local_payment_is_captured_when_its_buyer_approves_it(gateway: Gateway) -> None:
    paid = sale(gateway, payment_method_nonce="fake-local-payment-method-nonce").local_payment_details
    assert paid.capture_id
    assert (paid.transaction_fee_amount, paid.transaction_fee_currency_iso_code) == ("0.01", "USD")


def test_an_account_may_need_the_security_code_of_new_cards(sandbox: Gateway) -> None:
    elsewhere = {"merchant_account_id": "adyen_ma"}
    refused = sandbox.transaction.sale(sale_request(**elsewhere))
    assert codes_on(refused, "transaction", "credit_card", "cvv") == ["81706"]
    token = sandbox.customer.create({"credit_card": card()}).customer.credit_cards[0].token
    assert sale(sandbox, **elsewhere, payment_method_token=token).status == "authorized"
    assert sale(sandbox, **elsewhere, credit_card=card(cvv="987")).status == "authorized"


def test_a_card_that_a_page_vaults_gets_its_token(gateway: Gateway, twin: Twin) -> None:
    customer = gateway.customer.create().customer
    browser = Browser(twin, gateway, customer_id=customer.id)
    asked = {"creditCard": {"number": VISA, "expirationDate": "07/2031", "token": f"page{customer.id}"}}
    assert browser.client_api("POST", "payment_methods/credit_cards", asked)[0] == 201
    assert gateway.credit_card.find(f"page{customer.id}").customer_id == customer.id


def test_a_method_of_an_unknown_kind_is_vaulted_and_pays(gateway: Gateway) -> None:
    nonce = "fake-abstract-transactable-nonce"
    asked = {"customer_id": gateway.customer.create().customer.id, "payment_method_nonce": nonce}
    method = gateway.payment_method.create(asked).payment_method
    assert isinstance(method, UnknownPaymentMethod)
    assert gateway.payment_method.find(method.token).image_url
    assert sale(gateway, payment_method_token=method.token).status == "authorized"


def test_a_search_that_breaks_off_has_neither_results_nor_errors(gateway: Gateway) -> None:
    path = f"{gateway.config.base_merchant_path()}/transactions/advanced_search_ids"
    answer = gateway.config.http().post(path, {"search": {"amount": {"min": "-0.01"}}})
    assert list(answer) == ["search"]


def test_google_pay_without_a_brand_is_a_proxy(gateway: Gateway) -> None:
    asked = {"customer_id": gateway.customer.create().customer.id, "payment_method_nonce": "fake-android-pay-nonce"}
    proxy = gateway.payment_method.create(asked).payment_method
    assert (proxy.virtual_card_type, proxy.source_card_last_4, proxy.is_network_tokenized) == (
        "Discover",
        "1111",
        False,
    )


def test_the_logo_of_sepa_is_a_drawing(gateway: Gateway) -> None:
    asked = {
        "customer_id": gateway.customer.create().customer.id,
        "payment_method_nonce": "fake-sepa-direct-debit-nonce",
    }
    assert ".svg?" in gateway.payment_method.create(asked).payment_method.image_url


def test_a_batch_leaves_sepa_to_the_bank(suites: Twin, sandbox: Gateway) -> None:
    asked = {"payment_method_nonce": "fake-sepa-direct-debit-nonce", "options": {"submit_for_settlement": True}}
    paid = sale(sandbox, **asked)
    assert paid.status == "settling"
    suites.control.settle()
    assert sandbox.transaction.find(paid.id).status == "settling"


def test_a_paypal_account_is_vaulted_and_changed_by_its_billing_agreement(gateway: Gateway) -> None:
    http, base = gateway.config.http(), gateway.config.base_merchant_path()

    def create(**account: str) -> Any:
        # The Python SDK has no such call; Ruby's has.
        return http.post(f"{base}/payment_methods", {"paypal_account": account})

    def refused(**account: str) -> list[str]:
        errors = create(**account)["api_error_response"]["errors"]["paypal_account"]["errors"]
        return [error["code"] for error in errors]

    owner = gateway.customer.create().customer.id
    assert refused(billing_agreement_id="B-2") == ["82905"]
    assert refused(customer_id="nobody", billing_agreement_id="B-2") == ["93105"]
    assert refused(customer_id=owner) == ["82901", "82902"]
    made = create(customer_id=owner, billing_agreement_id="B-2", email="cy@d.example")["paypal_account"]
    assert gateway.paypal_account.find(made["token"]).billing_agreement_id == "B-2"
    path = f"{base}/payment_methods/paypal_account/{made['token']}"
    http.put(path, {"paypal_account": {"billing_agreement_id": "B-3"}})
    changed = gateway.paypal_account.find(made["token"])
    assert (changed.billing_agreement_id, changed.email) == ("B-3", "cy@d.example")
