"""The Python snippets of the first pages run as they stand, against a service."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import pytest

from bayar.messages import BayarClient, DeclineReason, PaymentState, money
from tests.api_keys import TEST_KEY
from tests.end_to_end.payment_steps import a_card, an_order
from tests.end_to_end.service import Pair

ROOT = Path(__file__).parents[2]
_ADDRESS = "127.0.0.1:50051"


def snippets(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text("utf-8"), re.DOTALL)


def run(code: str, names: dict[str, Any] | None = None) -> dict[str, Any]:
    """The names that the code leaves, after it ran with those."""
    Path("snippet.py").write_text(code, "utf-8")
    return runpy.run_path("snippet.py", names)


@pytest.fixture
def _in_a_folder_with_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path(".bayar").mkdir()
    Path(".bayar/api_key").write_text(TEST_KEY)


@pytest.mark.usefixtures("_in_a_folder_with_a_key")
def test_the_snippets_of_the_first_pages_pay_and_refund(pair: Pair, bayar: BayarClient) -> None:
    pay, refund = snippets("docs/integrate/README.md")
    for page, code in (("README.md", *snippets("README.md")), ("docs/integrate/README.md", pay)):
        assert _ADDRESS in code, page
        order = an_order()
        names = run(code.replace(_ADDRESS, pair.service.address).replace("order-1001", order))
        (found,) = bayar.list_payments(reference=order)
        assert found.state == PaymentState.PAYMENT_STATE_CAPTURED, page
    run(refund.replace(_ADDRESS, pair.service.address), names)
    assert bayar.get_payment(payment_id=found.payment_id).state == PaymentState.PAYMENT_STATE_VOIDED


def test_the_amounts_of_the_first_page_have_the_outcomes_that_it_shows(bayar: BayarClient) -> None:
    rows = re.findall(r"^\| `(\d+\.\d\d)` \| `([A-Z]+)`(?:, `([a-z_]+)`)? \|", _first_page(), re.MULTILINE)
    assert len(rows) == 3
    for amount, state, reason in rows:
        payment = bayar.create_payment(reference=an_order(), amount=money(amount, "USD"), card=a_card())
        assert PaymentState.Name(payment.state) == f"PAYMENT_STATE_{state}"
        assert _reason(payment.decline.reason) == reason


def _first_page() -> str:
    return (ROOT / "docs/integrate/README.md").read_text("utf-8")


def _reason(reason: DeclineReason.ValueType) -> str:
    return DeclineReason.Name(reason).removeprefix("DECLINE_REASON_").lower() if reason else ""
