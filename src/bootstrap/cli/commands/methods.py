"""bayar methods list|show|default|delete: the payment methods that customers have stored."""

import argparse
from collections.abc import Sequence

from rich.text import Text

from bayar.messages import BayarClient, DeclineReason, PaymentMethod, PaymentMethodState
from bayar.payments.v1.payment_initiator_pb2 import PaymentInitiator
from bayar.payments.v1.payment_method_pb2 import CheckResult
from bootstrap.cli.terminal import formatting as words
from bootstrap.cli.terminal.acts import act, add_act
from bootstrap.cli.terminal.arguments import add_confirmation, add_limit, confirm
from bootstrap.cli.terminal.connection import add_common_arguments
from bootstrap.cli.terminal.listing import print_list
from bootstrap.cli.terminal.output import as_json, console, write_json
from bootstrap.cli.terminal.tables import Column, facts, small_table
from bootstrap.cli.terminal.timestamps import Clock


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    every = actions.add_parser(
        "list", help="list a customer's methods, newest first", description="Lists a customer's methods, newest first."
    )
    every.add_argument("customer_id", metavar="CUSTOMER_ID")
    add_limit(every)
    add_common_arguments(every, list_methods)
    one = actions.add_parser("show", help="show one stored method", description="Shows one stored payment method.")
    one.add_argument("payment_method_id", metavar="PAYMENT_METHOD_ID")
    add_common_arguments(one, show)
    default = actions.add_parser(
        "default", help="make it the customer's default", description="Makes a method the customer's default."
    )
    default.add_argument("payment_method_id", metavar="PAYMENT_METHOD_ID")
    add_confirmation(default)
    add_act(default)
    add_common_arguments(default, set_default)
    delete = actions.add_parser(
        "delete",
        help="delete it, here and at the gateway",
        description="Deletes a method here and at the gateway. Payments made with it stay, and can be refunded.",
    )
    delete.add_argument("payment_method_id", metavar="PAYMENT_METHOD_ID")
    add_confirmation(delete)
    add_act(delete)
    add_common_arguments(delete, delete_method)


def list_methods(parsed: argparse.Namespace, bayar: BayarClient) -> int:
    return print_list(
        parsed,
        lambda page_size: bayar.list_payment_methods(customer_id=parsed.customer_id, page_size=page_size),
        [Column("payment method"), Column("what"), Column("expires", rank=1), Column("state"), Column("")],
        _row,
        noun="payment method",
        narrow="or one customer's",
    )


def show(parsed: argparse.Namespace, bayar: BayarClient) -> int:
    _print(parsed, bayar.get_payment_method(payment_method_id=parsed.payment_method_id))
    return 0


def set_default(parsed: argparse.Namespace, bayar: BayarClient) -> int:
    method = bayar.get_payment_method(payment_method_id=parsed.payment_method_id)
    stated = act(parsed, bayar, lambda: method.caller_id)
    confirm(parsed, f"Make {_named(method)} the default of {method.customer_id}?")
    _print(
        parsed,
        bayar.set_default_payment_method(
            payment_method_id=method.payment_method_id, request_id=parsed.request_id, **stated
        ),
    )
    return 0


def delete_method(parsed: argparse.Namespace, bayar: BayarClient) -> int:
    method = bayar.get_payment_method(payment_method_id=parsed.payment_method_id)
    stated = act(parsed, bayar, lambda: method.caller_id)
    confirm(parsed, f"Delete {_named(method)} of {method.customer_id}? It can no longer be charged.")
    _print(
        parsed,
        bayar.delete_payment_method(payment_method_id=method.payment_method_id, request_id=parsed.request_id, **stated),
    )
    return 0


def print_methods(methods: Sequence[PaymentMethod]) -> None:
    """A customer's methods as a small table."""
    out = console()
    if not methods:
        out.print("No payment method is stored.")
        return
    table = small_table("payment method", "what", "expires", "state", "")
    for method in methods:
        table.add_row(*_row(method))
    out.print()
    out.print(table)


def _row(method: PaymentMethod) -> Sequence[Text | str]:
    shown = method.instrument
    return (
        method.payment_method_id,
        words.plain(words.instrument(shown)),
        f"{shown.expiration_year}-{shown.expiration_month:02}" if shown.expiration_year else "",
        words.state_word(words.word(PaymentMethodState, method.state)),
        "default" if method.default else "",
    )


def _named(method: PaymentMethod) -> str:
    return f"{method.payment_method_id} ({words.plain(words.instrument(method.instrument))})"


def _consents(method: PaymentMethod) -> str:
    if method.consents_withdrawn:
        return "by nobody but the customer: the consents are withdrawn"
    return ", ".join(words.phrase(PaymentInitiator, one) for one in method.consents)


def _verification(method: PaymentMethod) -> list[tuple[str, str | Text]]:
    """The bank's answer when the method was added. Nothing where it was not asked."""
    if not method.HasField("verification"):
        return []
    verified = method.verification
    checks = (("CVV", verified.cvv), ("postal code", verified.postal_code), ("street", verified.street_address))
    amount = f"with {words.amount(verified.amount)}" if verified.HasField("amount") else ""
    answer = "approved" if verified.approved else "declined"
    if verified.HasField("decline"):
        answer += f": {words.word(DeclineReason, verified.decline.reason)}"
    shown = " ".join(filter(None, (answer, amount)))
    if verified.processor_response_code:
        shown += f", code {verified.processor_response_code}"
    result = words.three_d_secure_result(verified.three_d_secure) if verified.HasField("three_d_secure") else ""
    compared = ", ".join(f"{name} {words.phrase(CheckResult, one)}" for name, one in checks if one)
    return [
        ("verification", words.plain(shown)),
        ("verified by", verified.merchant_account_id),
        ("compared", compared),
        ("3-D Secure", words.plain(result)),
    ]


def _print(parsed: argparse.Namespace, method: PaymentMethod) -> None:
    if parsed.json:
        write_json(as_json(method))
        return
    out, clock = console(), Clock(local=parsed.local)
    identity, instrument, expiry, state, default = _row(method)
    out.print(Text.assemble((str(identity), "bold"), "  ", state))
    out.print(
        facts(
            [
                ("what", instrument),
                ("expires", expiry),
                ("customer", method.customer_id),
                ("default", "yes" if default else "no"),
                ("same card as", method.duplicate_of_payment_method_id),
                ("may be charged", _consents(method)),
                ("network's id", method.network_transaction_id),
                ("Mastercard's link id", method.mastercard_transaction_link_id),
                *_verification(method),
                ("failed because", words.plain(method.failure_detail)),
                *(("warning", words.plain(warning.message)) for warning in method.warnings),
                ("created", f"{clock.second(method.create_time)} {clock.zone_name}"),
                ("changed", f"{clock.second(method.update_time)} {clock.zone_name}"),
            ]
        )
    )
