"""The merchant accounts that payments can choose, with what each takes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from bayar.messages import BayarClient, BayarError, PaymentState
from bayar.payments.v1.card_pb2 import InstrumentKind
from bayar.payments.v1.payment_service_pb2 import ListMerchantAccountsRequest
from bayar.payments.v1.payment_service_pb2_grpc import PaymentServiceStub
from braintree_twin.testing import start_twin
from tests.bootstrap.command_line import CommandLine
from tests.end_to_end.payment_steps import MASTERCARD, a_card, pay
from tests.end_to_end.service import Pair, Service, environment_of

SEED: Final = """
[[merchants]]
id = "shop"
public_key = "shop_public"
private_key = "shop_private"

[[merchants.accounts]]
id = "shop_usd"
currency = "USD"
default = true

[[merchants.accounts]]
id = "shop_travel"
currency = "USD"
brands = ["Visa", "American Express"]
instruments = ["credit_card", "apple_pay_card"]
lacks = ["three_d_secure"]
largest_amount = "50.00"

[[merchants.accounts]]
id = "shop_old"
currency = "EUR"
status = "suspended"
"""
ACCOUNTS: Final = "USD=shop_usd|shop_travel,EUR=shop_old|shop_gone,GBP=shop_usd"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    directory: Path = tmp_path_factory.mktemp("pair")
    (directory / "seed.toml").write_text(SEED)
    with start_twin(directory, arguments=("--seed", str(directory / "seed.toml"))) as twin:
        environment = environment_of(twin, f"sqlite:///{directory / 'bayar.db'}")
        environment |= {
            "BAYAR_BRAINTREE_MERCHANT_ID": "shop",
            "BAYAR_BRAINTREE_PUBLIC_KEY": "shop_public",
            "BAYAR_BRAINTREE_PRIVATE_KEY": "shop_private",
            "BAYAR_BRAINTREE_MERCHANT_ACCOUNTS": ACCOUNTS,
        }
        service = Service(environment, directory / "bayar.log")
        try:
            service.start()
            yield Pair(service, twin, directory)
        finally:
            service.close()


def test_each_account_is_listed_with_what_it_takes(bayar: BayarClient) -> None:
    found = list(bayar.list_merchant_accounts())
    assert [(one.currency_code, one.merchant_account_id, one.default, one.status) for one in found] == [
        ("USD", "shop_usd", True, "active"),
        ("USD", "shop_travel", False, "active"),
        ("EUR", "shop_old", True, "suspended"),
        ("EUR", "shop_gone", False, ""),
        ("GBP", "shop_usd", True, "active"),
    ]
    assert [one.problem for one in found] == [
        "", "", "it is suspended", "the gateway knows no such merchant account", "it takes USD, not GBP"
    ]  # fmt: skip
    everything, travel = found[:2]
    assert everything.three_d_secure
    assert {InstrumentKind.Name(kind) for kind in everything.instruments} == {
        f"INSTRUMENT_KIND_{name}" for name in ("CARD", "PAYPAL", "APPLE_PAY", "GOOGLE_PAY", "VENMO")
    }
    assert "MasterCard" in everything.card_brands
    assert not travel.three_d_secure
    assert list(travel.instruments) == [InstrumentKind.INSTRUMENT_KIND_CARD, InstrumentKind.INSTRUMENT_KIND_APPLE_PAY]
    assert list(travel.card_brands) == ["American Express", "Visa"]


def test_the_list_says_what_the_gateway_does(bayar: BayarClient) -> None:
    assert pay(bayar, merchant_account_id="shop_travel").state == PaymentState.PAYMENT_STATE_CAPTURED
    beyond: list[dict[str, Any]] = [
        {"card": a_card(MASTERCARD)},
        {"payment_method_nonce": "fake-paypal-one-time-nonce"},
        {"amount": "60.00"},
    ]
    for more in beyond:
        refused = pay(bayar, **more, merchant_account_id="shop_travel")
        assert refused.state != PaymentState.PAYMENT_STATE_CAPTURED, more
        assert pay(bayar, **more).state == PaymentState.PAYMENT_STATE_CAPTURED, more


def test_the_command_line_lists_them(pair: Pair) -> None:
    cli = CommandLine(pair.service.address)
    lines = cli.out("accounts").splitlines()
    (travel,) = [line for line in lines if "shop_travel" in line]
    assert "no" in travel.split()
    assert "card, apple pay" in travel
    assert any("it takes USD, not GBP" in line for line in lines)
    as_json = [json.loads(line) for line in cli.out("accounts", "--json").splitlines()]
    assert as_json[1]["card_brands"] == ["American Express", "Visa"]


def test_a_gateway_that_does_not_answer_is_an_error_of_its_own(pair: Pair, bayar: BayarClient) -> None:
    for path in ("*/merchant_accounts*", "*/client_token*", "*/client_api/v1/configuration*"):
        pair.twin.control.add_fault("reset_before", path=path, next=5)
        with pytest.raises(BayarError) as failed:
            list(bayar.list_merchant_accounts())
        assert failed.value.reason == "GATEWAY_UNAVAILABLE"
        pair.twin.control.clear_faults()
    answer = PaymentServiceStub(bayar.channel).ListMerchantAccounts(ListMerchantAccountsRequest(), timeout=20)
    assert len(answer.merchant_accounts) == 5
