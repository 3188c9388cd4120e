"""The command line that acts: money moves after a confirmation, and a repeat with the same request id does nothing."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

import pytest

from bayar.messages import BayarClient, CaptureMode, Payment, PaymentState
from bayar.payments.v1.dispute_pb2 import DisputeState
from tests.bootstrap.command_line import CommandLine
from tests.end_to_end.dispute_steps import PDF, Disputes, pay_and_settle
from tests.end_to_end.payment_steps import VISA, a_card, pay
from tests.end_to_end.service import Pair

MANUAL = CaptureMode.CAPTURE_MODE_MANUAL


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    return {"BAYAR_DISPUTE_POLL_SECONDS": "1"}


@pytest.fixture(scope="module")
def cli(pair: Pair) -> CommandLine:
    return CommandLine(pair.service.address)


def refunded(bayar: BayarClient, payment: Payment) -> int:
    return bayar.get_payment(payment_id=payment.payment_id).refunded_amount.minor_units


def parsed(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_settled_payment_is_refunded_in_part(cli: CommandLine, bayar: BayarClient, pair: Pair) -> None:
    payment = pay_and_settle(bayar, pair, "25.00", VISA)
    told = cli.out("payments", "refund", payment.payment_id, "--amount", "10.00", "--note", "broken cup", "--yes")
    assert "refund of USD 10.00: SUCCEEDED" in told
    assert re.search(r"still refundable +USD 15\.00", told)
    assert refunded(bayar, payment) == 10_00
    assert "broken cup" in cli.out("payments", "show", payment.payment_id)


def test_a_refund_before_settlement_says_that_it_waits(cli: CommandLine, bayar: BayarClient) -> None:
    payment = pay(bayar, "25.00")
    told = cli.out("payments", "refund", payment.payment_id, "--amount", "1.00", "--yes")
    assert "refund of USD 1.00: SCHEDULED, sent as soon as the payment has settled" in told


def test_the_same_request_id_refunds_once(cli: CommandLine, bayar: BayarClient, pair: Pair) -> None:
    payment = pay_and_settle(bayar, pair, "25.00", VISA)
    command = ("payments", "refund", payment.payment_id, "--amount", "5", "--yes", "--request-id", str(uuid.uuid4()))
    cli.out(*command)
    assert "This request was carried out before." in cli.out(*command)
    assert refunded(bayar, payment) == 5_00


def test_the_terminal_asks_first_and_says_what_will_happen(cli: CommandLine, bayar: BayarClient, pair: Pair) -> None:
    payment = pay_and_settle(bayar, pair, "25.00", VISA)
    command = ("payments", "refund", payment.payment_id, "--amount", "5.00")
    told = cli.at_terminal(*command, typed="n\n", columns=200)
    assert told.status == 1
    assert "Refund USD 5.00 of the USD 25.00 that can be refunded to the customer of" in told.text
    assert f"({payment.reference}, Visa 1111)? [y/N]" in told.text
    assert "nothing was changed" in told.text
    assert refunded(bayar, payment) == 0
    assert cli.at_terminal(*command, typed="yes\n").status == 0
    assert refunded(bayar, payment) == 5_00


def test_without_a_terminal_nothing_is_changed_unconfirmed(cli: CommandLine, bayar: BayarClient) -> None:
    payment = pay(bayar, capture_mode=MANUAL)
    for action in ("capture", "void", "refund"):
        done = cli.run("payments", action, payment.payment_id)
        assert done.returncode == 2
        assert "give --yes" in done.stderr
    now = bayar.get_payment(payment_id=payment.payment_id)
    assert now.state == PaymentState.PAYMENT_STATE_AUTHORIZED
    assert len(now.operations) == 1


def test_held_money_is_captured_in_part_and_the_rest_released(cli: CommandLine, bayar: BayarClient) -> None:
    payment = pay(bayar, "30.00", capture_mode=MANUAL)
    told = cli.out("payments", "capture", payment.payment_id, "--amount", "12.50", "--final", "--yes")
    assert "capture of USD 12.50: SUCCEEDED" in told
    assert "still capturable" not in told
    held = pay(bayar, "30.00", capture_mode=MANUAL)
    [voided] = parsed(cli.out("payments", "void", held.payment_id, "--yes", "--json"))
    assert voided["state"] == "PAYMENT_STATE_VOIDED"


def test_a_held_amount_is_changed(cli: CommandLine, bayar: BayarClient) -> None:
    payment = pay(bayar, "30.00", capture_mode=MANUAL)
    told = cli.out("payments", "adjust", payment.payment_id, "--amount", "42.00", "--note", "a longer stay", "--yes")
    assert "adjust of USD 42.00: SUCCEEDED" in told
    assert bayar.get_payment(payment_id=payment.payment_id).authorized_amount.minor_units == 42_00
    refused = cli.run("payments", "adjust", payment.payment_id, "--amount", "42.00", "--yes")
    assert refused.returncode == 1
    assert "authorized already" in refused.stderr


@pytest.mark.parametrize(
    ("amount", "told"),
    [
        ("12.345", "--amount 12.345:"),
        ("ten", "--amount ten:"),
        ("9999.00", "more than the USD 25.00 that is left"),
        ("-1", "is no amount"),
    ],
)
def test_an_amount_that_cannot_be_is_explained(cli: CommandLine, bayar: BayarClient, amount: str, told: str) -> None:
    payment = pay(bayar, "25.00")
    done = cli.run("payments", "refund", payment.payment_id, "--amount", amount, "--yes")
    assert done.returncode in (1, 2)
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_methods_are_listed_shown_made_the_default_and_deleted(cli: CommandLine, bayar: BayarClient) -> None:
    customer = bayar.create_customer(given_name="Sari")
    first, second = (
        bayar.add_payment_method(customer_id=customer.customer_id, card=a_card(number))
        for number in (VISA, "5555555555554444")
    )
    rows = cli.out("methods", "list", customer.customer_id)
    assert first.payment_method_id in rows
    assert "MasterCard 4444" in rows
    assert re.search(r"default +no", cli.out("methods", "show", second.payment_method_id))
    assert re.search(r"default +yes", cli.out("methods", "default", second.payment_method_id, "--yes"))
    assert "DELETED" in cli.out("methods", "delete", second.payment_method_id, "--yes")
    [shown] = parsed(cli.out("methods", "list", customer.customer_id, "--json"))
    assert shown["payment_method_id"] == first.payment_method_id


def test_a_dispute_is_fought_to_the_end(
    cli: CommandLine, bayar: BayarClient, pair: Pair, tmp_path_factory: pytest.TempPathFactory
) -> None:
    payment = pay_and_settle(bayar, pair)
    dispute = Disputes.of(bayar).await_one(payment)
    listed = cli.out("disputes", "list", "--payment", payment.payment_id, "--state", "open")
    assert dispute.dispute_id in listed
    assert "USD 30.00" in listed
    note = tmp_path_factory.mktemp("evidence") / "delivery note.pdf"
    note.write_bytes(PDF)
    cli.out("disputes", "evidence", dispute.dispute_id, "--text", "The parcel was signed for.")
    cli.out("disputes", "evidence", dispute.dispute_id, "--file", str(note))
    refused = cli.run("disputes", "evidence", dispute.dispute_id, "--file", str(note.with_suffix(".docx")))
    assert (refused.returncode, "no .pdf, .png, .jpg or .jpeg file" in refused.stderr) == (2, True)
    shown = cli.out("disputes", "show", dispute.dispute_id)
    assert "The parcel was signed for." in shown
    assert "delivery note.pdf" in shown
    asked = cli.at_terminal("disputes", "submit", dispute.dispute_id, typed="y\n", columns=200)
    assert "Send 2 pieces of evidence against the claim of USD 30.00 to the bank?" in asked.text
    assert "UNDER REVIEW" in asked.text
    pair.twin.control.move_dispute(pair.twin.control.disputes()[0].id, "won")
    won = Disputes.of(bayar).await_state(dispute, DisputeState.DISPUTE_STATE_WON)
    assert "WON" in cli.out("disputes", "show", won.dispute_id)


def test_a_claim_is_accepted(cli: CommandLine, bayar: BayarClient, pair: Pair) -> None:
    dispute = Disputes.of(bayar).await_one(pay_and_settle(bayar, pair))
    assert "ACCEPTED" in cli.out("disputes", "accept", dispute.dispute_id, "--yes")


def test_an_unknown_outcome_is_listed_and_resolved(cli: CommandLine, bayar: BayarClient, pair: Pair) -> None:
    pair.twin.control.add_fault("reset_before", method="POST", path="/transactions", next=1)
    payment = pay(bayar)
    operation_id = payment.operations[0].operation_id
    [listed] = [one for one in parsed(cli.out("unresolved", "--json")) if one["payment_id"] == payment.payment_id]
    assert listed["operation"]["operation_id"] == operation_id
    assert payment.payment_id in cli.out("unresolved")
    looked = cli.run("resolve", operation_id)
    assert looked.returncode == 1, looked.stderr
    assert f"{operation_id} is still unresolved." in looked.stdout
    assert "give the reason" in cli.run("resolve", operation_id, "--failed", "--yes").stderr
    early = cli.run("resolve", operation_id, "--failed", "--reason", "seen in the control panel", "--yes")
    assert early.returncode == 1
    assert "may be on its way to the gateway" in early.stderr


def test_reconcile_reports_a_transaction_of_somebody_else(cli: CommandLine, bayar: BayarClient) -> None:
    payment = pay(bayar)
    done = cli.run("reconcile", "--from", payment.create_time.ToJsonString())
    assert re.search(r"\d+ transactions of the gateway and \d+ operations compared", done.stderr)
    nothing = cli.run("reconcile", "--from", payment.create_time.ToJsonString(), "--reverse", "5")
    assert nothing.returncode == 1
    assert "there is nothing to reverse" in nothing.stderr


def test_webhooks_and_blocks_are_listed(cli: CommandLine) -> None:
    assert cli.run("webhooks", "list", "--json").returncode == 0
    assert "No webhook matches." in cli.run("webhooks", "list", "--state", "dead").stderr
    assert "No endpoint matches." in cli.run("webhooks", "endpoints").stderr
    assert "No block matches." in cli.run("blocks", "list").stderr
    unknown = cli.run("webhooks", "resend", "nowhere", str(uuid.uuid4()))
    assert unknown.returncode == 1
    assert "endpoint" in unknown.stderr


def test_another_callers_payment_is_not_there(cli: CommandLine) -> None:
    done = cli.run("payments", "refund", "pay_01m852474tej6qn4m8j8cr2rpt", "--yes")
    assert done.returncode == 1
    assert "NOT_FOUND" in done.stderr
