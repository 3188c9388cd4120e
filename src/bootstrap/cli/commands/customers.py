"""bayar customers list|show|create|update|delete."""

import argparse
import itertools
import sys
import uuid
from typing import Any, Final

from rich.text import Text

from bayar.messages import BayarClient, Customer, PaymentMethod, PaymentMethodState
from bootstrap.cli.commands.payments import positive
from bootstrap.cli.terminal import formatting as words
from bootstrap.cli.terminal.connection import Stopped, WrongUsage, add_common_arguments
from bootstrap.cli.terminal.output import as_json, console, counted, say, write_json, write_json_lines
from bootstrap.cli.terminal.tables import Column, facts, print_long_table, small_table
from bootstrap.cli.terminal.timestamps import Clock

_LARGEST_PAGE: Final = 500
# The option, its name in the contract, its help.
_DETAILS: Final = (
    ("--external-id", "external_id", "your own id of the customer"),
    ("--given-name", "given_name", None),
    ("--family-name", "family_name", None),
    ("--email", "email", None),
    ("--phone", "phone", None),
    (
        "--their-language",
        "language_code",
        "the language of messages to the customer, for example id (default: English)",
    ),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    every = actions.add_parser(
        "list", help="list customers, newest first", description="Lists customers, newest first."
    )
    every.add_argument("--email", default="", help="only the customer with this email address")
    many = every.add_mutually_exclusive_group()
    many.add_argument("--limit", type=positive, default=50, metavar="N", help="the maximum (default: 50)")
    many.add_argument("--all", action="store_true", help="no maximum")
    add_common_arguments(every, list_customers)
    one = actions.add_parser(
        "show",
        help="show one customer with the stored payment methods",
        description="Shows a customer and the stored payment methods.",
    )
    one.add_argument("customer_id", nargs="?", metavar="CUSTOMER_ID")
    one.add_argument("--external-id", metavar="TEXT", help="your own id of the customer, instead of CUSTOMER_ID")
    add_common_arguments(one, show)
    new = actions.add_parser("create", help="create a customer", description="Creates a customer.")
    _add_details(new)
    add_common_arguments(new, create)
    change = actions.add_parser(
        "update", help="change the given fields", description="Changes the given fields; an empty text ('') clears one."
    )
    change.add_argument("customer_id", metavar="CUSTOMER_ID")
    _add_details(change)
    add_common_arguments(change, update)
    delete = actions.add_parser(
        "delete",
        help="remove the payment methods and erase personal data; payments stay",
        description="Removes the payment methods at the gateway and erases personal data here. Payments stay.",
    )
    delete.add_argument("customer_id", metavar="CUSTOMER_ID")
    delete.add_argument("--yes", action="store_true", help="do not ask for confirmation")
    _add_request_id(delete)
    add_common_arguments(delete, delete_customer)


def _add_details(parser: argparse.ArgumentParser) -> None:
    for option, name, text in _DETAILS:
        parser.add_argument(option, dest=name, metavar="TEXT", help=text)
    _add_request_id(parser)


def _add_request_id(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--request-id",
        type=lambda text: str(uuid.UUID(text)),
        metavar="UUID",
        help="the request id of a call whose answer was lost, to repeat it (default: a new one)",
    )


def list_customers(parsed: argparse.Namespace, bayar: BayarClient) -> int:
    wanted = None if parsed.all else parsed.limit + 1
    every = bayar.list_customers(email=parsed.email, page_size=min(wanted or _LARGEST_PAGE, _LARGEST_PAGE))
    found = itertools.islice(every, wanted)
    shown = counted(itertools.islice(found, wanted and wanted - 1), "customers")
    if parsed.json:
        count = write_json_lines(shown)
    else:
        clock = Clock(local=parsed.local)
        columns = [
            Column(f"created ({clock.zone_name})", rank=3),
            Column("customer"),
            Column("your id", rank=1, shrinks=12),
            Column("name", shrinks=12),
            Column("email", rank=2, shrinks=16),
            Column("phone", rank=4),
            Column("language", rank=5),
        ]
        count = print_long_table(console(), columns, (_row(customer, clock) for customer in shown))
    if not count:
        say("No customer matches.")
    elif next(found, None) is not None:
        say(f"These are the newest {count}, and there are more: --limit N, --all, or --email ADDRESS.")
    return 0


def show(parsed: argparse.Namespace, bayar: BayarClient) -> int:
    if bool(parsed.customer_id) == bool(parsed.external_id):
        raise WrongUsage("name one customer: CUSTOMER_ID, or --external-id TEXT")
    customer = bayar.get_customer(customer_id=parsed.customer_id, external_id=parsed.external_id)
    methods = list(bayar.list_payment_methods(customer_id=customer.customer_id, page_size=_LARGEST_PAGE))
    if parsed.json:
        write_json({"customer": as_json(customer), "payment_methods": [as_json(method) for method in methods]})
        return 0
    _print_customer(customer, Clock(local=parsed.local))
    _print_methods(methods)
    return 0


def create(parsed: argparse.Namespace, bayar: BayarClient) -> int:
    _tell(bayar.create_customer(**_given(parsed), request_id=parsed.request_id), parsed)
    return 0


def update(parsed: argparse.Namespace, bayar: BayarClient) -> int:
    given = _given(parsed)
    if not given:
        raise WrongUsage("give a field to change, for example --email sari@example.com")
    _tell(bayar.update_customer(customer_id=parsed.customer_id, **given, request_id=parsed.request_id), parsed)
    return 0


def delete_customer(parsed: argparse.Namespace, bayar: BayarClient) -> int:
    if not parsed.yes:
        _confirm(bayar.get_customer(customer_id=parsed.customer_id))
    deleted = bayar.delete_customer(customer_id=parsed.customer_id, request_id=parsed.request_id)
    if parsed.json:
        write_json(as_json(deleted))
    else:
        console().print(f"Deleted {deleted.customer_id}. Payments stay.")
    return 0


def _given(parsed: argparse.Namespace) -> dict[str, Any]:
    values = {name: getattr(parsed, name) for _, name, _ in _DETAILS}
    return {name: value for name, value in values.items() if value is not None}


def _tell(customer: Customer, parsed: argparse.Namespace) -> None:
    if parsed.json:
        write_json(as_json(customer))
    else:
        _print_customer(customer, Clock(local=parsed.local))


def _confirm(customer: Customer) -> None:
    if not sys.stdin.isatty():
        raise WrongUsage("there is no terminal to confirm the deletion: give --yes")
    sys.stderr.write(
        f"Delete {words.plain(_name(customer)) or 'the customer'} ({customer.customer_id})? The payment methods are "
        "removed and personal data is erased for good; payments stay. [y/N] "
    )
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise Stopped("nothing was deleted")


def _row(customer: Customer, clock: Clock) -> list[Text | str]:
    return [
        clock.minute(customer.create_time),
        customer.customer_id,
        words.plain(customer.external_id),
        words.plain(_name(customer)),
        words.plain(customer.email),
        words.plain(customer.phone),
        words.plain(customer.language_code),
    ]


def _name(customer: Customer) -> str:
    return f"{customer.given_name} {customer.family_name}".strip()


def _print_customer(customer: Customer, clock: Clock) -> None:
    out = console()
    out.print(Text(customer.customer_id, "bold"))
    out.print(
        facts(
            [
                ("name", words.plain(_name(customer))),
                ("your id", words.plain(customer.external_id)),
                ("email", words.plain(customer.email)),
                ("phone", words.plain(customer.phone)),
                ("language", words.plain(customer.language_code)),
                ("created", f"{clock.second(customer.create_time)} {clock.zone_name}"),
                ("changed", f"{clock.second(customer.update_time)} {clock.zone_name}"),
            ]
        )
    )


def _print_methods(methods: list[PaymentMethod]) -> None:
    out = console()
    if not methods:
        out.print("No payment method is stored.")
        return
    table = small_table("payment method", "what", "expires", "state", "")
    for method in methods:
        shown = method.instrument
        expiry = f"{shown.expiration_year}-{shown.expiration_month:02}" if shown.expiration_year else ""
        state = words.word(PaymentMethodState, method.state)
        table.add_row(
            method.payment_method_id,
            words.plain(words.instrument(shown)),
            expiry,
            words.state_word(state),
            "default" if method.default else "",
        )
    out.print()
    out.print(table)
