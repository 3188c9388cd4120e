"""bayar payments search: finds payments by anything that people know of them."""

import argparse
from collections.abc import Iterator

from rich.text import Text

from bayar.messages import BayarClient, DisputeState, PaymentFunds, PaymentSearchField, PaymentSearchHit, format_money
from bootstrap.cli.commands.payments_list import filter_of
from bootstrap.cli.terminal import formatting as words
from bootstrap.cli.terminal.arguments import add_limit, amount_in
from bootstrap.cli.terminal.connection import WrongUsage, add_common_arguments
from bootstrap.cli.terminal.listing import print_list
from bootstrap.cli.terminal.tables import Column
from bootstrap.cli.terminal.timestamps import Clock

FUNDS = [name.removeprefix("PAYMENT_FUNDS_").lower() for name in PaymentFunds.keys()[1:]]
DISPUTE_STATES = [name.removeprefix("DISPUTE_STATE_").lower() for name in DisputeState.keys()[1:]]


def add_search(parser: argparse.ArgumentParser) -> None:
    """The arguments besides those of the filter, which `bayar payments list` has as well."""
    parser.add_argument(
        "words",
        nargs="*",
        metavar="WORD",
        help="an id, a gateway transaction id, a reference, the last four digits, a name, an email, an amount "
        "(10.00, 'Rp 150.000'), a day (2026-11-03, in UTC), a value of the metadata or KEY:VALUE; each must match",
    )
    fields = parser.add_argument_group("fields", "Each that is given must match as a whole.")
    fields.add_argument("--name", default="", metavar="TEXT", help="words of a name, in any order")
    fields.add_argument("--email", default="", metavar="TEXT")
    fields.add_argument("--amount", metavar="AMOUNT", help="of the payment or one of its refunds; with --currency")
    fields.add_argument("--transaction", default="", metavar="ID", help="the gateway's transaction")
    fields.add_argument("--network", default="", metavar="ID", help="the card network's transaction")
    fields.add_argument(
        "--metadata", action="append", default=[], metavar="KEY=VALUE", help="an entry of the metadata, once for each"
    )
    fields.add_argument("--caller", default="", metavar="CALLER", help="the payments of this caller only")
    add_limit(parser)
    add_common_arguments(parser, search)


def add_places(which: argparse._ActionsContainer) -> None:
    """The filters by funds and disputes."""
    which.add_argument(
        "--funds", nargs="+", action="extend", default=[], choices=FUNDS, metavar="PLACE", help=", ".join(FUNDS)
    )
    which.add_argument(
        "--dispute-state",
        nargs="+",
        action="extend",
        default=[],
        choices=DISPUTE_STATES,
        metavar="STATE",
        help=f"with a dispute in one of these states: {', '.join(DISPUTE_STATES)}",
    )
    which.add_argument(
        "--disputed", action=argparse.BooleanOptionalAction, help="with a dispute in any state, or with none"
    )


def search(parsed: argparse.Namespace, bayar: BayarClient) -> int:
    clock = Clock(local=parsed.local)
    return print_list(
        parsed,
        lambda page_size: _matching(parsed, bayar, page_size),
        _columns(clock),
        lambda hit: _row(hit, clock),
        noun="payment",
        narrow="or more words",
    )


def _matching(parsed: argparse.Namespace, bayar: BayarClient, page_size: int) -> Iterator[PaymentSearchHit]:
    if parsed.amount is not None and not parsed.currency:
        raise WrongUsage(f"--amount needs --currency: {parsed.amount} of what?")
    entries = [entry.partition("=") for entry in parsed.metadata]
    if not all(separator for _, separator, _ in entries):
        raise WrongUsage("--metadata needs KEY=VALUE")
    return bayar.search_payments(
        query=" ".join(parsed.words),
        name=parsed.name,
        email=parsed.email,
        gateway_transaction_id=parsed.transaction,
        network_transaction_id=parsed.network,
        metadata={key: value for key, _, value in entries},
        amount=amount_in(parsed.amount, parsed.currency, "--amount"),
        caller_id=parsed.caller,
        page_size=page_size,
        **filter_of(parsed),
    )


def _columns(clock: Clock) -> list[Column]:
    return [
        Column(f"created ({clock.zone_name})", rank=3),
        Column("payment"),
        Column("caller", rank=5),
        Column("reference", shrinks=12),
        Column("amount", "right"),
        Column("state"),
        Column("paid with", rank=4),
        Column("found in", shrinks=16),
    ]


def _row(hit: PaymentSearchHit, clock: Clock) -> list[Text | str]:
    payment = hit.payment
    return [
        clock.minute(payment.create_time),
        payment.payment_id,
        words.plain(payment.caller_id),
        words.plain(payment.reference),
        format_money(payment.amount),
        words.payment_state(payment),
        words.plain(words.instrument(payment.instrument)),
        words.plain(_found_in(hit)),
    ]


def _found_in(hit: PaymentSearchHit) -> str:
    """The fields that matched: "last four, metadata order_no"."""
    fields = [" ".join(filter(None, [_field_name(match.field), match.metadata_key])) for match in hit.matches]
    return ", ".join(dict.fromkeys(fields))


def _field_name(field: "PaymentSearchField.ValueType") -> str:
    if field not in PaymentSearchField.values():
        return str(int(field))
    return PaymentSearchField.Name(field).removeprefix("PAYMENT_SEARCH_FIELD_").replace("_", " ").lower()
