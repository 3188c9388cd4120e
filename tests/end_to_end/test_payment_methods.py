"""Methods are kept for next time, once, marked and put in order; wallets show as what they are."""

from __future__ import annotations

import base64
import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import grpc
import pytest

from bayar.messages import BayarClient, BayarError, Customer, PaymentMethod, PaymentMethodState, PaymentState
from bayar.payments.v1.address_pb2 import Address
from bayar.payments.v1.card_pb2 import InstrumentKind
from bayar.payments.v1.payment_method_pb2 import CheckResult, ExpiryStatus
from tests.end_to_end.payment_steps import AMEX, MASTERCARD, NEXT_YEARS, VISA, a_card, pay, usd
from tests.end_to_end.service import Pair, until

ACTIVE = PaymentMethodState.PAYMENT_METHOD_STATE_ACTIVE


@pytest.fixture
def customer(bayar: BayarClient) -> Customer:
    return bayar.create_customer(given_name="Sari", language_code="id")


def test_a_card_is_kept_shown_and_paid_with_without_card_data(bayar: BayarClient, customer: Customer) -> None:
    method = bayar.add_payment_method(
        customer_id=customer.customer_id,
        card=a_card(cardholder_name="Sari Dewi"),
        billing_address=Address(postal_code="40111", country_code="ID"),
    )
    assert (method.state, method.default) == (ACTIVE, True)
    assert method.payment_method_id.startswith("pm_")
    instrument = method.instrument
    assert (instrument.brand, instrument.last_four, instrument.cardholder_name) == ("Visa", "1111", "Sari Dewi")
    assert (instrument.expiration_month, instrument.expiration_year) == (12, NEXT_YEARS)
    assert method.expiry_status == ExpiryStatus.EXPIRY_STATUS_CURRENT
    assert method.billing_address.country_code == "ID"
    assert not method.HasField("verification")
    assert VISA not in str(method)
    assert bayar.get_payment_method(payment_method_id=method.payment_method_id) == method

    payment = pay(bayar, payment_method_id=method.payment_method_id, customer_id=customer.customer_id)
    assert payment.state == PaymentState.PAYMENT_STATE_CAPTURED
    assert payment.payment_method_id == method.payment_method_id
    assert payment.instrument.last_four == "1111"
    assert pay(bayar, payment_method_id=method.payment_method_id).customer_id == customer.customer_id


def test_country_and_issuer_come_from_the_gateway(bayar: BayarClient, customer: Customer) -> None:
    nonce = "fake-valid-country-of-issuance-usa-nonce"
    method = bayar.add_payment_method(customer_id=customer.customer_id, payment_method_nonce=nonce)
    assert method.instrument.issuer_country == "USA"
    nonce = "fake-valid-issuing-bank-network-only-nonce"
    method = bayar.add_payment_method(customer_id=customer.customer_id, payment_method_nonce=nonce)
    assert method.instrument.issuer == "NETWORK ONLY"


@pytest.mark.parametrize(
    ("nonce", "kind", "shown"),
    [
        ("fake-valid-nonce", InstrumentKind.INSTRUMENT_KIND_CARD, "last_four"),
        ("fake-paypal-billing-agreement-nonce", InstrumentKind.INSTRUMENT_KIND_PAYPAL, "account"),
        ("fake-apple-pay-visa-nonce", InstrumentKind.INSTRUMENT_KIND_APPLE_PAY, "last_four"),
        ("fake-android-pay-mastercard-nonce", InstrumentKind.INSTRUMENT_KIND_GOOGLE_PAY, "last_four"),
        ("fake-venmo-account-nonce", InstrumentKind.INSTRUMENT_KIND_VENMO, "account"),
    ],
)
def test_a_nonce_is_kept_and_shown_as_what_it_is(
    nonce: str, kind: InstrumentKind.ValueType, shown: str, bayar: BayarClient, customer: Customer
) -> None:
    method = bayar.add_payment_method(customer_id=customer.customer_id, payment_method_nonce=nonce)
    assert (method.state, method.instrument.kind) == (ACTIVE, kind)
    assert getattr(method.instrument, shown)
    paid = pay(bayar, payment_method_id=method.payment_method_id)
    assert (paid.state, paid.instrument.kind) == (PaymentState.PAYMENT_STATE_CAPTURED, kind)
    at_once = pay(bayar, payment_method_nonce=nonce)
    assert (at_once.state, at_once.instrument.kind) == (PaymentState.PAYMENT_STATE_CAPTURED, kind)


def test_a_one_time_wallet_pays_but_is_not_kept(bayar: BayarClient, customer: Customer) -> None:
    nonce = "fake-paypal-one-time-nonce"
    assert pay(bayar, payment_method_nonce=nonce).instrument.kind == InstrumentKind.INSTRUMENT_KIND_PAYPAL
    method = bayar.add_payment_method(customer_id=customer.customer_id, payment_method_nonce=nonce)
    assert method.state == PaymentMethodState.PAYMENT_METHOD_STATE_DECLINED
    assert method.verification.decline.merchant_message.text


def test_the_same_request_keeps_one_method(bayar: BayarClient, customer: Customer) -> None:
    request_id = str(uuid.uuid4())
    with ThreadPoolExecutor(10) as pool:
        kept = list(
            pool.map(
                lambda _: bayar.add_payment_method(
                    customer_id=customer.customer_id, card=a_card(), request_id=request_id
                ),
                range(10),
            )
        )
    assert {method.payment_method_id for method in kept} == {kept[0].payment_method_id}
    assert len(list(bayar.list_payment_methods(customer_id=customer.customer_id))) == 1
    with pytest.raises(BayarError) as raised:
        bayar.add_payment_method(customer_id=customer.customer_id, card=a_card(MASTERCARD), request_id=request_id)
    assert raised.value.reason == "REQUEST_ID_REUSED"


@pytest.mark.parametrize("source", ["card", "nonce"])
def test_a_lost_answer_leaves_one_method(source: str, bayar: BayarClient, customer: Customer, pair: Pair) -> None:
    path = "/payment_methods" if source == "nonce" else "*"
    bayar.add_payment_method(customer_id=customer.customer_id, card=a_card(AMEX, cvv="1234"))
    pair.twin.control.add_fault("reset_after", method="POST", path=path, next=1)
    request_id = str(uuid.uuid4())
    what = {"card": a_card()} if source == "card" else {"payment_method_nonce": "fake-valid-mastercard-nonce"}
    lost = bayar.add_payment_method(customer_id=customer.customer_id, request_id=request_id, **what)
    assert lost.state == PaymentMethodState.PAYMENT_METHOD_STATE_PENDING
    assert lost.HasField("next_check_time")
    found = until(lambda: settled_method(bayar, lost.payment_method_id))
    assert found.state == ACTIVE
    again = bayar.add_payment_method(customer_id=customer.customer_id, request_id=request_id, **what)
    assert again == found
    assert len(list(bayar.list_payment_methods(customer_id=customer.customer_id))) == 2
    assert pay(bayar, payment_method_id=lost.payment_method_id).state == PaymentState.PAYMENT_STATE_CAPTURED


def settled_method(bayar: BayarClient, payment_method_id: str) -> PaymentMethod | None:
    method = bayar.get_payment_method(payment_method_id=payment_method_id)
    return method if method.state != PaymentMethodState.PAYMENT_METHOD_STATE_PENDING else None


def test_one_of_several_is_the_default(bayar: BayarClient, customer: Customer) -> None:
    def default_of() -> list[str]:
        listed = list(bayar.list_payment_methods(customer_id=customer.customer_id))
        chosen = [method.payment_method_id for method in listed if method.default]
        assert [bayar.get_customer(customer_id=customer.customer_id).default_payment_method_id] == (chosen or [""])
        return chosen

    assert default_of() == []
    first = bayar.add_payment_method(customer_id=customer.customer_id, card=a_card())
    assert default_of() == [first.payment_method_id]
    second = bayar.add_payment_method(customer_id=customer.customer_id, card=a_card(MASTERCARD))
    assert default_of() == [first.payment_method_id]
    third = bayar.add_payment_method(customer_id=customer.customer_id, card=a_card(AMEX, cvv="1234"), make_default=True)
    assert default_of() == [third.payment_method_id]
    request_id = str(uuid.uuid4())
    chosen = bayar.set_default_payment_method(payment_method_id=second.payment_method_id, request_id=request_id)
    assert chosen.default
    assert default_of() == [second.payment_method_id]
    assert bayar.set_default_payment_method(payment_method_id=second.payment_method_id, request_id=request_id) == chosen
    deleted = bayar.delete_payment_method(payment_method_id=second.payment_method_id)
    assert deleted.state == PaymentMethodState.PAYMENT_METHOD_STATE_DELETED
    assert bayar.delete_payment_method(payment_method_id=second.payment_method_id) == deleted
    assert len(default_of()) == 1
    listed = [m.payment_method_id for m in bayar.list_payment_methods(customer_id=customer.customer_id, page_size=1)]
    assert listed == [third.payment_method_id, first.payment_method_id]


def test_the_same_card_twice_is_reported(bayar: BayarClient, customer: Customer) -> None:
    first = bayar.add_payment_method(customer_id=customer.customer_id, card=a_card())
    assert not first.duplicate_of_payment_method_id
    second = bayar.add_payment_method(customer_id=customer.customer_id, card=a_card())
    assert second.duplicate_of_payment_method_id == first.payment_method_id
    third = bayar.add_payment_method(customer_id=customer.customer_id, card=a_card())
    assert third.duplicate_of_payment_method_id == second.payment_method_id

    def doubles() -> dict[str, str]:
        listed = bayar.list_payment_methods(customer_id=customer.customer_id)
        return {method.payment_method_id: method.duplicate_of_payment_method_id for method in listed}

    # A deleted method is no duplicate of another.
    bayar.delete_payment_method(payment_method_id=second.payment_method_id)
    assert doubles() == {first.payment_method_id: "", third.payment_method_id: first.payment_method_id}
    bayar.delete_payment_method(payment_method_id=first.payment_method_id)
    assert doubles() == {third.payment_method_id: ""}
    other = bayar.add_payment_method(customer_id=bayar.create_customer().customer_id, card=a_card())
    assert not other.duplicate_of_payment_method_id


def test_a_card_is_verified_at_once_and_the_bank_s_checks_are_shown(bayar: BayarClient, customer: Customer) -> None:
    method = bayar.add_payment_method(
        customer_id=customer.customer_id,
        card=a_card(cvv="200"),
        verify=True,
        billing_address=Address(street_address="200 Main", postal_code="20000"),
    )
    assert method.state == ACTIVE
    assert method.verification.approved
    assert method.verification.processor_response_code == "1000"
    assert method.verification.cvv == CheckResult.CHECK_RESULT_DOES_NOT_MATCH
    assert method.verification.postal_code == CheckResult.CHECK_RESULT_DOES_NOT_MATCH
    assert method.verification.street_address == CheckResult.CHECK_RESULT_DOES_NOT_MATCH
    good = bayar.add_payment_method(customer_id=customer.customer_id, card=a_card(MASTERCARD), verify=True)
    assert good.verification.cvv == CheckResult.CHECK_RESULT_MATCHES


def test_a_card_that_fails_verification_is_not_stored(bayar: BayarClient, customer: Customer) -> None:
    request_id = str(uuid.uuid4())
    card = a_card("4000111111111115")
    refused = bayar.add_payment_method(customer_id=customer.customer_id, card=card, verify=True, request_id=request_id)
    assert refused.state == PaymentMethodState.PAYMENT_METHOD_STATE_DECLINED
    assert not refused.verification.approved
    assert refused.verification.processor_response_code == "2000"
    assert refused.verification.decline.customer_message.locale == "id"
    assert refused.verification.decline.customer_message.text
    assert list(bayar.list_payment_methods(customer_id=customer.customer_id)) == []
    again = bayar.add_payment_method(customer_id=customer.customer_id, card=card, verify=True, request_id=request_id)
    assert again == refused
    with pytest.raises(BayarError) as raised:
        pay(bayar, payment_method_id=refused.payment_method_id)
    assert [violation.field for violation in raised.value.violations] == ["payment_method_id"]


def test_a_card_that_expires_soon_or_has_expired_is_marked(bayar: BayarClient, customer: Customer) -> None:
    now = datetime.now(UTC)
    soon = bayar.add_payment_method(
        customer_id=customer.customer_id, card=a_card(expiration_month=now.month, expiration_year=now.year)
    )
    assert soon.expiry_status == ExpiryStatus.EXPIRY_STATUS_EXPIRING
    renewed = bayar.update_payment_method(
        payment_method_id=soon.payment_method_id, expiration_month=1, expiration_year=NEXT_YEARS
    )
    assert renewed.expiry_status == ExpiryStatus.EXPIRY_STATUS_CURRENT
    assert (renewed.instrument.expiration_month, renewed.instrument.expiration_year) == (1, NEXT_YEARS)


def test_name_and_address_of_a_kept_card_are_changed(bayar: BayarClient, customer: Customer) -> None:
    method = bayar.add_payment_method(customer_id=customer.customer_id, card=a_card(cardholder_name="S"))
    request_id = str(uuid.uuid4())
    changed = bayar.update_payment_method(
        payment_method_id=method.payment_method_id,
        cardholder_name="Sari Dewi",
        billing_address=Address(postal_code="40111"),
        request_id=request_id,
    )
    assert changed.instrument.cardholder_name == "Sari Dewi"
    assert changed.billing_address.postal_code == "40111"
    assert changed.instrument.last_four == "1111"
    assert bayar.get_payment_method(payment_method_id=method.payment_method_id) == changed
    bayar.delete_payment_method(payment_method_id=method.payment_method_id)
    with pytest.raises(BayarError) as raised:
        bayar.update_payment_method(payment_method_id=method.payment_method_id, cardholder_name="X")
    assert (raised.value.code, raised.value.reason) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "PAYMENT_METHOD_NOT_ACTIVE",
    )
    declined = bayar.add_payment_method(customer_id=customer.customer_id, card=a_card("4000111111111115"), verify=True)
    with pytest.raises(BayarError) as raised:
        bayar.delete_payment_method(payment_method_id=declined.payment_method_id)
    assert raised.value.reason == "PAYMENT_METHOD_NOT_ACTIVE"


def test_a_payment_keeps_its_method_only_if_it_succeeds(bayar: BayarClient, customer: Customer) -> None:
    declined = pay(bayar, "2000.00", customer_id=customer.customer_id, store_payment_method=True)
    assert declined.state == PaymentState.PAYMENT_STATE_DECLINED
    assert list(bayar.list_payment_methods(customer_id=customer.customer_id)) == []
    paid = pay(bayar, customer_id=customer.customer_id, store_payment_method=True)
    [kept] = bayar.list_payment_methods(customer_id=customer.customer_id)
    assert (kept.payment_method_id, kept.state, kept.default) == (paid.payment_method_id, ACTIVE, True)
    again = pay(bayar, payment_method_id=kept.payment_method_id, customer_id=customer.customer_id, amount=usd("3.00"))
    assert again.state == PaymentState.PAYMENT_STATE_CAPTURED
    twice = pay(bayar, customer_id=customer.customer_id, store_payment_method=True)
    second = bayar.get_payment_method(payment_method_id=twice.payment_method_id)
    assert second.duplicate_of_payment_method_id == kept.payment_method_id
    wallet = pay(
        bayar,
        customer_id=customer.customer_id,
        store_payment_method=True,
        payment_method_nonce="fake-paypal-billing-agreement-nonce",
    )
    stored = bayar.get_payment_method(payment_method_id=wallet.payment_method_id)
    assert (stored.state, stored.instrument.kind) == (ACTIVE, InstrumentKind.INSTRUMENT_KIND_PAYPAL)


def test_anothers_method_is_refused(bayar: BayarClient, customer: Customer) -> None:
    method = bayar.add_payment_method(customer_id=customer.customer_id, card=a_card())
    with pytest.raises(BayarError) as raised:
        pay(bayar, payment_method_id=method.payment_method_id, customer_id=bayar.create_customer().customer_id)
    assert [violation.field for violation in raised.value.violations] == ["payment_method_id"]


@pytest.mark.parametrize("known", [False, True])
def test_a_client_token_is_for_the_browser_s_sdk(
    known: bool, bayar: BayarClient, customer: Customer, pair: Pair
) -> None:
    if known:
        bayar.add_payment_method(customer_id=customer.customer_id, card=a_card())
    token = bayar.create_client_token(customer_id=customer.customer_id, currency_code="IDR")
    content = json.loads(base64.b64decode(token))
    assert content["merchantId"] == pair.twin.merchant_id
    assert bayar.create_client_token()
