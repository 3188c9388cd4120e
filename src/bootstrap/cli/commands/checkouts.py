"""bayar checkouts list|show|expire: hosted checkouts and payment links."""

import argparse
from collections.abc import Sequence
from typing import Final

from rich.text import Text

from bayar.messages import BayarClient, Checkout, CheckoutState
from bootstrap.cli.terminal import formatting as words
from bootstrap.cli.terminal.arguments import add_confirmation, add_limit, confirm
from bootstrap.cli.terminal.connection import add_common_arguments
from bootstrap.cli.terminal.listing import print_list
from bootstrap.cli.terminal.output import as_json, console, write_json
from bootstrap.cli.terminal.tables import Column, facts
from bootstrap.cli.terminal.timestamps import Clock

_STATES: Final = [name.removeprefix("CHECKOUT_STATE_").lower() for name in CheckoutState.keys()[1:]]
_STYLES: Final = {"OPEN": "yellow", "COMPLETED": "green", "EXPIRED": "bright_black"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    every = actions.add_parser(
        "list", help="list checkouts, newest first", description="Lists checkouts and payment links, newest first."
    )
    every.add_argument("--reference", default="", metavar="REFERENCE", help="only those with this reference")
    every.add_argument("--customer", default="", metavar="CUSTOMER_ID", help="only those of this customer")
    every.add_argument(
        "--state", nargs="+", action="extend", default=[], choices=_STATES, metavar="STATE", help=", ".join(_STATES)
    )
    add_limit(every)
    add_common_arguments(every, list_checkouts)
    one = actions.add_parser(
        "show", help="show one checkout", description="Shows one checkout, with the address for its shopper."
    )
    one.add_argument("checkout_id", metavar="CHECKOUT_ID")
    add_common_arguments(one, show)
    ended = actions.add_parser(
        "expire", help="end a checkout; nobody can begin to pay it any more", description="Ends a checkout, for good."
    )
    ended.add_argument("checkout_id", metavar="CHECKOUT_ID")
    add_confirmation(ended)
    add_common_arguments(ended, expire)


def list_checkouts(parsed: argparse.Namespace, bayar: BayarClient) -> int:
    clock = Clock(local=parsed.local)
    return print_list(
        parsed,
        lambda page_size: bayar.list_checkouts(
            reference=parsed.reference,
            customer_id=parsed.customer,
            states=[CheckoutState.Value(f"CHECKOUT_STATE_{name.upper()}") for name in parsed.state],
            page_size=page_size,
        ),
        [
            Column(f"created ({clock.zone_name})"),
            Column("checkout"),
            Column("state"),
            Column("amount", align="right"),
            Column("reference", rank=1),
            Column("uses", rank=2),
            Column("payment", rank=3),
        ],
        lambda checkout: _row(checkout, clock),
        noun="checkout",
    )


def show(parsed: argparse.Namespace, bayar: BayarClient) -> int:
    return _report(parsed, bayar.get_checkout(checkout_id=parsed.checkout_id))


def expire(parsed: argparse.Namespace, bayar: BayarClient) -> int:
    checkout = bayar.get_checkout(checkout_id=parsed.checkout_id)
    confirm(
        parsed, f"End the checkout of {words.amount(checkout.amount)} for {words.plain(checkout.reference)}, for good?"
    )
    return _report(parsed, bayar.expire_checkout(checkout_id=parsed.checkout_id, request_id=parsed.request_id))


def _row(checkout: Checkout, clock: Clock) -> Sequence[Text | str]:
    return (
        clock.minute(checkout.create_time),
        checkout.checkout_id,
        _state(checkout),
        words.amount(checkout.amount),
        words.plain(checkout.reference),
        f"{checkout.completed_uses}/{checkout.max_uses}",
        checkout.payment_id,
    )


def _state(checkout: Checkout) -> Text:
    name = words.word(CheckoutState, checkout.state)
    return Text(name, style=_STYLES.get(name, ""))


def _report(parsed: argparse.Namespace, checkout: Checkout) -> int:
    if parsed.json:
        write_json(as_json(checkout))
        return 0
    clock, out = Clock(local=parsed.local), console()
    out.print(Text.assemble((checkout.checkout_id, "bold"), "  ", _state(checkout)))
    ended = f"{clock.second(checkout.end_time)} {clock.zone_name}" if checkout.HasField("end_time") else ""
    out.print(
        facts(
            [
                ("reference", words.plain(checkout.reference)),
                ("amount", words.amount(checkout.amount)),
                ("customer", checkout.customer_id),
                ("uses", f"{checkout.completed_uses} of {checkout.max_uses}"),
                ("payment", checkout.payment_id),
                ("expires", f"{clock.second(checkout.expire_time)} {clock.zone_name}"),
                ("ended", ended),
                ("address", checkout.url),
            ]
        )
    )
    return 0
