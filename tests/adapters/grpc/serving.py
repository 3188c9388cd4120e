"""The whole gRPC side in this process, on a store and a gateway in memory."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import grpc
from dependency_injector import providers

from adapters.grpc.middleware.call_context import DEFAULT_CALLER
from bootstrap.config.settings import load_settings
from bootstrap.wiring.container import Container
from domain.merchant_account import MerchantAccounts
from tests.encryption_keys import ENCRYPTION_KEYS
from tests.fakes.ids import CountingIds
from tests.fakes.memory_gateway import MemoryGateway
from tests.fakes.memory_store import MemoryStore
from tests.fakes.runtime import ManualClock

ACCOUNTS = MerchantAccounts({currency: (currency.lower(),) for currency in ("USD", "IDR", "JPY")})


@dataclass(frozen=True, slots=True)
class House:
    """Everything but the network, as bootstrap wires it."""

    container: Container
    clock: ManualClock
    gateway: MemoryGateway

    @property
    def servicers(self) -> Any:
        return self.container.servicers()


def a_house(**settings: Any) -> House:
    """A service with nothing in it yet, with other settings than the usual ones where named."""
    clock, ids = ManualClock(), CountingIds()
    gateway = MemoryGateway(clock)
    container = Container()
    container.settings.override(
        load_settings(
            **{
                "braintree_environment": "sandbox",
                "encryption_keys": ENCRYPTION_KEYS,
                "braintree_merchant_id": "merchant",
                "braintree_public_key": "public",
                "braintree_private_key": "private",
                "grpc_threads": 8,
                "authentication": "none",
                **settings,
            }
        )
    )
    for provider, value in (
        (container.clock, clock),
        (container.ids, ids),
        (container.store, MemoryStore(ids)),
        (container.gateway, gateway),
        (container.merchant_accounts, ACCOUNTS),
        (container.current_caller, lambda: DEFAULT_CALLER),
    ):
        provider.override(providers.Object(value))
    return House(container, clock, gateway)


@contextmanager
def serving(house: House, *options: tuple[str, Any]) -> Iterator[grpc.Channel]:
    """The house behind a real socket; yields a channel to it, with those options."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def run(work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(30)

    server = house.container.server()
    try:
        address = run(server.start("127.0.0.1:0"))
        try:
            with grpc.insecure_channel(address, options=options) as channel:
                yield channel
        finally:
            # Also after a failure: the threads of a server that runs on keep the process from ending.
            run(server.stop(1))
    finally:
        run(_end_tasks())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _end_tasks() -> None:
    """As asyncio.run does it at its end."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left, timeout=2)
