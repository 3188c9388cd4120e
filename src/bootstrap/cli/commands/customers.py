"""bayar customers list|show|create|update|delete."""

import argparse
from typing import Any, Final

from rich.text import Text

from bayar.messages import BayarClient, Customer
from bootstrap.cli.commands.methods import print_methods
from bootstrap.cli.terminal import formatting as words
from bootstrap.cli.terminal.acts import act, add_act
from bootstrap.cli.terminal.arguments import add_confirmation, add_limit, add_request_id, confirm
from bootstrap.cli.terminal.connection import WrongUsage, add_common_arguments
from bootstrap.cli.terminal.listing import print_list
from bootstrap.cli.terminal.output import as_json, console, write_json
from bootstrap.cli.terminal.tables import Column, facts
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
    add_limit(every)
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
    add_act(change)
    add_common_arguments(change, update)
    delete = actions.add_parser(
        "delete",
        help="remove the payment methods and erase personal data; payments stay",
        description="Removes the payment methods at the gateway and erases personal data here. Payments stay.",
    )
    delete.add_argument("customer_id", metavar="CUSTOMER_ID")
    add_confirmation(delete)
    add_act(delete)
    add_common_arguments(delete, delete_customer)
    guest = actions.add_parser(
        "erase-guest",
        help="erase the personal data of a payment without a customer; the payment stays",
        description="Erases name, email, phone, addresses and cardholder of a payment without a customer.",
    )
    guest.add_argument("payment_id", metavar="PAYMENT_ID")
    add_confirmation(guest)
    add_act(guest)
    add_common_arguments(guest, erase_guest)


def _add_details(parser: argparse.ArgumentParser) -> None:
    for option, name, text in _DETAILS:
        parser.add_argument(option, dest=name, metavar="TEXT", help=text)
    add_request_id(parser)


def list_customers(parsed: argparse.Namespace, bayar: BayarClient) -> int:
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
    return print_list(
        parsed,
        lambda page_size: bayar.list_customers(email=parsed.email, page_size=page_size),
        columns,
        lambda customer: _row(customer, clock),
        noun="customer",
        narrow="or --email ADDRESS",
    )


def show(parsed: argparse.Namespace, bayar: BayarClient) -> int:
    if bool(parsed.customer_id) == bool(parsed.external_id):
        raise WrongUsage("name one customer: CUSTOMER_ID, or --external-id TEXT")
    customer = bayar.get_customer(customer_id=parsed.customer_id, external_id=parsed.external_id)
    methods = list(bayar.list_payment_methods(customer_id=customer.customer_id, page_size=_LARGEST_PAGE))
    if parsed.json:
        write_json({"customer": as_json(customer), "payment_methods": [as_json(method) for method in methods]})
        return 0
    _print_customer(customer, Clock(local=parsed.local))
    print_methods(methods)
    return 0


def create(parsed: argparse.Namespace, bayar: BayarClient) -> int:
    _tell(bayar.create_customer(**_given(parsed), request_id=parsed.request_id), parsed)
    return 0


def update(parsed: argparse.Namespace, bayar: BayarClient) -> int:
    given = _given(parsed)
    if not given:
        raise WrongUsage("give a field to change, for example --email sari@example.com")
    stated = act(parsed, bayar, lambda: bayar.get_customer(customer_id=parsed.customer_id).caller_id)
    _tell(
        bayar.update_customer(customer_id=parsed.customer_id, **given, request_id=parsed.request_id, **stated), parsed
    )
    return 0


def delete_customer(parsed: argparse.Namespace, bayar: BayarClient) -> int:
    customer = bayar.get_customer(customer_id=parsed.customer_id)
    stated = act(parsed, bayar, lambda: customer.caller_id)
    confirm(
        parsed,
        f"Delete {words.plain(_name(customer)) or 'the customer'} ({customer.customer_id})? The payment methods are "
        "removed and personal data is erased for good; payments stay.",
    )
    deleted = bayar.delete_customer(customer_id=parsed.customer_id, request_id=parsed.request_id, **stated)
    if parsed.json:
        write_json(as_json(deleted))
    else:
        console().print(f"Deleted {deleted.customer_id}. Payments stay.")
    return 0


def erase_guest(parsed: argparse.Namespace, bayar: BayarClient) -> int:
    stated = act(parsed, bayar, lambda: bayar.get_payment(payment_id=parsed.payment_id).caller_id)
    confirm(parsed, f"Erase the guest's personal data of {parsed.payment_id} for good? The payment stays.")
    erased = bayar.erase_guest(payment_id=parsed.payment_id, request_id=parsed.request_id, **stated)
    if parsed.json:
        write_json(as_json(erased))
    else:
        console().print(f"Erased the guest of {erased.payment_id}. The payment stays.")
    return 0


def _given(parsed: argparse.Namespace) -> dict[str, Any]:
    values = {name: getattr(parsed, name) for _, name, _ in _DETAILS}
    return {name: value for name, value in values.items() if value is not None}


def _tell(customer: Customer, parsed: argparse.Namespace) -> None:
    if parsed.json:
        write_json(as_json(customer))
    else:
        _print_customer(customer, Clock(local=parsed.local))


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
