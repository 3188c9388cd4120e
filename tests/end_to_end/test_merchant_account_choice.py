"""Several merchant accounts of one currency: chosen by name on payments, verifications and client tokens."""

from __future__ import annotations

import base64
import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from bayar.messages import BayarClient, BayarError, CaptureMode, Payment, PaymentState, money
from bayar.payments.v1.event_pb2 import EventType
from tests.api_keys import CALLER
from tests.bootstrap.command_line import CommandLine
from tests.end_to_end.payment_steps import a_card, pay
from tests.end_to_end.service import Pair, run_bayar, until

TRAVEL = "twin_usd_no_duplicate_check"


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    return {"BAYAR_BRAINTREE_MERCHANT_ACCOUNTS": f"USD=twin_usd|{TRAVEL},EUR=twin_eur"}


def accounts_at_the_gateway(pair: Pair, payment: Payment) -> set[str]:
    """The accounts of every transaction of the payment."""
    own = {operation.gateway_transaction_id for operation in payment.operations}
    return {one.merchant_account_id for one in pair.twin.control.ledger() if one.id in own}


def test_the_chosen_account_takes_the_payment_its_parts_and_its_refunds(pair: Pair, bayar: BayarClient) -> None:
    held = pay(bayar, merchant_account_id=TRAVEL, capture_mode=CaptureMode.CAPTURE_MODE_MANUAL)
    assert held.merchant_account_id == TRAVEL
    for _ in range(2):
        bayar.capture_payment(payment_id=held.payment_id, amount=money("4.00", "USD"))
    pair.twin.control.settle()
    refunded = bayar.refund_payment(payment_id=held.payment_id, amount=money("3.00", "USD"))
    assert (refunded.merchant_account_id, refunded.refunded_amount.minor_units) == (TRAVEL, 300)
    assert len({one.gateway_transaction_id for one in refunded.operations}) == 4
    assert accounts_at_the_gateway(pair, refunded) == {TRAVEL}


def test_without_a_name_the_first_account_of_the_currency_takes_it(pair: Pair, bayar: BayarClient) -> None:
    for amount, account in ((money("10.00", "USD"), "twin_usd"), (money("10.00", "EUR"), "twin_eur")):
        paid = pay(bayar, amount)
        assert (paid.merchant_account_id, accounts_at_the_gateway(pair, paid)) == (account, {account})


def test_history_feed_export_and_command_line_show_the_account(pair: Pair, bayar: BayarClient) -> None:
    paid = pay(bayar, merchant_account_id=TRAVEL)
    history = list(bayar.list_payment_events(payment_id=paid.payment_id))
    assert history[0].summary == f"A payment of USD 10.00 was asked for in the merchant account {TRAVEL}."
    types = [EventType.EVENT_TYPE_PAYMENT_CHANGED]
    told = next(
        one.payment_change
        for one in bayar.stream_events(types=types)
        if one.payment_change.payment.payment_id == paid.payment_id
    )
    assert told.payment.merchant_account_id == TRAVEL
    cli = CommandLine(pair.service.address)
    shown = cli.out("payments", "show", paid.payment_id)
    assert next(line for line in shown.splitlines() if "merchant account" in line).split()[-1] == TRAVEL
    window = ("--from", (datetime.now(UTC) - timedelta(days=1)).date().isoformat())
    rows = csv.DictReader(io.StringIO(cli.out("payments", "export", "--by-payment", *window)))
    assert [row["merchant_account_id"] for row in rows if row["payment_id"] == paid.payment_id] == [TRAVEL]


def test_a_lost_answer_is_found_in_the_chosen_account(pair: Pair, bayar: BayarClient) -> None:
    pair.twin.control.add_fault("reset_after", method="POST", path="/transactions", next=1)
    pending = pay(bayar, merchant_account_id=TRAVEL)
    assert (pending.state, pending.merchant_account_id) == (PaymentState.PAYMENT_STATE_PENDING, TRAVEL)

    def captured() -> Payment | None:
        now = bayar.get_payment(payment_id=pending.payment_id)
        return now if now.state == PaymentState.PAYMENT_STATE_CAPTURED else None

    assert accounts_at_the_gateway(pair, until(captured)) == {TRAVEL}


def test_a_card_is_verified_by_the_chosen_account_about_nothing(bayar: BayarClient) -> None:
    member = bayar.create_customer(given_name="Sari")
    method = bayar.add_payment_method(
        customer_id=member.customer_id,
        card=a_card(),
        verify=True,
        verification_amount=money("0.00", "USD"),
        merchant_account_id=TRAVEL,
    )
    assert (method.verification.merchant_account_id, method.verification.amount.minor_units) == (TRAVEL, 0)


def test_a_client_token_is_of_the_chosen_account(bayar: BayarClient) -> None:
    def account_of(currency_code: str, account: str) -> str:
        token = bayar.create_client_token(currency_code=currency_code, merchant_account_id=account)
        return str(json.loads(base64.b64decode(token))["merchantAccountId"])

    assert account_of("USD", TRAVEL) == TRAVEL
    assert account_of("", TRAVEL) == TRAVEL
    assert account_of("EUR", "") == "twin_eur"


def verify(bayar: BayarClient, **more: object) -> object:
    member = bayar.create_customer(given_name="Sari")
    return bayar.add_payment_method(customer_id=member.customer_id, card=a_card(), **more)  # type: ignore[arg-type]


OF_USD = f"must be one of the merchant accounts that take USD: twin_usd, {TRAVEL}."
OF_ANY = f"must be one of the merchant accounts that take a currency here: twin_usd, {TRAVEL}, twin_eur."


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda bayar: pay(bayar, merchant_account_id="twin_eur"), OF_USD),
        (lambda bayar: pay(bayar, merchant_account_id="twin_usd_suspended"), OF_USD),
        (lambda bayar: bayar.create_client_token(currency_code="USD", merchant_account_id="twin_eur"), OF_USD),
        (lambda bayar: bayar.create_client_token(merchant_account_id="nothing"), OF_ANY),
        (lambda bayar: verify(bayar, verify=True, merchant_account_id="nothing"), OF_ANY),
        (lambda bayar: verify(bayar, merchant_account_id=TRAVEL), "goes with verify only: set that, or leave it out."),
        (
            lambda bayar: verify(
                bayar, verify=True, verification_amount=money("1.00", "USD"), merchant_account_id="twin_eur"
            ),
            OF_USD,
        ),
    ],
)
def test_an_account_that_cannot_be_used_is_named_with_the_remedy(
    bayar: BayarClient, ask: Callable[[BayarClient], object], message: str
) -> None:
    with pytest.raises(BayarError) as refused:
        ask(bayar)
    assert refused.value.reason == "INVALID_REQUEST"
    assert [(one.field, one.description) for one in refused.value.violations] == [("merchant_account_id", message)]


def test_a_customer_chooses_no_account(pair: Pair, bayar: BayarClient) -> None:
    member = bayar.create_customer(given_name="Sari").customer_id
    scopes = "payments:write,customers:write"
    made = run_bayar(
        "keys", "create", CALLER, "--scopes", scopes, "--customer", member, environment=pair.service.environment
    )
    assert made.returncode == 0, made.stderr
    with BayarClient(pair.service.address, credential=made.stdout.split()[-1]) as own:
        for ask in (
            lambda: pay(own, customer_id=member, merchant_account_id=TRAVEL),
            lambda: own.create_client_token(merchant_account_id="twin_usd"),
            lambda: own.add_payment_method(customer_id=member, card=a_card(), verify=True, merchant_account_id=TRAVEL),
        ):
            with pytest.raises(BayarError) as refused:
                ask()
            assert [(one.field, one.description) for one in refused.value.violations] == [
                (
                    "merchant_account_id",
                    "must not hold a merchant account for a credential of one customer: leave it out, or use one "
                    "of the back end.",
                )
            ]
