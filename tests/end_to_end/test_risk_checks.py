"""The gateway's checks of a payment: what they said, and payments that go without them."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta

import pytest

from bayar.messages import BayarClient, BayarError, DeclineReason, PaymentCheck, PaymentInitiator, PaymentState, money
from tests.bootstrap.command_line import CommandLine
from tests.end_to_end.payment_steps import a_card, pay
from tests.end_to_end.service import Pair

FRAUD = "4000111111111511"
REVIEW = "4111140000000002"
AUTHENTICATED = "fake-three-d-secure-visa-full-authentication-nonce"
CAPTURED = PaymentState.PAYMENT_STATE_CAPTURED
DECLINED = PaymentState.PAYMENT_STATE_DECLINED
SKIP_FRAUD = PaymentCheck.PAYMENT_CHECK_ADVANCED_FRAUD
SKIP_CVV = PaymentCheck.PAYMENT_CHECK_CVV
SKIP_AVS = PaymentCheck.PAYMENT_CHECK_AVS


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    return {"BAYAR_BRAINTREE_MERCHANT_ACCOUNTS": "USD=twin_usd_avs_cvv,EUR=twin_eur"}


def test_a_payment_passes_without_the_checks_that_would_refuse_it(bayar: BayarClient) -> None:
    wrong_code = a_card(cvv="200")
    refused = pay(bayar, card=wrong_code)
    assert (refused.state, refused.decline.reason) == (DECLINED, DeclineReason.DECLINE_REASON_INCORRECT_CVV)
    assert pay(bayar, card=wrong_code, skip_checks=[SKIP_AVS]).state == DECLINED
    paid = pay(bayar, card=wrong_code, skip_checks=[SKIP_AVS, SKIP_CVV])
    assert (paid.state, list(paid.skipped_checks)) == (CAPTURED, [SKIP_AVS, SKIP_CVV])
    event = next(iter(bayar.list_payment_events(payment_id=paid.payment_id)))
    assert event.summary.endswith("without the checks: avs, cvv.")


def test_suspected_fraud_is_declined_unless_the_check_is_skipped(bayar: BayarClient, pair: Pair) -> None:
    refused = pay(bayar, card=a_card(FRAUD))
    assert refused.decline.reason == DeclineReason.DECLINE_REASON_SUSPECTED_FRAUD
    assert refused.gateway_details.risk_check.decision == "Decline"
    cli = CommandLine(pair.service.address)
    shown = cli.out("payments", "show", refused.payment_id)
    assert "risk check" in shown
    assert "The gateway's risk check said Decline" in shown
    *_, event = bayar.list_payment_events(payment_id=refused.payment_id)
    assert event.gateway_details.risk_check == refused.gateway_details.risk_check
    paid = pay(bayar, card=a_card(FRAUD), skip_checks=[SKIP_FRAUD])
    assert paid.state == CAPTURED
    assert "checks skipped" in cli.out("payments", "show", paid.payment_id)


def test_a_score_is_shown_where_the_gateway_gives_one(bayar: BayarClient, pair: Pair) -> None:
    cli = CommandLine(pair.service.address)
    scored = pay(bayar, card=a_card(REVIEW), device_data='{"correlation_id":"8d4b"}')
    check = scored.gateway_details.risk_check
    assert (scored.state, check.decision, check.HasField("score"), check.score) == (CAPTURED, "Review", True, 57)
    assert "Review, score 57" in cli.out("payments", "show", scored.payment_id)
    unscored = pay(bayar, card=a_card(REVIEW))
    assert unscored.gateway_details.risk_check.decision == "Review"
    assert not unscored.gateway_details.risk_check.HasField("score")
    assert "score" not in cli.out("payments", "show", unscored.payment_id)


def test_an_unknown_check_is_refused(bayar: BayarClient) -> None:
    with pytest.raises(BayarError) as refused:
        pay(bayar, skip_checks=[99])
    assert refused.value.reason == "INVALID_REQUEST"
    assert "skip_checks" in str(refused.value)


def test_the_export_shows_authentication_and_initiator(bayar: BayarClient, pair: Pair) -> None:
    member = bayar.create_customer(given_name="Sari")
    recurring = PaymentInitiator.PAYMENT_INITIATOR_MERCHANT_RECURRING
    first = pay(
        bayar,
        amount=money("9.00", "EUR"),
        payment_method_nonce=AUTHENTICATED,
        customer_id=member.customer_id,
        store_payment_method=True,
        initiator=recurring,
    )
    later = pay(bayar, amount=money("9.00", "EUR"), payment_method_id=first.payment_method_id, initiator=recurring)
    cli = CommandLine(pair.service.address)
    window = ("--from", (datetime.now(UTC) - timedelta(days=1)).date().isoformat())
    rows = {
        row["payment_id"]: row
        for row in csv.DictReader(io.StringIO(cli.out("payments", "export", "--by-payment", *window)))
    }
    columns = ("initiator", "series_position", "three_d_secure_status", "liability_shifted", "eci")
    assert [rows[first.payment_id][name] for name in columns] == [
        "MERCHANT_RECURRING", "FIRST", "AUTHENTICATED", "true", "05"
    ]  # fmt: skip
    assert [rows[later.payment_id][name] for name in columns] == ["MERCHANT_RECURRING", "LATER", "", "", ""]
    lines = cli.out("payments", "export", "--by-payment", *window, "--format", "json").splitlines()
    as_json = {row["payment_id"]: row for row in map(json.loads, lines)}
    assert as_json[first.payment_id]["three_d_secure"]["liability_shifted"] is True
    assert as_json[later.payment_id]["series_position"] == "SERIES_POSITION_LATER"
