"""Helpers of tests: the official SDK connected to a twin, settlement, the clock, faults, and an inbox of webhooks."""

from __future__ import annotations

import http.server
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from braintree_twin.control import Fault, FaultRule, TwinControl
from braintree_twin.merchants import READY_MADE
from braintree_twin.seed.seed_file import read_seed
from braintree_twin.testing import Twin, start_twin

WEBHOOK_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Keys:
    """The API keys of one merchant."""

    merchant_id: str
    public_key: str
    private_key: str


@dataclass(slots=True)
class SdkTwin:
    """A running twin, with the helpers that tests need. `control` has the whole control API."""

    process: Twin = field(repr=False)
    # The merchants by id, in the order of the seed.
    merchants: dict[str, Keys]

    @property
    def url(self) -> str:
        return self.process.url

    @property
    def ca_file(self) -> Path | None:
        return self.process.ca_file

    @property
    def control(self) -> TwinControl:
        return self.process.control

    @property
    def merchant_id(self) -> str:
        """The first merchant, whose keys `public_key` and `private_key` are."""
        return next(iter(self.merchants))

    @property
    def public_key(self) -> str:
        return self.merchants[self.merchant_id].public_key

    @property
    def private_key(self) -> str:
        return self.merchants[self.merchant_id].private_key

    def gateway(self, merchant_id: str | None = None, **configuration: Any) -> Any:
        """A `braintree.BraintreeGateway` of one merchant; by default of the first.

        `configuration` goes to `braintree.Configuration`, such as timeout=5. Raises KeyError for an unknown merchant.
        """
        import braintree

        keys = self.merchants[merchant_id or self.merchant_id]
        options = {"wrap_http_exceptions": True, **configuration}
        return braintree.BraintreeGateway(
            braintree.Configuration(
                self._environment(),
                keys.merchant_id,
                public_key=keys.public_key,
                private_key=keys.private_key,
                **options,
            )
        )

    def _environment(self) -> Any:
        import braintree

        scheme = urlsplit(self.url).scheme

        class TwinEnvironment(braintree.Environment):
            protocol = f"{scheme}://"

        ca_file = str(self.ca_file) if self.ca_file else None
        address = (self.process.host, str(self.process.port))
        return TwinEnvironment("twin", *address, self.url, ca_file is not None, ca_file, *address)

    def reset(self) -> None:
        """Bring everything back to the seed: records, clock, faults, addresses of webhooks, counters."""
        self.control.reset()

    def settle(self, *transaction_ids: str, status: str = "settled") -> None:
        """Settle these transactions, or run the batch of every merchant if none is named.

        `status` may also be settlement_declined or settlement_pending.
        """
        if not transaction_ids:
            self.control.settle()
        for identifier in transaction_ids:
            self.control.settle_transaction(identifier, status)

    def advance(self, **span: float) -> str:
        """Move the clock ahead, such as days=31, hours=1 (the arguments of timedelta); returns the new time."""
        return self.control.advance(timedelta(**span))

    @contextmanager
    def fault(self, fault: Fault, **rule: Any) -> Iterator[FaultRule]:
        """A fault that strikes within the block: `fault("reset_after", method="POST", path="/transactions", next=1)`.

        The arguments are those of `TwinControl.add_fault`.
        """
        added = self.control.add_fault(fault, **rule)
        try:
            yield added
        finally:
            if any(each.id == added.id for each in self.control.faults()):
                self.control.delete_fault(added.id)

    @contextmanager
    def receive_webhooks(self, merchant_id: str | None = None) -> Iterator[WebhookInbox]:
        """Receive a merchant's notifications within the block."""
        inbox = WebhookInbox(self.gateway(merchant_id))
        self.control.set_webhook_address(inbox.url, merchant_id=merchant_id or self.merchant_id)
        try:
            yield inbox
        finally:
            self.control.set_webhook_address(None, merchant_id=merchant_id or self.merchant_id)
            inbox.close()


class WebhookInbox:
    """A server that receives notifications. Each is verified and parsed by the official SDK."""

    def __init__(self, gateway: Any) -> None:
        self._gateway = gateway
        self._arrived = threading.Condition()
        # Parsed notifications, in the order of their arrival: `braintree.WebhookNotification`.
        self.received: list[Any] = []
        inbox = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                status = inbox._receive(parse_qs(body))
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/webhooks"

    def _receive(self, form: dict[str, list[str]]) -> int:
        try:
            parsed = self._gateway.webhook_notification.parse(form["bt_signature"][0], form["bt_payload"][0])
        except Exception:
            # A notification that the SDK cannot read is refused, as a server would; the twin shows the status.
            return 400
        with self._arrived:
            self.received.append(parsed)
            self._arrived.notify_all()
        return 200

    @property
    def kinds(self) -> list[str]:
        return [str(each.kind) for each in self.received]

    def wait_for(self, kind: str, *, timeout_seconds: float = WEBHOOK_SECONDS) -> Any:
        """The first notification of this kind, which may still have to arrive. Raises TimeoutError."""
        deadline = time.monotonic() + timeout_seconds
        with self._arrived:
            while True:
                found = next((each for each in self.received if each.kind == kind), None)
                if found is not None:
                    return found
                if not self._arrived.wait(deadline - time.monotonic()):
                    raise TimeoutError(f"no {kind} within {timeout_seconds} s; there were {self.kinds}")

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def run_sdk_twin(directory: Path | None = None, *, seed: Path | None = None, strict: bool = False) -> Iterator[SdkTwin]:
    """Run a twin for tests, outside of pytest too. Raises InvalidSeed for a seed with faults."""
    arguments = [*(["--strict"] if strict else []), *(["--seed", str(seed)] if seed else [])]
    known = [READY_MADE]
    if seed:
        read = read_seed(seed)
        read.raise_faults()
        known = read.merchants
    keys = {each.id: Keys(each.id, each.public_key, each.private_key) for each in known}
    with start_twin(directory, arguments=tuple(arguments)) as process:
        yield SdkTwin(process, keys)
