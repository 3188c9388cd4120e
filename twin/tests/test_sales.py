"""Sales and credits: payment sources, answers, errors."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import braintree
import pytest
from braintree.test.nonces import Nonces
from twin_sdk import VISA, card, codes, codes_on, fresh_amount, sale, sale_request

Gateway = braintree.BraintreeGateway


def test_a_card_sale_is_authorized_with_every_field_that_clients_read(gateway: Gateway) -> None:
    transaction = sale(
        gateway,
        amount="123.45",
        order_id="order-1",
        channel="shop",
        credit_card=card(cvv="123", cardholder_name="Ada L"),
        customer={"first_name": "Ada", "email": "ada@example.com"},
        billing={"street_address": "1 Main St", "postal_code": "60622", "country_code_alpha2": "US"},
        shipping={"first_name": "Grace", "locality": "Chicago"},
        descriptor={"name": "abc*product", "phone": "3125551212", "url": "shop.example"},
        custom_fields={"colour": "red"},
        tax_amount="1.00",
    )
    assert transaction.status == "authorized"
    assert transaction.type == "sale"
    assert transaction.amount == Decimal("123.45")
    assert transaction.currency_iso_code == "USD"
    assert transaction.merchant_account_id == "twin_usd"
    assert transaction.order_id == "order-1"
    assert transaction.channel == "shop"
    assert transaction.processor_response_code == "1000"
    assert transaction.processor_response_text == "Approved"
    assert transaction.processor_response_type == "approved"
    assert transaction.credit_card_details.masked_number == "41111111****1111"
    assert transaction.credit_card_details.expiration_date == "05/2030"
    assert transaction.credit_card_details.cardholder_name == "Ada L"
    assert transaction.credit_card_details.card_type == "Visa"
    assert transaction.customer_details.first_name == "Ada"
    assert transaction.billing_details.country_name == "United States of America"
    assert transaction.shipping_details.locality == "Chicago"
    assert transaction.descriptor.name == "abc*product"
    assert transaction.custom_fields == {"colour": "red"}
    assert transaction.tax_amount == Decimal("1.00")
    assert transaction.cvv_response_code == "M"
    assert transaction.avs_postal_code_response_code == "M"
    assert transaction.network_transaction_id
    assert transaction.authorization_expires_at > transaction.created_at
    assert [event.status for event in transaction.status_history] == ["authorized"]
    found = gateway.transaction.find(transaction.id)
    assert found.amount == transaction.amount
    assert found.graphql_id == transaction.graphql_id


def test_a_sale_can_be_submitted_for_settlement_at_once(gateway: Gateway) -> None:
    transaction = sale(gateway, options={"submit_for_settlement": True})
    assert transaction.status == "submitted_for_settlement"
    assert [event.status for event in transaction.status_history] == ["authorized", "submitted_for_settlement"]


def test_escaped_text_comes_back_unchanged(gateway: Gateway) -> None:
    transaction = sale(gateway, order_id="""<&>"'é✓""", customer={"company": "A & B <Ltd>"})
    found = gateway.transaction.find(transaction.id)
    assert found.order_id == """<&>"'é✓"""
    assert found.customer_details.company == "A & B <Ltd>"


@pytest.mark.parametrize(
    ("account", "amount", "currency", "answered"),
    [
        ("twin_jpy", "1500", "JPY", "1500"),
        ("twin_kwd", "1.5", "KWD", "1.500"),
        ("twin_idr", "150000", "IDR", "150000.00"),
        ("twin_eur", "10.5", "EUR", "10.50"),
    ],
)
def test_amounts_have_the_decimals_of_their_currency(
    gateway: Gateway, account: str, amount: str, currency: str, answered: str
) -> None:
    transaction = sale(gateway, amount=amount, merchant_account_id=account)
    assert transaction.currency_iso_code == currency
    assert str(transaction.amount) == answered


@pytest.mark.parametrize(
    ("amount", "status", "code"),
    [
        ("1999.99", "authorized", "1000"),
        ("2000.00", "processor_declined", "2000"),
        ("2046.37", "processor_declined", "2046"),
        ("2999.99", "processor_declined", "2999"),
        ("3000.00", "failed", "3000"),
        ("3001.00", "authorized", "1000"),
        ("5001.00", "gateway_rejected", ""),
        ("5002.00", "authorized", "1000"),
    ],
)
def test_the_amount_decides_the_outcome(gateway: Gateway, amount: str, status: str, code: str) -> None:
    result = gateway.transaction.sale(sale_request(amount=amount, order_id=f"trigger-{amount}"))
    assert result.is_success is (status == "authorized")
    assert result.transaction.status == status
    assert result.transaction.processor_response_code == code
    assert gateway.transaction.find(result.transaction.id).status == status


def test_a_decline_has_the_processor_response_and_no_validation_errors(gateway: Gateway) -> None:
    result = gateway.transaction.sale(sale_request(amount="2001.00"))
    assert result.errors.deep_errors == []
    assert result.message == "Insufficient Funds"
    assert result.transaction.processor_response_type == "soft_declined"
    assert result.transaction.additional_processor_response == "2001 : Insufficient Funds"


def test_a_fraudulent_card_is_rejected_by_the_gateway(gateway: Gateway) -> None:
    result = gateway.transaction.sale(sale_request(credit_card=card(number="4000111111111511")))
    assert result.transaction.gateway_rejection_reason == "fraud"
    assert result.message == "Gateway Rejected: fraud"


def test_the_same_sale_within_thirty_seconds_is_a_duplicate(gateway: Gateway) -> None:
    request: dict[str, Any] = {"amount": fresh_amount(), "order_id": "twice", "credit_card": card()}
    assert gateway.transaction.sale({**request}).is_success
    again = gateway.transaction.sale({**request})
    assert again.transaction.gateway_rejection_reason == "duplicate"
    assert gateway.transaction.sale({**request, "order_id": "thrice"}).is_success
    unchecked = {**request, "merchant_account_id": "twin_usd_no_duplicate_check"}
    assert [gateway.transaction.sale({**unchecked}).is_success for _ in range(2)] == [True, True]


@pytest.mark.parametrize(("cvv", "response"), [("123", "M"), ("200", "N"), ("201", "U"), ("301", "S"), (None, "I")])
def test_the_security_code_decides_its_response(gateway: Gateway, cvv: str | None, response: str) -> None:
    details = card() if cvv is None else card(cvv=cvv)
    assert sale(gateway, credit_card=details).cvv_response_code == response


def test_an_account_with_avs_and_cvv_rules_rejects_mismatches(gateway: Gateway) -> None:
    def reason(cvv: str, postal_code: str) -> str | None:
        result = gateway.transaction.sale(
            sale_request(
                merchant_account_id="twin_usd_avs_cvv", credit_card=card(cvv=cvv), billing={"postal_code": postal_code}
            )
        )
        answered: str | None = result.transaction.gateway_rejection_reason
        return answered

    assert reason("123", "60622") is None
    assert reason("200", "60622") == "cvv"
    assert reason("123", "20000") == "avs"
    assert reason("200", "20000") == "avs_and_cvv"


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        (None, "81502"),
        ("abc", "81503"),
        ("1.234", "81503"),
        ("1E+2", "81503"),
        (" 1.00", "81503"),
        ("-1.00", "81501"),
        ("0.00", "81531"),
        ("10000000000.00", "81528"),
        ("99999999999.00", "81528"),
    ],
)
def test_an_invalid_amount_is_refused(gateway: Gateway, amount: str | None, code: str) -> None:
    result = gateway.transaction.sale(sale_request(amount=amount))
    assert codes_on(result, "transaction", "amount") == [code]
    assert result.transaction is None


@pytest.mark.parametrize(
    ("amount", "account"), [("9999999999.99", "twin_idr"), ("9999999999", "twin_jpy"), ("9999999999.999", "twin_kwd")]
)
def test_an_amount_has_up_to_ten_whole_digits_in_every_currency(gateway: Gateway, amount: str, account: str) -> None:
    result = gateway.transaction.sale(sale_request(amount=amount, merchant_account_id=account))
    assert result.is_success
    assert str(result.transaction.amount) == amount


def test_amounts_in_currencies_without_decimals_have_none(gateway: Gateway) -> None:
    request = sale_request(amount="100.50", merchant_account_id="twin_jpy")
    assert codes(gateway.transaction.sale(request)) == ["81503"]
    request = sale_request(amount="1.2345", merchant_account_id="twin_kwd")
    assert codes(gateway.transaction.sale(request)) == ["81503"]


@pytest.mark.parametrize(
    ("fields", "field", "code"),
    [
        ({"number": "4111111111111112"}, "number", "81715"),
        ({"number": "41111111111"}, "number", "81716"),
        ({"number": "4444333322221111"}, "number", "81717"),
        ({"number": None}, "number", "81714"),
        ({"expiration_date": None}, "expiration_date", "81709"),
        ({"expiration_date": "13/2030"}, "expiration_date", "81710"),
        ({"expiration_date": "05/3030"}, "expiration_date", "81711"),
        ({"cvv": "12"}, "cvv", "81707"),
        ({"cvv": "abc"}, "cvv", "81707"),
        ({"cardholder_name": "x" * 176}, "cardholder_name", "81723"),
        ({"token": "not/valid"}, "token", "91718"),
        ({"token": "x" * 37}, "token", "91720"),
    ],
)
def test_each_error_of_a_card_has_its_code(gateway: Gateway, fields: dict[str, Any], field: str, code: str) -> None:
    result = gateway.transaction.sale(sale_request(credit_card=card(**fields)))
    assert code in codes_on(result, "transaction", "credit_card", field)


@pytest.mark.parametrize(
    ("fields", "field", "code"),
    [
        ({"order_id": "x" * 256}, "order_id", "91501"),
        ({"channel": "x" * 256}, "channel", "91550"),
        ({"merchant_account_id": "nobody"}, "merchant_account_id", "91513"),
        ({"merchant_account_id": "twin_usd_suspended"}, "merchant_account_id", "91514"),
        ({"payment_method_token": "nothing"}, "payment_method_token", "91518"),
        ({"payment_method_nonce": "nothing"}, "payment_method_nonce", "91565"),
        ({"payment_method_nonce": Nonces.Consumed}, "payment_method_nonce", "91564"),
        ({"customer_id": "nobody"}, "customer_id", "91510"),
        ({"payment_method_nonce": Nonces.Transactable, "credit_card": card()}, "base", "91515"),
        ({"tax_amount": "-1.00"}, "tax_amount", "81534"),
        ({"transaction_source": "telepathy"}, "transaction_source", "915133"),
        ({"custom_fields": {"UPPER_CASE": "x"}}, "custom_fields", "91526"),
        ({"purchase_order_number": "x" * 18}, "purchase_order_number", "91537"),
    ],
)
def test_each_error_of_a_sale_has_its_code(gateway: Gateway, fields: dict[str, Any], field: str, code: str) -> None:
    assert codes_on(gateway.transaction.sale(sale_request(**fields)), "transaction", field) == [code]


def test_a_sale_needs_a_payment_source(gateway: Gateway) -> None:
    assert codes(gateway.transaction.sale({"amount": "1.00"})) == ["91508"]


def test_all_errors_are_listed_and_the_request_is_echoed_without_its_card_number(gateway: Gateway) -> None:
    result = gateway.transaction.sale(
        {"amount": "x", "order_id": "y" * 256, "credit_card": {"number": VISA, "expiration_date": "99/99"}}
    )
    assert sorted(codes(result)) == ["81503", "81710", "91501"]
    assert result.params["transaction"]["amount"] == "x"
    assert "number" not in result.params["transaction"]["credit_card"]


def test_address_errors_are_reported_on_their_own_element(gateway: Gateway) -> None:
    result = gateway.transaction.sale(
        sale_request(
            billing={"country_code_alpha2": "ZZ", "postal_code": "1234567890"},
            shipping={"country_code_alpha2": "US", "country_name": "Mexico"},
        )
    )
    assert codes_on(result, "transaction", "billing", "country_code_alpha2") == ["91814"]
    assert codes_on(result, "transaction", "billing", "postal_code") == ["81809"]
    assert codes_on(result, "transaction", "shipping", "base") == ["91815"]


def test_credits_pay_out(gateway: Gateway) -> None:
    result = gateway.transaction.credit({"amount": fresh_amount(), "credit_card": card()})
    assert result.is_success
    assert result.transaction.type == "credit"
    assert result.transaction.status == "submitted_for_settlement"
    refused = gateway.transaction.refund(result.transaction.id)
    assert codes(refused) == ["91505"]


ALL_NONCES = sorted({value for name, value in vars(Nonces).items() if not name.startswith("_")})
UNSUCCESSFUL = {
    Nonces.Consumed: "91564",
    Nonces.LuhnInvalid: "81715",
    Nonces.GatewayRejectedFraud: "fraud",
    Nonces.GatewayRejectedRiskThreshold: "risk_threshold",
    Nonces.VenmoAccountTokenIssuanceError: "token_issuance",
    Nonces.ProcessorDeclinedAmEx: "2000",
    Nonces.ProcessorDeclinedDiscover: "2000",
    Nonces.ProcessorDeclinedMasterCard: "2000",
    Nonces.ProcessorDeclinedVisa: "2000",
    Nonces.ProcessorFailureJCB: "3000",
}


@pytest.mark.parametrize("nonce", ALL_NONCES)
def test_every_published_test_nonce_has_its_outcome(gateway: Gateway, nonce: str) -> None:
    result = gateway.transaction.sale(sale_request(payment_method_nonce=nonce))
    if nonce not in UNSUCCESSFUL:
        assert result.is_success, result.message
        return
    outcomes = {error.code for error in result.errors.deep_errors}
    if result.transaction:
        outcomes |= {result.transaction.gateway_rejection_reason, result.transaction.processor_response_code}
    assert UNSUCCESSFUL[nonce] in outcomes


@pytest.mark.parametrize(
    ("nonce", "kind", "details"),
    [
        (Nonces.PayPalBillingAgreement, "paypal_account", "paypal_details"),
        (Nonces.ApplePayVisa, "apple_pay_card", "apple_pay_details"),
        (Nonces.AndroidPayCardVisa, "android_pay_card", "android_pay_card_details"),
        (Nonces.VenmoAccount, "venmo_account", "venmo_account_details"),
    ],
)
def test_wallet_sales_have_the_wallets_details(gateway: Gateway, nonce: str, kind: str, details: str) -> None:
    transaction = sale(gateway, payment_method_nonce=nonce)
    assert transaction.payment_instrument_type == kind
    assert getattr(transaction, details).image_url
