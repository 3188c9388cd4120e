"""bayar payments capture, adjust, void and refund: change one payment."""

import argparse
from typing import Final

from rich.text import Text

from bayar.messages import BayarClient, FailureReason, Money, Operation, OperationKind, OperationState, Payment
from bootstrap.cli.commands.payments_show import print_payment
from bootstrap.cli.terminal import formatting as words
from bootstrap.cli.terminal.acts import act, add_act
from bootstrap.cli.terminal.arguments import add_confirmation, amount_in, confirm, required_amount_in
from bootstrap.cli.terminal.connection import add_common_arguments
from bootstrap.cli.terminal.output import as_json, console, write_json
from bootstrap.cli.terminal.timestamps import Clock
from bootstrap.exit_status import DONE, FAILED

_FAILED: Final = (OperationState.OPERATION_STATE_DECLINED, OperationState.OPERATION_STATE_FAILED)


def add_capture(parser: argparse.ArgumentParser) -> None:
    _add_payment(parser, "the amount to capture, for example 10.50 (default: everything that is held)")
    parser.add_argument("--final", action="store_true", help="release the rest of the hold")
    add_common_arguments(parser, capture)


def add_adjust(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("payment_id", metavar="PAYMENT_ID")
    parser.add_argument(
        "--amount", metavar="AMOUNT", required=True, help="the whole amount to hold, for example 140.00"
    )
    add_confirmation(parser)
    add_act(parser)
    _add_note(parser)
    add_common_arguments(parser, adjust)


def add_void(parser: argparse.ArgumentParser) -> None:
    _add_payment(parser)
    _add_note(parser)
    add_common_arguments(parser, void)


def add_refund(parser: argparse.ArgumentParser) -> None:
    _add_payment(parser, "the amount to refund, for example 10.50 (default: everything that is refundable)")
    _add_note(parser)
    add_common_arguments(parser, refund)


def _add_payment(parser: argparse.ArgumentParser, amount_help: str = "") -> None:
    parser.add_argument("payment_id", metavar="PAYMENT_ID")
    if amount_help:
        parser.add_argument("--amount", metavar="AMOUNT", help=amount_help)
    add_confirmation(parser)
    add_act(parser)


def _add_note(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--note", default="", metavar="TEXT", help="a note for the payment's history")


def capture(parsed: argparse.Namespace, bayar: BayarClient) -> int:
    payment, amount = _payment_and_amount(parsed, bayar)
    rest = " and release the rest of the hold" if parsed.final else ""
    stated = act(parsed, bayar, lambda: payment.caller_id)
    confirm(parsed, f"Capture {_amount(amount, payment.capturable_amount)} of {_named(payment)}{rest}?")
    changed = bayar.capture_payment(
        payment_id=payment.payment_id, amount=amount, final=parsed.final, request_id=parsed.request_id, **stated
    )
    return _report(parsed, payment, changed)


def adjust(parsed: argparse.Namespace, bayar: BayarClient) -> int:
    payment = bayar.get_payment(payment_id=parsed.payment_id)
    amount = required_amount_in(parsed.amount, payment.amount.currency_code, "--amount")
    held = words.amount(payment.authorized_amount)
    stated = act(parsed, bayar, lambda: payment.caller_id)
    confirm(parsed, f"Hold {words.amount(amount)} in place of {held} for {_named(payment)}?")
    changed = bayar.adjust_authorization(
        payment_id=payment.payment_id, amount=amount, note=parsed.note, request_id=parsed.request_id, **stated
    )
    return _report(parsed, payment, changed)


def void(parsed: argparse.Namespace, bayar: BayarClient) -> int:
    payment = bayar.get_payment(payment_id=parsed.payment_id)
    held = f" {words.amount(payment.capturable_amount)}" if payment.capturable_amount.minor_units else ""
    stated = act(parsed, bayar, lambda: payment.caller_id)
    confirm(
        parsed, f"Void {_named(payment)}? The hold of{held or ' the money'} ends, and nothing more can be captured."
    )
    changed = bayar.void_payment(
        payment_id=payment.payment_id, note=parsed.note, request_id=parsed.request_id, **stated
    )
    return _report(parsed, payment, changed)


def refund(parsed: argparse.Namespace, bayar: BayarClient) -> int:
    payment, amount = _payment_and_amount(parsed, bayar)
    shown = _amount(amount, payment.refundable_amount)
    of_all = f" of the {words.amount(payment.refundable_amount)} that can be refunded" if amount else ""
    stated = act(parsed, bayar, lambda: payment.caller_id)
    confirm(parsed, f"Refund {shown}{of_all} to the customer of {_named(payment)}?")
    changed = bayar.refund_payment(
        payment_id=payment.payment_id, amount=amount, note=parsed.note, request_id=parsed.request_id, **stated
    )
    return _report(parsed, payment, changed)


def _payment_and_amount(parsed: argparse.Namespace, bayar: BayarClient) -> tuple[Payment, Money | None]:
    payment = bayar.get_payment(payment_id=parsed.payment_id)
    return payment, amount_in(parsed.amount, payment.amount.currency_code, "--amount")


def _amount(amount: Money | None, default: Money) -> str:
    return words.amount(amount or default)


def _named(payment: Payment) -> str:
    """`pay_... (order-1001, Visa 1111)`, without control characters."""
    known = ", ".join(filter(None, (payment.reference, words.instrument(payment.instrument))))
    return f"{payment.payment_id} ({words.plain(known)})"


def _report(parsed: argparse.Namespace, before: Payment, after: Payment) -> int:
    """Prints what became of it. Fails where an operation of this call was declined or failed."""
    known = {operation.operation_id for operation in before.operations}
    new = [operation for operation in after.operations if operation.operation_id not in known]
    status = FAILED if any(operation.state in _FAILED for operation in new) else DONE
    if parsed.json:
        write_json(as_json(after))
        return status
    out, clock = console(), Clock(local=parsed.local)
    for operation in new:
        out.print(_sentence(operation, clock), soft_wrap=True)
    if not new:
        out.print("This request was carried out before. The payment as it is now:")
    print_payment(out, after, clock)
    return status


def _sentence(operation: Operation, clock: Clock) -> Text:
    """`refund of USD 10.00: SUCCEEDED`, with the reason or the time of the next look."""
    line = Text(f"{words.phrase(OperationKind, operation.kind)} of {words.amount(operation.amount)}: ")
    line.append(words.state_word(words.word(OperationState, operation.state)))
    if operation.state == OperationState.OPERATION_STATE_SCHEDULED:
        line.append(", sent as soon as the payment has settled")
    if operation.failure_reason:
        line.append(f", {words.phrase(FailureReason, operation.failure_reason)} {operation.failure_detail}".rstrip())
    if operation.HasField("decline"):
        line.append_text(words.plain(f", {operation.decline.merchant_message.text}"))
    if operation.state == OperationState.OPERATION_STATE_STARTED:
        line.append(", the outcome is not known yet; do not repeat it with a new request id")
    if operation.HasField("next_check_time"):
        line.append(f"; next look {clock.second(operation.next_check_time)} {clock.zone_name}", "bright_black")
    return line
