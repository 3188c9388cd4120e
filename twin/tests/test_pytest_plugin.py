"""The pytest plugin: the documented tests, a fresh state for each test, the seed of a suite."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "pytest.md"
SEED = """
[[merchants]]
id = "shop"
public_key = "shop_public"
private_key = "shop_private"
accounts = [{id = "shop_eur", currency = "EUR"}]

[[merchants]]
id = "second"
public_key = "second_public"
private_key = "second_private"
accounts = [{id = "second_gbp", currency = "GBP"}]
"""


def _pytest(folder: Path, tests: str, *arguments: str, ini: str = "[pytest]") -> str:
    """Run pytest over the tests in a folder of their own; its output."""
    (folder / "pytest.ini").write_text(ini)
    (folder / "test_shop.py").write_text(tests)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-v", *arguments]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    return run.stdout + run.stderr


FRESH = """
import pytest

@pytest.mark.parametrize("number", [1, 2])
def test_each_test_begins_with_the_seed(braintree_gateway, braintree_twin, number):
    assert braintree_twin.control.ledger() == []
    assert braintree_twin.control.faults() == []
    assert braintree_gateway.customer.create({"id": "ada"}).is_success
    assert braintree_gateway.merchant_account.create_for_currency({"currency": "NOK", "id": "nok"}).is_success
    sale = braintree_gateway.transaction.sale({"amount": "10.00", "payment_method_nonce": "fake-valid-nonce"})
    assert sale.transaction.status == "authorized"
    assert len(braintree_gateway.plan.all()) == 4
    braintree_twin.advance(days=40)
    assert braintree_gateway.transaction.find(sale.transaction.id).status == "authorization_expired"
    braintree_twin.control.add_fault("status", status=500)


@pytest.mark.parametrize("status", ["settled", "settlement_declined"])
def test_one_transaction_is_settled_as_asked(braintree_gateway, braintree_twin, status):
    paid = {"payment_method_nonce": "fake-valid-nonce", "options": {"submit_for_settlement": True}}
    first, second = (braintree_gateway.transaction.sale({"amount": each, **paid}).transaction for each in ("1", "2"))
    braintree_twin.settle(first.id, status=status)
    assert braintree_gateway.transaction.find(first.id).status == status
    assert braintree_gateway.transaction.find(second.id).status == "submitted_for_settlement"
"""


def test_the_documented_tests_pass_and_each_test_begins_with_the_seed(tmp_path: Path) -> None:
    (snippet,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    said = _pytest(tmp_path, snippet + FRESH)
    assert "7 passed" in said, said[-3000:]


def test_the_seed_and_strictness_come_from_the_ini_file(tmp_path: Path) -> None:
    (tmp_path / "seed.toml").write_text(SEED)
    tests = """
def test_the_first_merchant_is_the_seeds(braintree_gateway, braintree_twin):
    asked = {"amount": "10.00", "payment_method_nonce": "fake-valid-nonce"}
    assert braintree_gateway.transaction.sale(asked).transaction.merchant_account_id == "shop_eur"
    assert braintree_twin.gateway("second").transaction.sale(asked).transaction.currency_iso_code == "GBP"
    refused = braintree_gateway.transaction.sale({**asked, "options": {"venmo_sdk_session": "x"}})
    assert "braintree-twin --strict" in refused.message
"""
    ini = "[pytest]\nbraintree_twin_seed = seed.toml\nbraintree_twin_strict = true\n"
    said = _pytest(tmp_path, tests, ini=ini)
    assert "1 passed" in said, said[-3000:]


def test_a_seed_with_faults_is_an_error_that_names_them(tmp_path: Path) -> None:
    (tmp_path / "seed.toml").write_text(SEED.replace('"GBP"', '"GBPX"').replace('"EUR"', '"EURX"'))
    said = _pytest(tmp_path, "def test_one(braintree_twin): pass", "--braintree-twin-seed", "seed.toml")
    assert "merchants[second].accounts[second_gbp].currency is 'GBPX'" in said
    assert "merchants[shop].accounts[shop_eur].currency is 'EURX'" in said
