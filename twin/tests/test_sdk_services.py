"""The SDK's GraphQL gateways, PayPal payment resources, authentication insight; with the official Python SDK."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import braintree
import pytest
from braintree.exceptions.authorization_error import AuthorizationError
from braintree.exceptions.not_found_error import NotFoundError
from braintree.exchange_rate_quote_request import ExchangeRateQuoteRequest
from twin_sdk import codes, codes_on

from braintree_twin.sdk_twin import SdkTwin, run_sdk_twin


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SdkTwin]:
    folder: Path = tmp_path_factory.mktemp("services")
    with run_sdk_twin(folder) as running:
        yield running


@pytest.fixture
def gateway(twin: SdkTwin) -> Any:
    twin.reset()
    return twin.gateway()


def _customer() -> Any:
    return braintree.CustomerSessionInput.builder().hashed_email("48ddb93f").build()


def test_customer_sessions_are_created_once_and_updated(gateway: Any) -> None:
    sessions = gateway.customer_session
    drawn = sessions.create_customer_session(braintree.CreateCustomerSessionInput.builder().build())
    assert len(drawn.session_id) == 36
    chosen = braintree.CreateCustomerSessionInput.builder().session_id("session-1").customer(_customer()).build()
    assert sessions.create_customer_session(chosen).session_id == "session-1"
    # Two ids are the sandbox's own: one that anybody may create again, and one that belongs to somebody else.
    reusable = braintree.CreateCustomerSessionInput.builder().session_id("11EF-A1E7-A5F5EE5C-A2E5-AFD2801469FC").build()
    assert all(sessions.create_customer_session(reusable).is_success for _ in range(2))
    taken = braintree.CreateCustomerSessionInput.builder().session_id("11EF-34BC-2702904B-9026-C3ECF4BAC765").build()
    assert not sessions.create_customer_session(taken).is_success
    again = sessions.create_customer_session(chosen)
    assert "Session IDs must be unique per merchant" in again.errors.deep_errors[0].message
    update = braintree.UpdateCustomerSessionInput.builder("session-1").customer(_customer()).build()
    assert sessions.update_customer_session(update).session_id == "session-1"
    unknown = braintree.UpdateCustomerSessionInput.builder("session-2").customer(_customer()).build()
    assert "does not exist" in sessions.update_customer_session(unknown).errors.deep_errors[0].message
    recommended = sessions.get_customer_recommendations(
        braintree.CustomerRecommendationsInput.builder().session_id("session-1").build()
    ).customer_recommendations
    assert recommended.is_in_paypal_network
    assert recommended.recommendations.payment_recommendations[0].recommended_priority == 1
    with pytest.raises(AuthorizationError):
        sessions.get_customer_recommendations(braintree.CustomerRecommendationsInput.builder().session_id("x").build())


def _quote(gateway: Any, **asked: str) -> Any:
    return gateway.exchange_rate_quote.generate(ExchangeRateQuoteRequest().add_exchange_rate_quote_input(asked).done())


def test_exchange_rates_are_quoted_with_a_markup(gateway: Any) -> None:
    result = _quote(gateway, base_currency="USD", quote_currency="EUR", base_amount="100.00", markup="10.00")
    quote, filled_up = result.exchange_rate_quote_payload.get_quotes()
    assert (quote.base_amount.value, quote.base_amount.currency_code) == (Decimal("100.00"), "USD")
    assert (quote.quote_amount.value, quote.quote_amount.currency_code) == (Decimal("101.20"), "EUR")
    assert Decimal(quote.exchange_rate) == Decimal("1.012")
    assert filled_up.exchange_rate == "0.997316360864"
    assert _quote(gateway, base_currency="USD", quote_currency="JPY").is_success
    assert "'quoteCurrency'" in _quote(gateway, base_currency="USD", base_amount="1.00").message
    assert "'baseCurrency'" in _quote(gateway, quote_currency="USD", base_amount="1.00").message
    assert "baseCurrency is none of" in _quote(gateway, base_currency="XXX", quote_currency="EUR").message


def _jwt(gateway: Any, name: str, url: str) -> Any:
    request = braintree.BankAccountInstantVerificationJwtRequest()
    request.business_name(name).return_url(url).cancel_url(url)
    return gateway.bank_account_instant_verification.create_jwt(request)


def test_the_token_of_an_instant_verification_needs_a_name_and_addresses(gateway: Any) -> None:
    result = _jwt(gateway, "Shop", "https://shop.example/back")
    assert result.bank_account_instant_verification_jwt.jwt.startswith("eyJ")
    assert not _jwt(gateway, "", "https://shop.example/back").is_success
    assert len(_jwt(gateway, "Shop", "nothing").errors.deep_errors) == 2


def _context(gateway: Any, **fields: Any) -> Any:
    payer = {"given_name": "Maria", "surname": "Garcia", "phone_number": "912345678", "phone_country_code": "351"}
    asked: dict[str, Any] = {
        "amount": {"value": "10.00", "currency_code": "EUR"},
        "type": braintree.LocalPaymentType.MBWAY,
        "payer_info": payer,
        "merchant_account_id": "twin_eur",
        "return_url": "https://shop.example/back",
        **fields,
    }
    return gateway.local_payment_context.create(braintree.CreateLocalPaymentContextInput(**asked))


def _approve(twin: SdkTwin, url: str) -> str:
    """Follow the approval url, as the buyer's browser does; returns the address that it is sent to."""
    parts = urlsplit(url)
    context = ssl.create_default_context(cafile=str(twin.ca_file))
    connection = http.client.HTTPSConnection(parts.hostname or "", parts.port, context=context)
    connection.request("GET", parts.path)
    response = connection.getresponse()
    response.read()
    connection.close()
    assert response.status == 302
    return str(response.headers["Location"])


def test_a_local_payment_is_approved_and_completed_by_a_sale(twin: SdkTwin, gateway: Any) -> None:
    with twin.receive_webhooks() as inbox:
        made = _context(gateway, order_id="order-1").payment_context
        assert (made.type, made.amount.value, made.amount.currency_code) == ("MBWAY", Decimal("10.00"), "EUR")
        assert _approve(twin, made.approval_url).startswith("https://shop.example/back?paymentId=LP-")
        found = gateway.local_payment_context.find(made.id).payment_context
        assert (found.order_id, bool(found.approved_at)) == ("order-1", True)
        completed = inbox.wait_for("local_payment_completed").local_payment_completed
        assert completed.payment_id == made.payment_id
        sold = gateway.transaction.sale(
            {
                "amount": "10.00",
                "merchant_account_id": "twin_eur",
                "payment_method_nonce": completed.payment_method_nonce,
                "options": {"submit_for_settlement": True},
            }
        ).transaction
        assert (sold.status, sold.local_payment_details.payment_id) == ("settling", made.payment_id)
        twin.advance(hours=4)
        assert gateway.local_payment_context.find(made.id).payment_context.transacted_at
        assert "local_payment_reversed" not in inbox.kinds


def test_a_local_payment_that_nobody_completes_is_reversed(twin: SdkTwin, gateway: Any) -> None:
    with twin.receive_webhooks() as inbox:
        made = _context(gateway).payment_context
        nonce = twin.control.act_on_local_payment(made.legacy_id)
        twin.advance(hours=3)
        assert inbox.wait_for("local_payment_reversed").local_payment_reversed.payment_id == made.payment_id
        sale = {"amount": "10.00", "merchant_account_id": "twin_eur", "payment_method_nonce": nonce}
        assert not gateway.transaction.sale(sale).is_success


def test_a_local_payment_expires_or_is_funded(twin: SdkTwin, gateway: Any) -> None:
    with twin.receive_webhooks() as inbox:
        late, slow = _context(gateway).payment_context, _context(gateway).payment_context
        twin.control.act_on_local_payment(slow.payment_id, "fund")
        assert inbox.wait_for("local_payment_funded").local_payment_funded.payment_id == slow.payment_id
        twin.advance(days=3)
        assert inbox.wait_for("local_payment_expired").local_payment_expired.payment_id == late.payment_id
        assert gateway.local_payment_context.find(late.id).payment_context.expired_at


def test_invalid_local_payments_are_refused(gateway: Any) -> None:
    assert codes(_context(gateway, amount={"value": "invalid", "currency_code": "EUR"})) == ["81503"]
    assert codes(_context(gateway, merchant_account_id="unknown")) == ["91513"]
    assert codes(_context(gateway, amount={"value": "1.00", "currency_code": "USD"})) == ["915214"]
    with pytest.raises(NotFoundError):
        gateway.local_payment_context.find("unknown")


def _resource(gateway: Any, **fields: Any) -> Any:
    asked = {"amount": "55.00", "currency_iso_code": "USD", "payment_method_nonce": "fake-paypal-one-time-nonce"}
    return gateway.paypal_payment_resource.update(
        {"paypal_payment_resource": {key: value for key, value in {**asked, **fields}.items() if value is not None}}
    )


def test_a_paypal_order_is_changed_before_it_is_charged(gateway: Any) -> None:
    nonce = _resource(gateway, custom_field="0437", description="Shoes").payment_method_nonce.nonce
    sold = gateway.transaction.sale({"amount": "55.00", "payment_method_nonce": nonce}).transaction
    assert (sold.paypal_details.custom_field, sold.paypal_details.description) == ("0437", "Shoes")
    again = _resource(gateway, payment_method_nonce=nonce)
    assert codes_on(again, "paypal_payment_resource", "payment_method_nonce") == ["97301"]
    for fields, code in (
        ({"payment_method_nonce": None}, "97303"),
        ({"payment_method_nonce": "fake-valid-nonce"}, "97302"),
        ({"payee_email": "nobody"}, "97304"),
        ({"currency_iso_code": None}, "97311"),
        ({"currency_iso_code": "XYZ"}, "97312"),
        ({"amount": "x"}, "97325"),
        ({"description": "x" * 128}, "97336"),
        ({"order_id": "x" * 128}, "97338"),
    ):
        assert codes(_resource(gateway, **fields)) == [code]


def test_an_authentication_of_the_testing_gateway_shifts_liability(gateway: Any) -> None:
    card = {"number": "4111111111111111", "expiration_month": "05", "expiration_year": "2030"}
    identifier = gateway.testing.create_3ds_verification("twin_usd", dict(card))
    asked = {"amount": "10.00", "credit_card": card, "three_d_secure_authentication_id": identifier}
    sold = gateway.transaction.sale({**asked, "options": {"three_d_secure": {"required": True}}}).transaction
    assert (sold.status, sold.three_d_secure_info.liability_shifted) == ("authorized", True)
    other = {**asked, "amount": "11.00", "credit_card": {**card, "number": "4012888888881881"}}
    assert codes(gateway.transaction.sale(other)) == ["915197"]


def test_the_authentication_insight_depends_on_the_merchant_account(gateway: Any) -> None:
    card = gateway.customer.create({"payment_method_nonce": "fake-valid-nonce"}).customer.payment_methods[0]

    def insight(account: str) -> Any:
        asked = {"payment_method_nonce": {"merchant_account_id": account, "authentication_insight": True}}
        return gateway.payment_method_nonce.create(card.token, asked).payment_method_nonce.authentication_insight

    assert insight("twin_usd") == {"regulation_environment": "unregulated", "sca_indicator": "unavailable"}
    assert insight("twin_eur") == {"regulation_environment": "psd2", "sca_indicator": "sca_required"}
