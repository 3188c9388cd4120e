"""Addresses, nonces, verifications, wallets and expiring cards, read through the SDK."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from braintree import BraintreeGateway as Gateway
from braintree import CreditCard
from braintree.exceptions.not_found_error import NotFoundError
from braintree.test.nonces import Nonces
from twin_sdk import VISA, card, codes, codes_on, fresh_amount, sale

MASTERCARD = "5555555555554444"


def new_customer(gateway: Gateway, **fields: Any) -> Any:
    result = gateway.customer.create(fields)
    assert result.is_success, result.message
    return result.customer


def vaulted(gateway: Gateway, nonce: str, customer_id: str | None = None, **fields: Any) -> Any:
    customer_id = customer_id or new_customer(gateway).id
    result = gateway.payment_method.create({"customer_id": customer_id, "payment_method_nonce": nonce, **fields})
    assert result.is_success, result.message
    return result.payment_method


# Addresses.


def test_an_address_is_created_found_updated_and_deleted(gateway: Gateway) -> None:
    customer = new_customer(gateway)
    address = gateway.address.create(
        {"customer_id": customer.id, "first_name": "Ben", "locality": "Chicago", "country_code_alpha3": "USA"}
    ).address
    assert (address.customer_id, address.first_name, address.country_name) == (
        customer.id,
        "Ben",
        "United States of America",
    )
    changed = gateway.address.update(
        customer.id, address.id, {"country_code_alpha2": "MX", "first_name": "Eva"}
    ).address
    assert (changed.first_name, changed.locality, changed.country_code_numeric) == ("Eva", "Chicago", "484")
    assert gateway.address.find(customer.id, address.id).first_name == "Eva"
    assert [each.id for each in gateway.customer.find(customer.id).addresses] == [address.id]
    assert gateway.address.delete(customer.id, address.id).is_success
    for missing in (
        lambda: gateway.address.find(customer.id, address.id),
        lambda: gateway.address.update(customer.id, address.id, {"first_name": "Eva"}),
        lambda: gateway.address.delete(customer.id, address.id),
        lambda: gateway.address.create({"customer_id": "nobody", "first_name": "Eva"}),
    ):
        with pytest.raises(NotFoundError):
            missing()


@pytest.mark.parametrize(
    ("fields", "field", "code"),
    [
        ({}, "base", "81801"),
        ({"country_name": "zzzzzz"}, "country_name", "91803"),
        ({"country_code_alpha2": "zz"}, "country_code_alpha2", "91814"),
        ({"country_code_alpha3": "zzz"}, "country_code_alpha3", "91816"),
        ({"country_code_numeric": "000"}, "country_code_numeric", "91817"),
        ({"country_code_alpha2": "US", "country_code_alpha3": "MEX"}, "base", "91815"),
        ({"postal_code": "1234567890"}, "postal_code", "81809"),
        ({"postal_code": "$1"}, "postal_code", "81813"),
        ({"postal_code": "-12345"}, "postal_code", "81813"),
        ({"street_address": "x" * 256}, "street_address", "81812"),
        ({"first_name": "x" * 256}, "first_name", "81805"),
        ({"last_name": "x" * 256}, "last_name", "81806"),
        ({"company": "x" * 256}, "company", "81802"),
        ({"extended_address": "x" * 256}, "extended_address", "81804"),
        ({"locality": "x" * 256}, "locality", "81807"),
        ({"region": "x" * 256}, "region", "81810"),
    ],
)
def test_each_error_of_an_address_has_its_code(gateway: Gateway, fields: dict[str, Any], field: str, code: str) -> None:
    customer = new_customer(gateway)
    created = gateway.address.create({"customer_id": customer.id, **fields})
    assert codes_on(created, "address", field) == [code]


def test_a_customer_has_at_most_fifty_addresses(gateway: Gateway) -> None:
    customer = new_customer(gateway)
    for number in range(50):
        assert gateway.address.create({"customer_id": customer.id, "street_address": f"{number} Main St"}).is_success
    assert codes(gateway.address.create({"customer_id": customer.id, "locality": "Chicago"})) == ["91818"]
    billing = {"customer_id": customer.id, **card(), "billing_address": {"locality": "Chicago"}}
    assert codes(gateway.credit_card.create(billing)) == ["91818"]


def test_a_sale_can_use_addresses_of_the_vault(gateway: Gateway) -> None:
    customer = new_customer(gateway, credit_card=card())
    address = gateway.address.create({"customer_id": customer.id, "locality": "Chicago"}).address
    transaction = sale(gateway, customer_id=customer.id, billing_address_id=address.id, shipping_address_id=address.id)
    assert (transaction.billing_details.id, transaction.shipping_details.locality) == (address.id, "Chicago")
    assert transaction.vault_billing_address.id == address.id
    gateway.address.delete(customer.id, address.id)


# Nonces.


def test_a_nonce_of_a_vaulted_card_pays_once(gateway: Gateway) -> None:
    token = new_customer(gateway, credit_card=card()).credit_cards[0].token
    nonce = gateway.payment_method_nonce.create(token).payment_method_nonce
    assert (nonce.type, nonce.default, nonce.details["last_two"]) == ("CreditCard", True, "11")
    paid = sale(gateway, payment_method_nonce=nonce.nonce)
    assert paid.credit_card_details.token == token
    again = gateway.transaction.sale({"amount": fresh_amount(), "payment_method_nonce": nonce.nonce})
    assert codes_on(again, "transaction", "payment_method_nonce") == ["91564"]
    with pytest.raises(NotFoundError):
        gateway.credit_card.from_nonce(nonce.nonce)
    assert gateway.payment_method_nonce.find(nonce.nonce).consumed
    with pytest.raises(NotFoundError):
        gateway.payment_method_nonce.create("nothing")


def test_the_card_behind_a_nonce_is_found_once(gateway: Gateway) -> None:
    token = new_customer(gateway, credit_card=card()).credit_cards[0].token
    nonce = gateway.payment_method_nonce.create(token).payment_method_nonce.nonce
    assert gateway.credit_card.from_nonce(nonce).token == token
    with pytest.raises(NotFoundError, match="consumed"):
        gateway.credit_card.from_nonce(nonce)


def test_a_nonce_of_a_deleted_card_is_unknown(gateway: Gateway) -> None:
    token = new_customer(gateway, credit_card=card()).credit_cards[0].token
    nonce = gateway.payment_method_nonce.create(token).payment_method_nonce.nonce
    gateway.payment_method.delete(token)
    assert codes(gateway.transaction.sale({"amount": fresh_amount(), "payment_method_nonce": nonce})) == ["91565"]


def test_test_nonces_can_be_found(gateway: Gateway) -> None:
    find = gateway.payment_method_nonce.find
    assert find(Nonces.TransactableVisa).details["bin"] == "401288"
    authenticated = find("fake-three-d-secure-visa-full-authentication-nonce").three_d_secure_info
    assert (authenticated.status, authenticated.cavv) == ("authenticate_successful", "cavv_value")
    assert authenticated.liability_shifted is True
    assert find(Nonces.PayPalBillingAgreement).details["payer_info"]["email"] == "jane.doe@paypal.com"
    assert find(Nonces.VenmoAccount).details["username"] == "venmojoe"
    with pytest.raises(NotFoundError):
        find("not-a-nonce")


@pytest.mark.parametrize(
    ("nonce", "field", "value"),
    [
        ("fake-valid-commercial-nonce", "commercial", CreditCard.Commercial.Yes),
        ("fake-valid-country-of-issuance-cad-nonce", "country_of_issuance", "CAN"),
        ("fake-valid-country-of-issuance-usa-nonce", "country_of_issuance", "USA"),
        ("fake-valid-debit-nonce", "debit", CreditCard.Debit.Yes),
        ("fake-valid-durbin-regulated-nonce", "durbin_regulated", CreditCard.DurbinRegulated.Yes),
        ("fake-valid-healthcare-nonce", "healthcare", CreditCard.Healthcare.Yes),
        ("fake-valid-issuing-bank-network-only-nonce", "issuing_bank", "NETWORK ONLY"),
        ("fake-valid-payroll-nonce", "payroll", CreditCard.Payroll.Yes),
        ("fake-valid-prepaid-nonce", "prepaid", CreditCard.Prepaid.Yes),
        ("fake-valid-unknown-indicators-nonce", "prepaid", CreditCard.Prepaid.Unknown),
        ("fake-valid-no-indicators-nonce", "payroll", CreditCard.Payroll.No),
    ],
)
def test_bin_data_shows_the_kind_of_card(gateway: Gateway, nonce: str, field: str, value: str) -> None:
    assert getattr(gateway.payment_method_nonce.find(nonce).bin_data, field) == value
    assert getattr(vaulted(gateway, nonce), field) == value


# Wallets.


def test_wallets_have_the_fields_of_their_sdk_classes(gateway: Gateway) -> None:
    customer = new_customer(gateway)
    apple = vaulted(gateway, Nonces.ApplePayVisa, customer.id)
    assert (apple.card_type, apple.is_expired, apple.default) == ("Apple Pay - Visa", False, True)
    assert apple.payment_instrument_name == apple.source_description == "Visa 8886"
    assert apple.cardholder_name
    google = vaulted(gateway, Nonces.AndroidPayCardDiscover, customer.id)
    assert (google.virtual_card_type, google.virtual_card_last_4) == ("Discover", "1117")
    assert (google.source_card_type, google.source_description) == ("Discover", "Discover 1111")
    assert (google.card_type, google.last_4, google.expiration_date[2]) == ("Discover", "1117", "/")
    paypal = vaulted(gateway, Nonces.PayPalBillingAgreement, customer.id)
    assert (paypal.email, bool(paypal.billing_agreement_id)) == ("jane.doe@paypal.com", True)
    venmo = vaulted(gateway, Nonces.VenmoAccount, customer.id)
    assert (venmo.username, venmo.source_description) == ("venmojoe", "Venmo Account: venmojoe")
    found = gateway.customer.find(customer.id)
    assert [found.apple_pay_cards[0].token, found.android_pay_cards[0].token] == [apple.token, google.token]
    assert [found.paypal_accounts[0].token, found.venmo_accounts[0].token] == [paypal.token, venmo.token]
    for method, details in (
        (apple, "apple_pay_details"),
        (google, "android_pay_card_details"),
        (paypal, "paypal_details"),
        (venmo, "venmo_account_details"),
    ):
        paid = sale(gateway, payment_method_token=method.token)
        assert getattr(paid, details).token == method.token
        assert type(gateway.payment_method.find(method.token)) is type(method)
        assert method.subscriptions == []


def test_a_sale_can_contain_the_fields_of_a_wallet(gateway: Gateway) -> None:
    fields = {"number": VISA, "expiration_month": "05", "expiration_year": "30", "cryptogram": "AAAAAAAA/COBt84dnIE"}
    apple = sale(gateway, customer_id=None, apple_pay_card={**fields, "cardholder_name": "Evelyn"})
    assert (apple.payment_instrument_type, apple.apple_pay_details.cardholder_name) == ("apple_pay_card", "Evelyn")
    google = sale(
        gateway,
        customer_id=None,
        android_pay_card={**fields, "google_transaction_id": "12345", "source_card_last_four": "1881"},
    )
    assert google.android_pay_card_details.source_card_last_4 == "1881"
    del fields["cryptogram"]
    refused = gateway.transaction.sale({"amount": fresh_amount(), "apple_pay_card": fields})
    assert codes_on(refused, "transaction", "apple_pay_card", "cryptogram") == ["93511"]


def test_a_one_time_paypal_account_cannot_be_vaulted(gateway: Gateway) -> None:
    created = gateway.customer.create({"payment_method_nonce": Nonces.PayPalOneTimePayment})
    assert codes_on(created, "customer", "paypal_account", "base") == ["82902"]
    paid = sale(gateway, payment_method_nonce=Nonces.PayPalOneTimePayment, options={"store_in_vault": True})
    assert paid.paypal_details.token is None


def test_a_paypal_account_has_paths_of_its_own(gateway: Gateway) -> None:
    customer = new_customer(gateway, credit_card=card())
    account = vaulted(gateway, Nonces.PayPalBillingAgreement, customer.id)
    assert gateway.paypal_account.find(account.token).email == account.email
    token = f"paypal-{customer.id}"
    updated = gateway.paypal_account.update(account.token, {"token": token, "options": {"make_default": True}})
    assert (updated.paypal_account.token, updated.paypal_account.default) == (token, True)
    taken = gateway.paypal_account.update(token, {"token": customer.credit_cards[0].token})
    assert codes_on(taken, "paypal_account", "token") == ["92906"]
    with pytest.raises(NotFoundError):
        gateway.paypal_account.find(customer.credit_cards[0].token)
    assert gateway.paypal_account.delete(token).is_success
    with pytest.raises(NotFoundError):
        gateway.paypal_account.find(token)


def test_the_fields_of_a_wallet_cannot_be_updated(gateway: Gateway) -> None:
    account = vaulted(gateway, Nonces.PayPalBillingAgreement)
    changed = gateway.payment_method.update(account.token, {"expiration_date": "01/2031"})
    assert codes(changed) == ["92915"]
    replaced = gateway.payment_method.update(account.token, {"payment_method_nonce": Nonces.TransactableVisa})
    assert codes(replaced) == ["92914"]


# Cards.


def test_expired_and_expiring_cards_are_found(gateway: Gateway) -> None:
    old, later, latest = (
        new_customer(gateway, credit_card=card(expiration_date=date)).credit_cards[0].token
        for date in ("01/2019", "06/2041", "07/2041")
    )
    assert gateway.credit_card.find(old).is_expired
    expired = {each.token for each in gateway.credit_card.expired().items}
    assert old in expired
    assert later not in expired
    start, end = datetime(2041, 1, 1), datetime(2041, 6, 30)  # noqa: DTZ001
    assert [each.token for each in gateway.credit_card.expiring_between(start, end).items] == [later]
    everything = gateway.credit_card.expiring_between(start, datetime(2041, 7, 1))  # noqa: DTZ001
    assert {each.token for each in everything.items} == {later, latest}


def test_a_vaulted_card_shows_six_digits_and_its_transaction_eight(gateway: Gateway) -> None:
    token = gateway.customer.create({"credit_card": card()}).customer.credit_cards[0].token
    paid = sale(gateway, payment_method_token=token)
    assert paid.credit_card_details.masked_number == "41111111****1111"
    assert paid.vault_credit_card.masked_number == "411111******1111"


def test_an_update_can_be_verified_and_declined(gateway: Gateway) -> None:
    token = new_customer(gateway, credit_card=card()).credit_cards[0].token
    options = {"verify_card": True}
    refused = gateway.payment_method.update(
        token, {"number": "4000111111111115", "expiration_date": "05/2030", "options": options}
    )
    assert refused.credit_card_verification.status == "processor_declined"
    assert gateway.credit_card.find(token).last_4 == "1111"
    accepted = gateway.credit_card.update(
        token, {"number": MASTERCARD, "expiration_date": "06/2031", "options": options}
    )
    assert (accepted.credit_card.last_4, accepted.credit_card.verification.status) == ("4444", "verified")
    renamed = gateway.credit_card.update(token, {"token": f"{token}-new"}).credit_card
    assert renamed.verification.status == "verified"


def test_an_update_is_no_duplicate_of_itself(gateway: Gateway) -> None:
    customer = new_customer(gateway, credit_card=card())
    token = customer.credit_cards[0].token
    options = {"fail_on_duplicate_payment_method_for_customer": True}
    request = {"number": VISA, "expiration_date": "01/2033", "options": options}
    assert gateway.payment_method.update(token, dict(request)).is_success
    other = gateway.credit_card.create({"customer_id": customer.id, **card(number=MASTERCARD)}).credit_card
    assert codes(gateway.payment_method.update(other.token, dict(request))) == ["81763"]


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [("verification_merchant_account_id", "nobody", "91728"), ("verification_account_type", "ach", "91757")],
)
def test_errors_of_a_customers_nonce_options_stand_below_its_card(
    gateway: Gateway, name: str, value: str, code: str
) -> None:
    request = {"payment_method_nonce": Nonces.Transactable, "credit_card": {"options": {name: value}}}
    refused = gateway.customer.create(request)
    assert codes_on(refused, "customer", "credit_card", "options", name) == [code]
    assert codes(refused) == [code]


def test_blank_custom_fields_are_dropped(gateway: Gateway) -> None:
    given = {"store_me": "kept", "another_stored_field": ""}
    customer = new_customer(gateway, custom_fields=given)
    assert customer.custom_fields == {"store_me": "kept"}
    assert sale(gateway, custom_fields=given).custom_fields == {"store_me": "kept"}
    changed = gateway.customer.update(customer.id, {"custom_fields": {"store_me": "", "another_stored_field": "x"}})
    assert changed.customer.custom_fields == {"another_stored_field": "x"}


def test_blank_texts_of_customers_and_addresses_stay_blank(gateway: Gateway) -> None:
    billing = {"company": "", "street_address": "123 E Main St"}
    customer = new_customer(gateway, company="", phone="1", credit_card=card(billing_address=billing))
    found = gateway.customer.find(customer.id)
    assert (found.company, found.phone, found.fax) == ("", "1", None)
    address = found.credit_cards[0].billing_address
    assert (address.company, address.street_address, address.locality) == ("", "123 E Main St", None)
    assert gateway.customer.update(customer.id, {"phone": ""}).customer.phone == ""
    paid = sale(gateway, billing=billing, customer={"first_name": ""})
    assert (paid.billing_details.company, paid.billing_details.locality) == ("", None)
    assert (paid.customer_details.first_name, paid.customer_details.last_name) == ("", None)


def test_a_customers_card_is_updated_by_its_token(gateway: Gateway) -> None:
    request = {"credit_card": card(options={"update_existing_token": "token"})}
    path = ("customer", "credit_card", "options", "update_existing_token")
    customer = new_customer(gateway, credit_card=card())
    unknown = gateway.customer.update(customer.id, request)
    assert codes_on(unknown, *path) == ["91723"]
    token = customer.credit_cards[0].token
    renewed = gateway.customer.update(
        customer.id, {"credit_card": card(expiration_date="08/2035", options={"update_existing_token": token})}
    )
    assert [each.expiration_date for each in renewed.customer.credit_cards] == ["08/2035"]


def test_a_nonce_of_another_customers_card_is_refused(gateway: Gateway) -> None:
    token = new_customer(gateway, credit_card=card()).credit_cards[0].token
    nonce = gateway.payment_method_nonce.create(token).payment_method_nonce.nonce
    other = new_customer(gateway)
    assert codes(gateway.customer.update(other.id, {"payment_method_nonce": nonce})) == ["91617"]


# Verifications.


def test_a_card_can_be_verified_without_being_vaulted(gateway: Gateway) -> None:
    result = gateway.verification.create(
        {"credit_card": card(cvv="200", billing_address={"postal_code": "20000"}), "options": {"amount": "1.02"}}
    )
    verified = result.verification
    assert (verified.status, verified.processor_response_type) == ("verified", "approved")
    assert str(verified.amount) == "1.02"
    assert (verified.cvv_response_code, verified.avs_postal_code_response_code) == ("N", "N")
    assert verified.credit_card["bin"] == "411111"
    found = gateway.verification.find(verified.id)
    assert (found.id, found.network_response_code) == (verified.id, "XX")
    with pytest.raises(NotFoundError):
        gateway.verification.find("nothing")


@pytest.mark.parametrize(
    ("number", "status", "code"),
    [
        ("5105105105105100", "processor_declined", "2000"),
        ("3566002020360505", "failed", "3000"),
        ("4000111111111511", "gateway_rejected", None),
    ],
)
def test_a_failed_verification_is_in_the_answer(gateway: Gateway, number: str, status: str, code: str | None) -> None:
    result = gateway.verification.create({"credit_card": card(number=number)})
    assert not result.is_success
    outcome = result.credit_card_verification
    assert (outcome.status, outcome.processor_response_code) == (status, code)


@pytest.mark.parametrize(
    ("fields", "path", "code"),
    [
        ({"options": {"amount": "-10.00"}}, ("options", "amount"), "94201"),
        ({"options": {"amount": "much"}}, ("options", "amount"), "94202"),
        ({"options": {"merchant_account_id": "nobody"}}, ("options", "merchant_account_id"), "94204"),
        ({"options": {"merchant_account_id": "twin_usd_suspended"}}, ("options", "merchant_account_id"), "94205"),
        ({"options": {"account_type": "debit"}}, ("options", "account_type"), "942185"),
        ({"options": {"account_type": "other"}}, ("options", "account_type"), "942184"),
        ({"credit_card": card(number="4111")}, ("credit_card", "number"), "81716"),
        ({"credit_card": {"number": VISA}}, ("credit_card", "expiration_date"), "81709"),
        ({"three_d_secure_pass_thru": {"cavv": "x", "three_d_secure_version": "2.1.0"}}, ("eci_flag",), "942113"),
    ],
)
def test_each_error_of_a_verification_has_its_code(
    gateway: Gateway, fields: dict[str, Any], path: tuple[str, ...], code: str
) -> None:
    result = gateway.verification.create({"credit_card": card(), **fields})
    assert codes_on(result, "verification", *path) == [code]
    assert codes(result) == [code]


# Where the faults of a payment method are told.


def test_errors_are_reported_on_the_kind_of_the_method(gateway: Gateway) -> None:
    customer = new_customer(gateway)
    visa = vaulted(gateway, Nonces.TransactableVisa, customer.id)
    updated = gateway.payment_method.update(visa.token, {"number": "invalid", "expiration_date": "05/2031"})
    assert codes_on(updated, "credit_card", "number") == ["81716"]
    request = {"customer_id": customer.id, "token": visa.token}
    taken = gateway.payment_method.create({**request, "payment_method_nonce": Nonces.TransactableVisa})
    assert codes_on(taken, "credit_card", "token") == ["91719"]
    account = gateway.payment_method.create({**request, "payment_method_nonce": Nonces.PayPalBillingAgreement})
    assert codes_on(account, "paypal_account", "token") == ["92906"]
    paypal = vaulted(gateway, Nonces.PayPalBillingAgreement, customer.id)
    renamed = gateway.payment_method.update(paypal.token, {"token": visa.token})
    assert codes_on(renamed, "paypal_account", "token") == ["92906"]


def test_a_paypal_account_ignores_card_fields(gateway: Gateway) -> None:
    options = {"verify_card": True, "verification_merchant_account_id": "not_a_real_merchant_account_id"}
    account = vaulted(
        gateway, Nonces.PayPalBillingAgreement, options=options, billing_address={"street_address": "123 Abc Way"}
    )
    assert gateway.customer.find(account.customer_id).addresses == []


def test_a_nonce_of_a_vaulted_card_adds_no_other_card(gateway: Gateway) -> None:
    customer = new_customer(gateway, credit_card=card(billing_address={"street_address": "456 Xyz Way"}))
    token = customer.credit_cards[0].token
    nonces = [gateway.payment_method_nonce.create(token).payment_method_nonce.nonce for _ in range(2)]
    again = vaulted(gateway, nonces[0], customer.id, billing_address={"street_address": "123 Abc Way"})
    assert (again.token, again.billing_address.street_address) == (token, "456 Xyz Way")
    other = new_customer(gateway)
    refused = gateway.payment_method.create({"customer_id": other.id, "payment_method_nonce": nonces[1]})
    assert codes_on(refused, "payment_method", "payment_method_nonce") == ["93102"]


def test_a_new_address_replaces_the_old_one_or_changes_it(gateway: Gateway) -> None:
    customer = new_customer(gateway, credit_card=card(billing_address={"locality": "Old", "region": "IL"}))
    first = customer.credit_cards[0]
    new = {"billing_address": {"locality": "New"}}
    replaced = gateway.payment_method.update(first.token, new).payment_method.billing_address
    assert (replaced.locality, replaced.region) == ("New", None)
    assert replaced.id != first.billing_address.id
    renewed = {"billing_address": {"locality": "Newer", "options": {"update_existing": True}}}
    changed = gateway.payment_method.update(first.token, renewed).payment_method.billing_address
    assert (changed.id, changed.locality) == (replaced.id, "Newer")


# PayPal payments.


def test_a_paypal_sale_shows_its_payer_and_payee(gateway: Gateway) -> None:
    paid = sale(
        gateway,
        payment_method_nonce=Nonces.PayPalOneTimePayment,
        paypal_account={"payee_email": "payee@example.com"},
        options={"submit_for_settlement": True, "paypal": {"custom_field": "stuff", "description": "Product"}},
    )
    details = paid.paypal_details
    assert (details.payer_email, details.payee_email) == ("payer@example.com", "payee@example.com")
    assert (details.custom_field, details.description) == ("stuff", "Product")
    assert (paid.status, details.transaction_fee_currency_iso_code) == ("settling", "USD")
    kept = sale(gateway, payment_method_nonce=Nonces.PayPalFuturePayment, options={"store_in_vault": True})
    assert gateway.payment_method.find(kept.paypal_details.token).email == kept.paypal_details.payer_email


def test_a_customer_is_created_with_an_apple_pay_card_that_can_be_charged(gateway: Any) -> None:
    wallet = {
        "number": "4111111111111111",
        "expiration_month": "12",
        "expiration_year": "2030",
        "cryptogram": "AAAAAAAA/COBt84dnIEcwAA3gAAGhgEDoLABAAhAgAABAAAALnNCLw==",
        "cardholder_name": "Ada L",
        "billing_address": {"postal_code": "60622"},
        "options": {"make_default": True, "verify_card": True},
    }
    made = gateway.customer.create({"first_name": "Ada", "apple_pay_card": {**wallet, "token": "apple_one"}})
    assert made.is_success, made.message
    (vaulted,) = made.customer.apple_pay_cards
    assert (vaulted.token, vaulted.cardholder_name, vaulted.last_4) == ("apple_one", "Ada L", "1111")
    sold = gateway.transaction.sale({"amount": fresh_amount(), "payment_method_token": "apple_one"})
    assert (sold.is_success, sold.transaction.apple_pay_details.token) == (True, "apple_one")
    google = {name: wallet[name] for name in ("number", "expiration_month", "expiration_year")}
    asked = {"android_pay_card": {**google, "google_transaction_id": "g1"}}
    updated = gateway.customer.update(made.customer.id, asked)
    assert updated.is_success, updated.message
    assert [each.google_transaction_id for each in updated.customer.android_pay_cards] == ["g1"]
    refused = gateway.customer.create({"apple_pay_card": {"number": "4111111111111111"}})
    assert sorted(codes(refused)) == ["93509", "93510", "93511"]
    assert codes_on(refused, "apple_pay", "cryptogram") == ["93511"]


def test_apple_pay_domains_are_registered_listed_and_removed(gateway: Gateway) -> None:
    assert gateway.apple_pay.register_domain("shop.example").is_success
    assert gateway.apple_pay.register_domain("pay.example").is_success
    assert gateway.apple_pay.registered_domains() == ["pay.example", "shop.example", "www.example.com"]
    refused = gateway.apple_pay.register_domain("")
    assert refused.errors.for_object("apple_pay")[0].message == "Domain name is required."
    assert gateway.apple_pay.unregister_domain("shop.example").is_success
    assert gateway.apple_pay.registered_domains() == ["pay.example", "www.example.com"]


def test_the_transactions_of_a_customer_are_listed(gateway: Gateway) -> None:
    customer = gateway.customer.create({"credit_card": card()}).customer
    sold = [sale(gateway, payment_method_token=customer.credit_cards[0].token) for _ in range(2)]
    path = f"{gateway.config.base_merchant_path()}/customers/{customer.id}"
    ids = gateway.config.http().post(f"{path}/transaction_ids")["search_results"]["ids"]
    assert sorted(ids) == sorted(each.id for each in sold)
    page = gateway.config.http().post(f"{path}/transactions", {"search": {"ids": [sold[0].id]}})
    assert page["credit_card_transactions"]["transaction"]["id"] == sold[0].id
    with pytest.raises(NotFoundError):
        gateway.config.http().post(f"{gateway.config.base_merchant_path()}/customers/none/transaction_ids")


APPLE_PAY_NONCE = "fake-apple-pay-visa-nonce"


def test_a_vaulted_apple_pay_card_is_verified_and_shows_it(gateway: Any) -> None:
    customer = gateway.customer.create({}).customer.id
    asked = {"customer_id": customer, "payment_method_nonce": APPLE_PAY_NONCE, "options": {"verify_card": True}}
    card = gateway.payment_method.create(asked).payment_method
    (checked,) = gateway.payment_method.find(card.token).verifications
    assert checked["status"] == "verified"
    assert gateway.verification.find(checked["id"]).status == "verified"


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"verification_amount": "x"}, "93534"),
        ({"verification_amount": "-1.00"}, "93535"),
        ({"verification_amount": "99999999999999.00"}, "93537"),
        ({"verification_account_type": "z"}, "93538"),
        ({"verification_account_type": "debit"}, "93543"),
        ({"verification_merchant_account_id": "none"}, "93540"),
        ({"verification_merchant_account_id": "twin_usd_suspended"}, "93541"),
    ],
)
def test_the_options_of_an_apple_pay_verification_have_their_own_codes(
    gateway: Any, options: dict[str, str], code: str
) -> None:
    customer = gateway.customer.create({}).customer.id
    (attribute,) = options
    asked = {
        "customer_id": customer,
        "payment_method_nonce": APPLE_PAY_NONCE,
        "options": {"verify_card": True, **options},
    }
    assert codes_on(gateway.payment_method.create(asked), "apple_pay", "options", attribute) == [code]


def test_an_apple_pay_card_takes_no_new_nonce_and_no_token_in_use(gateway: Any) -> None:
    customer = gateway.customer.create({}).customer.id
    asked = {"customer_id": customer, "payment_method_nonce": APPLE_PAY_NONCE}
    card = gateway.payment_method.create(dict(asked)).payment_method
    again = gateway.payment_method.create({**asked, "token": card.token})
    assert codes_on(again, "apple_pay", "token") == ["93503"]
    changed = gateway.payment_method.update(card.token, {"payment_method_nonce": "fake-valid-nonce"})
    assert codes_on(changed, "apple_pay", "payment_method_nonce") == ["93507"]
