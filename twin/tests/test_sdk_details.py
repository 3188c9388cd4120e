"""Details that users of the SDKs expect: phones, industry data, wallets, search names, aliases of faults."""

from __future__ import annotations

from typing import Any

import braintree
import pytest
import requests
from braintree.test.credit_card_numbers import CreditCardNumbers
from twin_sdk import card, codes_on, gateway_to, sale, sale_request

from braintree_twin.testing import Twin, start_twin

PHONE = {"country_code": "1", "national_number": "3121234567"}
LOSS = {"fare_amount": "-1.23"}
LEG = {"carrier_code": "AA", "departure_time": "08:00", "arrival_time": "10:00", "fare_amount": "15.00"}
LODGING = {"folio_number": "aaa", "check_in_date": "2014-07-07", "check_out_date": "2014-08-08", "room_rate": "239.00"}
CRUISE = {"travel_package": "flight", "departure_date": "2014-07-07", "lodging_name": "Boat"}
FLIGHT = {"passenger_first_name": "J", "restricted_ticket": False, "fare_amount": "70.00", "legs": [LEG]}
INDUSTRIES = {"lodging": LODGING, "travel_cruise": CRUISE, "travel_flight": FLIGHT}


def test_an_international_phone_is_returned_for_customers_addresses_and_sales(
    gateway: braintree.BraintreeGateway,
) -> None:
    customer = gateway.customer.create({"international_phone": PHONE}).customer
    assert gateway.customer.find(customer.id).international_phone == PHONE
    address = gateway.address.create({"customer_id": customer.id, "company": "C", "international_phone": PHONE}).address
    assert gateway.address.find(customer.id, address.id).international_phone == PHONE
    place = {"postal_code": "60622", "international_phone": PHONE}
    paid = sale(gateway, customer={"international_phone": PHONE}, billing=place, shipping=place)
    assert paid.customer_details.international_phone == PHONE
    assert paid.billing_details.international_phone == paid.shipping_details.international_phone == PHONE
    changed = gateway.customer.update(customer.id, {"first_name": "Only"}).customer
    assert (changed.first_name, changed.international_phone) == ("Only", PHONE)


@pytest.mark.parametrize("kind", INDUSTRIES)
def test_valid_industry_data_changes_nothing(gateway: braintree.BraintreeGateway, kind: str) -> None:
    industry = {"industry_type": kind, "data": dict(INDUSTRIES[kind])}
    assert sale(gateway, industry=industry).status == "authorized"


@pytest.mark.parametrize(
    ("kind", "data", "path", "code"),
    [
        ("lodging", {"check_out_date": "2014-06-06"}, ("check_out_date",), "93406"),
        ("lodging", {"check_in_date": "soon"}, ("check_in_date",), "93404"),
        ("lodging", {"room_rate": "much"}, ("room_rate",), "93434"),
        ("lodging", {"room_rate": "-1.00"}, ("room_rate",), "93433"),
        (
            "lodging",
            {"additional_charges": [{"kind": "unknown", "amount": "1.00"}]},
            ("additional_charges", "index_0", "kind"),
            "96601",
        ),
        ("travel_cruise", {"travel_package": "roadtrip"}, ("travel_package",), "93410"),
        ("travel_cruise", {"travel_package": None}, ("travel_package",), "93410"),
        ("lodging", {"folio_number": "a b"}, ("folio_number",), "93403"),
        ("travel_cruise", {"departure_date": "diciembre"}, ("departure_date",), "93411"),
        ("travel_flight", {"fare_amount": "-1.23"}, ("fare_amount",), "93417"),
        ("travel_flight", {"restricted_ticket": None}, ("restricted_ticket",), "93426"),
        ("travel_flight", {"legs": [LEG, LEG | LOSS]}, ("legs", "index_1", "fare_amount"), "96309"),
        ("travel_flight", {"legs": [LEG] * 5}, ("legs",), "93432"),
        ("mining", {}, ("industry_type",), "93401"),
    ],
)
def test_industry_data_is_refused_field_by_field(
    gateway: braintree.BraintreeGateway, kind: str, data: dict[str, Any], path: tuple[str, ...], code: str
) -> None:
    industry = {"industry_type": kind, "data": {**INDUSTRIES.get(kind, {}), **data}}
    result = gateway.transaction.sale(sale_request(industry=industry))
    assert code in codes_on(result, "transaction", "industry", *path)


@pytest.mark.parametrize(
    ("fields", "path", "code"),
    [
        ({"risk_data": {"customer_browser": "x" * 256}}, ("risk_data", "customer_browser"), "94701"),
        ({"billing": {"phone_number": "122-555-1237-123456"}}, ("billing", "phone_number"), "915206"),
        ({"shipping": {"phone_number": "122-555-1237-123456"}}, ("shipping", "phone_number"), "915204"),
        ({"custom_fields": {"invalid_key": "x"}}, ("custom_fields",), "91526"),
    ],
)
def test_invalid_risk_and_mandate_fields_are_refused(
    gateway: braintree.BraintreeGateway, fields: dict[str, Any], path: tuple[str, ...], code: str
) -> None:
    assert code in codes_on(gateway.transaction.sale(sale_request(**fields)), "transaction", *path)


def test_a_verification_shows_the_account_type_of_its_card(gateway: braintree.BraintreeGateway) -> None:
    request = {"credit_card": card(number=CreditCardNumbers.Hiper), "options": {"account_type": "debit"}}
    made = gateway.verification.create(request).verification
    assert gateway.verification.find(made.id).credit_card["account_type"] == "debit"


def test_the_wallets_of_test_nonces_can_be_found(gateway: braintree.BraintreeGateway) -> None:
    find = gateway.payment_method_nonce.find
    assert find("fake-google-pay-paypal-nonce").details["payer_info"]["email"]
    assert find("fake-venmo-account-nonce").details["last_two"] == "99"
    assert find("fake-valid-no-billing-address-nonce").type == "CreditCard"
    paypal = sale(gateway, payment_method_nonce="fake-paypal-one-time-nonce").paypal_details
    assert paypal.implicitly_vaulted_payment_method_token is None


@pytest.mark.parametrize(
    ("nonce", "details", "names"),
    [
        ("fake-local-payment-method-nonce", "local_payment_details", ("payment_id", "capture_id", "debug_id")),
        ("fake-sepa-direct-debit-nonce", "sepa_direct_debit_account_details", ("settlement_type", "correlation_id")),
        ("fake-visa-checkout-visa-nonce", "visa_checkout_card_details", ("customer_location", "call_id")),
        ("fake-us-bank-account-nonce", "us_bank_account", ("account_holder_name", "routing_number")),
    ],
)
def test_wallets_on_transactions_have_every_field_that_the_sdk_reads(
    gateway: braintree.BraintreeGateway, nonce: str, details: str, names: tuple[str, ...]
) -> None:
    shown = getattr(sale(gateway, payment_method_nonce=nonce), details)
    assert all(hasattr(shown, name) for name in names)


def test_bank_accounts_are_found_by_their_own_paths(gateway: braintree.BraintreeGateway) -> None:
    customer_id = gateway.customer.create().customer.id

    def vaulted(nonce: str) -> str:
        options = {"us_bank_account_verification_method": "network_check"}
        request = {"customer_id": customer_id, "payment_method_nonce": nonce, "options": options}
        token: str = gateway.payment_method.create(request).payment_method.token
        return token

    assert gateway.us_bank_account.find(vaulted("fake-us-bank-account-nonce")).verified
    sepa = vaulted("fake-sepa-direct-debit-nonce")
    assert gateway.sepa_direct_debit_account.find(sepa).token == sepa
    gateway.sepa_direct_debit_account.delete(sepa)
    for find in (gateway.sepa_direct_debit_account.find, gateway.us_bank_account.find):
        with pytest.raises(braintree.exceptions.NotFoundError):
            find(sepa)


def test_evidence_has_its_comment_under_the_sdks_name(gateway: braintree.BraintreeGateway) -> None:
    disputed = sale(gateway, credit_card=card(number="4023898493988028"), options={"submit_for_settlement": True})
    dispute = gateway.transaction.find(disputed.id).disputes[0]
    assert gateway.dispute.add_text_evidence(dispute.id, "a receipt").evidence.comment == "a receipt"


@pytest.mark.parametrize(
    ("nonce", "name"), [("fake-valid-nonce", "CreditCardDetail"), ("fake-paypal-one-time-nonce", "PayPalDetail")]
)
def test_a_search_accepts_both_names_of_an_instrument_type(
    gateway: braintree.BraintreeGateway, nonce: str, name: str
) -> None:
    search, paid = braintree.TransactionSearch, sale(gateway, payment_method_nonce=nonce)
    for wanted in (name, paid.payment_instrument_type):
        found = gateway.transaction.search(search.id == paid.id, search.payment_instrument_type == wanted)
        assert found.ids == [paid.id]
    other = gateway.transaction.search(search.id == paid.id, search.payment_instrument_type == "ApplePayDetail")
    assert other.ids == []


def test_a_dispute_is_found_by_its_transaction_source(gateway: braintree.BraintreeGateway) -> None:
    disputed = sale(gateway, credit_card=card(number="4023898493988028"), options={"submit_for_settlement": True})
    search = braintree.DisputeSearch
    found = gateway.dispute.search(search.transaction_id == disputed.id, search.transaction_source == "api")
    assert len(list(found.disputes.items)) == 1


@pytest.fixture(scope="module")
def own() -> Any:
    """Faults and the clock are everybody's, so these tests have a twin for themselves."""
    with start_twin() as twin:
        yield twin


def _ask(twin: Twin, name: str, body: dict[str, Any]) -> requests.Response:
    return requests.post(f"{twin.url}/_twin/{name}", json=body, verify=str(twin.ca_file), timeout=10)


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "status", "status_code": "503", "times": 1, "path_pattern": "/transactions"},
        {"fault": "status", "status": 503, "count": 1, "match": {"method": "post", "path": "/*/transactions"}},
        {"fault": "status", "status": 503, "next": "1", "path": ".*/transactions"},
        {"fault": "status", "status": 503, "next": 1, "path": "/merchants/{id}/transactions"},
    ],
)
def test_a_fault_rule_accepts_aliases_of_its_fields(own: Twin, fields: dict[str, Any]) -> None:
    assert _ask(own, "faults", fields).status_code == 200
    gateway = gateway_to(own)
    with pytest.raises(braintree.exceptions.ServiceUnavailableError):
        gateway.transaction.sale(sale_request())
    assert sale(gateway).status == "authorized"
    own.control.clear_faults()


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"fault": "reset"}, "fault"),
        ({"fault": "status", "frequency": 2}, "frequency"),
        ({"fault": "garbage", "next": 1, "count": 2}, "count"),
        ({"fault": "garbage", "match": "/transactions"}, "match"),
        ({"fault": "delay", "delay_ms": "long"}, "seconds"),
        ({"fault": "delay", "delay_ms": 10**400}, "seconds"),
    ],
)
def test_an_ambiguous_fault_rule_is_refused_with_the_field(own: Twin, fields: dict[str, Any], field: str) -> None:
    answer = _ask(own, "faults", fields)
    assert (answer.status_code, answer.json()["field"]) == (400, field)


_SPANS = [{"advance_seconds": 86400}, {"days": 1}, {"advance": "1d"}, {"advance": {"hours": 24}}, {"seconds": "86400"}]


@pytest.mark.parametrize("fields", _SPANS)
def test_the_clock_accepts_spans_in_every_unit(own: Twin, fields: dict[str, Any]) -> None:
    before = _ask(own, "clock", {"advance_seconds": 0}).json()["offset_seconds"]
    assert _ask(own, "clock", fields).json()["offset_seconds"] - before == 86400


@pytest.mark.parametrize(
    "fields",
    [{"advance": "soon"}, {"days": "x"}, {"years": 1}, {"advance": 10**400}, {"advance": -1}, {"days": 10**400}, {}],
)
def test_an_ambiguous_span_is_refused(own: Twin, fields: dict[str, Any]) -> None:
    answer = _ask(own, "clock", fields)
    assert answer.status_code == 400, answer.text
    assert answer.json()["remedy"]
