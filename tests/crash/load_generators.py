"""Load generators: callers that pay, capture, adjust, void, refund, dispute, double-click and replay requests."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final

from bayar.messages import (
    BayarError,
    CaptureMode,
    ExternalVault,
    Payment,
    PaymentInitiator,
    PaymentState,
    ThreeDSecure,
    ThreeDSecurePolicy,
    card,
)
from bayar.payments.v1.dispute_pb2 import DisputeState
from bayar.payments.v1.money_pb2 import Money
from tests.crash.request_log import RECENT, Answer, RecordedRequest, RequestLog
from tests.crash.service_settings import MERCHANT_ACCOUNTS
from tests.crash.worker_threads import Worker, raise_first_failure

VISA: Final = card(number="4111111111111111", expiration_month=12, expiration_year=2030, cvv="123")
# A sale with it is disputed at once.
DISPUTED: Final = card(number="4023898493988028", expiration_month=12, expiration_year=2030, cvv="123")
_STORABLE_NONCES: Final = ("fake-valid-nonce", "fake-valid-mastercard-nonce", "fake-valid-amex-nonce")
_NONCES: Final = (*_STORABLE_NONCES, "fake-paypal-one-time-nonce")
_AUTHENTICATIONS: Final = (
    "fake-three-d-secure-visa-full-authentication-nonce",
    "fake-three-d-secure-visa-failed-authentication-nonce",
    "fake-three-d-secure-visa-failed-signature-nonce",
    "fake-three-d-secure-visa-not-enrolled-nonce",
)
_POLICIES: Final = (
    ThreeDSecurePolicy.THREE_D_SECURE_POLICY_REQUIRED,
    ThreeDSecurePolicy.THREE_D_SECURE_POLICY_IF_OFFERED,
    ThreeDSecurePolicy.THREE_D_SECURE_POLICY_NOT_WANTED,
)
_MERCHANT: Final = (
    PaymentInitiator.PAYMENT_INITIATOR_MERCHANT_RECURRING,
    PaymentInitiator.PAYMENT_INITIATOR_MERCHANT_UNSCHEDULED,
)
# The gateway declines amounts from 2000.00 to 3000.99 dollars.
_DECLINED_MINOR_UNITS: Final = (200_000, 204_699)
_TAKEN_MINOR_UNITS: Final = (100, 150_000)
_MOST_CUSTOMERS: Final = 12
_DEFENCES: Final = (
    ("accept_dispute",),
    ("accept_dispute",),
    ("add_dispute_evidence",),
    ("add_dispute_evidence", "finalize_dispute"),
    ("finalize_dispute",),
)


class LoadGenerator(Worker):
    """Makes one random call after another, by its seed, until `stop`."""

    def __init__(self, request_log: RequestLog, seed: int, number: int) -> None:
        super().__init__(name=f"shopper {number}", daemon=True)
        self._request_log = request_log
        self._draw = random.Random(f"{seed} shopper {number}")  # noqa: S311
        self._number = number
        self._count = 0
        self._stopping = threading.Event()
        self._habits: dict[Callable[[], None], int] = {
            self._buy: 8,
            self._buy_with_stored_method: 2,
            self._buy_authenticated: 3,
            self._charge_later: 2,
            self._double_click: 2,
            self._capture: 7,
            self._adjust: 4,
            self._void: 3,
            self._refund: 6,
            self._replay: 5,
            self._replay_concurrently: 2,
            self._hang_up_early: 3,
            self._capture_against_void: 1,
            self._pay_again_after_failure: 2,
            self._add_method: 2,
            self._verify: 2,
            self._read: 4,
            self._create_or_update_customer: 1,
            self._dispute: 3,
        }

    def stop(self) -> None:
        self._stopping.set()

    def work(self) -> None:
        habits, weights = list(self._habits), list(self._habits.values())
        while not self._stopping.is_set():
            self._draw.choices(habits, weights)[0]()

    def do_everything(self, rounds: int) -> None:
        """Make every kind of call, as often as its weight, in random order."""
        for _ in range(rounds):
            habits = [habit for habit, weight in self._habits.items() for _ in range(weight)]
            self._draw.shuffle(habits)
            for habit in habits:
                habit()

    def _ask(self, asked: RecordedRequest) -> Answer:
        return self._request_log.ask(self._draw.choice(self._request_log.patient), asked)

    def _at_once(self, several: Sequence[RecordedRequest]) -> None:
        """Send the requests concurrently, each through a random replica."""
        clients = [self._draw.choice(self._request_log.patient) for _ in several]
        threads = [
            Worker(name=self.name, target=self._request_log.ask, args=pair, daemon=True)
            for pair in zip(clients, several, strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        raise_first_failure(threads)

    def _order(self, **more: Any) -> dict[str, Any]:
        self._count += 1
        least, most = _DECLINED_MINOR_UNITS if self._draw.random() < 0.08 else _TAKEN_MINOR_UNITS
        manual = self._draw.random() < 0.5
        return {
            "reference": f"order-{self._number}-{self._count}",
            "amount": Money(minor_units=self._draw.randint(least, most), currency_code="USD"),
            "card": VISA,
            "capture_mode": CaptureMode.CAPTURE_MODE_MANUAL if manual else CaptureMode.CAPTURE_MODE_AUTOMATIC,
            "merchant_account_id": self._draw.choice(("", *MERCHANT_ACCOUNTS)),
        } | more

    def _new(self, method: str, **arguments: Any) -> RecordedRequest:
        return self._request_log.new(method, self._draw, **arguments)

    def _buy(self) -> None:
        order = self._order()
        self._ask(self._new("create_payment", **self._by_nonce(order) if self._draw.random() < 0.2 else order))

    def _buy_with_stored_method(self) -> None:
        draw = self._draw
        if self._request_log.customers and draw.random() < 0.4:
            order = self._order(customer_id=draw.choice(self._request_log.customers), store_payment_method=True)
            self._ask(self._new("create_payment", **self._by_nonce(order) if draw.random() < 0.3 else order))
        elif self._request_log.methods:
            order = self._order(payment_method_id=draw.choice(self._request_log.methods[-RECENT:]))
            del order["card"]
            self._ask(self._new("create_payment", **order))

    def _buy_authenticated(self) -> None:
        """Pay with a nonce of the browser's 3-D Secure, whatever it says, under each policy."""
        draw = self._draw
        order = self._order(payment_method_nonce=draw.choice(_AUTHENTICATIONS))
        del order["card"]
        if draw.random() < 0.5:
            order["three_d_secure"] = ThreeDSecure(policy=draw.choice(_POLICIES))
        self._ask(self._new("create_payment", **order))

    def _charge_later(self) -> None:
        """Charge a stored method, or a card of another vault, without its customer."""
        order = self._order(initiator=self._draw.choice(_MERCHANT))
        if self._request_log.methods and self._draw.random() < 0.7:
            del order["card"]
            order["payment_method_id"] = self._draw.choice(self._request_log.methods[-RECENT:])
        else:
            order["external_vault"] = ExternalVault(previous_network_transaction_id="483297487231504")
        self._ask(self._new("create_payment", **order))

    def _by_nonce(self, order: dict[str, Any]) -> dict[str, Any]:
        del order["card"]
        return order | {"payment_method_nonce": self._draw.choice(_NONCES)}

    def _pay_again_after_failure(self) -> None:
        """Pay the same reference by a new request, after the earlier payment failed."""
        tried = self._some_payment(PaymentState.PAYMENT_STATE_FAILED, PaymentState.PAYMENT_STATE_DECLINED)
        if tried is not None:
            self._ask(self._new("create_payment", **self._order(reference=tried.reference)))

    def _double_click(self) -> None:
        order = self._order()
        self._at_once([self._new("create_payment", **order) for _ in range(self._draw.randint(2, 3))])

    def _some_payment(self, *states: PaymentState.ValueType) -> Payment | None:
        fitting = [payment for payment in self._request_log.recent_payments() if payment.state in states]
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

    def _adjust(self) -> None:
        """Change the amount of a hold, up or down. The gateway declines some increases."""
        payment = self._some_payment(PaymentState.PAYMENT_STATE_AUTHORIZED)
        if payment is None or payment.capturable_amount != payment.authorized_amount:
            return
        amount, draw = payment.authorized_amount, self._draw
        is_declined = draw.random() < 0.15
        change = draw.randint(*_DECLINED_MINOR_UNITS) if is_declined else draw.randint(1, 5_000)
        wanted = amount.minor_units - change if draw.random() < 0.4 else amount.minor_units + change
        asked = Money(minor_units=max(wanted, 1), currency_code=amount.currency_code)
        self._ask(self._new("adjust_authorization", payment_id=payment.payment_id, amount=asked))

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

    def _replay(self) -> None:
        requests = self._request_log.recent_requests()
        if requests:
            self._ask(self._draw.choice(requests))

    def _replay_concurrently(self) -> None:
        requests = self._request_log.recent_requests()
        if requests:
            self._at_once([self._draw.choice(requests)] * 3)

    def _hang_up_early(self) -> None:
        """Send a request, and hang up before the answer."""
        asked = self._new("create_payment", **self._order())
        self._request_log.ask(self._draw.choice(self._request_log.hasty), asked)
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
        if not self._request_log.customers:
            return
        customer, draw = self._draw.choice(self._request_log.customers), self._draw
        source = {"card": VISA} if draw.random() < 0.6 else {"payment_method_nonce": draw.choice(_STORABLE_NONCES)}
        self._ask(self._new("add_payment_method", customer_id=customer, **source))

    def _create_or_update_customer(self) -> None:
        if len(self._request_log.customers) < _MOST_CUSTOMERS:
            self._count += 1
            name = f"{self._number}-{self._count}"
            self._ask(self._new("create_customer", given_name=name, external_id=f"shop-{name}"))
        elif self._request_log.customers:
            customer = self._draw.choice(self._request_log.customers)
            phone = f"+62 21 {self._draw.randrange(10**6):06}"
            self._ask(self._new("update_customer", customer_id=customer, phone=phone))

    def _verify(self) -> None:
        payments = self._request_log.recent_payments()
        if payments:
            self._read_one("verify_payment", payment_id=self._draw.choice(payments).payment_id)

    def _read(self) -> None:
        payments, draw = self._request_log.recent_payments(), self._draw
        if not payments:
            return
        payment = draw.choice(payments)
        match draw.choice(("get", "get", "list", "events", "methods")):
            case "get":
                self._read_one("get_payment", payment_id=payment.payment_id)
            case "list":
                self._read_one("list_payments", reference=payment.reference)
            case "events":
                self._read_one("list_payment_events", payment_id=payment.payment_id)
            case "methods" if self._request_log.customers:
                self._read_one("list_payment_methods", customer_id=draw.choice(self._request_log.customers))

    def _read_one(self, method: str, **arguments: Any) -> None:
        self._request_log.read_and_record(self._draw.choice(self._request_log.patient), method, **arguments)

    def _dispute(self) -> None:
        """Make a payment that is disputed at once, or answer an open dispute."""
        if self._draw.random() < 0.6:
            self._ask(self._new("create_payment", **self._order(card=DISPUTED)))
        client = self._draw.choice(self._request_log.patient)
        found = self._request_log.read_and_record(client, "list_disputes", states=[DisputeState.DISPUTE_STATE_OPEN])
        if not found:
            return
        dispute_id = self._draw.choice(found).answer.dispute_id
        for method in self._draw.choice(_DEFENCES):
            more = {}
            if method == "add_dispute_evidence":
                more = {"text": self._draw.choice(("compelling_evidence", "losing_evidence", "It was delivered."))}
            answer = self._ask(self._new(method, dispute_id=dispute_id, **more))
            if isinstance(answer, BayarError):
                return

    def _part_of(self, amount: Money) -> Money:
        part = self._draw.randint(1, amount.minor_units)
        return Money(minor_units=part, currency_code=amount.currency_code)
