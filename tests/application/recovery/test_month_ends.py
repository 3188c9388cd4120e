"""Random histories over the ends of months: each movement is in one month, and the gateway's books agree."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from application.common.errors import ApplicationError, InvalidRequest, Rule
from application.payments.book_movements import BookMovements
from application.payments.export_movements import ExportMovements, ExportMovementsCommand
from application.ports.gateway import Refund, TransactionKind
from application.ports.movements import BookedMovement
from application.recovery.compare_settlements import CompareSettlements, CompareSettlementsCommand
from application.recovery.explain_settlements import ExplainSettlements
from application.recovery.settlement_comparison import DifferenceKind, GroupTotals, SettlementDifference, Stage
from application.recovery.settlement_ledger import SettlementLedger
from domain.errors import DomainError
from domain.events import CaptureMode
from domain.ids import OperationId
from domain.money import Money
from domain.movement import MovementKind
from domain.payment import Payment
from domain.transaction import TransactionStatus
from tests.application.shop import Shop, an_order, usd
from tests.fakes.runtime import HELD, START
from tests.fakes.store_state import MovementRow

DAY = timedelta(days=1)


class Story:
    """Callers, the gateway and somebody at its control panel, for some months."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)  # noqa: S311 (a story, not a secret)
        self.shop = Shop()
        self.payments: list[Payment] = []

    def go(self, steps: int) -> None:
        doings = (self.pay, self.pay, self.hold, self.capture, self.void, self.refund, self.refund, self.refund_outside)
        self.pay()
        for _ in range(steps):
            with suppress(ApplicationError, DomainError):
                self.dice.choice((*doings, self.settle, self.pass_time, self.pass_time))()
        self.record()
        self.settle()
        self.pass_time()
        self.record()

    def pay(self) -> None:
        # 4001 is refused at settlement.
        amount = self.dice.choice((1, 1000, 2500, 400_100, 300_000))
        self.payments.append(self.shop.pay(an_order(amount=usd(amount))))

    def hold(self) -> None:
        self.payments.append(self.shop.pay(an_order(amount=usd(6000), capture_mode=CaptureMode.MANUAL)))

    def some(self) -> Payment:
        return self.shop.now(self.dice.choice(self.payments))

    def capture(self) -> None:
        self.shop.capture(self.some(), self.dice.choice((None, 1500, 2000)))

    def void(self) -> None:
        self.shop.void(self.some())

    def refund(self) -> None:
        self.shop.refund(self.some(), self.dice.choice((None, None, 1, 700)))

    def refund_outside(self) -> None:
        sale = self.some().captured_sales[-1:]
        for one in sale:
            refund = Refund(
                operation_id=OperationId(f"control panel {self.dice.random()}"),
                transaction_id=one.transaction_id,
                amount=one.amount,
            )
            self.shop.real_gateway.refund(refund, HELD)

    def settle(self) -> None:
        self.shop.real_gateway.settle()
        self.record()

    def pass_time(self) -> None:
        self.shop.wait(self.dice.choice((timedelta(hours=7), DAY, 9 * DAY)))
        self.shop.real_gateway.pay_out()

    def record(self) -> None:
        for payment in self.payments:
            self.shop.verify(payment)
        while self.shop.resolve():
            pass

    def export(self, start: datetime, end: datetime, *kinds: MovementKind) -> list[BookedMovement]:
        export = ExportMovements(self.shop.store, BookMovements(self.shop.store))
        pages = export(ExportMovementsCommand(start=start, end=end, kinds=kinds))
        return [booked for page in pages for booked in page]

    def compare(self, *, every_transaction: bool = False) -> tuple[list[GroupTotals], list[SettlementDifference]]:
        shop = self.shop
        ledger = SettlementLedger(shop.store, shop.accounts)
        explain = ExplainSettlements(shop.store, shop.gateway, shop.real_gateway, ledger)
        compare = CompareSettlements(ledger, shop.real_gateway, explain, BookMovements(shop.store))
        first = START.date()
        totals: list[GroupTotals] = []
        differences: list[SettlementDifference] = []
        while first <= shop.clock.now().date():
            end = first + 90 * DAY
            command = CompareSettlementsCommand(start=f"{first}", end=f"{end}", every_transaction=every_transaction)
            for one in compare(command):
                if isinstance(one, GroupTotals):
                    totals.append(one)
                else:
                    differences.append(one)
            first = end
        return totals, differences


def months(until: datetime) -> Iterator[tuple[datetime, datetime]]:
    start = START.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    while start <= until + DAY:
        end = (start + 31 * DAY).replace(day=1)
        yield start, end
        start = end


def ledger_of_the_gateway(story: Story, status: TransactionStatus, kind: TransactionKind) -> dict[str, int]:
    return {
        one.transaction_id: one.amount.minor_units
        for one in story.shop.real_gateway.all_transactions()
        if one.standing.status is status and one.kind is kind
    }


@pytest.mark.parametrize("seed", range(30))
def test_months_hold_each_movement_once_and_agree_with_the_gateway(seed: int) -> None:
    story = Story(seed)
    story.go(60)
    by_month = [story.export(start, end) for start, end in months(story.shop.clock.now())]
    moved = [booked for month in by_month for booked in month]
    everything = story.export(START - 1000 * DAY, START + 3000 * DAY)
    assert [one.movement_id for one in moved] == [one.movement_id for one in everything]
    assert len({one.movement_id for one in moved}) == len(moved)

    net = Counter[str]()
    for one in moved:
        net[one.payment_id] += one.movement.amount.minor_units * one.movement.kind.sign
    for payment in map(story.shop.now, story.payments):
        own = payment.captured_amount.minor_units - payment.refunded_amount.minor_units
        assert net[payment.terms.payment_id] == own

    settled = Counter[str]()
    for one in moved:
        if one.movement.kind in (MovementKind.SETTLEMENT, MovementKind.REFUND_SETTLEMENT):
            settled[one.movement.transaction_id] += one.movement.amount.minor_units
    assert settled == {
        **ledger_of_the_gateway(story, TransactionStatus.SETTLED, TransactionKind.SALE),
        **ledger_of_the_gateway(story, TransactionStatus.SETTLED, TransactionKind.CREDIT),
    }

    totals, differences = story.compare()
    assert differences == []
    assert all(one.agrees for one in totals)
    assert {one.group.stage for one in totals} == set(Stage)


def test_a_movement_that_was_forgotten_or_booked_twice_would_be_seen() -> None:
    story = Story(1)
    story.go(60)
    booked = story.shop.store._state.movements
    some = next(key for key, row in booked.items() if row.movement.kind is MovementKind.SETTLEMENT)
    forgotten = booked.pop(some)
    _, differences = story.compare()
    assert [one.kind for one in differences] == [DifferenceKind.NOT_RECORDED_YET]
    booked[some] = forgotten
    booked[f"{some}_again"] = forgotten
    _, differences = story.compare()
    assert [one.kind for one in differences] == [DifferenceKind.UNEXPLAINED]


def a_settled_story() -> tuple[Story, str]:
    """One payment of 25.00 that was settled on the first day, and its row in the ledger."""
    story = Story(0)
    story.payments.append(story.shop.pay(an_order(amount=usd(2500))))
    story.settle()
    (row,) = [key for key, one in booked(story).items() if one.movement.kind is MovementKind.SETTLEMENT]
    return story, row


def booked(story: Story) -> dict[str, MovementRow]:
    return story.shop.store._state.movements


def change(story: Story, row: str, **changes: object) -> None:
    before = booked(story)[row]
    booked(story)[row] = replace(before, movement=replace(before.movement, **changes))  # type: ignore[arg-type]


def told(story: Story, *, every_transaction: bool = False) -> list[tuple[DifferenceKind, int | None, int | None]]:
    _, differences = story.compare(every_transaction=every_transaction)
    return [
        (
            one.kind,
            one.recorded_amount.minor_units if one.recorded_amount else None,
            one.gateway_amount.minor_units if one.gateway_amount else None,
        )
        for one in differences
    ]


def test_without_a_difference_the_sums_are_told_and_nothing_else() -> None:
    story, _ = a_settled_story()
    totals, differences = story.compare()
    assert differences == []
    (total,) = totals
    assert (total.group.day, total.group.merchant_account_id) == (START.date(), "usd")
    assert (total.recorded_amount, total.recorded.count) == (total.gateway_amount, 1)


def test_another_amount_is_told_with_both() -> None:
    story, row = a_settled_story()
    change(story, row, amount=Money(2400, "USD"))
    assert told(story) == [(DifferenceKind.AMOUNT_DIFFERS, 2400, 2500)]


def test_another_day_is_told_on_both_days_and_asks_nobody() -> None:
    story, row = a_settled_story()
    story.shop.wait(3 * DAY)
    change(story, row, settlement_batch_id=f"{START.date() + DAY}_usd_1")
    found = told(story)
    assert found == [(DifferenceKind.OTHER_DAY, None, 2500), (DifferenceKind.OTHER_DAY, 2500, None)]
    assert all(kind.is_explained for kind, _, _ in found)


def test_a_transaction_that_the_gateway_does_not_know_is_told() -> None:
    story, row = a_settled_story()
    change(story, row, transaction_id="unheard of")
    # The sums agree.
    assert told(story) == []
    assert sorted(told(story, every_transaction=True), key=str) == [
        (DifferenceKind.NOT_RECORDED_YET, None, 2500),
        (DifferenceKind.UNKNOWN_AT_GATEWAY, 2500, None),
    ]


def test_a_settlement_that_the_bank_returned_is_told_until_the_record_has_it() -> None:
    story, _ = a_settled_story()
    (sale,) = story.shop.real_gateway.all_transactions()
    returned = replace(sale.standing, status=TransactionStatus.SETTLEMENT_DECLINED)
    story.shop.real_gateway._change(sale, standing=returned)
    assert told(story) == [(DifferenceKind.NOT_AT_GATEWAY, 2500, None)]
    story.record()
    assert told(story) == []


def test_money_of_others_is_foreign_and_money_of_this_deployment_without_a_record_is_not() -> None:
    story, _ = a_settled_story()
    gateway = story.shop.real_gateway
    gateway.add_external_sale("their order", Money(700, "USD"))
    lost = gateway.add_external_sale("op_00000000000000000000lost01", Money(900, "USD"))
    gateway._change(lost, is_marked=True)
    gateway.settle()
    assert sorted(told(story), key=str) == [
        (DifferenceKind.FOREIGN, None, 700),
        (DifferenceKind.UNKNOWN_HERE, None, 900),
    ]


def test_another_merchant_account_is_told() -> None:
    story, _ = a_settled_story()
    (sale,) = story.shop.real_gateway.all_transactions()
    story.shop.real_gateway._change(sale, merchant_account_id="usd_travel")
    assert told(story) == [(DifferenceKind.OTHER_MERCHANT_ACCOUNT, 2500, 2500)]


@pytest.mark.parametrize(
    ("start", "end", "faults"),
    [
        ("", "", {"from_date": Rule.REQUIRED, "until_date": Rule.REQUIRED}),
        ("2026-02-30", "20260301", {"from_date": Rule.DATE, "until_date": Rule.DATE}),
        ("2026-03-01", "2026-03-01", {"until_date": Rule.AFTER}),
        ("2026-01-01", "2026-04-04", {"until_date": Rule.MAX_DAYS}),
    ],
)
def test_a_window_that_is_none_is_refused_before_anything_is_read(
    start: str, end: str, faults: dict[str, Rule]
) -> None:
    shop = Shop()
    ledger = SettlementLedger(shop.store, shop.accounts)
    explain = ExplainSettlements(shop.store, shop.gateway, shop.real_gateway, ledger)
    compare = CompareSettlements(ledger, shop.real_gateway, explain, BookMovements(shop.store))
    with pytest.raises(InvalidRequest) as refusal:
        compare(CompareSettlementsCommand(start=start, end=end))
    assert {one.field: one.rule for one in refusal.value.violations} == faults


def test_an_export_without_a_window_or_with_an_unknown_kind_is_refused_before_anything_is_read() -> None:
    store = Shop().store
    export = ExportMovements(store, BookMovements(store))
    with pytest.raises(InvalidRequest) as refusal:
        export(ExportMovementsCommand(start=None, end=None, kinds=(MovementKind.REFUND, None)))
    assert [(one.field, one.rule) for one in refusal.value.violations] == [
        ("from_time", Rule.REQUIRED),
        ("until_time", Rule.REQUIRED),
        ("kinds[1]", Rule.KNOWN_VALUE),
    ]
    with pytest.raises(InvalidRequest):
        export(ExportMovementsCommand(start=START, end=START))
