"""The month's end: every movement in exactly one month, and the sums of the gateway's own books."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import braintree
import pytest
from braintree.successful_result import SuccessfulResult

from adapters.braintree.settings import TwinEnvironment
from bayar.messages import BayarClient, CaptureMode, Money, Movement, MovementKind, Payment, money
from bayar.payments.v1.dispute_pb2 import DisputeState
from bootstrap.cli.main import main
from tests.end_to_end.dispute_steps import DISPUTED, Disputes
from tests.end_to_end.payment_steps import a_card, pay
from tests.end_to_end.service import Pair

EVER: Final = (datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
MANUAL: Final = CaptureMode.CAPTURE_MODE_MANUAL
K: Final = MovementKind


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    # Only VerifyPayment asks for settlements here: a test decides when the record is late.
    return {"BAYAR_DISPUTE_POLL_SECONDS": "1", "BAYAR_FOLLOW_INTERVAL_SECONDS": "86400"}


class Shop:
    """A shop whose gateway's clock runs as fast as wanted."""

    def __init__(self, bayar: BayarClient, pair: Pair) -> None:
        self.bayar, self.twin = bayar, pair.twin
        self.payments: list[Payment] = []
        self.disputes = Disputes.of(bayar)

    def pay(self, amount: str | Money, **more: object) -> Payment:
        payment = pay(self.bayar, amount, **more)
        self.payments.append(payment)
        return payment

    def settle(self) -> None:
        self.twin.control.settle()
        self.record()

    def pass_days(self, days: int) -> None:
        self.twin.control.advance(timedelta(days=days))
        self.record()

    def record(self) -> None:
        for payment in self.payments:
            self.bayar.verify_payment(payment_id=payment.payment_id)

    @property
    def now(self) -> datetime:
        return datetime.fromisoformat(self.twin.control.now())

    def current(self) -> list[Payment]:
        return [self.bayar.get_payment(payment_id=payment.payment_id) for payment in self.payments]

    def movements(self, start: datetime = EVER[0], end: datetime = EVER[1]) -> list[Movement]:
        return list(self.bayar.export_movements(from_time=start, until_time=end))


@pytest.fixture(scope="module")
def shop(bayar: BayarClient, pair: Pair) -> Shop:
    """A story of three months with everything that moves money."""
    shop = Shop(bayar, pair)
    first = shop.pay("100.00")
    shop.pay(money("1500", "JPY"))
    shop.pay(money("50000.00", "IDR"))
    shop.pay(money("1.050", "KWD"))
    shop.pay("2001.00")
    in_parts = shop.pay("60.00", capture_mode=MANUAL)
    raised = shop.pay("10.00", capture_mode=MANUAL)
    shop.pay("5.00", capture_mode=MANUAL)
    bayar.capture_payment(payment_id=in_parts.payment_id, amount=money("20.00", "USD"))
    bayar.capture_payment(payment_id=raised.payment_id)
    undone = shop.pay("7.00")
    bayar.refund_payment(payment_id=undone.payment_id)
    disputed = shop.pay("33.00", card=a_card(DISPUTED))
    dispute = shop.disputes.await_one(disputed)
    [at_gateway] = pair.twin.control.disputes()
    shop.settle()
    shop.pass_days(2)
    bayar.capture_payment(payment_id=in_parts.payment_id, amount=money("40.00", "USD"))
    pair.twin.control.move_dispute(at_gateway.id, "lost")
    shop.settle()
    # Next month: refunds of the month before.
    shop.pass_days(31)
    bayar.refund_payment(payment_id=first.payment_id, amount=money("30.00", "USD"))
    bayar.refund_payment(payment_id=shop.payments[1].payment_id)
    pair.twin.control.move_dispute(at_gateway.id, "won")
    shop.disputes.await_state(dispute, DisputeState.DISPUTE_STATE_WON)
    shop.settle()
    # And the one after: their payouts.
    shop.pass_days(31)
    return shop


def net(movements: list[Movement]) -> Counter[str]:
    sums: Counter[str] = Counter()
    for one in movements:
        sums[one.net_amount.currency_code] += one.net_amount.minor_units
    return sums


def months(shop: Shop) -> Iterator[tuple[datetime, datetime]]:
    first = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
    start = first.replace(day=1)
    while start < shop.now + timedelta(days=31):
        end = (start + timedelta(days=31)).replace(day=1)
        yield start, end
        start = end


def test_every_movement_is_in_exactly_one_month_and_the_months_add_up_to_the_payments(shop: Shop) -> None:
    everything = shop.movements()
    by_month = [shop.movements(start, end) for start, end in months(shop)]
    ids = [one.movement_id for month in by_month for one in month]
    assert ids == [one.movement_id for one in everything]
    assert len(set(ids)) == len(ids)
    assert sum(bool(month) for month in by_month) >= 3
    expected: Counter[str] = Counter()
    for payment in shop.current():
        held = payment.captured_amount.minor_units - payment.refunded_amount.minor_units
        expected[payment.amount.currency_code] += held - payment.disputed_amount.minor_units
    assert +net(everything) == +expected
    assert expected["USD"] == 7000 + 6000 + 1000 + 3300


def test_a_refund_is_in_its_own_month_and_its_payment_in_another(shop: Shop) -> None:
    own = [one for one in shop.movements() if one.payment_id == shop.payments[0].payment_id]
    assert [one.kind for one in own] == [
        K.MOVEMENT_KIND_CAPTURE,
        K.MOVEMENT_KIND_SETTLEMENT,
        K.MOVEMENT_KIND_PAYOUT,
        K.MOVEMENT_KIND_REFUND,
        K.MOVEMENT_KIND_REFUND_SETTLEMENT,
        K.MOVEMENT_KIND_REFUND_PAYOUT,
    ]
    days = [one.move_time.ToDatetime(UTC) for one in own]
    assert days[3] - days[0] > timedelta(days=30)
    assert [one.net_amount.minor_units for one in own] == [10000, 0, 0, -3000, 0, 0]
    assert [one.payout_amount.minor_units for one in own] == [0, 0, 10000, 0, 0, -3000]
    assert own[1].settlement_batch_id.startswith(f"{days[1]:%Y-%m-%d}_")
    assert {one.merchant_account_id for one in own} == {"twin_usd"}


def test_partial_captures_voids_and_disputes_move_what_they_move(shop: Shop) -> None:
    def kinds(index: int) -> list[str]:
        own = [one for one in shop.movements() if one.payment_id == shop.payments[index].payment_id]
        names = (MovementKind.Name(one.kind).removeprefix("MOVEMENT_KIND_") for one in own)
        return [name for name in names if "SETTLEMENT" not in name and "PAYOUT" not in name]

    assert kinds(4) == []
    assert kinds(5) == ["CAPTURE", "CAPTURE"]
    assert kinds(6) == ["CAPTURE"]
    assert kinds(7) == []
    assert kinds(8) == ["CAPTURE", "CAPTURE_REVERSAL"]
    assert kinds(9) == ["CAPTURE", "DISPUTE", "DISPUTE_REVERSAL"]


def test_the_movements_are_the_ledger_of_the_gateway(shop: Shop, pair: Pair) -> None:
    gateway = sdk(pair)
    for kind, sale_or_credit in (("SETTLEMENT", "sale"), ("REFUND_SETTLEMENT", "credit")):
        wanted = MovementKind.Value(f"MOVEMENT_KIND_{kind}")
        here = {m.gateway_transaction_id: m.amount.minor_units for m in shop.movements() if m.kind == wanted}
        there = {
            entry.id: round(float(entry.amount) * 10 ** {"JPY": 0, "KWD": 3}.get(entry.currency, 2))
            for entry in pair.twin.control.ledger()
            if entry.status == "settled" and entry.type == sale_or_credit and _is_money(gateway, entry.id)
        }
        assert here == there


def _is_money(gateway: braintree.BraintreeGateway, transaction_id: str) -> bool:
    """Not the parent of partial settlements: the money is in the parts."""
    return not gateway.transaction.find(transaction_id).partial_settlement_transaction_ids


def sdk(pair: Pair) -> braintree.BraintreeGateway:
    twin = pair.twin
    return braintree.BraintreeGateway(
        braintree.Configuration(
            TwinEnvironment(twin.url, str(twin.ca_file)), twin.merchant_id, twin.public_key, twin.private_key
        )
    )


@dataclass(frozen=True)
class Cli:
    """The command line in this process, which starts faster than another."""

    capsys: pytest.CaptureFixture[str]

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """The exit status, the output, and what was said beside it."""
        status = main(arguments)
        out, err = self.capsys.readouterr()
        return status, out, err

    def out(self, *arguments: str) -> str:
        status, out, err = self.run(*arguments)
        assert status == 0, err
        return out


@pytest.fixture
def cli(shop: Shop, pair: Pair, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    """For a shop with a story."""
    assert shop.payments
    monkeypatch.setenv("BAYAR_GRPC_ADDRESS", pair.service.address)
    capsys.readouterr()
    return Cli(capsys)


def compared(cli: Cli, shop: Shop, *more: str) -> tuple[int, list[dict[str, dict[str, str]]]]:
    first, end = datetime.now(UTC).date() - timedelta(days=1), shop.now.date() + timedelta(days=2)
    status, out, _ = cli.run("settlements", "compare", "--from", f"{first}", "--to", f"{end}", "--json", *more)
    return status, [json.loads(line) for line in out.splitlines()]


def test_settlements_and_payouts_agree_with_the_gateways_books_day_by_day(shop: Shop, cli: Cli) -> None:
    status, answers = compared(cli, shop)
    assert [answer for answer in answers if "difference" in answer] == []
    totals = [answer["totals"] for answer in answers]
    assert all(one["agrees"] for one in totals)
    stages = Counter((one["group"]["stage"], one["group"]["refunds"]) for one in totals)  # type: ignore[index]
    assert len(stages) == 4
    assert status == 0


def test_each_transaction_that_differs_is_explained_and_mended_by_its_remedy(shop: Shop, pair: Pair, cli: Cli) -> None:
    late = pay(shop.bayar, "12.34")
    sold = sdk(pair).transaction.sale(
        {
            "amount": "77.00",
            "credit_card": {"number": "4111111111111111", "expiration_date": "12/2035"},
            "options": {"submit_for_settlement": True},
        }
    )
    assert isinstance(sold, SuccessfulResult)
    foreign = sold.transaction
    pair.twin.control.settle()
    status, answers = compared(cli, shop)
    found = {a["difference"]["gateway_transaction_id"]: a["difference"] for a in answers if "difference" in a}
    assert found[foreign.id]["kind"] == "SETTLEMENT_DIFFERENCE_KIND_FOREIGN"
    own = found[late.gateway_details.transaction_id]
    assert own["kind"] == "SETTLEMENT_DIFFERENCE_KIND_NOT_RECORDED_YET"
    assert own["payment_id"] == late.payment_id
    assert own["remedy"] == "FINDING_REMEDY_VERIFY_PAYMENT"
    assert status == 1
    cli.out("payments", "verify", late.payment_id)
    status, answers = compared(cli, shop)
    kinds = {answer["difference"]["kind"] for answer in answers if "difference" in answer}
    assert kinds == {"SETTLEMENT_DIFFERENCE_KIND_FOREIGN"}
    assert status == 0
    shop.payments.append(late)


def test_the_commands_of_the_page_run_as_they_stand(cli: Cli, tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "operate" / "month-end.md").read_text()
    commands = [line for block in re.findall(r"```sh\n(.*?)```", page, re.DOTALL) for line in block.splitlines()]
    assert len(commands) == 3
    for command in commands:
        name, *arguments = command.split()
        assert name == "bayar"
        arguments = [str(tmp_path / one) if one.endswith(".csv") else one for one in arguments]
        status, _, err = cli.run(*arguments)
        assert status == 0, err
    assert {path.name for path in tmp_path.iterdir()} == {"november.csv", "late.csv"}


def test_the_page_names_every_kind_and_column(cli: Cli) -> None:
    page = (Path(__file__).parents[2] / "docs" / "operate" / "month-end.md").read_text()
    text = cli.out("payments", "export", "--from", "2020-01-01", "--until", "2100-01-01")
    columns = text.partition("\n")[0].split(",")
    table = page[page.index("## Columns") : page.index("## Close a month")]
    assert set(re.findall(r"[a-z_]+", " ".join(re.findall(r"^\| ([a-z_, ]+) \|", table, re.MULTILINE)))) == set(columns)
    kinds = page[page.index("## Kinds") : page.index("## Columns")]
    assert set(re.findall(r"\b[A-Z][A-Z_]{4,}\b", kinds)) == {
        name.removeprefix("MOVEMENT_KIND_") for name in MovementKind.keys()[1:]
    }
    rows = list(csv.DictReader(io.StringIO(text)))
    yen = next(row for row in rows if row["currency_code"] == "JPY")
    assert (yen["amount"], yen["net_amount"]) == ("1500", "1500")
    assert next(row["amount"] for row in rows if row["currency_code"] == "KWD") == "1.050"


def test_days_and_months_are_those_of_the_time_zone(shop: Shop, cli: Cli) -> None:
    text = cli.out("payments", "export", "--from", "2020-01-01", "--until", "2100-01-01", "--time-zone", "Asia/Jakarta")
    rows = list(csv.DictReader(io.StringIO(text)))
    by_id = {one.movement_id: one.move_time.ToDatetime(UTC) for one in shop.movements()}
    assert len(rows) == len(by_id)
    for row in rows:
        assert row["time"].endswith("+07:00")
        local = datetime.fromisoformat(row["time"])
        assert local == by_id[row["movement_id"]]
        assert row["date"] == f"{by_id[row['movement_id']] + timedelta(hours=7):%Y-%m-%d}"
    day = date.fromisoformat(rows[0]["date"])
    one_day = cli.out(
        *("payments", "export", "--from", f"{day}", "--to", f"{day + timedelta(days=1)}", "--time-zone", "Asia/Jakarta")
    )
    assert len(one_day.splitlines()) - 1 == sum(row["date"] == f"{day}" for row in rows)


def test_kinds_and_late_movements_can_be_asked_for_alone(shop: Shop) -> None:
    refunds = list(shop.bayar.export_movements(from_time=EVER[0], until_time=EVER[1], kinds=[K.MOVEMENT_KIND_REFUND]))
    assert [one.amount.currency_code for one in refunds] == ["USD", "JPY"]
    recorded = sorted(one.record_time.ToDatetime(UTC) for one in shop.movements())
    late = list(shop.bayar.export_movements(from_time=EVER[0], until_time=EVER[1], recorded_from_time=recorded[-3]))
    assert len(late) == sum(time >= recorded[-3] for time in recorded)
