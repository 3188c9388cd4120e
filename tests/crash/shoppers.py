"""Callers that pay, capture, void, refund, double-click and repeat themselves, and forget no answer."""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import grpc

from bayar import BayarClient, BayarError, CaptureMode, Payment, PaymentMethod, PaymentState, RetryPolicy, card
from bayar.payments.v1.money_pb2 import Money
from tests.crash.worker import Worker, all_well

Answer = Payment | PaymentMethod | BayarError

VISA: Final = card(number="4111111111111111", expiration_month=12, expiration_year=2030, cvv="123")
_RECENT: Final = 25
_LONGEST_PATIENCE_SECONDS: Final = 0.3
# By the amount, the gateway's bank says no to what lies from 2000.00 to 3000.99 dollars.
_DECLINED_MINOR_UNITS: Final = (200_000, 204_699)
_TAKEN_MINOR_UNITS: Final = (100, 150_000)


@dataclass(slots=True)
class Asked:
    """One request and everything it was ever answered."""

    method: str
    arguments: dict[str, Any] = field(repr=False)
    answers: list[Answer] = field(default_factory=list)

    @property
    def request_id(self) -> str:
        return str(self.arguments["request_id"])


class Town:
    """What all callers share: the replicas they know, the payments they made, and every request with its answers."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self._addresses = addresses
        self.patient = [_patient(address) for address in addresses]
        self.hasty = [_hasty(address) for address in addresses]
        self._old: list[BayarClient] = []
        self.asked: list[Asked] = []
        self.payments: dict[str, Payment] = {}
        self.customers: list[str] = []
        self.methods: list[str] = []
        self.faults: list[str] = []
        self._lock = threading.Lock()

    def close(self) -> None:
        for client in (*self.patient, *self.hasty, *self._old):
            client.close()

    def connect_again(self, number: int) -> None:
        """A replica began a new life: as behind a balancer, nobody waits for a channel to try again.

        Connections to the life before the last are cut, with whatever still waits for them.
        """
        address = self._addresses[number]
        patient, hasty = self.patient[number], self.hasty[number]
        self.patient[number], self.hasty[number] = _patient(address), _hasty(address)
        with self._lock:
            self._old += [patient, hasty]
            gone, self._old = self._old[:-8], self._old[-8:]
        for client in gone:
            client.close()

    def new(self, method: str, draw: random.Random, **arguments: Any) -> Asked:
        request_id = str(uuid.UUID(int=draw.getrandbits(128), version=4))
        asked = Asked(method, arguments | {"request_id": request_id})
        with self._lock:
            self.asked.append(asked)
        return asked

    def ask(self, client: BayarClient, asked: Asked) -> Answer:
        try:
            answer: Answer = getattr(client, asked.method)(**asked.arguments)
        except ValueError:
            # The connection was cut before it was used.
            return BayarError(grpc.StatusCode.CANCELLED, "the channel is closed", outcome_unknown=True)
        except BayarError as error:
            answer = error
            if error.code.name == "INTERNAL":
                self.faults.append(f"{asked.method} {asked.request_id}: {error.message}")
        with self._lock:
            asked.answers.append(answer)
            if isinstance(answer, Payment):
                self.payments[answer.payment_id] = answer
            if isinstance(answer, PaymentMethod) and answer.payment_method_id not in self.methods:
                self.methods.append(answer.payment_method_id)
        return answer

    def recent_requests(self) -> list[Asked]:
        with self._lock:
            return self.asked[-_RECENT:]

    def recent_payments(self) -> list[Payment]:
        with self._lock:
            return list(self.payments.values())[-_RECENT:]


def _patient(address: str) -> BayarClient:
    policy = RetryPolicy(
        attempts=5,
        first_delay_seconds=0.05,
        longest_delay_seconds=_LONGEST_PATIENCE_SECONDS,
        sleep=lambda seconds: time.sleep(min(seconds, _LONGEST_PATIENCE_SECONDS)),
    )
    return BayarClient(address, retry=policy, timeout_seconds=20)


def _hasty(address: str) -> BayarClient:
    return BayarClient(address, retry=RetryPolicy(attempts=1), timeout_seconds=0.1)


class Shopper(Worker):
    """Does one thing after another, drawn by its seed, until told to stop."""

    def __init__(self, town: Town, seed: int, number: int) -> None:
        super().__init__(name=f"shopper {number}", daemon=True)
        self._town = town
        self._draw = random.Random(f"{seed} shopper {number}")  # noqa: S311
        self._number = number
        self._count = 0
        self._stopping = threading.Event()
        self._habits: dict[Callable[[], None], int] = {
            self._buy: 8,
            self._buy_with_stored_method: 2,
            self._double_click: 2,
            self._capture: 7,
            self._void: 3,
            self._refund: 6,
            self._repeat: 5,
            self._repeat_at_once: 2,
            self._hurry: 3,
            self._capture_against_void: 1,
            self._add_method: 1,
            self._verify: 1,
        }

    def stop(self) -> None:
        self._stopping.set()

    def work(self) -> None:
        habits, weights = list(self._habits), list(self._habits.values())
        while not self._stopping.is_set():
            self._draw.choices(habits, weights)[0]()

    def _ask(self, asked: Asked) -> Answer:
        return self._town.ask(self._draw.choice(self._town.patient), asked)

    def _at_once(self, several: Sequence[Asked]) -> None:
        """Each through a replica of its own choice, at the same moment."""
        clients = [self._draw.choice(self._town.patient) for _ in several]
        threads = [
            Worker(name=self.name, target=self._town.ask, args=pair, daemon=True)
            for pair in zip(clients, several, strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        all_well(threads)

    def _order(self, **more: Any) -> dict[str, Any]:
        self._count += 1
        least, most = _DECLINED_MINOR_UNITS if self._draw.random() < 0.08 else _TAKEN_MINOR_UNITS
        manual = self._draw.random() < 0.5
        return {
            "reference": f"order-{self._number}-{self._count}",
            "amount": Money(minor_units=self._draw.randint(least, most), currency_code="USD"),
            "card": VISA,
            "capture_mode": CaptureMode.CAPTURE_MODE_MANUAL if manual else CaptureMode.CAPTURE_MODE_AUTOMATIC,
        } | more

    def _new(self, method: str, **arguments: Any) -> Asked:
        return self._town.new(method, self._draw, **arguments)

    def _buy(self) -> None:
        self._ask(self._new("create_payment", **self._order()))

    def _buy_with_stored_method(self) -> None:
        if self._town.customers and self._draw.random() < 0.4:
            customer = self._draw.choice(self._town.customers)
            self._ask(self._new("create_payment", **self._order(customer_id=customer, store_payment_method=True)))
        elif self._town.methods:
            order = self._order(payment_method_id=self._draw.choice(self._town.methods[-_RECENT:]))
            del order["card"]
            self._ask(self._new("create_payment", **order))

    def _double_click(self) -> None:
        order = self._order()
        self._at_once([self._new("create_payment", **order) for _ in range(self._draw.randint(2, 3))])

    def _some_payment(self, *states: PaymentState.ValueType) -> Payment | None:
        fitting = [payment for payment in self._town.recent_payments() if payment.state in states]
        return self._draw.choice(fitting) if fitting else None

    def _capture(self) -> None:
        payment = self._some_payment(PaymentState.PAYMENT_STATE_AUTHORIZED, PaymentState.PAYMENT_STATE_CAPTURED)
        if payment is None or not payment.capturable_amount.minor_units:
            return self._buy()
        whole = self._draw.random() < 0.4
        amount = None if whole else self._part_of(payment.capturable_amount)
        self._ask(
            self._new(
                "capture_payment",
                payment_id=payment.payment_id,
                amount=amount,
                final=not whole and self._draw.random() < 0.3,
            )
        )
        return None

    def _void(self) -> None:
        payment = self._some_payment(PaymentState.PAYMENT_STATE_AUTHORIZED, PaymentState.PAYMENT_STATE_CAPTURED)
        if payment is not None:
            self._ask(self._new("void_payment", payment_id=payment.payment_id))

    def _refund(self) -> None:
        payment = self._some_payment(PaymentState.PAYMENT_STATE_CAPTURED, PaymentState.PAYMENT_STATE_SETTLED)
        if payment is None or not payment.refundable_amount.minor_units:
            return
        refunds = [
            self._new(
                "refund_payment",
                payment_id=payment.payment_id,
                amount=None if self._draw.random() < 0.3 else self._part_of(payment.refundable_amount),
            )
            for _ in range(self._draw.choice((1, 1, 1, 3)))
        ]
        self._at_once(refunds)

    def _repeat(self) -> None:
        requests = self._town.recent_requests()
        if requests:
            self._ask(self._draw.choice(requests))

    def _repeat_at_once(self) -> None:
        requests = self._town.recent_requests()
        if requests:
            self._at_once([self._draw.choice(requests)] * 3)

    def _hurry(self) -> None:
        """Asks, and does not wait for the answer."""
        asked = self._new("create_payment", **self._order())
        self._town.ask(self._draw.choice(self._town.hasty), asked)
        if self._draw.random() < 0.5:
            self._ask(asked)

    def _capture_against_void(self) -> None:
        payment = self._some_payment(PaymentState.PAYMENT_STATE_AUTHORIZED)
        if payment is not None:
            self._at_once(
                [
                    self._new("capture_payment", payment_id=payment.payment_id),
                    self._new("void_payment", payment_id=payment.payment_id),
                ]
            )

    def _add_method(self) -> None:
        if self._town.customers:
            customer = self._draw.choice(self._town.customers)
            self._ask(self._new("add_payment_method", customer_id=customer, card=VISA))

    def _verify(self) -> None:
        payments = self._town.recent_payments()
        if not payments:
            return
        try:
            self._draw.choice(self._town.patient).verify_payment(payment_id=self._draw.choice(payments).payment_id)
        except ValueError:
            return
        except BayarError as error:
            if error.code.name == "INTERNAL":
                self._town.faults.append(f"verify_payment: {error.message}")

    def _part_of(self, amount: Money) -> Money:
        part = self._draw.randint(1, amount.minor_units)
        return Money(minor_units=part, currency_code=amount.currency_code)
