"""The demonstration: a real service and an offline gateway, driven through the client that callers install."""

import tempfile
import uuid
from datetime import UTC, datetime
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from bayar.messages import BayarClient, BayarError, card, format_money, money
from bayar.payments.v1.decline_pb2 import DeclineReason
from bayar.payments.v1.payment_pb2 import CAPTURE_MODE_MANUAL, Payment, PaymentEvent, PaymentFunds, PaymentState
from bootstrap.development.development_key import KEY_FILE
from bootstrap.development.service_process import ServiceFailed, running_service
from bootstrap.development.twin_process import Twin, TwinFailed, running_twin


def tell() -> int:
    """Returns 0 if the demonstration went as expected, else 1."""
    console = Console(highlight=False)
    with tempfile.TemporaryDirectory(prefix="bayar-demo-") as directory:
        try:
            with (
                running_twin(Path(directory)) as twin,
                running_service(Path(directory), twin) as address,
                BayarClient(address, credential=Path(directory) / KEY_FILE) as bayar,
            ):
                _Story(console, bayar, twin).tell()
        except (TwinFailed, ServiceFailed, BayarError, _WrongEnding) as error:
            console.print(f"[bold red]The story broke off.[/] {error}")
            return 1
    return 0


class _WrongEnding(Exception):
    """An unexpected result."""


class _Story:
    def __init__(self, console: Console, bayar: BayarClient, twin: Twin) -> None:
        self._console = console
        self._bayar = bayar
        self._twin = twin
        self._card = card(
            number="4111111111111111", expiration_month=12, expiration_year=datetime.now(UTC).year + 3, cvv="123"
        )

    def tell(self) -> None:
        self._console.print()
        self._console.rule("[bold]Bayar[/]: a day at a small coffee shop")
        self._pay_once()
        hamper = self._pay_in_parts()
        self._decline()
        self._show_history(hamper)

    def _pay_once(self) -> None:
        self._chapter("Sari buys a bag of beans and pays by card")
        request_id = str(uuid.uuid4())
        first = self._bayar.create_payment(
            request_id=request_id, reference="order-1001", amount=money("25.00", "USD"), card=self._card
        )
        self._expect(first, PaymentState.PAYMENT_STATE_CAPTURED)
        self._say(f"{_brand(first)} is charged {format_money(first.amount)}. The payment is {_state(first)}.")
        self._chapter("Her phone loses the answer, and the shop sends the same request again")
        second = self._bayar.create_payment(
            request_id=request_id, reference="order-1001", amount=money("25.00", "USD"), card=self._card
        )
        charges = [t for t in self._twin.ledger() if t["amount"] == "25.00"]
        if second.payment_id != first.payment_id or len(charges) != 1:
            raise _WrongEnding("the same request paid twice")
        self._say(f"It is the very same payment, {first.payment_id[-6:]}: one charge at the gateway, not two.")
        try:
            self._bayar.create_payment(reference="order-1001", amount=money("25.00", "USD"), card=self._card)
        except BayarError as error:
            self._say(f"Even a new request for the same order is stopped: [yellow]{error.reason}[/].")
        else:
            raise _WrongEnding("one order was paid twice")

    def _pay_in_parts(self) -> Payment:
        self._chapter("An office orders a hamper: hold the money now, take it when it ships")
        payment = self._bayar.create_payment(
            reference="order-1002", amount=money("100.00", "USD"), card=self._card, capture_mode=CAPTURE_MODE_MANUAL
        )
        self._expect(payment, PaymentState.PAYMENT_STATE_AUTHORIZED)
        self._say(f"{format_money(payment.authorized_amount)} is held. The payment is {_state(payment)}.")
        payment = self._bayar.capture_payment(payment_id=payment.payment_id, amount=money("60.00", "USD"), final=True)
        self._expect(payment, PaymentState.PAYMENT_STATE_CAPTURED)
        self._say(f"A part ships: {format_money(payment.captured_amount)} is captured, the rest is let go.")
        self._say("Night falls. The bank settles.")
        self._twin.settle()
        payment = self._bayar.verify_payment(payment_id=payment.payment_id).payment
        self._expect(payment, PaymentState.PAYMENT_STATE_SETTLED)
        self._say(f"Asked whether the money really came, the gateway agrees: {_state(payment)}.")
        payment = self._bayar.refund_payment(
            payment_id=payment.payment_id, amount=money("15.00", "USD"), note="one jar was broken"
        )
        if payment.refunded_amount.minor_units != 1500:
            raise _WrongEnding("the refund did not go through")
        self._say(
            f"One jar was broken: {format_money(payment.refunded_amount)} goes back, "
            f"{format_money(payment.refundable_amount)} could still."
        )
        return payment

    def _decline(self) -> None:
        self._chapter("Budi's card has too little on it")
        payment = self._bayar.create_payment(reference="order-1003", amount=money("2001.00", "USD"), card=self._card)
        self._expect(payment, PaymentState.PAYMENT_STATE_DECLINED)
        decline = payment.decline
        self._say(f"The payment is {_state(payment)}. A decline is an answer, not an error:")
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 4))
        table.add_row("why", DeclineReason.Name(decline.reason).removeprefix("DECLINE_REASON_"))
        table.add_row(
            "gateway",
            f"{payment.gateway_details.processor_response_code} {payment.gateway_details.processor_response_text}",
        )
        for text in decline.customer_messages:
            table.add_row(f"to the customer ({text.locale})", f"[italic]{text.text}[/]")
        table.add_row("to the shop", decline.merchant_message.text)
        self._console.print(table)

    def _show_history(self, payment: Payment) -> None:
        self._chapter("The day in one table")
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for heading in ("order", "state", "money is"):
            table.add_column(heading)
        for heading in ("asked", "captured", "refunded"):
            table.add_column(heading, justify="right")
        for one in self._bayar.list_payments():
            table.add_row(
                one.reference,
                _state(one),
                PaymentFunds.Name(one.funds).removeprefix("PAYMENT_FUNDS_"),
                format_money(one.amount),
                format_money(one.captured_amount),
                format_money(one.refunded_amount),
            )
        self._console.print(table)
        self._chapter(f"The history of {payment.reference}, step by step")
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for heading in ("time (UTC)", "amount", "payment is", "what happened"):
            table.add_column(heading, justify="right" if heading == "amount" else "left")
        for event in self._bayar.list_payment_events(payment_id=payment.payment_id):
            table.add_row(*_event_row(event))
        self._console.print(table)
        self._console.print(
            "That was a real service, a real database, the real Braintree SDK over TLS,\n"
            "and a twin of its gateway. Nothing of it is left running.\n"
            "[bold]make run[/] starts them for you to try.\n"
        )

    def _chapter(self, title: str) -> None:
        self._console.print(f"\n[bold cyan]{title}[/]")

    def _say(self, sentence: str) -> None:
        self._console.print(f"  {sentence}")

    def _expect(self, payment: Payment, state: PaymentState.ValueType) -> None:
        if payment.state == PaymentState.PAYMENT_STATE_PENDING:
            raise _WrongEnding(
                f"The gateway gave no answer about {payment.reference}. Bayar would go on looking; the story ends."
            )
        if payment.state != state:
            raise _WrongEnding(f"{payment.reference} is {_state(payment)}, not {PaymentState.Name(state)}")


def _state(payment: Payment) -> str:
    name = PaymentState.Name(payment.state).removeprefix("PAYMENT_STATE_")
    return f"[{'red' if name in ('DECLINED', 'FAILED') else 'green'}]{name}[/]"


def _brand(payment: Payment) -> str:
    return f"{payment.instrument.brand} {payment.instrument.last_four}".strip()


def _event_row(event: PaymentEvent) -> tuple[str, ...]:
    return (
        event.event_time.ToDatetime().strftime("%H:%M:%S"),
        format_money(event.amount) if event.HasField("amount") else "",
        PaymentState.Name(event.state).removeprefix("PAYMENT_STATE_"),
        event.summary,
    )
