"""bayar settlements compare: compares the movements of money with the gateway's settlement batches and payouts."""

import argparse
import sys
from datetime import UTC, date, datetime, timedelta
from typing import Final

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from bayar.messages import BayarClient, Money
from bayar.payments.v1.admin_service_pb2 import (
    FindingRemedy,
    SettlementDifference,
    SettlementDifferenceKind,
    SettlementGroup,
    SettlementStage,
    SettlementTotals,
)
from bootstrap.cli.terminal import formatting as words
from bootstrap.cli.terminal.connection import WrongUsage, add_common_arguments
from bootstrap.cli.terminal.output import as_json, console, error_console, say, write_json
from bootstrap.cli.terminal.windows import parse_month
from bootstrap.exit_status import DONE, FAILED

_REMEDIES: Final = {
    FindingRemedy.FINDING_REMEDY_VERIFY_PAYMENT: "bayar payments verify {0.payment_id}",
    FindingRemedy.FINDING_REMEDY_CHECK_NOW: "bayar payments show {0.payment_id}, then bayar resolve OPERATION_ID",
    FindingRemedy.FINDING_REMEDY_REVERSE: "bayar reconcile ... --reverse N",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    compare_ = actions.add_parser(
        "compare",
        help="compare movements of money with the gateway's batches and payouts, day by day",
        description="Compares settlements with the gateway's settlement batches, and payouts with its disbursements: "
        "the sums of each day, merchant account and currency, then each transaction that differs, with what explains "
        "it. Exits with 1 if a difference needs somebody.",
    )
    compare_.add_argument(
        "--from", dest="first", type=_day, metavar="DAY", help="the first day, by the gateway's calendar: 2026-11-01"
    )
    compare_.add_argument(
        "--to",
        "--until",
        dest="end",
        type=_day,
        metavar="DAY",
        help="the day after the last (default: tomorrow, so that today is in it); at most 92 days after --from",
    )
    compare_.add_argument(
        "--month", type=parse_month, metavar="YYYY-MM", help="a whole month, instead of --from and --to"
    )
    compare_.add_argument(
        "--every-transaction",
        action="store_true",
        help="compare transaction by transaction also where the sums agree; takes much longer",
    )
    compare_.add_argument("--differences", action="store_true", help="print no sums, only differences")
    add_common_arguments(compare_, compare)


def compare(parsed: argparse.Namespace, bayar: BayarClient) -> int:
    """Fails if a difference needs somebody's attention."""
    first, end = _window(parsed)
    answers = bayar.compare_settlements(from_date=first, until_date=end, every_transaction=parsed.every_transaction)
    out, groups, differences, to_do = console(), 0, 0, 0
    bar = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    is_seen = sys.stderr.isatty() and not sys.stdout.isatty()
    with Progress(*bar, console=error_console(), transient=True, disable=not is_seen) as progress:
        task = progress.add_task(f"comparing {first}", total=None)
        for answer in answers:
            progress.update(task, description=f"comparing {answer.group.date}")
            if isinstance(answer, SettlementTotals):
                groups += 1
                if parsed.differences:
                    continue
            else:
                differences += 1
                to_do += answer.needs_attention
            if parsed.json:
                write_json({"totals" if isinstance(answer, SettlementTotals) else "difference": as_json(answer)})
            else:
                out.print(_paragraph(answer), soft_wrap=True)
    last = end - timedelta(days=1)
    days = f"{first}" if last == first else f"{first} to {last}"
    say(f"{days}: {groups} sums compared; differences: {differences}, to be looked into: {to_do}.")
    return FAILED if to_do else DONE


def _window(parsed: argparse.Namespace) -> tuple[date, date]:
    if parsed.month and (parsed.first or parsed.end):
        raise WrongUsage("--month is a window already: leave out --from and --to")
    if parsed.month:
        first: date = parsed.month.date()
        return first, (first + timedelta(days=31)).replace(day=1)
    if not parsed.first:
        raise WrongUsage("say which days: --month 2026-11, or --from 2026-11-01 --to 2026-12-01")
    end: date = parsed.end or datetime.now(UTC).date() + timedelta(days=1)
    if end <= parsed.first:
        raise WrongUsage("--to must be after --from: it is the day after the last")
    return parsed.first, end


def _paragraph(answer: SettlementTotals | SettlementDifference) -> str:
    return _line(answer) if isinstance(answer, SettlementTotals) else _difference(answer)


def _line(totals: SettlementTotals) -> str:
    here = f"{words.amount(totals.recorded_amount)} in {totals.recorded_count}"
    if totals.agrees:
        return f"{_group(totals.group)}  {here}: agrees"
    there = f"{words.amount(totals.gateway_amount)} in {totals.gateway_count}"
    return f"{_group(totals.group)}  here {here}, at the gateway {there}: DIFFERS"


def _group(group: SettlementGroup) -> str:
    subject = "refunds" if group.refunds else "captures"
    stage = words.phrase(SettlementStage, group.stage)
    return f"{group.date}  {words.plain(group.merchant_account_id)}  {stage} of {subject}"


def _difference(found: SettlementDifference) -> str:
    ids = " ".join(filter(None, (found.gateway_transaction_id, found.payment_id)))
    amounts = ", ".join(f"{name} {words.amount(amount)}" for name, amount in _amounts(found) if amount.currency_code)
    lines = [
        f"  {words.word(SettlementDifferenceKind, found.kind)}  {words.plain(ids)}",
        f"    {words.plain(found.summary)}",
        *([f"    {amounts}"] if amounts else []),
    ]
    if remedy := _REMEDIES.get(found.remedy):
        lines.append(f"    remedy: {remedy.format(found)}")
    return "\n".join(lines)


def _amounts(found: SettlementDifference) -> tuple[tuple[str, Money], ...]:
    return ("here", found.recorded_amount), ("at the gateway", found.gateway_amount)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day; write 2026-11-01") from None
