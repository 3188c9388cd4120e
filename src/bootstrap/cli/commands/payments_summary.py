"""bayar payments summary: payments, declines, disputes and money on its way, by day and currency."""

import argparse
from datetime import UTC, date, datetime, timedelta

from rich.text import Text

from bayar.messages import BayarClient, Money, format_money
from bayar.payments.v1.movement_pb2 import MovementKind
from bayar.payments.v1.payment_summary_pb2 import PaymentSummary, Total
from bootstrap.cli.terminal.connection import WrongUsage, add_common_arguments
from bootstrap.cli.terminal.output import console, say, write_json_lines
from bootstrap.cli.terminal.tables import Column, print_long_table


def add_summary(parser: argparse.ArgumentParser) -> None:
    which = parser.add_argument_group("which")
    which.add_argument("--from", dest="first", type=_day, metavar="DAY", help="the first day (default: 13 days ago)")
    which.add_argument(
        "--until", dest="end", type=_day, metavar="DAY", help="the day after the last (default: tomorrow)"
    )
    which.add_argument(
        "--time-zone", default="", metavar="ZONE", help="of the days, such as Asia/Jakarta (default: UTC)"
    )
    which.add_argument("--currency", default="", metavar="CODE", help="ISO 4217, for example USD (default: all)")
    which.add_argument("--caller", default="", metavar="CALLER", help="the payments of this caller only")
    add_common_arguments(parser, summarize)


def summarize(parsed: argparse.Namespace, bayar: BayarClient) -> int:
    today = datetime.now(UTC).date()
    first, end = parsed.first or today - timedelta(days=13), parsed.end or today + timedelta(days=1)
    if end <= first:
        raise WrongUsage("--until must be after --from")
    found = bayar.summarize_payments(
        from_date=first,
        until_date=end,
        time_zone=parsed.time_zone,
        caller_id=parsed.caller,
        currency_code=parsed.currency,
    )
    if parsed.json:
        write_json_lines(iter(found.summaries))
    elif found.summaries:
        print_long_table(console(), _COLUMNS, map(_row, found.summaries))
    else:
        say("There was no payment in that time.")
    if found.HasField("complete_from_time"):
        moment = found.complete_from_time.ToDatetime()
        say(f"Payments created before {moment:%Y-%m-%d %H:%M} UTC are still being counted: `bayar statistics status`.")
    return 0


_COLUMNS = [
    Column("day"),
    Column("currency"),
    Column("payments", "right"),
    Column("approved", "right"),
    Column("rate", "right"),
    Column("captured", "right", rank=3),
    Column("refunded", "right", rank=2),
    Column("disputes", "right", rank=4),
    Column("won", "right", rank=5),
    Column("lost", "right", rank=5),
    Column("on its way", "right", rank=1),
]


def _row(one: PaymentSummary) -> list[Text | str]:
    answered = one.approved_count + one.declined_count
    moved = {total.kind: total.total.amount.minor_units for total in one.movements}
    awaiting = one.awaiting_settlement_amount.minor_units + one.awaiting_payout_amount.minor_units

    def net(kind: "MovementKind.ValueType", reversal: "MovementKind.ValueType") -> str:
        return _amount(moved.get(kind, 0) - moved.get(reversal, 0), one.currency_code)

    return [
        one.date,
        one.currency_code,
        str(one.attempted_count),
        str(one.approved_count),
        f"{100 * one.approved_count / answered:.1f} %" if answered else "",
        net(MovementKind.MOVEMENT_KIND_CAPTURE, MovementKind.MOVEMENT_KIND_CAPTURE_REVERSAL),
        net(MovementKind.MOVEMENT_KIND_REFUND, MovementKind.MOVEMENT_KIND_REFUND_REVERSAL),
        *(_count(each) for each in (one.disputes_opened, one.disputes_won, one.disputes_lost)),
        _amount(awaiting, one.currency_code),
    ]


def _amount(minor_units: int, currency_code: str) -> str:
    return format_money(Money(minor_units=minor_units, currency_code=currency_code)) if minor_units else ""


def _count(total: Total) -> str:
    return f"{total.count}: {format_money(total.amount)}" if total.count else ""


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day such as 2026-11-01") from None
