"""Shared by the load generators: the replicas, the known payments, and every request with its answers."""

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
class RecordedAnswer:
    """One answer, with the times of request and answer in seconds since 1970."""

    method: str
    # An item of a list can be any message.
    answer: Any
    sent: float
    received: float


@dataclass(slots=True)
class RecordedRequest:
    """One request with all its answers."""

    method: str
    arguments: dict[str, Any] = field(repr=False)
    given_answers: list[RecordedAnswer] = field(default_factory=list)

    @property
    def request_id(self) -> str:
        return str(self.arguments["request_id"])

    @property
    def answers(self) -> list[Answer]:
        return [given.answer for given in self.given_answers]


class CallerClient(BayarClient):
    """The client of the service, with a retry policy and a timeout."""

    def __init__(self, address: str, policy: RetryPolicy, timeout_seconds: float) -> None:
        super().__init__(address, retry=policy, timeout_seconds=timeout_seconds)


class RequestLog:
    def __init__(self, addresses: Sequence[str]) -> None:
        self._addresses = addresses
        self.patient = [_patient_client(address) for address in addresses]
        self.hasty = [_hasty_client(address) for address in addresses]
        self._old: list[CallerClient] = []
        self.asked: list[RecordedRequest] = []
        # The answers to reads.
        self.read: list[RecordedAnswer] = []
        self.payments: dict[str, Payment] = {}
        self.customers: list[str] = []
        self.methods: list[str] = []
        self.faults: list[str] = []
        # The transactions whose authorization somebody else has tried to adjust.
        self.adjusted_by_others: set[str] = set()
        self._lock = threading.Lock()

    def close(self) -> None:
        for client in (*self.patient, *self.hasty, *self._old):
            client.close()

    def reconnect(self, number: int) -> None:
        """Reconnect to a restarted replica at once, as behind a load balancer.

        Connections to the life before the last are cut, with whatever still waits for them.
        """
        address = self._addresses[number]
        patient, hasty = self.patient[number], self.hasty[number]
        self.patient[number], self.hasty[number] = _patient_client(address), _hasty_client(address)
        with self._lock:
            self._old += [patient, hasty]
            gone, self._old = self._old[:-8], self._old[-8:]
        for client in gone:
            client.close()

    def new(self, method: str, draw: random.Random, **arguments: Any) -> RecordedRequest:
        request_id = str(uuid.UUID(int=draw.getrandbits(128), version=4))
        asked = RecordedRequest(method, arguments | {"request_id": request_id})
        with self._lock:
            self.asked.append(asked)
        return asked

    def ask(self, client: CallerClient | BayarClient, asked: RecordedRequest) -> Answer:
        """Send the request, and record the answer."""
        given = self._told(asked.method, lambda: getattr(client, asked.method)(**asked.arguments))
        with self._lock:
            asked.given_answers.append(given)
        answer: Answer = given.answer
        return answer

    def read_and_record(self, client: CallerClient, method: str, **arguments: Any) -> list[RecordedAnswer]:
        """Read a resource or a list, and record the answer."""
        sent = time.time()
        found: list[RecordedAnswer] = []

        def read() -> Any:
            answer = getattr(client, method)(**arguments)
            if method == "verify_payment":
                answer = answer.payment
            items = [answer] if isinstance(answer, Message) else list(answer)
            received = time.time()
            found.extend(RecordedAnswer(method, item, sent, received) for item in items)
            return items[-1] if items else None

        self._told(method, read)
        with self._lock:
            self.read += found
        return found

    def _told(self, method: str, call: Callable[[], Any]) -> RecordedAnswer:
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
        given = RecordedAnswer(method, answer, sent, time.time())
        with self._lock:
            self._keep_payment(answer)
        return given

    def _keep_payment(self, answer: Any) -> None:
        match answer:
            case Payment():
                self.payments[answer.payment_id] = answer
            case PaymentMethod() if answer.payment_method_id not in self.methods:
                self.methods.append(answer.payment_method_id)
            case Customer() if answer.customer_id not in self.customers:
                self.customers.append(answer.customer_id)

    def recent_requests(self) -> list[RecordedRequest]:
        with self._lock:
            return self.asked[-RECENT:]

    def recent_payments(self) -> list[Payment]:
        with self._lock:
            return list(self.payments.values())[-RECENT:]


def _patient_client(address: str) -> CallerClient:
    policy = RetryPolicy(
        attempts=5,
        first_delay_seconds=0.05,
        longest_delay_seconds=_LONGEST_PATIENCE_SECONDS,
        sleep=lambda seconds: time.sleep(min(seconds, _LONGEST_PATIENCE_SECONDS)),
    )
    return CallerClient(address, policy, _TIMEOUT_SECONDS)


def _hasty_client(address: str) -> CallerClient:
    return CallerClient(address, RetryPolicy(attempts=1), 0.1)
