"""bayar payments show, verify and watch: one payment."""

from __future__ import annotations

import argparse
from typing import Final

from rich.console import Console
from rich.text import Text

from bayar.messages import (
    BayarClient,
    Decline,
    DeclineFixer,
    DeclineReason,
    FailureReason,
    Operation,
    OperationKind,
    OperationOrigin,
    OperationState,
    Payment,
    PaymentEvent,
    PaymentEventType,
    RetryAdvice,
    StatementDescriptor,
)
from bayar.payments.v1.payment_pb2 import GatewayDetails, PaymentCheck
from bayar.payments.v1.payment_service_pb2 import VerificationOutcome, VerifyPaymentResponse
from bootstrap.cli.commands.payments_order import address_line, print_order
from bootstrap.cli.terminal import formatting as words
from bootstrap.cli.terminal.connection import Stopped, WrongUsage
from bootstrap.cli.terminal.output import as_json, console, write_json
from bootstrap.cli.terminal.tables import facts, small_table
from bootstrap.cli.terminal.timestamps import Clock

_PAGE: Final = 500
_NAMED_AT_MOST: Final = 10
_ROOMY: Final = 100
_VERDICTS: Final = {
    VerificationOutcome.VERIFICATION_OUTCOME_MATCHES: ("green", "The gateway and the record agree."),
    VerificationOutcome.VERIFICATION_OUTCOME_REPAIRED: (
        "yellow",
        "The gateway knew more or other. The record was brought up to date, and the history says so.",
    ),
    VerificationOutcome.VERIFICATION_OUTCOME_DIFFERS: (
        "red",
        "The gateway and the record disagree, and nothing that the gateway shows explains why. Somebody has to look.",
    ),
    VerificationOutcome.VERIFICATION_OUTCOME_NOT_FOUND_YET: (
        "yellow",
        "The gateway does not know of it yet; it may still be on its way. Nothing was changed.",
    ),
}


def show(parsed: argparse.Namespace, bayar: BayarClient) -> int:
    payment = _asked_for(parsed, bayar)
    events = list(bayar.list_payment_events(payment_id=payment.payment_id, page_size=_PAGE))
    if parsed.json:
        write_json({"payment": as_json(payment), "events": [as_json(event) for event in events]})
        return 0
    out, clock = console(), Clock(local=parsed.local)
    print_payment(out, payment, clock)
    _print_operations(out, payment, clock)
    _print_history(out, events, clock)
    return 0


def verify(parsed: argparse.Namespace, bayar: BayarClient) -> int:
    answer = bayar.verify_payment(payment_id=parsed.payment_id)
    if parsed.json:
        write_json(as_json(answer))
        return 0
    out, clock = console(), Clock(local=parsed.local)
    colour, verdict = _VERDICTS.get(answer.outcome, ("yellow", f"Outcome {answer.outcome}."))
    out.print(Text.assemble((verdict, colour), f" Asked at {clock.second(answer.verify_time)} {clock.zone_name}."))
    _print_differences(out, answer)
    print_payment(out, answer.payment, clock)
    return 0


def watch(parsed: argparse.Namespace, bayar: BayarClient) -> int:
    out, clock = console(), Clock(local=parsed.local)
    for payment in bayar.watch_payment(payment_id=parsed.payment_id):
        if parsed.json:
            write_json(as_json(payment))
        else:
            out.print(_line(payment, clock), soft_wrap=True)
        out.file.flush()
    return 0


def _asked_for(parsed: argparse.Namespace, bayar: BayarClient) -> Payment:
    if bool(parsed.payment_id) == bool(parsed.reference):
        raise WrongUsage("name one payment: PAYMENT_ID, or --reference TEXT")
    if parsed.payment_id:
        return bayar.get_payment(payment_id=parsed.payment_id)
    found = list(bayar.list_payments(reference=parsed.reference, page_size=_PAGE))
    if not found:
        raise Stopped(f"no payment has the reference {parsed.reference!r}. Try: bayar payments list --contains TEXT")
    if len(found) > 1:
        named = "".join(f"\n  {one.payment_id}  {words.payment_state(one)}" for one in found[:_NAMED_AT_MOST])
        raise Stopped(f"{len(found)} payments have the reference {parsed.reference!r}; name one of them:{named}")
    return found[0]


def _line(payment: Payment, clock: Clock) -> Text:
    line = Text.assemble(clock.second(payment.update_time), " ", clock.zone_name, "  ", words.payment_state(payment))
    line.append(f", money is {words.funds(payment)}")
    for name, amount in (("captured", payment.captured_amount), ("refunded", payment.refunded_amount)):
        if amount.minor_units:
            line.append(f", {name} {words.amount(amount)}")
    if payment.HasField("next_check_time"):
        line.append(f"; next look {clock.second(payment.next_check_time)}", "bright_black")
    return line


def print_payment(out: Console, payment: Payment, clock: Clock) -> None:
    def moment(name: str) -> str:
        stamp = getattr(payment, name)
        return f"{clock.second(stamp)} {clock.zone_name}" if payment.HasField(name) else ""  # type: ignore[arg-type]

    out.print()
    out.print(Text.assemble((payment.payment_id, "bold"), "  ", words.payment_state(payment)))
    failure = words.phrase(FailureReason, payment.failure_reason) if payment.failure_reason else ""
    metadata = ", ".join(f"{name}={value}" for name, value in sorted(payment.metadata.items()))
    out.print(
        facts(
            [
                ("reference", words.plain(payment.reference)),
                ("customer", payment.customer_id),
                ("paid with", words.plain(words.instrument(payment.instrument))),
                ("stored method", payment.payment_method_id),
                ("money is", words.funds(payment)),
                ("merchant account", payment.merchant_account_id),
                ("failed because", failure),
                *(("warning", words.plain(warning.message)) for warning in payment.warnings),
                ("created", moment("create_time")),
                ("changed", moment("update_time")),
                ("authorized until", moment("authorization_expire_time")),
                ("next look", moment("next_check_time")),
                ("settled", moment("settle_time")),
                ("paid out", moment("disburse_time")),
                ("billed to", words.plain(address_line(payment.billing_address))),
                ("on the statement", words.plain(_statement(payment.statement_descriptor))),
                ("compared", words.plain(_compared(payment.gateway_details))),
                ("3-D Secure", words.plain(words.three_d_secure(payment))),
                ("started by", words.initiator(payment)),
                ("network's id", payment.gateway_details.network_transaction_id),
                ("risk check", words.plain(words.risk_check(payment.gateway_details.risk_check))),
                ("checks skipped", ", ".join(words.phrase(PaymentCheck, one) for one in payment.skipped_checks)),
                ("metadata", words.plain(metadata)),
            ]
        )
    )
    _print_amounts(out, payment)
    print_order(out, payment)
    if payment.HasField("decline"):
        _print_decline(out, payment.decline, payment.gateway_details)


def _statement(descriptor: StatementDescriptor) -> str:
    return ", ".join(filter(None, (descriptor.name, descriptor.phone, descriptor.url)))


def _compared(gateway: GatewayDetails) -> str:
    """The gateway's codes of the comparison with the bank's records, such as M for a match."""
    codes = (
        ("postal code", gateway.avs_postal_code_response),
        ("street", gateway.avs_street_address_response),
        ("CVV", gateway.cvv_response),
    )
    return ", ".join(f"{name} {code}" for name, code in codes if code)


def _print_amounts(out: Console, payment: Payment) -> None:
    amounts = {
        "asked for": payment.amount,
        "authorized": payment.authorized_amount,
        "captured": payment.captured_amount,
        "still capturable": payment.capturable_amount,
        "refunded": payment.refunded_amount,
        "refund under way": payment.refund_pending_amount,
        "disputed": payment.disputed_amount,
        "still refundable": payment.refundable_amount,
        "paid out": payment.settlement_amount,
    }
    shown = {name: words.amount(amount) for name, amount in amounts.items() if amount.minor_units}
    widest = max(map(len, shown.values()), default=0)
    out.print()
    out.print(facts([(name, text.rjust(widest)) for name, text in shown.items()]))


def _print_decline(out: Console, decline: Decline, gateway: GatewayDetails) -> None:
    pause = words.duration(decline.retry_after.ToTimedelta())
    wait = f", after {pause}" if decline.HasField("retry_after") else ""
    said = f"{gateway.processor_response_code} {gateway.processor_response_text}".strip()
    out.print()
    out.print(Text.assemble(("Declined: ", "bold"), (reason_word(decline), "red")))
    out.print(
        facts(
            [
                ("who can fix it", fixer_phrase(decline)),
                ("what to do", advice_phrase(decline) + wait),
                *((f"to the customer ({text.locale})", words.plain(text.text)) for text in decline.customer_messages),
                ("to the shop", words.plain(decline.merchant_message.text)),
                ("the gateway said", words.plain(said)),
                ("the bank added", words.plain(gateway.additional_processor_response)),
                ("the network's advice code", words.plain(gateway.merchant_advice_code)),
                ("the gateway refused", words.plain(gateway.gateway_rejection_reason)),
            ]
        )
    )


def reason_word(decline: Decline) -> str:
    return words.word(DeclineReason, decline.reason)


def fixer_phrase(decline: Decline) -> str:
    return "the " + words.phrase(DeclineFixer, decline.fixer)


def advice_phrase(decline: Decline) -> str:
    return words.phrase(RetryAdvice, decline.retry_advice)


def _print_operations(out: Console, payment: Payment, clock: Clock) -> None:
    headings = (f"asked for ({clock.zone_name})", "what", "amount", "state", "gateway", "remarks")
    table = small_table(*headings, right=["amount"], wrapped=["remarks"])
    for operation in payment.operations:
        gateway = operation.gateway_details
        # A narrow terminal has room for the transaction alone.
        shown = (gateway.transaction_id, gateway.status if out.width >= _ROOMY else "")
        table.add_row(
            clock.second(operation.create_time),
            words.phrase(OperationKind, operation.kind),
            words.amount(operation.amount),
            words.state_word(words.word(OperationState, operation.state)),
            words.plain(" ".join(filter(None, shown))),
            words.plain(_remarks(operation, clock)),
        )
    out.print()
    out.print(Text("Operations", "bold"))
    out.print(table)


def _remarks(operation: Operation, clock: Clock) -> str:
    is_outside = operation.origin == OperationOrigin.OPERATION_ORIGIN_OUTSIDE
    remarks = ["made at the gateway by somebody else" if is_outside else "", operation.note]
    if operation.HasField("decline"):
        remarks.append(reason_word(operation.decline))
    if operation.failure_reason:
        remarks.append(words.phrase(FailureReason, operation.failure_reason))
    if operation.state == OperationState.OPERATION_STATE_SCHEDULED:
        remarks.append("sent as soon as the payment has settled")
    remarks.append(operation.failure_detail)
    if operation.HasField("settle_time"):
        remarks.append(f"settled {clock.second(operation.settle_time)}")
    if operation.HasField("next_check_time"):
        remarks.append(f"next look {clock.second(operation.next_check_time)}")
    return "; ".join(filter(None, remarks))


def _print_history(out: Console, events: list[PaymentEvent], clock: Clock) -> None:
    # On a narrow terminal the words alone are shown.
    what = ["what"] if out.width >= _ROOMY else []
    headings = [" ", f"time ({clock.zone_name})", "who", *what, "payment is", "in words"]
    table = small_table(*headings, right=[" "], wrapped=["who", "in words"])
    for event in events:
        table.add_row(
            str(event.sequence),
            clock.second(event.event_time),
            words.plain(event.actor),
            *([_happening(event)] if what else []),
            words.payment_state(event),
            words.plain(event.summary),
        )
    out.print()
    out.print(Text("History", "bold"))
    out.print(table)
    out.print()


def _happening(event: PaymentEvent) -> str:
    what = words.phrase(PaymentEventType, event.type)
    if not event.operation_kind:
        return what
    return what.replace("operation", words.phrase(OperationKind, event.operation_kind))


def _print_differences(out: Console, answer: VerifyPaymentResponse) -> None:
    if not answer.differences:
        return
    table = small_table("operation", "field", "the record said", "the gateway says", wrapped=["the record said"])
    for one in answer.differences:
        table.add_row(one.operation_id, *map(words.plain, (one.field, one.recorded, one.at_gateway)))
    out.print(table)
