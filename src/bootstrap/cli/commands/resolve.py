"""bayar resolve: ends an operation whose outcome is unknown."""

import argparse
from typing import Final

from bayar.messages import BayarClient, OperationState
from bayar.payments.v1.admin_service_pb2 import ManualResolution
from bootstrap.cli.commands.payments_show import print_payment
from bootstrap.cli.terminal import formatting as words
from bootstrap.cli.terminal.acts import act
from bootstrap.cli.terminal.arguments import add_confirmation, confirm
from bootstrap.cli.terminal.connection import WrongUsage, add_common_arguments
from bootstrap.cli.terminal.output import as_json, console, write_json
from bootstrap.cli.terminal.timestamps import Clock
from bootstrap.exit_status import DONE, FAILED

_OPEN: Final = (OperationState.OPERATION_STATE_STARTED, OperationState.OPERATION_STATE_SCHEDULED)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("operation_id", metavar="OPERATION_ID", help="as `bayar unresolved` lists it")
    found = parser.add_mutually_exclusive_group()
    found.add_argument(
        "--failed", action="store_true", help="record that it had no effect (default: ask the gateway again)"
    )
    found.add_argument(
        "--succeeded", metavar="TRANSACTION_ID", help="record that it succeeded, as this transaction shows"
    )
    parser.add_argument(
        "--reason", default="", metavar="TEXT", help="why, for the history; with either of these, and for an operator"
    )
    parser.add_argument(
        "--caller", default="", metavar="NAME", help="for an operator: only an operation of this caller"
    )
    add_confirmation(parser)
    add_common_arguments(parser, resolve)


def resolve(parsed: argparse.Namespace, bayar: BayarClient) -> int:
    """Fails while the outcome is still unknown."""
    resolution, stated = ManualResolution.MANUAL_RESOLUTION_CHECK_NOW, act(parsed, bayar)
    if parsed.failed or parsed.succeeded:
        if not stated["reason"]:
            raise WrongUsage("give the reason for the history: --reason TEXT")
        resolution, sentence = (
            (ManualResolution.MANUAL_RESOLUTION_FAILED, "had no effect")
            if parsed.failed
            else (ManualResolution.MANUAL_RESOLUTION_SUCCEEDED, f"succeeded as transaction {parsed.succeeded}")
        )
        confirm(parsed, f"Record that {parsed.operation_id} {sentence}? The payment changes at once.")
    payment = bayar.resolve_operation(
        operation_id=parsed.operation_id,
        resolution=resolution,
        gateway_transaction_id=parsed.succeeded or "",
        request_id=parsed.request_id,
        **stated,
    )
    [operation] = [one for one in payment.operations if one.operation_id == parsed.operation_id]
    is_open = operation.state in _OPEN
    if parsed.json:
        write_json(as_json(payment))
    else:
        out, clock = console(), Clock(local=parsed.local)
        out.print(
            f"{parsed.operation_id} is "
            + ("still unresolved." if is_open else f"{words.word(OperationState, operation.state)}."),
            soft_wrap=True,
        )
        print_payment(out, payment, clock)
    return FAILED if is_open else DONE
