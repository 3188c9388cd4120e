"""A typed client of the twin's control API, for tests: add faults, move the clock, settle, read the ledger."""

from __future__ import annotations

import http.client
import json
import select
import ssl
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, Self
from urllib.parse import urlsplit

Fault = Literal["delay", "refuse", "reset_before", "reset_after", "status", "truncate", "garbage"]


_FIRST_PAUSE_SECONDS: Final = 0.02


class ControlError(Exception):
    """The control API refused, failed, or did not answer; `status` is None if there was no answer.

    If a field is invalid, `field` names it and `remedy` says what to send instead.
    """

    def __init__(self, status: int | None, content: Mapping[str, Any]) -> None:
        self.status = status
        self.field: str | None = content.get("field")
        self.remedy: str | None = content.get("remedy")
        super().__init__(f"{status or 'no answer'}: {dict(content)}")


@dataclass(frozen=True, slots=True)
class FaultRule:
    """A fault rule in force. `matched` counts the requests that matched it, `struck` those that met the fault."""

    id: int
    fault: str
    matched: int
    struck: int


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One transaction of one merchant. `parent` is the sale that it refunds or settles a part of."""

    merchant_id: str
    merchant_account_id: str
    id: str
    order_id: str | None
    type: str
    status: str
    amount: str
    currency: str
    parent: str | None
    created_at: str
    # Every status with the time of its start, in whole seconds of the twin's clock.
    history: tuple[tuple[str, str], ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class BankVerificationEntry:
    """One verification of a bank account. `deposits` has the amounts of micro-transfers in cents."""

    id: str
    token: str
    method: str
    status: str
    deposits: list[int]


@dataclass(frozen=True, slots=True)
class DisputeEntry:
    """One dispute of one merchant. `texts` has the text of each piece of evidence; for a file, it is empty."""

    id: str
    transaction_id: str
    status: str
    amount: str
    currency: str
    texts: list[str]
    # Every status that it has had, oldest first.
    statuses: list[str]


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """A request that may have changed something. `outcome` is its status, the fault it met, or None while it runs."""

    number: int
    # Seconds since 1970, by the machine's clock.
    arrived_at: float
    method: str
    path: str
    order_id: str | None
    token: str | None
    amount: str | None
    outcome: int | str | None


@dataclass(frozen=True, slots=True)
class RouteCount:
    """How many requests to a route ended with a status, or with a fault."""

    route: str
    status: int | str
    count: int


@dataclass(frozen=True, slots=True)
class UnhandledFieldCount:
    """How many requests to a route had a field that the twin did not act on; `effect` says what it did instead."""

    route: str
    field: str
    effect: str
    count: int


@dataclass(frozen=True, slots=True)
class Traffic:
    connections_accepted: int
    connections_open: int
    requests: tuple[RouteCount, ...]
    # Fields that the twin did not act on, by route.
    unhandled_fields: tuple[UnhandledFieldCount, ...] = ()

    def count(self, route: str, status: int | str | None = None) -> int:
        """Requests to a route such as "POST /transactions", with one status or with any."""
        return sum(each.count for each in self.requests if each.route == route and status in (None, each.status))


@dataclass(frozen=True, slots=True)
class WebhookDelivery:
    """A webhook notification. `status` is pending, delivered, failed or no_address; `attempts` has time and outcome."""

    id: str
    merchant_id: str
    kind: str
    url: str | None
    status: str
    created_at: str
    next_attempt_at: str | None
    attempts: list[dict[str, str]]
    bt_signature: str
    bt_payload: str


class TwinControl:
    """Calls one twin's control API over one connection, which survives the fault `refuse`. For one thread at a time."""

    def __init__(
        self, base_url: str, ca_file: str | Path | None = None, timeout_seconds: float = 10, patience_seconds: float = 3
    ) -> None:
        self._patience_seconds = patience_seconds
        parts = urlsplit(base_url)
        host, port = parts.hostname or "localhost", parts.port
        self._connection: http.client.HTTPConnection
        if parts.scheme == "https":
            context = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
            self._connection = http.client.HTTPSConnection(host, port, timeout=timeout_seconds, context=context)
        else:
            self._connection = http.client.HTTPConnection(host, port, timeout=timeout_seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    def add_fault(
        self,
        fault: Fault,
        *,
        method: str | None = None,
        path: str | None = None,
        seconds: float | None = None,
        when: Literal["before", "after"] | None = None,
        status: int | None = None,
        processed: bool | None = None,
        next: int | None = None,
        probability: float | None = None,
        seed: int | None = None,
    ) -> FaultRule:
        """Add a fault rule for the next n matching requests, or for each with a probability, or for all.

        `path` is matched with and without /merchants/{id} in front; `*` stands for any characters.
        """
        fields = {
            "fault": fault,
            "method": method,
            "path": path,
            "seconds": seconds,
            "when": when,
            "status": status,
            "processed": processed,
            "next": next,
            "probability": probability,
            "seed": seed,
        }
        given = {name: value for name, value in fields.items() if value is not None}
        return _rule(self._ask("POST", "faults", given)["fault"])

    def faults(self) -> list[FaultRule]:
        return [_rule(fields) for fields in self._ask("GET", "faults")["faults"]]

    def delete_fault(self, rule_id: int) -> FaultRule:
        return _rule(self._ask("DELETE", f"faults/{rule_id}")["removed"][0])

    def clear_faults(self) -> list[FaultRule]:
        return [_rule(fields) for fields in self._ask("DELETE", "faults")["removed"]]

    def advance(self, by: timedelta | float) -> str:
        """Move the clock ahead, in seconds; returns the new time. Everything that came due by then is done."""
        seconds = by.total_seconds() if isinstance(by, timedelta) else by
        return str(self._ask("POST", "clock", {"advance_seconds": seconds})["now"])

    def now(self) -> str:
        """The twin's time, UTC."""
        return str(self._ask("GET", "clock")["now"])

    def settle(self, merchant_id: str | None = None) -> dict[str, int]:
        """Run the settlement batch; returns the number of transactions by their new status."""
        answer = self._ask("POST", "settle", {"merchant_id": merchant_id} if merchant_id else {})
        return {str(status): int(count) for status, count in answer["by_status"].items()}

    def settle_transaction(self, transaction_id: str, status: str = "settled") -> None:
        """Give one submitted transaction a status of settlement: settled, settlement_declined, settlement_pending."""
        self._ask("POST", "settle", {"transaction_id": transaction_id, "status": status})

    def return_by_bank(self, transaction_id: str, reason_code: str = "R01", reject_reason: str | None = None) -> None:
        """Return a pending or settled payment of a bank account, as the customer's bank would.

        A payment with the reason code RJCT never reached the bank; `reject_reason` says why.
        """
        why = {"reject_reason": reject_reason} if reject_reason else {}
        self._ask("POST", "bank_returns", {"transaction_id": transaction_id, "reason_code": reason_code, **why})

    def bank_verifications(self) -> list[BankVerificationEntry]:
        """The verifications of bank accounts, oldest first, with the deposits that their owners have to confirm."""
        return [BankVerificationEntry(**fields) for fields in self._ask("GET", "bank_verifications")["verifications"]]

    def act_on_local_payment(self, identifier: str, action: str = "approve") -> str | None:
        """Approve, fund, expire or reverse a local payment, by id; returns the nonce of an approved one."""
        nonce = self._ask("POST", "local_payments", {"id": identifier, "action": action})["nonce"]
        return None if nonce is None else str(nonce)

    def reset(self) -> None:
        """Bring everything back to the seed: records, clock, faults, addresses of webhooks, counters."""
        self._ask("POST", "reset", {})

    def ledger(self) -> list[LedgerEntry]:
        """Every transaction of every merchant, oldest first."""
        return [
            LedgerEntry(**fields | {"history": tuple((status, at) for status, at in fields["history"])})
            for fields in self._ask("GET", "ledger")["transactions"]
        ]

    def disputes(self) -> list[DisputeEntry]:
        """Every dispute of every merchant, oldest first."""
        return [DisputeEntry(**fields) for fields in self._ask("GET", "disputes")["disputes"]]

    def vault(self) -> dict[str, str | None]:
        """The customer of each stored payment method, by its token."""
        methods = self._ask("GET", "vault")["payment_methods"]
        return {method["token"]: method["customer_id"] for method in methods}

    def request_log(self) -> list[LoggedRequest]:
        """The requests of merchants that may have changed something, oldest first, since the process started."""
        answer = self._ask("GET", "request_log")
        if answer["dropped"]:
            raise ControlError(None, {"error": f"the log is too short: it dropped {answer['dropped']} requests"})
        return [LoggedRequest(**fields) for fields in answer["requests"]]

    def requests(self) -> Traffic:
        """Counts of connections and requests since the process started, including those of the control API."""
        answer = self._ask("GET", "requests")
        counts = tuple(RouteCount(**fields) for fields in answer["requests"])
        unhandled = tuple(UnhandledFieldCount(**fields) for fields in answer["unhandled_fields"])
        return Traffic(answer["connections_accepted"], answer["connections_open"], counts, unhandled)

    def set_webhook_address(self, url: str | None, *, merchant_id: str | None = None, challenge: bool = False) -> None:
        """Set the address of notifications; None removes it. `challenge` makes the server prove its keys first."""
        whom = {"merchant_id": merchant_id} if merchant_id else {}
        self._ask("POST", "webhooks", {"url": url, "challenge": challenge, **whom})

    def send_webhook(self, kind: str, identifier: str, *, merchant_id: str | None = None) -> list[WebhookDelivery]:
        """Send a notification of this kind about the resource with this id, or about a sample if there is none."""
        whom = {"merchant_id": merchant_id} if merchant_id else {}
        answer = self._ask("POST", "webhooks", {"kind": kind, "id": identifier, **whom})
        return [WebhookDelivery(**fields) for fields in answer["sent"]]

    def webhooks(self) -> list[WebhookDelivery]:
        """Every notification, oldest first within a merchant."""
        return [WebhookDelivery(**fields) for fields in self._ask("GET", "webhooks")["deliveries"]]

    def forget_webhooks(self) -> None:
        """Remove every address and every delivery."""
        self._ask("DELETE", "webhooks")

    def move_dispute(self, dispute_id: str, status: str) -> None:
        """Give a dispute a status, as a bank would."""
        self._ask("POST", "disputes", {"id": dispute_id, "status": status})

    def _ask(self, method: str, name: str, fields: Mapping[str, Any] | None = None) -> dict[str, Any]:
        body = json.dumps(fields) if fields is not None else None
        status, text = self._exchange(method, f"/_twin/{name}", body)
        content = _object(text)
        if content is None:
            raise ControlError(
                status, {"error": f"{method} {name} was answered with what is no JSON object: {text!r:.200}"}
            )
        if status != HTTPStatus.OK:
            raise ControlError(status, content)
        return content

    def _exchange(self, method: str, path: str, body: str | None) -> tuple[int, bytes]:
        """Send until there is an answer or patience_seconds have passed. The idempotency key makes repeats safe."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": uuid.uuid4().hex}
        give_up = time.monotonic() + self._patience_seconds
        pause, attempts = _FIRST_PAUSE_SECONDS, 0
        while True:
            attempts += 1
            self._forget_a_closed_connection()
            failure: Exception | None = None
            try:
                status, text = self._send(method, path, body, headers)
            except (http.client.HTTPException, OSError) as lost:
                failure = lost
            else:
                # 408: the request did not arrive as a whole.
                if status != HTTPStatus.REQUEST_TIMEOUT:
                    return status, text
                self._connection.close()
            # At least two attempts: the first may have waited through all of patience_seconds.
            if attempts > 1 and time.monotonic() + pause > give_up:
                raise _unanswered(method, path, failure or TimeoutError(text)) from failure
            time.sleep(pause)
            pause *= 2

    def _send(self, method: str, path: str, body: str | None, headers: Mapping[str, str]) -> tuple[int, bytes]:
        try:
            self._connection.request(method, path, body, dict(headers))
            response = self._connection.getresponse()
            return response.status, response.read()
        except BaseException:
            # The connection is unusable: its next bytes could be the answer to this request.
            self._connection.close()
            raise

    def _forget_a_closed_connection(self) -> None:
        """Close the connection if there is anything to read: between two requests, that means its end."""
        if self._connection.sock is None:
            return
        poll = select.poll()
        poll.register(self._connection.sock, select.POLLIN)
        if poll.poll(0):
            self._connection.close()


def _object(text: bytes) -> dict[str, Any] | None:
    try:
        content = json.loads(text)
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def _unanswered(method: str, path: str, failure: Exception) -> ControlError:
    return ControlError(None, {"error": f"{method} {path}: {failure!r}; whether it was carried out is not known"})


def _rule(fields: Mapping[str, Any]) -> FaultRule:
    return FaultRule(id=fields["id"], fault=fields["fault"], matched=fields["matched"], struck=fields["struck"])
