"""Compares the ledger of movements with the gateway's settlement batches and payouts, day by day."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from application.common.errors import Rule
from application.common.validator import Validator, require_checked
from application.payments.book_movements import BookMovements
from application.payments.export_movements import require_complete
from application.ports.settlement_reports import SettlementReports
from application.recovery.explain_settlements import ExplainSettlements, entry_of
from application.recovery.settlement_comparison import Group, GroupTotals, SettlementDifference, Stage, Sum, sums_of
from application.recovery.settlement_ledger import SettlementLedger

MOST_DAYS: Final = 92


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareSettlementsCommand:
    """The days to compare, unchecked: ISO 8601 dates, the end exclusive."""

    start: str
    end: str
    # Compare transaction by transaction also where the sums agree.
    every_transaction: bool = False


@dataclass(frozen=True, slots=True)
class CompareSettlements:
    ledger: SettlementLedger
    reports: SettlementReports
    explain: ExplainSettlements
    book: BookMovements

    def __call__(self, command: CompareSettlementsCommand) -> Iterator[GroupTotals | SettlementDifference]:
        """Yields for each day the sums of each merchant account, then the transactions that differ.

        Raises InvalidRequest at once; MovementsIncomplete, GatewayUnavailable and StoreUnavailable during iteration.
        """
        validator = Validator()
        start = validator.day("from_date", command.start)
        end = validator.day("until_date", command.end)
        if start is not None and end is not None:
            if end <= start:
                validator.add("until_date", Rule.AFTER, "from_date")
            elif (end - start).days > MOST_DAYS:
                validator.add("until_date", Rule.MAX_DAYS, MOST_DAYS)
        validator.done()
        return self._compare(require_checked(start), require_checked(end), command.every_transaction)

    def _compare(self, start: date, end: date, every_transaction: bool) -> Iterator[GroupTotals | SettlementDifference]:
        require_complete(self.ledger.store, self.book)
        recorded = {stage: sums_of(self.ledger.entries(start, end, stage), stage) for stage in Stage}
        for day in (start + timedelta(days=number) for number in range((end - start).days)):
            for stage in Stage:
                own = {group: each for group, each in recorded[stage].items() if group.day == day}
                yield from self._compare_day(day, stage, own, every_transaction)

    def _compare_day(
        self, day: date, stage: Stage, recorded: dict[Group, Sum], every_transaction: bool
    ) -> Iterator[GroupTotals | SettlementDifference]:
        at_gateway = self._gateway_sums(day, stage)
        groups = sorted({*recorded, *at_gateway}, key=_order)
        totals = [
            GroupTotals(group=one, recorded=recorded.get(one, Sum()), at_gateway=at_gateway.get(one, Sum()))
            for one in groups
        ]
        yield from totals
        doubtful = [one for one in totals if every_transaction or not one.agrees]
        if doubtful:
            yield from self.explain(day, stage, doubtful)

    def _gateway_sums(self, day: date, stage: Stage) -> dict[Group, Sum]:
        if stage is Stage.PAYOUT:
            found = (entry_of(one, stage) for one in self.reports.transactions_paid_out(day))
            return sums_of((entry for entry in found if entry is not None), stage)
        sums: dict[Group, Sum] = {}
        for total in self.reports.batch_totals(day):
            group = Group(day, stage, total.merchant_account_id, total.kind, total.amount.currency_code)
            sums[group] = sums.get(group, Sum()).plus(total.amount, total.count)
        return {group: each for group, each in sums.items() if each != Sum()}


def _order(group: Group) -> tuple[str, str, str]:
    return group.merchant_account_id, group.currency_code, group.kind.value
