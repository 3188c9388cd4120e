"""Calls the stock SDK's transaction.sale in a loop: the cost of a payment without Bayar.

Prints one line of JSON: sales, CPU seconds of this process, wall seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import threading
import time
from itertools import count
from typing import Any

from braintree import BraintreeGateway, Configuration, Environment


class _Twin(Environment):
    """By default, the SDK speaks https to port 443 only."""

    @property
    def protocol(self) -> str:
        return "https://"


def twin_environment() -> Environment:
    """The gateway's twin, in place of Braintree's sandbox."""
    host, _, port = os.environ["BAYAR_BRAINTREE_URL"].removeprefix("https://").partition(":")
    return _Twin("benchmark", host, port, "http://auth.invalid", True, os.environ["BAYAR_BRAINTREE_CA_FILE"])


def gateway_of_environment() -> BraintreeGateway:
    """The gateway as in the SDK's manual, except for the address."""
    return BraintreeGateway(
        Configuration(
            twin_environment(),
            os.environ["BAYAR_BRAINTREE_MERCHANT_ID"],
            os.environ["BAYAR_BRAINTREE_PUBLIC_KEY"],
            os.environ["BAYAR_BRAINTREE_PRIVATE_KEY"],
            wrap_http_exceptions=True,
        )
    )


def sale_of(number: int, order_id: str) -> dict[str, Any]:
    """A sale as a shop sends it: an amount, a card, an order."""
    return {
        "amount": f"{10 + number % 50}.00",
        "order_id": order_id,
        "merchant_account_id": "twin_usd",
        "credit_card": {"number": "4111111111111111", "expiration_date": "12/2030", "cvv": "123"},
        "options": {"submit_for_settlement": True},
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    gateway = gateway_of_environment()
    numbers = count()
    prefix = f"stock-{os.getpid()}-{time.time_ns()}"
    sales: list[int] = []

    def sell_until(end: float) -> None:
        run_threads = 0
        while time.monotonic() < end:
            number = next(numbers)
            result: Any = gateway.transaction.sale(sale_of(number, f"{prefix}-{number}"))
            if not result.is_success:
                raise SystemExit(f"a sale failed: {result.message}")
            run_threads += 1
        sales.append(run_threads)

    sell_until(time.monotonic() + 0.5)
    sales.clear()
    started, cpu = time.monotonic(), time.process_time()
    threads = [
        threading.Thread(target=sell_until, args=(started + arguments.seconds,)) for _ in range(arguments.threads)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(
        json.dumps(
            {
                "payments": sum(sales),
                "cpu_seconds": time.process_time() - cpu,
                "wall_seconds": time.monotonic() - started,
            }
        )
    )


if __name__ == "__main__":
    main()
