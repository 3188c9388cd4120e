"""Merchant accounts, the settlement batch summary, the catalogue."""

from __future__ import annotations

import datetime

import braintree
import pytest
from braintree.exceptions.not_found_error import NotFoundError
from twin_sdk import codes, codes_on, gateway_to, sale, settled_sale

from braintree_twin.testing import start_twin

Gateway = braintree.BraintreeGateway


def test_every_account_is_listed_with_its_currency_and_status(gateway: Gateway) -> None:
    accounts = {account.id: account for account in gateway.merchant_account.all().merchant_accounts.items}
    assert accounts["twin_usd"].default is True
    assert accounts["twin_eur"].currency_iso_code == "EUR"
    assert accounts["twin_eur"].default is False
    assert accounts["twin_usd_suspended"].status == "suspended"


def test_an_account_is_found_by_its_id(gateway: Gateway) -> None:
    account = gateway.merchant_account.find("twin_jpy")
    assert (account.id, account.currency_iso_code, account.status) == ("twin_jpy", "JPY", "active")
    with pytest.raises(NotFoundError):
        gateway.merchant_account.find("nobody")


def test_an_account_is_created_for_a_new_currency_and_survives_a_restart() -> None:
    with start_twin() as twin:
        gateway = gateway_to(twin)
        made = gateway.merchant_account.create_for_currency({"currency": "SEK"})
        assert made.is_success
        assert made.merchant_account.currency_iso_code == "SEK"
        again = gateway.merchant_account.create_for_currency({"currency": "SEK"})
        assert codes_on(again, "merchant", "currency") == ["93616"]
        named = gateway.merchant_account.create_for_currency({"currency": "SEK", "id": "second_sek"})
        assert named.merchant_account.id == "second_sek"
        assert sale(gateway, merchant_account_id="second_sek").currency_iso_code == "SEK"
        for number in range(50):
            gateway.merchant_account.create_for_currency({"currency": "NOK", "id": f"nok_{number}"})
        twin.kill()
        twin.restart()
        listed = {account.id for account in gateway_to(twin).merchant_account.all().merchant_accounts.items}
        assert {"second_sek", made.merchant_account.id, "nok_0", "nok_49", "twin_usd"} <= listed


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({}, "93617"),
        ({"currency": "badcurrency"}, "93618"),
        ({"currency": "USD"}, "93616"),
        ({"currency": "USD", "id": "twin_usd"}, "93620"),
    ],
)
def test_an_invalid_account_request_has_its_code(gateway: Gateway, params: dict[str, str], code: str) -> None:
    assert codes(gateway.merchant_account.create_for_currency(params)) == [code]


def test_the_batch_summary_counts_and_sums_a_day() -> None:
    with start_twin() as twin:
        gateway = gateway_to(twin)
        for amount in ("10.00", "5.50"):
            settled_sale(gateway, amount=amount, custom_fields={"store": "north"})
        settled = settled_sale(
            gateway, amount="7.00", credit_card={"number": "5555555555554444", "expiration_date": "1/30"}
        )
        day = settled.settlement_batch_id.split("_")[0]
        rows = gateway.settlement_batch_summary.generate(day).settlement_batch_summary.records
        told = {row["card_type"]: (row["count"], row["amount_settled"], row["kind"]) for row in rows}
        assert told == {"Visa": ("2", "15.50", "sale"), "MasterCard": ("1", "7.00", "sale")}
        assert {row["merchant_account_id"] for row in rows} == {"twin_usd"}
        rows = gateway.settlement_batch_summary.generate(day, "store").settlement_batch_summary.records
        assert {row["card_type"]: row["store"] for row in rows} == {"Visa": "north", "MasterCard": None}
        assert gateway.settlement_batch_summary.generate("2011-01-01").settlement_batch_summary.records == []
        assert gateway.settlement_batch_summary.generate(datetime.date.fromisoformat(day)).is_success
        assert codes(gateway.settlement_batch_summary.generate(day, "nowhere")) == ["82303"]


def test_a_batch_summary_needs_a_valid_day(gateway: Gateway) -> None:
    wrong = gateway.settlement_batch_summary.generate("THIS IS NO DATE")
    assert codes_on(wrong, "settlement_batch_summary", "settlement_date") == ["82302"]
    assert codes(gateway.settlement_batch_summary.generate(None)) == ["82301"]


def test_the_default_merchant_has_the_sdks_catalogue(gateway: Gateway) -> None:
    assert "integration_trialless_plan" in {each.id for each in gateway.plan.all()}
    assert {"increase_10", "increase_20", "increase_30"} <= {each.id for each in gateway.add_on.all()}
    assert {"discount_7", "discount_11", "discount_15"} <= {each.id for each in gateway.discount.all()}
    with pytest.raises(NotFoundError):
        gateway.plan.find("none")


def test_subscriptions_are_not_found(gateway: Gateway) -> None:
    with pytest.raises(NotFoundError):
        gateway.subscription.find("any")
