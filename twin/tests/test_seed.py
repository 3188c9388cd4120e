"""The seed: the documented example, separate merchants, error messages."""

from __future__ import annotations

import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from braintree import DisputeSearch, TransactionSearch
from braintree.exceptions.authentication_error import AuthenticationError
from braintree.exceptions.not_found_error import NotFoundError
from twin_sdk import card, codes, gateway_to, sale, sale_request

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
        first = shop.transaction.find("first_sale")
        assert (first.status, first.amount, first.customer_details.id) == ("settled", Decimal("100.00"), "ada")
        assert first.disputes[0].id == "open_dispute"
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
        assert len(again.transaction.find("first_sale").refund_ids) == 1


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('currency = "USD"', 'currency = "USDX"', "merchants[0].accounts[0].currency is 'USDX'"),
        ('public_key = "shop_public"', "", "merchants[0].public_key is missing"),
        ('status = "settled"', 'status = "done"', "merchants[0].transactions[0].status is 'done'"),
        ('payment_method = "ada_visa"', 'payment_method = "no"', "merchants[0].transactions[0].payment_method is 'no'"),
        ('transaction = "first_sale"', 'transaction = "no"', "merchants[0].disputes[0].transaction is 'no'"),
        ('amount = "100.00"', 'amount = "1.001"', "merchants[0].transactions[0].amount must be an amount in USD"),
        ('id = "ada"', 'id = "a b"', "merchants[0].customers[0].id may only have letters"),
        ('kind = "chargeback"', 'sort = "x"', "merchants[0].disputes[0].sort is not known here"),
        ('"4111111111111111"', '"4111111111111112"', "merchants[0].payment_methods[0].number is no card number"),
        ("[[merchants]]", "[[merchants]", "at line"),
        ('add_ons = ["insurance"]', 'add_ons = ["no"]', "merchants[0].plans[0].add_ons has 'no'"),
    ],
)
def test_an_invalid_seed_stops_the_start_and_names_the_place(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in example()
    path = tmp_path / "seed.toml"
    path.write_text(example().replace(old, new, 1))
    command = [sys.executable, "-m", "braintree_twin", "serve", "--plain", "--address", "127.0.0.1:0"]
    files = ["--state", str(tmp_path / "twin.db"), "--seed", str(path)]
    ended = subprocess.run([*command, *files], capture_output=True, text=True, timeout=20, check=False)
    assert ended.returncode == 1
    assert said in ended.stderr
    assert "seed.toml" in ended.stderr
    assert "Traceback" not in ended.stderr
