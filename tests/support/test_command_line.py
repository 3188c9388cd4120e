"""The tasks of a support desk by command line: each with an operator's key that has the fewest rights for it."""

from __future__ import annotations

import csv
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

import pytest

from bayar import BayarError, PaymentFunds, PaymentMethodState, PaymentState, money
from bootstrap.cli.main import main
from tests.end_to_end.dispute_steps import PDF
from tests.end_to_end.service import until
from tests.support.desk import (
    ENDPOINT,
    NOT_AUTHENTICATED,
    PERSON,
    SHOP,
    Desk,
    a_reason,
    running_pair_of_a_desk,
    this_month,
    transaction_of,
)
from tests.support.tasks import TASKS


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with running_pair_of_a_desk(tmp_path_factory.mktemp("support")) as (pair, receiver):
        desk = Desk(pair, receiver)
        yield desk
        desk.close()
        assert "Traceback" not in pair.service.log


PAGE: Final = Path(__file__).resolve().parents[2] / "docs/operate/support.md"
_COMPARE: Final = r"reconcile --from \S+$"
_REVERSE: Final = r"reconcile --from \S+ --transaction"
_NEVER_ASK: Final = ("disputes evidence", "webhooks resend")


class Terminal:
    """`bayar` in this process, as the person of a task, who follows the task's section of the page."""

    def __init__(self, lines: list[str], capsys: pytest.CaptureFixture[str]) -> None:
        self._lines = lines
        self.left = set(lines)
        self._capsys = capsys

    def run(self, command: str, values: Mapping[str, str], why: str = "") -> tuple[int, str]:
        """Runs the line of the page that begins so. Gives the exit status, and everything that was printed.

        why: the reason of an act, which is confirmed. values: what stands in place of a word of the page.
        """
        (line,) = (one for one in self._lines if re.match(rf"bayar (?:{command})( |$)", one))
        self.left.discard(line)
        words = shlex.split(line)[1:]
        given = {"ticket 4711": why, **values}
        words = [given.get(word, word) for word in words]
        asks = bool(why) and not command.startswith(_NEVER_ASK)
        self._capsys.readouterr()
        status = main([*words, *(["--yes"] if asks else [])])
        out, err = self._capsys.readouterr()
        return status, out + err

    def out(self, command: str, values: Mapping[str, str] = MappingProxyType({}), why: str = "") -> str:
        """It must succeed."""
        status, told = self.run(command, values, why)
        assert status == 0, told
        return told


@pytest.fixture
def bayar(
    desk: Desk, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Terminal]:
    """Every command of the task's section has been run in the end."""
    task = TASKS[request.node.name.removeprefix("test_")]
    monkeypatch.setenv("BAYAR_API_KEY", desk.operator(task.rights))
    monkeypatch.setenv("BAYAR_GRPC_ADDRESS", desk.pair.service.address)
    # Lines are read whole, however wide the terminal of the tests is.
    monkeypatch.setenv("COLUMNS", "250")
    terminal = Terminal(commands_of(task.title), capsys)
    yield terminal
    assert terminal.left == set()


def commands_of(title: str) -> list[str]:
    """The commands of a task's section."""
    section = re.split(r"^## \d+\. ", PAGE.read_text("utf-8"), flags=re.MULTILINE)
    (own,) = (one for one in section if one.startswith(f"{title}\n"))
    return re.findall(r"^bayar .+$", own, re.MULTILINE)


def test_find_by_name_and_amount(desk: Desk, bayar: Terminal) -> None:
    customer = desk.shop.create_customer(given_name="Budi", family_name="Hartanto", email="budi@example.com")
    wanted = desk.pay("123.45", customer_id=customer.customer_id)
    other = desk.pay("99.00", customer_id=customer.customer_id)
    found = until(lambda: told if wanted.payment_id in (told := bayar.run("payments search", {})[1]) else None)
    assert other.payment_id not in found
    assert "name, amount" in found


def test_find_by_gateway_id(desk: Desk, bayar: Terminal) -> None:
    payment = desk.pay()
    transaction_id = transaction_of(payment)
    found = until(
        lambda: (
            told
            if payment.payment_id in (told := bayar.run("payments search", {"TRANSACTION_ID": transaction_id})[1])
            else None
        )
    )
    assert "gateway transaction id" in found


def test_explain_a_decline(desk: Desk, bayar: Terminal) -> None:
    declined = desk.pay("2001.00")
    told = bayar.out("payments show", {"PAYMENT_ID": declined.payment_id})
    assert "Declined: INSUFFICIENT_FUNDS" in told
    assert re.search(r"who can fix it +the customer", told)
    assert re.search(r"to the customer \(id\) +Saldo atau limit Anda tidak mencukupi", told)
    assert re.search(r"to the shop +The account does not have enough money", told)


def test_explain_an_authentication_that_was_not_completed(desk: Desk, bayar: Terminal) -> None:
    payment = desk.not_authenticated()
    told = bayar.out("payments show", {"PAYMENT_ID": payment.payment_id})
    assert "Declined: AUTHENTICATION_REQUIRED" in told
    assert re.search(r"3-D Secure +.*failed", told)
    assert re.search(r"who can fix it +the customer", told)
    assert NOT_AUTHENTICATED not in told


def test_help_after_an_expired_card(desk: Desk, bayar: Terminal) -> None:
    customer, (old, new) = desk.customer_with_two_cards()
    declined = desk.pay("2004.00", payment_method_id=old, customer_id=customer.customer_id)
    assert "Declined: CARD_EXPIRED" in bayar.out("payments show", {"PAYMENT_ID": declined.payment_id})
    shown = bayar.out("customers show", {"CUSTOMER_ID": customer.customer_id})
    assert re.search(rf"{old} .*ACTIVE +default", shown)
    why = a_reason()
    assert re.search(r"default +yes", bayar.out("methods default", {"PAYMENT_METHOD_ID": new}, why))
    desk.audited(why)
    assert desk.shop.get_customer(customer_id=customer.customer_id).default_payment_method_id == new


def test_give_back_a_double_charge(desk: Desk, bayar: Terminal) -> None:
    customer = desk.shop.create_customer(given_name="Ratna", family_name="Sari", email="ratna@example.com")
    first, second = (desk.pay(customer_id=customer.customer_id) for _ in range(2))
    listed = bayar.out("payments list", {"CUSTOMER_ID": customer.customer_id})
    assert listed.index(second.payment_id) < listed.index(first.payment_id)
    why = a_reason()
    bayar.out("payments refund", {"PAYMENT_ID": second.payment_id}, why)
    assert desk.acts_of(second.payment_id) == [(PERSON, SHOP, why)]
    desk.audited(why)
    assert desk.now(second.payment_id).funds is PaymentFunds.RETURNED
    assert desk.now(first.payment_id).refundable_amount == money("25.00", "USD")


def test_refund_half(desk: Desk, bayar: Terminal) -> None:
    payment = desk.settled("25.00")
    why = a_reason()
    told = bayar.out("payments refund", {"PAYMENT_ID": payment.payment_id}, why)
    assert "refund of USD 12.50: SUCCEEDED" in told
    assert re.search(r"still refundable +USD 12\.50", told)
    assert desk.acts_of(payment.payment_id) == [(PERSON, SHOP, why)]
    desk.audited(why)
    assert desk.now(payment.payment_id).refunded_amount == money("12.50", "USD")


def test_tell_where_a_refund_is(desk: Desk, bayar: Terminal) -> None:
    settled = desk.settled("25.00")
    waiting = desk.pay("25.00")
    for payment in (settled, waiting):
        desk.shop.refund_payment(payment_id=payment.payment_id, amount=money("5.00", "USD"))
    told = bayar.out("payments show", {"PAYMENT_ID": waiting.payment_id})
    assert re.search(r"refund +USD 5\.00 +SCHEDULED +.*sent as soon as the payment has settled", told)
    desk.pair.twin.control.settle()
    bayar.out("payments verify", {"PAYMENT_ID": settled.payment_id})
    told = bayar.out("payments show", {"PAYMENT_ID": settled.payment_id})
    assert re.search(r"refund +USD 5\.00 +SUCCEEDED +\w+ settled +.*settled 20\d\d-", told)


def test_verify_whether_the_money_came(desk: Desk, bayar: Terminal) -> None:
    payment = desk.pay()
    desk.pair.twin.control.settle()
    told = bayar.out("payments verify", {"PAYMENT_ID": payment.payment_id})
    assert re.search(r"brought up to date|The gateway and the record agree", told)
    assert re.search(r"money is +SETTLED", told)
    assert re.search(r"settled +20\d\d-", told)
    assert desk.now(payment.payment_id).state is PaymentState.SETTLED


def test_capture_a_part(desk: Desk, bayar: Terminal) -> None:
    payment = desk.hold("50.00")
    why = a_reason()
    told = bayar.out("payments capture", {"PAYMENT_ID": payment.payment_id}, why)
    assert "capture of USD 30.00: SUCCEEDED" in told
    assert "still capturable" not in told
    assert desk.acts_of(payment.payment_id) == [(PERSON, SHOP, why)]
    desk.audited(why)
    assert desk.now(payment.payment_id).captured_amount == money("30.00", "USD")


def test_adjust_a_hold(desk: Desk, bayar: Terminal) -> None:
    payment = desk.hold("50.00")
    why = a_reason()
    told = bayar.out("payments adjust", {"PAYMENT_ID": payment.payment_id}, why)
    assert "adjust of USD 62.00: SUCCEEDED" in told
    assert desk.acts_of(payment.payment_id) == [(PERSON, SHOP, why)]
    desk.audited(why)
    assert desk.now(payment.payment_id).authorized_amount == money("62.00", "USD")


def test_void_a_hold(desk: Desk, bayar: Terminal) -> None:
    payment = desk.hold("50.00")
    why = a_reason()
    assert "VOIDED" in bayar.out("payments void", {"PAYMENT_ID": payment.payment_id}, why)
    assert desk.acts_of(payment.payment_id) == [(PERSON, SHOP, why)]
    desk.audited(why)
    assert desk.now(payment.payment_id).state is PaymentState.VOIDED


def test_fight_a_dispute(desk: Desk, bayar: Terminal, tmp_path: Path) -> None:
    dispute = desk.dispute()
    here = {"DISPUTE_ID": dispute.dispute_id}
    assert dispute.dispute_id in bayar.out("disputes list")
    shown = bayar.out("disputes show", here)
    assert re.search(r"reason +\w+", shown)
    assert re.search(r"answer by +20\d\d-", shown)
    note = tmp_path / "delivery note.pdf"
    note.write_bytes(PDF)
    why = a_reason()
    assert "The parcel was signed for." in bayar.out("disputes evidence DISPUTE_ID --text", here, a_reason())
    bayar.out("disputes evidence DISPUTE_ID --file", {**here, "FILE": str(note)}, a_reason())
    assert "UNDER REVIEW" in bayar.out("disputes submit", here, why)
    desk.audited(why)
    desk.bank_decides(dispute, "won")
    won = until(lambda: told if "WON" in (told := bayar.out("disputes show", here)) else None)
    assert "delivery note.pdf" in won


def test_lift_a_block(desk: Desk, bayar: Terminal) -> None:
    address = desk.blocked_address()
    with pytest.raises(BayarError, match="TOO_MANY_DECLINES"):
        desk.pay(client_address=address)
    (line,) = (line for line in bayar.out("blocks list").splitlines() if address in line)
    (block_id,) = re.findall(r"blk_\w+", line)
    why = a_reason()
    assert f"{address} may pay again" in bayar.out("blocks lift", {"BLOCK_ID": block_id}, why)
    desk.audited(why)
    assert desk.pay(client_address=address).state is PaymentState.CAPTURED


def test_resolve_an_unknown_outcome(desk: Desk, bayar: Terminal) -> None:
    payment = desk.unknown()
    operation_id = payment.operations[0].operation_id
    listed = bayar.out("unresolved")
    assert operation_id in listed
    assert payment.payment_id in listed
    why = a_reason()
    told = bayar.out("resolve", {"OPERATION_ID": operation_id}, why)
    assert f"{operation_id} is SUCCEEDED." in told
    desk.audited(why)
    assert desk.now(payment.payment_id).state is PaymentState.CAPTURED


def test_mend_a_difference(desk: Desk, bayar: Terminal, capsys: pytest.CaptureFixture[str]) -> None:
    transaction_id, other = desk.orphan(), desk.orphan()
    here = {"2026-11-01": this_month()["first"], "TRANSACTION_ID": transaction_id}
    _, found = bayar.run(_COMPARE, here)
    assert f"ORPHAN  {transaction_id}" in found
    assert f"remedy: bayar reconcile ... --transaction {transaction_id}" in found
    status, told = bayar.run(_REVERSE, here)
    assert status == 2
    assert f"Void or refund what no record explains: {transaction_id} of USD 77.00?" in told
    status = main(["reconcile", "--from", here["2026-11-01"], "--transaction", transaction_id, "--dry-run", "--yes"])
    captured = capsys.readouterr()
    assert (status, f"ORPHAN  {transaction_id}" in captured.out, other in captured.out) == (1, True, False)
    assert "Nothing was changed. Without --dry-run the question is: Void or refund" in captured.err
    assert desk.at_gateway(transaction_id) == "submitted_for_settlement"
    why = a_reason()
    _, told = bayar.run(_REVERSE, here, why)
    assert f"ORPHAN_REVERSED  {transaction_id}" in told
    assert "1 orphans reversed" in told
    desk.audited(why, caller="")
    assert desk.at_gateway(transaction_id) == "voided"
    assert desk.at_gateway(other) == "submitted_for_settlement"
    assert "is an orphan" in bayar.run(_REVERSE, here, why)[1]


def test_send_a_webhook_again(desk: Desk, bayar: Terminal) -> None:
    event_id = desk.dead_letter()
    before = desk.times_sent(event_id)
    assert ENDPOINT in bayar.out("webhooks endpoints")
    undelivered = bayar.out("webhooks undelivered")
    assert event_id in undelivered
    assert "HTTP 503" in undelivered
    why = a_reason()
    assert "1 event is sent to orders again" in bayar.out("webhooks resend", {"EVENT_ID": event_id}, why)
    desk.audited(why)
    until(lambda: desk.times_sent(event_id) > before, what="the webhook")


def test_erase_a_customer(desk: Desk, bayar: Terminal) -> None:
    customer, methods = desk.customer_with_two_cards()
    payment = desk.pay(payment_method_id=methods[0], customer_id=customer.customer_id)
    why = a_reason()
    assert "Payments stay." in bayar.out("customers delete", {"CUSTOMER_ID": customer.customer_id}, why)
    desk.audited(why)
    erased = desk.shop.get_customer(customer_id=customer.customer_id)
    assert (erased.email, erased.family_name, erased.delete_time is not None) == ("", "", True)
    method = desk.shop.get_payment_method(payment_method_id=methods[0])
    assert method.state is PaymentMethodState.DELETED
    assert desk.now(payment.payment_id).state is PaymentState.CAPTURED


def test_tell_who_did_it(desk: Desk, bayar: Terminal) -> None:
    payment = desk.hold()
    why = a_reason()
    with desk.as_operator("read,void") as siti:
        siti.void_payment(payment_id=payment.payment_id, on_behalf_of=SHOP, reason=why)
    told = bayar.out("payments show", {"PAYMENT_ID": payment.payment_id})
    assert f"{SHOP}/operator {PERSON}" in told
    assert f"{PERSON} acted on behalf of {SHOP}: {why}" in told


def test_export_the_month(desk: Desk, bayar: Terminal, tmp_path: Path) -> None:
    payment = desk.settled("31.00")
    file = tmp_path / "month.csv"
    here = {"2026-11": this_month()["month"], "november.csv": str(file)}
    _, told = bayar.run("settlements compare", here)
    assert "differences: " in told
    assert "rows are in" in bayar.out("payments export", here)
    with file.open() as rows:
        mine = [row for row in csv.DictReader(rows) if row["payment_id"] == payment.payment_id]
    assert [(row["kind"], row["amount"], row["net_amount"]) for row in mine] == [
        ("CAPTURE", "31.00", "31.00"),
        ("SETTLEMENT", "31.00", "0.00"),
    ]
