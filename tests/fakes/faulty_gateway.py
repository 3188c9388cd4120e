"""A gateway behind a network that fails: it refuses, loses or delays calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from enum import Enum
from typing import TypeVar

from application.common.lease import Lease
from application.ports.gateway import (
    Adjust,
    Authorization,
    Capture,
    DisputeOutcome,
    Gateway,
    GatewayNotReached,
    GatewayRefusedCredentials,
    GatewayUnavailable,
    MethodChange,
    MethodNonce,
    NewMethod,
    Nonce,
    NonceDetails,
    Outcome,
    Refund,
    StoredInstrument,
    StoreOutcome,
    Transaction,
    Unknown,
    Unreadable,
    Void,
)
from domain.customer import Customer
from domain.dispute import DisputeReport
from domain.ids import CustomerId, OperationId
from domain.merchant_account import MerchantAccount
from domain.warning import MerchantWarning
from tests.fakes.memory_gateway import MemoryGateway

Answer = TypeVar("Answer")


class Fault(Enum):
    """The fault of one call."""

    NONE = "none"
    # Nothing was sent.
    UNREACHABLE = "unreachable"
    REFUSED_CREDENTIALS = "refused credentials"
    # Sent without an answer: the gateway did not act, did act, or acts later.
    LOST_BEFORE = "lost before"
    LOST_AFTER = "lost after"
    LATE = "late"


class FaultyGateway:
    """A gateway behind a network. `choose` returns the fault of each call."""

    def __init__(
        self,
        inner: MemoryGateway,
        choose: Callable[[str], Fault],
        delay: Callable[[], timedelta] = lambda: timedelta(seconds=60),
    ) -> None:
        self._inner = inner
        self._choose = choose
        self._delay = delay
        self._delayed: list[tuple[datetime, Callable[[], object]]] = []

    @property
    def next_delivery(self) -> datetime | None:
        """The time at which the next delayed call arrives."""
        return min((due for due, _ in self._delayed), default=None)

    def deliver_due(self) -> None:
        """Execute the delayed calls that have arrived by now."""
        now = self._inner.clock.now()
        arrived = [call for due, call in self._delayed if due <= now]
        self._delayed = [(due, call) for due, call in self._delayed if due > now]
        for call in arrived:
            call()

    def authorize(self, authorization: Authorization, lease: Lease) -> Outcome:
        return self._change("authorize", lambda: self._inner.authorize(authorization, lease))

    def capture(self, capture: Capture, lease: Lease) -> Outcome:
        return self._change("capture", lambda: self._inner.capture(capture, lease))

    def adjust(self, adjust: Adjust, lease: Lease) -> Outcome:
        return self._change("adjust", lambda: self._inner.adjust(adjust, lease))

    def void(self, void: Void, lease: Lease) -> Outcome:
        return self._change("void", lambda: self._inner.void(void, lease))

    def refund(self, refund: Refund, lease: Lease) -> Outcome:
        return self._change("refund", lambda: self._inner.refund(refund, lease))

    def store_method(self, method: NewMethod, lease: Lease) -> StoreOutcome:
        return self._change("store_method", lambda: self._inner.store_method(method, lease))

    def change_method(self, change: MethodChange, lease: Lease) -> StoreOutcome:
        return self._change("change_method", lambda: self._inner.change_method(change, lease))

    def find_transaction(self, transaction_id: str) -> Transaction | None:
        return self._query("find_transaction", lambda: self._inner.find_transaction(transaction_id))

    def find_transactions(self, transaction_ids: Sequence[str]) -> list[Transaction]:
        return self._query("find_transactions", lambda: self._inner.find_transactions(transaction_ids))

    def find_by_operation(self, operation_id: OperationId) -> list[Transaction]:
        return self._query("find_by_operation", lambda: self._inner.find_by_operation(operation_id))

    def transactions_created(self, start: datetime, end: datetime) -> Iterator[Transaction | Unreadable]:
        found = self._query("transactions_created", lambda: list(self._inner.transactions_created(start, end)))
        return iter(found)

    def ensure_customer(self, customer: Customer, lease: Lease) -> MerchantWarning | None:
        return self._query("ensure_customer", lambda: self._inner.ensure_customer(customer, lease))

    def update_customer(self, customer: Customer, lease: Lease) -> None:
        self._query("update_customer", lambda: self._inner.update_customer(customer, lease))

    def delete_customer(self, customer_id: CustomerId, lease: Lease) -> None:
        self._query("delete_customer", lambda: self._inner.delete_customer(customer_id, lease))

    def find_method(self, token: str) -> StoredInstrument | None:
        return self._query("find_method", lambda: self._inner.find_method(token))

    def delete_method(self, token: str, lease: Lease) -> None:
        self._query("delete_method", lambda: self._inner.delete_method(token, lease))

    def create_client_token(self, customer_id: CustomerId | None, merchant_account_id: str) -> str:
        return self._query(
            "create_client_token", lambda: self._inner.create_client_token(customer_id, merchant_account_id)
        )

    def describe_nonce(self, nonce: Nonce) -> NonceDetails | None:
        return self._query("describe_nonce", lambda: self._inner.describe_nonce(nonce))

    def create_method_nonce(self, token: str, lease: Lease) -> MethodNonce | None:
        return self._query("create_method_nonce", lambda: self._inner.create_method_nonce(token, lease))

    def describe_merchant_accounts(self) -> list[MerchantAccount]:
        return self._query("describe_merchant_accounts", self._inner.describe_merchant_accounts)

    def find_dispute(self, gateway_dispute_id: str) -> DisputeReport | None:
        return self._query("find_dispute", lambda: self._inner.find_dispute(gateway_dispute_id))

    def disputes_received(self, since: date) -> Iterator[DisputeReport]:
        return iter(self._query("disputes_received", lambda: list(self._inner.disputes_received(since))))

    def accept_dispute(self, gateway_dispute_id: str, lease: Lease) -> DisputeOutcome:
        return self._change("accept_dispute", lambda: self._inner.accept_dispute(gateway_dispute_id, lease))

    def finalize_dispute(self, gateway_dispute_id: str, lease: Lease) -> DisputeOutcome:
        return self._change("finalize_dispute", lambda: self._inner.finalize_dispute(gateway_dispute_id, lease))

    def add_text_evidence(self, gateway_dispute_id: str, text: str, lease: Lease) -> DisputeOutcome:
        return self._change("add_text_evidence", lambda: self._inner.add_text_evidence(gateway_dispute_id, text, lease))

    def add_file_evidence(self, gateway_dispute_id: str, name: str, content: bytes, lease: Lease) -> DisputeOutcome:
        return self._change(
            "add_file_evidence", lambda: self._inner.add_file_evidence(gateway_dispute_id, name, content, lease)
        )

    def _change(self, name: str, call: Callable[[], Answer]) -> Answer | Unknown:
        match self._next_fault(name):
            case Fault.NONE:
                return call()
            case Fault.LOST_AFTER:
                call()
            case Fault.LATE:
                self._delayed.append((self._inner.clock.now() + self._delay(), call))
        return Unknown("no answer")

    def _query(self, name: str, call: Callable[[], Answer]) -> Answer:
        fault = self._next_fault(name)
        if fault is Fault.LOST_AFTER:
            call()
        if fault is not Fault.NONE:
            raise GatewayUnavailable("no answer")
        return call()

    def _next_fault(self, name: str) -> Fault:
        fault = self._choose(name)
        if fault is Fault.UNREACHABLE:
            raise GatewayNotReached("nobody there")
        if fault is Fault.REFUSED_CREDENTIALS:
            raise GatewayRefusedCredentials("who are you")
        return fault


_faulty: type[Gateway] = FaultyGateway
