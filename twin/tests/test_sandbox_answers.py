"""The sandbox's own answers, as the official SDKs' test suites expect them: one test for each kind."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any

import pytest
from braintree import CustomerSearch, TransactionSearch
from braintree.exceptions.request_timeout_error import RequestTimeoutError
from braintree.test.authentication_ids import AuthenticationIds
from browser_calls import Browser
from twin_sdk import VISA, card, codes, codes_on, fresh_amount, sale, sale_request, settled_sale

from braintree_twin.testing import Twin

MASTERCARD = "5555555555554444"
TEST_IDS = [value for name, value in vars(AuthenticationIds).items() if name.startswith("ThreeDSecure")]
Gateway = Any


# Fraud checking.


@pytest.mark.parametrize("skips", [True, False])
def test_skipped_fraud_checking_leaves_no_risk_data(gateway: Gateway, skips: bool) -> None:
    options = {"skip_advanced_fraud_checking": skips}
    assert (sale(gateway, options=options).risk_data is None) == skips
    customer = gateway.customer.create({"credit_card": card(options={"verify_card": True, **options})}).customer
    assert (customer.credit_cards[0].verifications[0].get("risk_data") is None) == skips


def test_the_card_of_the_risk_threshold_is_rejected(gateway: Gateway) -> None:
    refused = gateway.transaction.sale(sale_request(credit_card=card(number="4111130000000003")))
    assert refused.transaction.gateway_rejection_reason == "risk_threshold"
    assert refused.transaction.risk_data.decision == "Decline"


@pytest.mark.parametrize(
    ("number", "decision", "score"),
    [(VISA, "Approve", "12"), ("4111140000000002", "Review", "57"), ("4111130000000003", "Decline", "92")],
)
def test_fraud_checking_gives_a_score_where_there_is_device_data(
    gateway: Gateway, number: str, decision: str, score: str
) -> None:
    asked = sale_request(credit_card=card(number=number), device_data='{"correlation_id":"8d4b"}')
    checked = gateway.transaction.sale(dict(asked)).transaction
    assert (checked.risk_data.decision, checked.risk_data.transaction_risk_score) == (decision, score)
    assert gateway.transaction.find(checked.id).risk_data.transaction_risk_score == score
    del asked["device_data"]
    unscored = gateway.transaction.sale({**asked, "amount": fresh_amount()}).transaction
    assert (unscored.risk_data.decision, unscored.risk_data.transaction_risk_score) == (decision, None)


def test_the_card_for_review_is_authorized_and_verified(gateway: Gateway) -> None:
    review = card(number="4111140000000002")
    assert sale(gateway, credit_card=review).status == "authorized"
    customer = gateway.customer.create({"credit_card": {**review, "options": {"verify_card": True}}}).customer
    (verification,) = customer.credit_cards[0].verifications
    assert (verification["status"], verification["risk_data"]["decision"]) == ("verified", "Review")


def test_masterpass_and_visa_checkout_bring_cardholder_and_address(gateway: Gateway) -> None:
    customer_id = gateway.customer.create().customer.id
    for nonce in ("fake-masterpass-visa-nonce", "fake-visa-checkout-visa-nonce"):
        asked = {"customer_id": customer_id, "payment_method_nonce": nonce}
        method = gateway.payment_method.create(asked).payment_method
        assert method.cardholder_name
        assert method.billing_address
        assert method.call_id == "abc123"


def test_images_name_the_environment_of_the_seed(sandbox: Gateway) -> None:
    asked = {"amount": "10.00", "payment_method_nonce": "fake-meta-checkout-card-nonce"}
    paid = sandbox.transaction.sale(asked).transaction
    assert paid.meta_checkout_card_details.image_url.endswith("/visa.png?environment=development")


def test_network_tokens_and_proxies_of_wallets_are_told_apart(gateway: Gateway) -> None:
    def bought(nonce: str, details: str) -> Any:
        return getattr(sale(gateway, payment_method_nonce=nonce), details)

    assert bought("fake-android-pay-mastercard-nonce", "android_pay_card_details").is_network_tokenized is True
    assert bought("fake-android-pay-discover-nonce", "android_pay_card_details").is_network_tokenized is False
    token = bought("fake-meta-checkout-token-nonce", "meta_checkout_token_details")
    assert (token.is_network_tokenized, token.ecommerce_indicator) == (True, "07")
    assert token.image_url.endswith("/visa.png?environment=sandbox")
    mpan = bought("fake-apple-pay-mpan-nonce", "apple_pay_details")
    assert (mpan.merchant_token_identifier, mpan.source_card_last4) == ("DNITHE302308980427388297", "2006")


# Network tokens and readers of cards.


def test_a_network_token_needs_its_cryptogram(gateway: Gateway) -> None:
    attributes = {"ecommerce_indicator": "05", "token_requestor_id": "45310020105"}
    asked = card(network_tokenization_attributes=attributes)
    refused = gateway.transaction.sale(sale_request(credit_card=asked))
    assert codes_on(refused, "transaction", "credit_card", "network_tokenization_attributes") == ["81762"]
    asked = card(network_tokenization_attributes={**attributes, "cryptogram": "/wAAAAAAAcb8AlGUF/1JQEkAAAA="})
    paid = sale(gateway, credit_card=asked)
    assert paid.processed_with_network_token is True
    assert paid.network_token["is_network_tokenized"] is True
    assert sale(gateway).processed_with_network_token is False


def test_a_declined_network_token_is_tried_again_by_the_number(sandbox: Gateway) -> None:
    assert sandbox.credit_card.find("network_tokenized_credit_card").is_network_tokenized is True
    asked = {"amount": "2000.00", "payment_method_token": "network_tokenized_credit_card"}
    declined = sandbox.transaction.sale(asked).transaction
    assert (declined.processed_with_network_token, declined.retried) == (True, True)
    (retry_id,) = declined.retry_ids
    retry = sandbox.transaction.find(retry_id)
    assert (retry.retried_transaction_id, retry.processed_with_network_token) == (declined.id, False)


def test_a_card_that_is_keyed_into_a_reader_pays(gateway: Gateway) -> None:
    encrypted = {"encrypted_card_data": "8F34DFB312DC79C24FD5320622F3E117", "key_serial_number": "FFFFFF02000572A0"}
    asked = sale_request(credit_card={"payment_reader_card_details": encrypted})
    assert gateway.transaction.sale(asked).is_success
    asked = sale_request(credit_card={"payment_reader_card_details": dict.fromkeys(encrypted, "invalid")})
    assert codes_on(gateway.transaction.sale(asked), "transaction", "merchant_account_id") == ["91577"]


def test_a_debit_card_goes_through_its_network_unless_it_is_charged_as_credit(gateway: Gateway) -> None:
    asked = {"payment_method_nonce": "fake-pinless-debit-visa-nonce"}
    paid = sale(gateway, **asked, options={"submit_for_settlement": True})
    assert paid.debit_network == "STAR"
    found = gateway.transaction.search(TransactionSearch.id == paid.id, TransactionSearch.debit_network == "STAR")
    assert found.maximum_size == 1
    as_credit = {"credit_card": {"process_debit_as_credit": True}, "submit_for_settlement": True}
    assert sale(gateway, **asked, options=as_credit).debit_network is None


# Transactions.


def test_only_a_true_foreign_retailer_is_shown(gateway: Gateway) -> None:
    assert sale(gateway, foreign_retailer=True).foreign_retailer is True
    assert not hasattr(sale(gateway, foreign_retailer=False), "foreign_retailer")
    assert not hasattr(sale(gateway), "foreign_retailer")


def test_an_authorization_of_a_recurring_payment_is_final(gateway: Gateway) -> None:
    transaction = sale(gateway, transaction_source="recurring")
    refused = gateway.transaction.adjust_authorization(transaction.id, "99.00")
    assert codes_on(refused, "transaction", "base") == ["915219"]
    assert refused.transaction.amount == transaction.amount


def test_a_mastercard_that_is_declined_has_advice(gateway: Gateway) -> None:
    declined = gateway.transaction.sale({"amount": "2000.00", "credit_card": card(number=MASTERCARD)}).transaction
    assert declined.merchant_advice_code_text == "New account information available"


def test_line_items_show_amounts_of_money_with_their_decimals(gateway: Gateway) -> None:
    item = {"name": "Tea", "kind": "debit", "quantity": "1.0232", "unit_amount": "45.1232", "total_amount": "45.1"}
    nothing = dict.fromkeys(("discount_amount", "tax_amount", "unit_tax_amount"), "0")
    (shown,) = sale(gateway, line_items=[{**item, **nothing}]).line_items
    assert (shown.unit_amount, shown.total_amount, shown.tax_amount) == ("45.1232", "45.10", "0.00")


def test_a_part_of_a_paypal_payment_settles_at_once(gateway: Gateway) -> None:
    authorized = sale(gateway, payment_method_nonce="fake-paypal-one-time-nonce", amount="50.00")
    part = gateway.transaction.submit_for_partial_settlement(authorized.id, "20.00").transaction
    assert part.status == "settling"


def test_a_refund_of_installments_says_the_part_of_each(sandbox: Gateway) -> None:
    asked = {"amount": "1000.00", "merchant_account_id": "card_processor_brl", "installments": {"count": 4}}
    paid = settled_sale(sandbox, **asked, credit_card=card())
    assert [part["amount"] for part in paid.installments] == ["250.00"] * 4
    refund = sandbox.transaction.refund(paid.id, "20.00").transaction
    (adjustment,) = {tuple(part["adjustments"][0].items())[:2] for part in refund.refunded_installments}
    assert dict(adjustment) == {"amount": "-5.00", "kind": "REFUND"}
    assert refund.refunded_installments[3]["id"] == f"{paid.id}_INST_4"


def test_an_account_asks_for_its_tax_and_its_smallest_amount(sandbox: Gateway) -> None:
    taxed = sale_request(merchant_account_id="aib_swe_ma")
    assert codes_on(sandbox.transaction.sale(taxed), "transaction", "tax_amount") == ["815224"]
    assert sandbox.transaction.sale({**taxed, "tax_amount": "1.00"}).is_success
    small = sale_request(amount="0.20", merchant_account_id="hiper_brl")
    assert codes(sandbox.transaction.sale(small)) == ["815193"]


def test_a_search_that_takes_too_long_is_told(gateway: Gateway) -> None:
    with pytest.raises(RequestTimeoutError):
        gateway.transaction.search(TransactionSearch.amount.between("-1100", "1600"))


def test_the_seeded_records_of_the_suites_are_found(sandbox: Gateway) -> None:
    secured = sandbox.transaction.find("threedsecuredtransaction").three_d_secure_info
    assert (secured.liability_shifted, secured.eci_flag, secured.xid) == (True, "07", "xidvalue")
    assert sandbox.transaction.find("package_tracking_tx").packages[1].paypal_tracker_id == "paypal_tracker_id_2"
    assert sandbox.transaction.find("paypal_here_sale_id").paypal_here_details.payment_id
    by_store = sandbox.transaction.search(TransactionSearch.store_id == "store-id")
    assert [each.id for each in by_store.items] == ["contact_visa_transaction"]
    returned = sandbox.transaction.search(TransactionSearch.reason_code == "any_reason_code")
    assert sorted(each.id for each in returned.items) == ["ach_txn_ret1", "ach_txn_ret2"]


# 3-D Secure.


def test_a_nonce_that_is_authenticated_already_pays_with_its_authentication(gateway: Gateway) -> None:
    made = gateway.config.http().post(
        f"{gateway.config.base_merchant_path()}/three_d_secure/create_nonce/twin_usd",
        {"credit_card": {"number": VISA, "expiration_month": "05", "expiration_year": "2029"}},
    )
    nonce = made["payment_method_nonce"]["nonce"]
    identifier = gateway.payment_method_nonce.find(nonce).three_d_secure_info.three_d_secure_authentication_id
    paid = sale(gateway, payment_method_nonce=nonce, three_d_secure_authentication_id=identifier)
    assert paid.three_d_secure_info.liability_shifted is True


@pytest.mark.parametrize("identifier", TEST_IDS)
def test_each_published_authentication_id_ends_as_the_nonce_of_its_name(gateway: Gateway, identifier: str) -> None:
    nonce = f"{identifier.removesuffix('-id')}-nonce"
    known = sale(gateway, payment_method_nonce=nonce).three_d_secure_info
    paid = sale(gateway, three_d_secure_authentication_id=identifier).three_d_secure_info
    assert paid.three_d_secure_authentication_id == known.three_d_secure_authentication_id == identifier
    for name in ("status", "enrolled", "liability_shifted", "liability_shift_possible", "eci_flag", "cavv"):
        assert getattr(paid, name) == getattr(known, name), name


def test_a_published_authentication_id_is_checked_like_others(gateway: Gateway) -> None:
    field, identifier = "three_d_secure_authentication_id", "fake-three-d-secure-visa-full-authentication-id"
    asked = {field: identifier, "credit_card": card(number=MASTERCARD)}
    assert codes_on(gateway.transaction.sale(sale_request(**asked)), "transaction", field) == ["915197"]
    asked = {field: identifier, "payment_method_nonce": "fake-three-d-secure-visa-failed-signature-nonce"}
    assert codes_on(gateway.transaction.sale(sale_request(**asked)), "transaction", field) == ["915198"]
    options = {"three_d_secure": {"required": True}}
    assert sale(gateway, **{field: identifier}, options=options).status == "authorized"
    failed = sale_request(**{field: "fake-three-d-secure-visa-failed-authentication-id"}, options=options)
    assert gateway.transaction.sale(failed).transaction.gateway_rejection_reason == "three_d_secure"


def test_the_older_token_of_an_authentication_pays_for_its_own_card(gateway: Gateway) -> None:
    # The expiry is the sale's own: the token belongs to the number.
    details = {"number": VISA, "expiration_month": "05", "expiration_year": "2030"}
    token = gateway.testing.create_3ds_verification("twin_usd", details)
    other = gateway.transaction.sale(sale_request(credit_card=card(number=MASTERCARD), three_d_secure_token=token))
    assert codes_on(other, "transaction", "three_d_secure_token") == ["91570"]
    assert sale(gateway, three_d_secure_token=token).three_d_secure_info.status == "authenticate_successful"
    for field, code in (("three_d_secure_token", "91568"), ("three_d_secure_authentication_id", "915196")):
        assert codes_on(gateway.transaction.sale(sale_request(**{field: None})), "transaction", field) == [code]


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("eci_flag", "EciFlag is required."),
        ("three_d_secure_version", "ThreeDSecureVersion is required."),
        ("cavv", "Cavv is required."),
    ],
)
def test_pass_through_of_a_vaulted_card_has_the_errors_of_verifications(
    gateway: Gateway, missing: str, message: str
) -> None:
    whole = {"eci_flag": "05", "cavv": "some-cavv", "xid": "some-xid", "three_d_secure_version": "1.0.2"}
    passed = {name: text for name, text in whole.items() if name != missing}
    customer_id = gateway.customer.create().customer.id
    asked = {"customer_id": customer_id, **card(), "three_d_secure_pass_thru": passed}
    refused = gateway.credit_card.create({**asked, "options": {"verify_card": True}})
    assert refused.message == message


@pytest.mark.parametrize(
    ("token", "account", "amount", "expected"),
    [
        ("india_visa_credit", "india", None, ("rbi", "unavailable")),
        ("india_visa_credit", "india", 2000, ("rbi", "sca_optional")),
        ("india_visa_credit", "india", 2001, ("rbi", "sca_required")),
        ("india_visa_credit", "european", None, ("unregulated", "unavailable")),
        ("european_visa_credit", "european", None, ("psd2", "sca_required")),
        ("network_tokenized_credit_card", "india", None, ("unavailable", "unavailable")),
    ],
)
def test_the_regulation_depends_on_the_merchant_and_the_card(
    sandbox: Gateway, token: str, account: str, amount: int | None, expected: tuple[str, str]
) -> None:
    asked = {
        "merchant_account_id": f"{account}_three_d_secure_merchant_account",
        "authentication_insight": True,
        "authentication_insight_options": {"amount": amount},
    }
    made = sandbox.payment_method_nonce.create(token, {"payment_method_nonce": asked}).payment_method_nonce
    insight = made.authentication_insight
    assert (insight["regulation_environment"], insight["sca_indicator"]) == expected


def test_a_series_of_payments_is_optional_up_to_what_was_agreed(sandbox: Gateway) -> None:
    asked = {"amount": 2000, "recurring_customer_consent": True, "recurring_max_amount": 1000}
    document = {
        "merchant_account_id": "india_three_d_secure_merchant_account",
        "authentication_insight": True,
        "authentication_insight_options": asked,
    }
    made = sandbox.payment_method_nonce.create("india_visa_credit", {"payment_method_nonce": document})
    assert made.payment_method_nonce.authentication_insight["sca_indicator"] == "sca_required"


# Customers and payment methods.


def test_a_filter_leaves_out_what_belongs_to_a_customer(gateway: Gateway) -> None:
    asked = {"custom_fields": {"store_me": "x"}, "credit_card": card(billing_address={"postal_code": "60622"})}
    made = gateway.customer.create(asked).customer
    gateway.subscription.create(
        {"payment_method_token": made.credit_cards[0].token, "plan_id": "integration_trialless_plan"}
    )
    nested = gateway.customer.find(made.id, "customertoplevelassociations")
    assert (len(nested.credit_cards), len(nested.credit_cards[0].subscriptions)) == (1, 0)
    bare = gateway.customer.find(made.id, "customernoassociations")
    assert (bare.credit_cards, bare.payment_methods, bare.addresses, len(bare.custom_fields)) == ([], [], [], 0)
    whole = gateway.customer.find(made.id)
    assert len(whole.credit_cards[0].subscriptions) == 1


def test_a_network_token_of_google_pay_is_vaulted_with_its_customer(gateway: Gateway) -> None:
    token = {
        "number": VISA,
        "expiration_month": "05",
        "expiration_year": "2030",
        "cryptogram": "01010101010101010101",
        "google_transaction_id": "dontbeevil",
        "billing_address": {"postal_code": "83704"},
    }
    made = gateway.customer.create({"android_pay_network_token": token})
    assert made.is_success, made.message
    (stored,) = made.customer.android_pay_cards
    assert (stored.google_transaction_id, stored.billing_address["postal_code"]) == ("dontbeevil", "83704")
    wrong = {**token, "billing_address": {"postal_code": "$$$$", "country_code_alpha2": "UX"}}
    refused = gateway.customer.create({"android_pay_network_token": wrong})
    level = ("android_pay_network_token", "billing_address")
    assert codes_on(refused, *level, "postal_code") == ["81813"]
    assert codes_on(refused, *level, "country_code_alpha2") == ["91814"]


def test_a_paypal_order_can_be_vaulted_and_described(twin: Twin, gateway: Gateway) -> None:
    browser, path = Browser(twin, gateway), "payment_methods/paypal_accounts"
    asked = {"paypal_account": {"intent": "order", "payment-token": "PAY-1", "payer-id": "x"}}
    status, content = browser.client_api("POST", path, asked)
    assert status == 202
    made = gateway.customer.create({"payment_method_nonce": content["paypalAccounts"][0]["nonce"]}).customer
    (account,) = made.paypal_accounts
    assert (account.email, account.funding_source_description, account.revoked_at) == (
        "bt_buyer_us@paypal.com",
        None,
        None,
    )
    asked = {"plan_id": "integration_trialless_plan", "options": {"paypal": {"description": "A great product"}}}
    subscribed = gateway.subscription.create({"payment_method_token": account.token, **asked}).subscription
    assert subscribed.transactions[0].paypal_details.description == "A great product"


def test_a_refresh_token_of_paypal_becomes_an_account(gateway: Gateway) -> None:
    customer_id = gateway.customer.create().customer.id
    made = gateway.payment_method.create({"customer_id": customer_id, "paypal_refresh_token": "refresh"})
    assert made.payment_method.billing_agreement_id == "B_FAKE_ID"


def test_a_paypal_account_without_a_customer_has_an_error_of_its_own(gateway: Gateway) -> None:
    refused = gateway.payment_method.create({"payment_method_nonce": "fake-paypal-billing-agreement-nonce"})
    assert codes_on(refused, "paypal_account", "customer_id") == ["82905"]
    refused = gateway.payment_method.create({"payment_method_nonce": "fake-valid-nonce"})
    assert codes_on(refused, "payment_method", "customer_id") == ["93104"]


def test_duplicates_of_a_card_are_found_by_one_token(gateway: Gateway) -> None:
    asked = {"credit_card": card(number="63049580000009")}
    owners = [gateway.customer.create(asked).customer for _ in range(2)]
    wanted = CustomerSearch.payment_method_token_with_duplicates == owners[0].credit_cards[0].token
    found = {each.id for each in gateway.customer.search(wanted).items}
    assert found >= {owner.id for owner in owners}


def test_an_older_client_token_tokenizes_bank_accounts_by_graphql(twin: Twin, gateway: Gateway) -> None:
    token = json.loads(b64decode(gateway.client_token.generate()))
    query = """mutation ($input: TokenizeUsBankAccountInput!) {
        tokenizeUsBankAccount(input: $input) { paymentMethod { id } }
    }"""
    account = {
        "accountNumber": "1000000000",
        "routingNumber": "021000021",
        "accountType": "CHECKING",
        "individualOwner": {"firstName": "Dan", "lastName": "Schulman"},
        "achMandate": "text",
        "billingAddress": {"streetAddress": "1 Ave", "state": "CA", "city": "Town", "zipCode": "94112"},
    }
    http = gateway.config.http_strategy()
    headers = {
        "Content-Type": "application/json",
        "Braintree-Version": "2016-10-07",
        "Authorization": f"Bearer {token['braintree_api']['access_token']}",
    }
    body = json.dumps({"query": query, "variables": {"input": {"usBankAccount": account}}})
    assert token["braintree_api"]["url"] == twin.url
    _, text = http.http_do("POST", "/graphql", headers, body)
    nonce = json.loads(text)["data"]["tokenizeUsBankAccount"]["paymentMethod"]["id"]
    found = gateway.payment_method_nonce.find(nonce)
    assert found.details["last_4"] == "0000"
