"""Sells in a loop over Bayar's path to the gateway: the SDK with its transport and parser.

Prints one line of JSON: sales, CPU seconds of this process, wall seconds, TLS handshakes. With --added: how long each
sale took beyond the wait for the gateway, in seconds, sorted.
"""

from __future__ import annotations

import argparse
import json
import os
import threading
import time
from datetime import timedelta
from itertools import count
from typing import Any

from adapters.braintree.sdk import sdk_of
from adapters.braintree.settings import BraintreeSettings
from adapters.braintree.transport.circuit_breaker import GuardedTransport
from adapters.braintree.transport.lease_check import holding_lease
from adapters.braintree.transport.tls import TlsSocket
from application.common.lease import LeasePolicy
from benchmarks.peers.stock_loop import sale_of
from domain.merchant_account import MerchantAccounts

_LEASES = LeasePolicy(duration=timedelta(seconds=75), first_check=timedelta(seconds=1))
_PREFIX = f"gateway-{os.getpid()}-{time.time_ns()}"


def settings_of_environment() -> BraintreeSettings:
    return BraintreeSettings(
        environment="twin",
        merchant_id=os.environ["BAYAR_BRAINTREE_MERCHANT_ID"],
        public_key=os.environ["BAYAR_BRAINTREE_PUBLIC_KEY"],
        private_key=os.environ["BAYAR_BRAINTREE_PRIVATE_KEY"],
        merchant_accounts=MerchantAccounts({"USD": ("twin_usd",)}),
        url=os.environ["BAYAR_BRAINTREE_URL"],
        ca_file=os.environ["BAYAR_BRAINTREE_CA_FILE"],
    )


class Loop:
    def __init__(self) -> None:
        sdk, self.guarded = sdk_of(settings_of_environment())
        self._sdk: Any = sdk
        self._numbers = count()

    def sell(self) -> None:
        number = next(self._numbers)
        with holding_lease(_LEASES.begin()):
            result = self._sdk.transaction.sale(sale_of(number, f"{_PREFIX}-{number}"))
        if not result.is_success:
            raise SystemExit(f"a sale failed: {result.message}")

    def sell_until(self, end: float) -> int:
        run_threads = 0
        while time.monotonic() < end:
            self.sell()
            run_threads += 1
        return run_threads


class Waits:
    """The time that a call waits for the gateway: from its last byte sent to the first byte received."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._sent = 0.0
        send, recv = TlsSocket.send, TlsSocket.recv

        def timed_send(sock: TlsSocket, data: bytes, flags: int = 0) -> int:
            count = send(sock, data, flags)
            self._sent = time.perf_counter()
            return count

        def timed_recv(sock: TlsSocket, size: int = 1024, flags: int = 0) -> bytes:
            data = recv(sock, size, flags)
            if self._sent:
                self.seconds, self._sent = time.perf_counter() - self._sent, 0.0
            return data

        TlsSocket.send, TlsSocket.recv = timed_send, timed_recv  # type: ignore[method-assign, assignment]


def run_threads(loop: Loop, threads: int, seconds: float) -> dict[str, Any]:
    sales: list[int] = []
    started, cpu = time.monotonic(), time.process_time()
    workers = [
        threading.Thread(target=lambda: sales.append(loop.sell_until(started + seconds))) for _ in range(threads)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return {
        "payments": sum(sales),
        "cpu_seconds": time.process_time() - cpu,
        "wall_seconds": time.monotonic() - started,
        **_handshakes(loop.guarded),
    }


def _handshakes(guarded: GuardedTransport) -> dict[str, int]:
    made = guarded.stats.handshakes
    return {"full_handshakes": made.full, "resumed_handshakes": made.resumed}


def added_latencies(loop: Loop, seconds: float) -> list[float]:
    """The duration of each sale without the wait for the gateway, in seconds, sorted."""
    waits = Waits()
    taken: list[float] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        started = time.perf_counter()
        loop.sell()
        taken.append(time.perf_counter() - started - waits.seconds)
    return sorted(taken)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--added", action="store_true")
    arguments = parser.parse_args()
    loop = Loop()
    if arguments.added:
        loop.sell_until(time.monotonic() + 0.5)
        print(json.dumps(added_latencies(loop, arguments.seconds)))
        return
    if arguments.threads == 1:
        # One thread measures the CPU of a sale; many measure the opening of their connections, too.
        loop.sell_until(time.monotonic() + 0.5)
    print(json.dumps(run_threads(loop, arguments.threads, arguments.seconds)))


if __name__ == "__main__":
    main()
