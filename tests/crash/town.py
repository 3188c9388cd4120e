"""What all callers share: the replicas, the payments that they know of, and every request with all its answers."""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import grpc
from google.protobuf.message import Message

from bayar.messages import BayarClient, BayarError, Customer, Payment, PaymentMethod, RetryPolicy
from bayar.payments.v1.dispute_pb2 import Dispute

Answer = Payment | PaymentMethod | Customer | Dispute | BayarError

RECENT: Final = 25
_LONGEST_PATIENCE_SECONDS: Final = 0.3
_TIMEOUT_SECONDS: Final = 20.0


@dataclass(frozen=True, slots=True)
class Telling:
    """One answer, and when it was asked for and came, in seconds since 1970."""

    method: str
    # An item of a list can be any message.
    answer: Any
    sent: float
    received: float


@dataclass(slots=True)
class Asked:
    """One request and everything it was ever answered."""

    method: str
    arguments: dict[str, Any] = field(repr=False)
    tellings: list[Telling] = field(default_factory=list)

    @property
    def request_id(self) -> str:
        return str(self.arguments["request_id"])

    @property
    def answers(self) -> list[Answer]:
        return [telling.answer for telling in self.tellings]


class ShopClient(BayarClient):
    """The client of the service, with a retry policy and a timeout."""

    def __init__(self, address: str, policy: RetryPolicy, timeout_seconds: float) -> None:
        super().__init__(address, retry=policy, timeout_seconds=timeout_seconds)


class Town:
    def __init__(self, addresses: Sequence[str]) -> None:
        self._addresses = addresses
        self.patient = [_patient(address) for address in addresses]
        self.hasty = [_hasty(address) for address in addresses]
        self._old: list[ShopClient] = []
        self.asked: list[Asked] = []
        # What was told without a request that changes anything.
        self.read: list[Telling] = []
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

    def ask(self, client: ShopClient | BayarClient, asked: Asked) -> Answer:
        """Sends the request once more, and keeps the answer."""
        telling = self._told(asked.method, lambda: getattr(client, asked.method)(**asked.arguments))
        with self._lock:
            asked.tellings.append(telling)
        answer: Answer = telling.answer
        return answer

    def look(self, client: ShopClient, method: str, **arguments: Any) -> list[Telling]:
        """Reads one thing or a list of things, and keeps what was told."""
        sent = time.time()
        found: list[Telling] = []

        def read() -> Any:
            answer = getattr(client, method)(**arguments)
            if method == "verify_payment":
                answer = answer.payment
            items = [answer] if isinstance(answer, Message) else list(answer)
            received = time.time()
            found.extend(Telling(method, item, sent, received) for item in items)
            return items[-1] if items else None

        self._told(method, read)
        with self._lock:
            self.read += found
        return found

    def _told(self, method: str, call: Callable[[], Any]) -> Telling:
        sent = time.time()
        answer: Any
        try:
            answer = call()
        except ValueError:
            # The connection was cut before it was used.
            answer = BayarError(grpc.StatusCode.CANCELLED, "the channel is closed", outcome_unknown=True)
        except BayarError as error:
            answer = error
            if error.code.name in ("INTERNAL", "UNKNOWN"):
                self.faults.append(f"{method} {error.request_id}: {error.message}")
        telling = Telling(method, answer, sent, time.time())
        with self._lock:
            self._remember(answer)
        return telling

    def _remember(self, answer: Any) -> None:
        match answer:
            case Payment():
                self.payments[answer.payment_id] = answer
            case PaymentMethod() if answer.payment_method_id not in self.methods:
                self.methods.append(answer.payment_method_id)
            case Customer() if answer.customer_id not in self.customers:
                self.customers.append(answer.customer_id)

    def recent_requests(self) -> list[Asked]:
        with self._lock:
            return self.asked[-RECENT:]

    def recent_payments(self) -> list[Payment]:
        with self._lock:
            return list(self.payments.values())[-RECENT:]


def _patient(address: str) -> ShopClient:
    policy = RetryPolicy(
        attempts=5,
        first_delay_seconds=0.05,
        longest_delay_seconds=_LONGEST_PATIENCE_SECONDS,
        sleep=lambda seconds: time.sleep(min(seconds, _LONGEST_PATIENCE_SECONDS)),
    )
    return ShopClient(address, policy, _TIMEOUT_SECONDS)


def _hasty(address: str) -> ShopClient:
    return ShopClient(address, RetryPolicy(attempts=1), 0.1)
