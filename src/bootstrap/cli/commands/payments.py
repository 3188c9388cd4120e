"""bayar payments ACTION: the arguments of each action. The actions run in modules of their own."""

import argparse
from pathlib import Path
from typing import Final

from bayar.messages import PaymentState
from bootstrap.cli.commands import (
    payments_change,
    payments_export,
    payments_list,
    payments_search,
    payments_show,
    payments_summary,
)
from bootstrap.cli.terminal.arguments import add_limit
from bootstrap.cli.terminal.connection import add_common_arguments
from bootstrap.cli.terminal.timestamps import parse_timestamp
from bootstrap.cli.terminal.windows import add_window

_STATES: Final = [name.removeprefix("PAYMENT_STATE_").lower() for name in PaymentState.keys()[1:]]
# A watch may outlast a restart of the service.
_WATCH_ATTEMPTS: Final = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    _add_list(
        actions.add_parser("list", help="list payments, newest first", description="Lists payments, newest first.")
    )
    _add_search(
        actions.add_parser(
            "search",
            help="find payments by name, amount, card, reference, day, metadata or any id",
            description="Finds payments by anything that people know of them. An exact id or reference comes first, "
            "then the newest. An administrator's key searches the payments of every caller.",
        )
    )
    show = actions.add_parser(
        "show",
        help="show one payment with its operations and history",
        description="Shows one payment: where its money is, why it was declined, its operations and its history.",
    )
    show.add_argument("payment_id", nargs="?", metavar="PAYMENT_ID")
    show.add_argument(
        "--reference", metavar="TEXT", help="your own order, instead of PAYMENT_ID, if it has one payment"
    )
    add_common_arguments(show, payments_show.show)
    verify = actions.add_parser(
        "verify",
        help="compare a payment with the gateway now",
        description="Compares the payment with the gateway now. Differences are corrected in the record and shown.",
    )
    verify.add_argument("payment_id", metavar="PAYMENT_ID")
    add_common_arguments(verify, payments_show.verify)
    watch = actions.add_parser(
        "watch",
        help="print a line at each change, until the payment rests",
        description="Prints a line for the current state and for each change, until the payment rests. Ctrl-C ends it.",
    )
    watch.add_argument("payment_id", metavar="PAYMENT_ID")
    add_common_arguments(watch, payments_show.watch, attempts=_WATCH_ATTEMPTS)
    payments_change.add_capture(
        actions.add_parser(
            "capture",
            help="capture held money, in full or in part",
            description="Captures the held money of a payment, in full or in part, after a confirmation.",
        )
    )
    payments_change.add_adjust(
        actions.add_parser(
            "adjust",
            help="change the amount that is held, up or down",
            description="Changes the held amount of a payment of which nothing is captured, after a confirmation.",
        )
    )
    payments_change.add_void(
        actions.add_parser(
            "void",
            help="release held money, or cancel a payment that has not settled",
            description="Releases the held money that was not captured, after a confirmation.",
        )
    )
    payments_change.add_refund(
        actions.add_parser(
            "refund",
            help="give captured money back, in full or in part",
            description="Refunds a payment, in full or in part, after a confirmation. Before settlement, a partial "
            "refund is scheduled until the payment has settled.",
        )
    )
    payments_summary.add_summary(
        actions.add_parser(
            "summary",
            help="sum up payments, declines, disputes and money on its way by day",
            description="Sums up the payments of each day and currency: approval rate, movements of money, disputes, "
            "and the money on its way at the end of the day. --json has all of it, declines by reason as well.",
        )
    )
    _add_export(
        actions.add_parser(
            "export",
            help="write the movements of money for accounting",
            description="Writes a row for each movement of money in the time given, of every caller, oldest first: "
            "captures, refunds, disputes, settlements and payouts, each at its own time. Months that follow one "
            "another hold every movement once.",
        )
    )


def _add_list(parser: argparse.ArgumentParser) -> None:
    _add_filter(parser)
    add_limit(parser)
    add_common_arguments(parser, payments_list.list_payments)


def _add_search(parser: argparse.ArgumentParser) -> None:
    _add_filter(parser)
    payments_search.add_search(parser)


def _add_filter(parser: argparse.ArgumentParser) -> None:
    which = parser.add_argument_group("which", "A payment is listed if it matches everything that is given.")
    which.add_argument("--customer", default="", metavar="CUSTOMER_ID")
    which.add_argument("--reference", default="", metavar="TEXT", help="the exact reference (your own order)")
    which.add_argument(
        "--contains", default="", metavar="TEXT", help="a part of the reference, upper and lower case alike"
    )
    which.add_argument(
        "--state", nargs="+", action="extend", default=[], choices=_STATES, metavar="STATE", help=", ".join(_STATES)
    )
    _add_window(which)
    which.add_argument("--currency", default="", metavar="CODE", help="ISO 4217, for example USD")
    which.add_argument("--min", metavar="AMOUNT", help="the lowest amount, for example 10.50; with --currency")
    which.add_argument("--max", metavar="AMOUNT", help="the highest amount; with --currency")
    which.add_argument("--brand", default="", metavar="NAME", help="the card brand as shown, for example Visa")
    which.add_argument("--last-four", default="", metavar="DIGITS", help="the last four digits of the card")
    payments_search.add_places(which)


def _add_export(parser: argparse.ArgumentParser) -> None:
    add_window(parser, "movements")
    parser.add_argument(
        "--kind",
        nargs="+",
        action="extend",
        default=[],
        choices=payments_export.KINDS,
        metavar="KIND",
        help=f"only movements of these kinds: {', '.join(payments_export.KINDS)}",
    )
    parser.add_argument(
        "--recorded-from",
        type=parse_timestamp,
        metavar="TIME",
        help="only movements that the service recorded at or after this time: the late ones of an exported month",
    )
    parser.add_argument(
        "--by-payment",
        action="store_true",
        help="instead: a row for each operation of the payments created in that time, as they are now",
    )
    parser.add_argument("--format", choices=["csv", "json"], help="csv, or one JSON document a line (default: csv)")
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="the file to write; it appears only when it is complete (default: standard output)",
    )
    add_common_arguments(parser, payments_export.export)


def _add_window(parser: argparse._ActionsContainer) -> None:
    parser.add_argument(
        "--from",
        dest="created_from",
        type=parse_timestamp,
        metavar="TIME",
        help="created at or after this time: 2026-05-01 or 2026-05-01T09:30, with an offset or in UTC",
    )
    parser.add_argument(
        "--until", dest="created_until", type=parse_timestamp, metavar="TIME", help="created before this time"
    )
