"""Merchants that an OAuth application creates: their accounts, their credentials, and their unfinished application."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
from braintree.exceptions.authentication_error import AuthenticationError
from sdk_suites import SEED, application, configured
from twin_sdk import codes, codes_on, sale, sale_request

from braintree_twin.testing import Twin, start_twin

BRITISH = {"email": "name@example.com", "country_code_alpha3": "GBR", "payment_methods": ["credit_card", "paypal"]}


def create(twin: Twin, name: str = "integration", **fields: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return application(twin, name).merchant.create({**BRITISH, **fields})


def test_a_created_merchant_sells_in_its_own_currency(suites: Twin) -> None:
    made = create(suites)
    assert (made.merchant.country_code_alpha2, made.merchant.country_name) == ("GB", "United Kingdom")
    assert made.merchant.company_name == "name@example.com"
    gateway = configured(suites, access_token=made.credentials.access_token)
    (account,) = gateway.merchant_account.all().merchant_accounts.items
    assert (account.currency_iso_code, account.default) == ("GBP", True)
    assert sale(gateway).currency_iso_code == "GBP"
    large = gateway.transaction.sale(sale_request(amount="4000.00"))
    assert large.transaction.gateway_rejection_reason == "application_incomplete"


def test_a_created_merchant_has_an_account_for_each_currency(suites: Twin) -> None:
    made = create(suites, currencies=["USD", "GBP"])
    assert [(each.id, each.default) for each in made.merchant.merchant_accounts] == [("GBP", True), ("USD", False)]
    accounts = configured(suites, access_token=made.credentials.access_token).merchant_account
    assert codes_on(accounts.create_for_currency({"currency": "GBP"}), "merchant", "currency") == ["93616"]
    assert codes_on(accounts.create_for_currency({"currency": "GBP", "id": "GBP"}), "merchant", "id") == ["93620"]
    assert accounts.create_for_currency({"currency": "USD", "id": "custom_id"}).is_success


@pytest.mark.parametrize(("country", "currency"), [("JPN", "JPY"), ("YEM", "USD")])
def test_each_application_creates_merchants_in_the_currency_of_their_country(
    suites: Twin, country: str, currency: str
) -> None:
    made = create(suites, "signup", country_code_alpha3=country, payment_methods=["paypal"])
    assert [(each.id, each.default) for each in made.merchant.merchant_accounts] == [(currency, True)]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"payment_methods": ["fake_money"]}, ["93613"]),
        ({"currencies": ["USD", "FAKE"]}, ["93614"]),
        ({"email": None}, ["83601"]),
        ({"email": "nobody"}, ["93602"]),
        ({"country_code_alpha3": "XXX"}, ["93605"]),
        ({"country_code_alpha3": None}, ["83603"]),
    ],
)
def test_a_merchant_is_refused_with_the_code_of_its_fault(
    suites: Twin, fields: dict[str, Any], expected: list[str]
) -> None:
    assert codes(create(suites, **fields)) == expected


def test_only_an_application_creates_merchants(suites: Twin) -> None:
    wrong = configured(
        suites, client_id="client_id$development$integration_client_id", client_secret="client_secret$development$wrong"
    )
    with pytest.raises(AuthenticationError), pytest.warns(DeprecationWarning, match="merchant.create"):
        wrong.merchant.create(BRITISH)


def test_a_created_merchant_outlives_a_kill_and_ends_with_a_reset(tmp_path: Path) -> None:
    with start_twin(tmp_path, arguments=("--seed", str(SEED))) as twin:
        gateway = configured(twin, access_token=create(twin).credentials.access_token)
        twin.kill()
        twin.restart()
        assert sale(gateway).currency_iso_code == "GBP"
        twin.control.reset()
        with pytest.raises(AuthenticationError):
            gateway.merchant_account.find("GBP")
