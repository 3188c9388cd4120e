"""The SDK checks the names of parameters as ever, and pays for it once."""

from __future__ import annotations

import sys
from typing import Any

import braintree
import pytest
from braintree.resource import Resource
from braintree.transaction_gateway import TransactionGateway
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.braintree import parser
from adapters.braintree.sdk import Transactions, sdk_of
from adapters.braintree.settings import BraintreeSettings, environment_of
from adapters.braintree.transport.lease_check import holding_lease
from domain.merchant_account import MerchantAccounts
from tests.adapters.braintree import documents
from tests.adapters.braintree.comparing import calls_made
from tests.adapters.braintree.server import answer, serving
from tests.fakes.runtime import HELD


class Recorder:
    """A transport that answers each request with the same transaction."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, dict[str, object], str]] = []
        self.answer: list[int | str] = [201, documents.transaction()]

    def http_do(self, verb: str, path: str, headers: Any, body: str) -> list[int | str]:
        self.sent.append((verb, path, dict(headers), body))
        return self.answer

    def close(self) -> None:
        pass


def gateways() -> tuple[TransactionGateway, TransactionGateway, Recorder]:
    """Ours, the SDK's own, and what both send."""
    recorder = Recorder()
    sdk = braintree.BraintreeGateway(
        braintree.Configuration(
            braintree.Environment.Sandbox,
            "merchant",
            "public",
            "private",
            http_strategy=lambda _configuration, _environment: recorder,
        )
    )
    return Transactions(sdk), TransactionGateway(sdk), recorder


VALUES = st.sampled_from(["10.00", "x", True, False, None, "<a href='b'>&\"", "Jürgen \ud83d\ude42", 7])
CARDS = st.dictionaries(st.sampled_from(["number", "cvv", "token", "nummer"]), VALUES, max_size=3)
OPTIONS = st.dictionaries(
    st.sampled_from(["submit_for_settlement", "paypal", "nothing"]),
    VALUES | st.dictionaries(st.sampled_from(["description", "words"]), VALUES, max_size=2),
    max_size=2,
)
LINES = st.lists(st.dictionaries(st.sampled_from(["name", "quantity", "size"]), st.just("1"), max_size=2), max_size=2)
SALES = st.fixed_dictionaries(
    {"amount": st.just("10.00")},
    optional={
        "order_id": VALUES,
        "price": VALUES,
        "credit_card": CARDS,
        "options": OPTIONS,
        "line_items": LINES,
        "custom_fields": st.dictionaries(st.sampled_from(["any", "thing"]), VALUES, max_size=2),
    },
)


@settings(max_examples=300, deadline=None)
@given(st.lists(SALES, min_size=1, max_size=6))
def test_every_sale_is_sent_or_refused_as_by_the_sdk(sales: list[dict[str, Any]]) -> None:
    ours, stock, recorder = gateways()

    def outcome(gateway: Any, sale: dict[str, Any]) -> object:
        recorder.sent.clear()
        try:
            return gateway.sale(dict(sale)).transaction.id, list(recorder.sent)
        except KeyError as refusal:
            return str(refusal), list(recorder.sent)

    for sale in [*sales, *sales]:
        assert outcome(ours, sale) == outcome(stock, sale)


@pytest.mark.parametrize("status", [401, 403, 404, 408, 422, 426, 429, 500, 503, 504, 418])
def test_every_refusal_is_that_of_the_sdk(status: int) -> None:
    ours, stock, recorder = gateways()
    errors = "<api-error-response><errors><errors type='array'/></errors><message>no</message></api-error-response>"
    recorder.answer = [status, errors]
    gateways_of_both: list[Any] = [ours, stock]
    seen: list[object] = []
    for gateway in gateways_of_both:
        try:
            seen.append(gateway.sale({"amount": "1.00"}).message)
        except Exception as refusal:
            seen.append((type(refusal), str(refusal)))
    assert seen[0] == seen[1]


def test_an_unknown_name_is_refused_each_time_and_nothing_sent() -> None:
    ours, _, recorder = gateways()
    ours.sale({"amount": "1", "options": {"submit_for_settlement": True}})
    for _ in range(2):
        with pytest.raises(KeyError, match="submit_for_nothing"):
            ours.sale({"amount": "1", "options": {"submit_for_nothing": True}})
    assert len(recorder.sent) == 1


def test_the_second_sale_of_its_kind_is_not_checked_again() -> None:
    ours, _, _ = gateways()
    checks = [0]

    def see(frame: Any, event: str, _argument: object) -> None:
        checks[0] += event == "call" and frame.f_code is Resource.verify_keys.__code__

    before = sys.getprofile()
    sys.setprofile(see)
    try:
        for amount in ("1.00", "2.00", "3.00"):
            ours.sale({"amount": amount, "credit_card": {"number": "4"}})
    finally:
        sys.setprofile(before)
    assert checks == [1]


def test_a_sale_takes_a_tenth_of_the_calls_that_the_stock_sdk_makes() -> None:
    with serving(answer(201, documents.transaction())) as server:
        settings = BraintreeSettings(
            environment="twin",
            merchant_id="merchant",
            public_key="public",
            private_key="private",
            merchant_accounts=MerchantAccounts(),
            url=server.url,
        )
        ours, _ = sdk_of(settings)
        stock = braintree.BraintreeGateway(
            braintree.Configuration(environment_of(settings), "merchant", "public", "private")
        )

        def sell(gateway: Any) -> object:
            with holding_lease(HELD):
                return gateway.transaction.sale({"amount": "1.00", "credit_card": {"number": "4"}})

        with_ours = calls_made(lambda: sell(ours))
        parser.choose(stock=True)
        try:
            assert 10 * with_ours < calls_made(lambda: sell(stock))
        finally:
            parser.choose(stock=False)
