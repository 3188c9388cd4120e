"""The seed: the documented example, separate merchants, error messages."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from braintree import DisputeSearch, TransactionSearch
from braintree.exceptions.authentication_error import AuthenticationError
from braintree.exceptions.not_found_error import NotFoundError
from browser_calls import Browser
from twin_sdk import card, codes, gateway_to, sale, sale_request

from braintree_twin.seed.fields import InvalidSeed
from braintree_twin.seed.loader import check_seed
from braintree_twin.testing import start_twin

EXAMPLE = Path(__file__).parents[1] / "docs" / "seed.md"
SECOND = """
[[merchants]]
id = "other"
public_key = "other_public"
private_key = "other_private"
accounts = [
    {id = "other_eur", currency = "EUR"},
    {id = "other_held", currency = "EUR", status = "suspended"},
    {id = "other_strict", currency = "EUR", reject_cvv = ["N"], api_request_keys = false, duplicate_checking = false},
]
"""


def example() -> str:
    """The seed that the documentation shows, without its webhooks."""
    (text,) = re.findall(r"```toml\n(.*?)```", EXAMPLE.read_text(), re.DOTALL)
    return re.sub(r"webhook_url.*", "", text)


def test_the_documented_seed_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "seed.toml"
    path.write_text(example() + SECOND)
    with start_twin(tmp_path, arguments=("--seed", str(path))) as twin:
        shop = gateway_to(twin, merchant_id="shop", public_key="shop_public", private_key="shop_private")
        other = gateway_to(twin, merchant_id="other", public_key="other_public", private_key="other_private")
        (plan,) = shop.plan.all()
        assert (plan.id, plan.price, plan.currency_iso_code) == ("monthly", "9.99", "USD")
        assert [add_on.amount for add_on in plan.add_ons] == [Decimal("2.00")]
        assert [discount.id for discount in shop.discount.all()] == ["spring"]
        assert [add_on.name for add_on in shop.add_on.all()] == ["Insurance"]
        assert shop.plan.find("monthly").name == "Monthly"
        customer = shop.customer.find("ada")
        assert (customer.first_name, customer.addresses[0].postal_code) == ("Ada", "60622")
        assert customer.credit_cards[0].token == "ada_visa"
        assert customer.credit_cards[0].default
        known = shop.subscription.find("ada_monthly")
        assert (known.status, known.price, known.current_billing_cycle) == ("Active", Decimal("9.99"), 1)
        assert known.next_billing_date > datetime.now(UTC).date()
        first = shop.transaction.find("first_sale")
        assert (first.status, first.amount, first.customer_details.id) == ("settled", Decimal("100.00"), "ada")
        assert first.disputes[0].id == "open_dispute"
        assert (first.acquirer_reference_number, first.refund_ids) == ("12345678901234567890123", ["first_refund"])
        assert str(first.disbursement_details.disbursement_date) == "2026-02-02"
        assert [each.amount for each in first.authorization_adjustments] == [Decimal("20.00")]
        assert [str(each.timestamp) for each in first.status_history][-1] == "2026-02-01 04:00:00"
        bank = shop.transaction.find("bank_sale")
        assert (bank.status, bank.us_bank_account.last_4) == ("settlement_pending", "9876")
        assert shop.transaction.find("wallet_sale").apple_pay_details.card_type == "Apple Pay - MasterCard"
        checked = shop.verification.find("first_verification")
        assert (checked.status, checked.cvv_response_code) == ("processor_declined", "N")
        assert shop.dispute.find("open_dispute").created_at.day == 1
        (named,) = {each.user for each in sale(shop).status_history}
        assert named == "api@shop.example"
        assert shop.dispute.find("open_dispute").transaction.order_id == "order-1"
        assert shop.transaction.search(TransactionSearch.order_id == "order-1").ids == ["first_sale"]
        (found,) = shop.dispute.search(DisputeSearch.received_date == "02/01/2026").disputes.items
        assert found.id == "open_dispute"
        assert sale(shop, payment_method_token="ada_visa").merchant_account_id == "shop_usd"
        assert shop.transaction.refund("first_sale").is_success
        assert shop.dispute.accept("open_dispute").is_success

        with pytest.raises(NotFoundError):
            other.transaction.find("first_sale")
        with pytest.raises(NotFoundError):
            other.customer.find("ada")
        with pytest.raises(NotFoundError):
            other.dispute.find("open_dispute")
        assert other.plan.all() == []
        assert other.transaction.search(TransactionSearch.order_id == "order-1").ids == []
        with pytest.raises(AuthenticationError):
            gateway_to(twin, merchant_id="shop", public_key="other_public", private_key="other_private").plan.all()
        assert sale(other).currency_iso_code == "EUR"
        assert codes(other.transaction.sale(sale_request(merchant_account_id="other_held"))) == ["91514"]
        strict = sale_request(merchant_account_id="other_strict", credit_card=card(cvv="200"))
        assert other.transaction.sale(strict).transaction.gateway_rejection_reason == "cvv"

        twin.stop()
        twin.restart()
        again = gateway_to(twin, merchant_id="shop", public_key="shop_public", private_key="shop_private")
        assert again.dispute.find("open_dispute").status == "accepted"
        assert len(again.transaction.find("first_sale").refund_ids) == 2


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('currency = "USD"', 'currency = "USDX"', "merchants[shop].accounts[shop_usd].currency is 'USDX'"),
        ('public_key = "shop_public"', "", "merchants[shop].public_key is missing"),
        ('status = "settled"', 'status = "done"', "merchants[shop].transactions[first_sale].status is 'done'"),
        (
            'payment_method = "ada_visa"',
            'payment_method = "no"',
            "merchants[shop].verifications[first_verification].payment_method is 'no'",
        ),
        ('plan = "monthly"', 'plan = "no"', "merchants[shop].subscriptions[ada_monthly].plan is 'no'"),
        ('transaction = "first_sale"', 'transaction = "no"', "[open_dispute].transaction is 'no'"),
        ('amount = "100.00"', 'amount = "1.001"', "[first_sale].amount must be an amount in USD"),
        ('id = "ada"', 'id = "a b"', "merchants[shop].customers[a b].id may only have letters"),
        ('kind = "chargeback"', 'sort = "x"', "merchants[shop].disputes[open_dispute].sort is not known here"),
        ('"4111111111111111"', '"4111111111111112"', "[ada_visa].number is no card number"),
        ("[[merchants]]", "[[merchants]", "at line"),
        ('add_ons = ["insurance"]', 'add_ons = ["no"]', "merchants[shop].plans[monthly].add_ons has 'no'"),
    ],
)
def test_an_invalid_seed_names_the_place(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in example()
    path = tmp_path / "seed.toml"
    path.write_text(example().replace(old, new, 1))
    with pytest.raises(InvalidSeed) as raised:
        check_seed(path)
    assert said in str(raised.value)
    assert "seed.toml" in str(raised.value)


def test_an_invalid_seed_stops_the_start(tmp_path: Path) -> None:
    path = tmp_path / "seed.toml"
    path.write_text(example().replace('amount = "100.00"', 'amount = "1.001"', 1))
    command = [sys.executable, "-m", "braintree_twin", "serve", "--plain", "--address", "127.0.0.1:0"]
    files = ["--state", str(tmp_path / "twin.db"), "--seed", str(path)]
    ended = subprocess.run([*command, *files], capture_output=True, text=True, timeout=20, check=False)
    assert ended.returncode == 1
    assert "[first_sale].amount must be an amount in USD" in ended.stderr
    assert "Traceback" not in ended.stderr


MANY_FAULTS = """
[[merchants]]
id = "shop"
public_key = 1
private_key = "p"
colour = "red"
accounts = [{id = "shop_usd", currency = "USDX", lacks = ["everything"], default = "yes"}]

[[merchants.customers]]
id = "ada"
first_name = 7

[[merchants.customers]]
id = "ada"

[[merchants.payment_methods]]
token = "visa"
customer = "nobody"
number = "4111111111111112"
expiration_date = "13/30"

[[merchants.transactions]]
id = "sale"
amount = "ten"
status = "done"
payment_method = "visa"

[[merchants.transactions]]
amount = "1.00"
nonce = "fake-nothing-nonce"

[[merchants.disputes]]
id = "dispute"
transaction = "gone"
"""


def test_check_tells_every_fault_at_once_by_the_ids_of_the_records(tmp_path: Path) -> None:
    path = tmp_path / "seed.toml"
    path.write_text(MANY_FAULTS)
    command = [sys.executable, "-m", "braintree_twin", "check", str(path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert (ended.returncode, ended.stdout) == (1, "")
    said = [line.removeprefix(f"braintree-twin: {path}: ") for line in ended.stderr.splitlines()]
    starts = [
        "merchants[shop].accounts[shop_usd].currency is 'USDX'",
        "merchants[shop].accounts[shop_usd].default must be true or false",
        "merchants[shop].accounts[shop_usd].lacks has 'everything'",
        "merchants[shop].public_key must be text",
        "merchants[shop].colour is not known here",
        "merchants[shop].customers[ada].first_name must be text",
        "merchants[shop].customers[ada]: 'ada' is there twice",
        "merchants[shop].payment_methods[visa].customer is 'nobody'",
        "merchants[shop].payment_methods[visa].expiration_date must be like",
        "merchants[shop].payment_methods[visa].number is no card number",
        "merchants[shop].transactions[sale].status is 'done'",
        "merchants[shop].transactions[sale].amount must be an amount such as",
        "merchants[shop].transactions[1].id is missing",
        "merchants[shop].transactions[1].nonce is 'fake-nothing-nonce'",
        "merchants[shop].disputes[dispute].transaction is 'gone'",
    ]
    assert [line[: len(start)] for line, start in zip(said, starts, strict=True)] == starts


def test_check_tells_the_faults_of_plans_and_disputes_and_what_is_near(tmp_path: Path) -> None:
    path = tmp_path / "seed.toml"
    path.write_text(
        """
[[merchants]]
id = "shop"
public_key = "p"
private_key = "k"
accounts = [{id = "usd", currency = "USDX"}]
disputes = [{id = "d", transaction = "gone", status = "odd", kind = "strange"}]
verifications = [{id = "v", number = "4111111111111111", expiration_date = "12/2035", cvv = "Q"}]

[[merchants.plans]]
id = "m"
name = "M"
price = "1.00"
billing_frequency = 0
billing_day_of_month = 30
number_of_billing_cycles = 0
trial_duration = 3
trial_duration_unit = "year"
currency = "EURO"
"""
    )
    with pytest.raises(InvalidSeed) as raised:
        check_seed(path)
    said = [fault.split(": ", 1)[1] for fault in raised.value.faults]
    place = "merchants[shop]"
    starts = [
        f"{place}.accounts[usd].currency is 'USDX', and is none of the ",
        f"{place}.plans[m].number_of_billing_cycles must be 1 or more",
        f"{place}.plans[m].currency is 'EURO', and is none of the ",
        f"{place}.plans[m].billing_frequency must be 1 or more",
        f"{place}.plans[m].billing_day_of_month must be 1 to 28, or 31",
        f"{place}.plans[m].trial_duration_unit is 'year', and must be one of day, month",
        f"{place}.verifications[v].cvv is 'Q'",
        f"{place}.disputes[d].transaction is 'gone'",
        f"{place}.disputes[d].status is 'odd'",
        f"{place}.disputes[d].kind is 'strange'",
    ]
    assert [line[: len(start)] for line, start in zip(said, starts, strict=True)] == starts
    assert "USD" in said[0].partition("near it are ")[2]


def test_a_seeded_subscription_is_billed_by_the_clock(tmp_path: Path) -> None:
    path = tmp_path / "seed.toml"
    path.write_text(example())
    with start_twin(tmp_path, arguments=("--seed", str(path))) as twin:
        shop = gateway_to(twin, merchant_id="shop", public_key="shop_public", private_key="shop_private")
        before = shop.subscription.find("ada_monthly")
        assert before.billing_period_start_date < before.next_billing_date
        assert before.paid_through_date == before.billing_period_end_date
        twin.control.advance(timedelta(days=31))
        billed = shop.subscription.find("ada_monthly")
        assert [(each.amount, each.status) for each in billed.transactions] == [
            (Decimal("9.99"), "submitted_for_settlement")
        ]
        assert billed.billing_period_start_date == before.next_billing_date


PAST_DUE = """
[[merchants]]
id = "{0}"
public_key = "{0}_public"
private_key = "{0}_private"
retry_days = [1]
after_retries = "{0}"
accounts = [{{id = "{0}_usd", currency = "USD"}}]
plans = [{{id = "monthly", name = "Monthly", price = "2000.00"}}]
customers = [{{id = "ada"}}]
payment_methods = [{{token = "visa", customer = "ada", number = "4111111111111111", expiration_date = "12/2035"}}]
subscriptions = [{{id = "declined", plan = "monthly", payment_method = "visa"}}]
"""


def test_the_last_failed_attempt_cancels_leaves_or_tries_on(tmp_path: Path) -> None:
    path = tmp_path / "seed.toml"
    path.write_text("".join(PAST_DUE.format(name) for name in ("retry", "cancel", "leave")))
    with start_twin(tmp_path, arguments=("--seed", str(path))) as twin:
        found = {}
        for days in (35, 35):
            twin.control.advance(timedelta(days=days))
            for name in ("retry", "cancel", "leave"):
                shop = gateway_to(twin, merchant_id=name, public_key=f"{name}_public", private_key=f"{name}_private")
                subscription = shop.subscription.find("declined")
                found.setdefault(name, []).append((subscription.status, len(subscription.transactions)))
        assert found["cancel"] == [("Canceled", 2)] * 2
        assert found["leave"] == [("Past Due", 2)] * 2
        # The next period is charged together with the balance, and 4000.00 is authorized.
        assert found["retry"] == [("Past Due", 2), ("Active", 3)]


def test_check_accepts_the_documented_seed(tmp_path: Path) -> None:
    path = tmp_path / "seed.toml"
    path.write_text(example())
    command = [sys.executable, "-m", "braintree_twin", "check", str(path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "no faults; 1 merchants, 12 records" in ended.stdout
    assert list(tmp_path.iterdir()) == [path]


ABLE = """
[[merchants]]
id = "shop"
public_key = "shop_public"
private_key = "shop_private"

[[merchants.accounts]]
id = "small"
currency = "USD"
largest_amount = "500.00"
brands = ["Visa"]
instruments = ["credit_card"]
duplicate_checking = false

[[merchants.accounts]]
id = "bare"
currency = "USD"
duplicate_checking = false
lacks = ["credits", "refunds", "partial_settlement", "increases", "decreases", "updating_details", "three_d_secure",
    "verification", "moto"]

[[merchants.accounts]]
id = "immediate"
currency = "USD"
duplicate_checking = false
lacks = ["authorizations", "adjustments", "several_partial_settlements"]

[[merchants.accounts]]
id = "parts"
currency = "BRL"
installments = true

[[merchants.plans]]
id = "monthly"
name = "Monthly"
price = "10.00"

[[merchants.plans]]
id = "mensal"
name = "Mensal"
price = "50.00"
currency = "BRL"

[[merchants.customers]]
id = "many"
copies = 3
"""


def test_an_account_refuses_whatever_it_lacks(tmp_path: Path) -> None:
    path = tmp_path / "seed.toml"
    path.write_text(ABLE)
    with start_twin(tmp_path, arguments=("--seed", str(path))) as twin:
        shop = gateway_to(twin, merchant_id="shop", public_key="shop_public", private_key="shop_private")

        def refused(account: str, **fields: object) -> list[str]:
            return codes(shop.transaction.sale(sale_request(merchant_account_id=account, **fields)))

        assert refused("small", amount="500.01") == ["81528"]
        assert refused("small", credit_card=card(number="5555555555554444")) == ["81703"]
        assert refused("small", payment_method_nonce="fake-valid-amex-nonce") == ["91567"]
        assert refused("small", payment_method_nonce="fake-paypal-one-time-nonce") == ["91577"]
        assert sale(shop, merchant_account_id="small", amount="500.00").status == "authorized"
        assert codes(shop.transaction.credit(sale_request(merchant_account_id="bare"))) == ["91546"]
        assert refused("bare", transaction_source="moto") == ["91558"]
        assert refused("bare", options={"three_d_secure": {"required": True}}) == ["915131"]
        held = sale(shop, merchant_account_id="bare", amount="20.00")
        assert codes(shop.transaction.adjust_authorization(held.id, "21.00")) == ["915220"]
        assert codes(shop.transaction.adjust_authorization(held.id, "19.00")) == ["915221"]
        assert codes(shop.transaction.submit_for_partial_settlement(held.id, "1.00")) == ["915102"]
        assert shop.transaction.submit_for_settlement(held.id).is_success
        assert codes(shop.transaction.update_details(held.id, {"amount": "1.00"})) == ["915130"]
        shop.testing.settle_transaction(held.id)
        assert codes(shop.transaction.refund(held.id)) == ["91547"]
        asked = {"credit_card": card(options={"verify_card": True, "verification_merchant_account_id": "bare"})}
        assert codes(shop.customer.create(asked)) == ["91730"]
        assert refused("immediate") == ["915104"]

        asked = {"amount": "100.03", "installments": {"count": "4"}}
        paid = sale(shop, merchant_account_id="parts", **asked)
        assert paid.installment_count == 4
        shown = [(each["id"], each["amount"]) for each in paid.installments]
        assert shown[3] == (f"{paid.id}_INST_4", "25.03")
        assert [amount for _, amount in shown[:3]] == ["25.00"] * 3
        result = shop.transaction.sale(sale_request(merchant_account_id="bare", **asked))
        assert "takes no installments" in result.message
        assert {each.id for each in shop.customer.all().items} == {"many", "many_2", "many_3"}
        _subscribe_within_limits(shop)


def _subscribe_within_limits(shop: Any) -> None:
    """A subscription is refused where its account does not take the card; a plan decides the currency."""

    def vaulted(nonce: str) -> str:
        made = shop.payment_method.create({"customer_id": "many", "payment_method_nonce": nonce})
        return str(made.payment_method.token)

    def refused(token: str, **fields: object) -> list[str]:
        asked = {"plan_id": "monthly", "payment_method_token": token, "merchant_account_id": "small", **fields}
        return codes(shop.subscription.create(asked))

    visa, amex = vaulted("fake-valid-visa-nonce"), vaulted("fake-valid-amex-nonce")
    venmo = vaulted("fake-venmo-account-nonce")
    assert refused(amex) == ["91902"]
    nonce = shop.payment_method_nonce.create(amex).payment_method_nonce.nonce
    created = {"plan_id": "monthly", "payment_method_nonce": nonce, "merchant_account_id": "small"}
    assert codes(shop.subscription.create(created)) == ["91924"]
    assert refused(venmo) == ["91930"]
    one = shop.subscription.create(
        {"plan_id": "monthly", "payment_method_token": amex, "merchant_account_id": "bare"}
    ).subscription
    assert codes(shop.subscription.update(one.id, {"merchant_account_id": "small"})) == ["91902"]
    changed = shop.subscription.update(one.id, {"merchant_account_id": "small", "payment_method_token": visa})
    assert changed.subscription.merchant_account_id == "small"
    asked = {"plan_id": "mensal", "merchant_account_id": "parts", "price": "50.00"}
    abroad = shop.subscription.update(one.id, asked).subscription
    assert len(abroad.transactions) == 1
    assert abroad.status_history[0].currency_iso_code == "BRL"


def test_browsers_are_told_what_an_account_takes(tmp_path: Path) -> None:
    path = tmp_path / "seed.toml"
    path.write_text(
        ABLE.replace('id = "bare"', 'id = "bare"\ninstruments = ["credit_card", "venmo_account"]\nbrands = ["Visa"]')
    )
    query = (
        "query ClientConfiguration { clientConfiguration { googlePay { supportedCardBrands } venmo { merchantId } "
        "creditCard { supportedCardBrands threeDSecureEnabled } } }"
    )
    with start_twin(tmp_path, arguments=("--seed", str(path))) as twin:
        shop = gateway_to(twin, merchant_id="shop", public_key="shop_public", private_key="shop_private")
        bare, parts = (Browser(twin, shop, merchant_account_id=account) for account in ("bare", "parts"))
        assert (bare.config["threeDSecureEnabled"], parts.config["threeDSecureEnabled"]) == (False, True)
        assert (bare.config["paypalEnabled"], parts.config["paypalEnabled"]) == (False, True)
        ours, theirs = (browser.client_api("GET", "configuration")[1] for browser in (bare, parts))
        assert ours["creditCards"]["supportedCardTypes"] == ["Visa"]
        wallets = {"androidPay", "applePayWeb", "paypal", "payWithVenmo"}
        assert (wallets & ours.keys(), wallets & theirs.keys()) == ({"payWithVenmo"}, wallets)
        graph = bare.graph_query(query)["data"]["clientConfiguration"]
        assert (graph["googlePay"], graph["venmo"]["merchantId"]) == (None, ours["payWithVenmo"]["merchantId"])
        assert graph["creditCard"] == {"supportedCardBrands": ["VISA"], "threeDSecureEnabled": False}
