"""Delivers notifications to merchants' servers: in order, with retries, off the event loop."""

from __future__ import annotations

import asyncio
import http.client
import re
import ssl
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import urlencode, urlsplit

from braintree_twin.clock import Clock, parse_stamp, stamp
from braintree_twin.merchants import Merchant, Merchants
from braintree_twin.state.records import Delivery
from braintree_twin.state.store import Store
from braintree_twin.webhooks.notifications import CHALLENGE, sign

RESPONSE_TIMEOUT_SECONDS = 30.0
# Delays after failed attempts, by the twin's clock. After the last one, the delivery has failed.
RETRY_DELAYS_SECONDS = (1, 10, 60, 600, 3600, 3600, 3600)
_DELIVERED = re.compile(r"2\d\d")


class WebhookSender:
    """Sends deliveries that are due. The event loop uses the store, worker threads use the network."""

    def __init__(self, store: Store, merchants: Merchants, clock: Clock) -> None:
        self._store = store
        self._merchants = merchants
        self._clock = clock
        self._workers = ThreadPoolExecutor(max_workers=4, thread_name_prefix="webhooks")
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._stopped = False

    def send_due(self) -> None:
        """Start sending the deliveries that are due, and set a timer for later ones. Cheap if there are none."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        for merchant in self._merchants:
            if merchant.id in self._tasks:
                continue
            first = self._store.deliveries.earliest(merchant.id, "due_at")
            if first and (first.due_at or "") <= self._clock.stamp():
                task = asyncio.get_running_loop().create_task(self._send_all(merchant))
                self._tasks[merchant.id] = task
            elif first:
                self._schedule(first)

    def stop(self) -> None:
        self._stopped = True
        if self._timer:
            self._timer.cancel()
        for task in self._tasks.values():
            task.cancel()
        self._workers.shutdown(wait=False, cancel_futures=True)

    def _schedule(self, delivery: Delivery) -> None:
        wait = (parse_stamp(delivery.due_at or "") - self._clock.now()).total_seconds()
        when = asyncio.get_running_loop().time() + max(wait, 0) + 0.01
        if self._timer is None or when < self._timer.when():
            if self._timer:
                self._timer.cancel()
            self._timer = asyncio.get_running_loop().call_at(when, self.send_due)

    async def _send_all(self, merchant: Merchant) -> None:
        try:
            while True:
                due = self._store.deliveries.earliest(merchant.id, "due_at")
                if due is None or (due.due_at or "") > self._clock.stamp():
                    return
                loop = asyncio.get_running_loop()
                outcome = await loop.run_in_executor(self._workers, attempt, due, merchant)
                self._record_attempt(merchant, due, outcome)
        finally:
            del self._tasks[merchant.id]
            if not self._stopped:
                self.send_due()

    def _record_attempt(self, merchant: Merchant, delivery: Delivery, outcome: str) -> None:
        now = self._clock.now()
        delivery.attempts.append({"time": stamp(now), "outcome": outcome})
        delivery.due_at = None
        tried = len(delivery.attempts)
        if _DELIVERED.fullmatch(outcome):
            delivery.status = "delivered"
        elif delivery.kind == CHALLENGE or tried > len(RETRY_DELAYS_SECONDS):
            delivery.status = "failed"
        else:
            delivery.due_at = stamp(now + timedelta(seconds=RETRY_DELAYS_SECONDS[tried - 1]))
        with self._store.change():
            # A notification that was forgotten during the attempt stays forgotten.
            if self._store.deliveries.get(merchant.id, delivery.id):
                self._store.deliveries.put(merchant.id, delivery)


def attempt(delivery: Delivery, merchant: Merchant) -> str:
    """Send once; returns the HTTP status or the error. Runs in a worker thread."""
    try:
        status, body = _exchange(delivery)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    if delivery.kind == CHALLENGE and status == 200:
        wanted = f"{merchant.public_key}|{sign(merchant, delivery.payload)}"
        return "200" if body.decode("utf-8", "replace").strip() == wanted else "the challenge was answered wrongly"
    return str(status)


def _exchange(delivery: Delivery) -> tuple[int, bytes]:
    parts = urlsplit(delivery.url)
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        connection = http.client.HTTPSConnection(
            parts.netloc, timeout=RESPONSE_TIMEOUT_SECONDS, context=_unverified_tls_context()
        )
    else:
        connection = http.client.HTTPConnection(parts.netloc, timeout=RESPONSE_TIMEOUT_SECONDS)
    path, query = parts.path or "/", parts.query
    try:
        if delivery.kind == CHALLENGE:
            query = "&".join(filter(None, (query, urlencode({"bt_challenge": delivery.payload}))))
            connection.request("GET", f"{path}?{query}")
        else:
            form = urlencode({"bt_signature": delivery.signature, "bt_payload": delivery.payload})
            headers = {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": "braintree-twin"}
            connection.request("POST", f"{path}?{query}" if query else path, form, headers)
        response = connection.getresponse()
        return response.status, response.read(65536)
    finally:
        connection.close()


def _unverified_tls_context() -> ssl.SSLContext:
    """TLS without verification: servers under test have self-signed certificates."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
