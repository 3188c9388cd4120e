"""The listening socket opens and closes at any time, also while it is opening."""

from __future__ import annotations

import asyncio
import socket

import pytest

from braintree_twin.server.listener import Listener


def connects_to(address: tuple[str, int]) -> bool:
    with socket.socket() as probe:
        probe.settimeout(5)
        return probe.connect_ex(address) == 0


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_a_listener_that_is_opening_can_refuse_and_listen_again(turns: int) -> None:
    async def close_while_opening() -> tuple[bool, bool]:
        listener = Listener(("127.0.0.1", 0), asyncio.Protocol, None)
        opening = asyncio.get_running_loop().create_task(listener.listen())
        for _ in range(turns):
            await asyncio.sleep(0)
        opening.cancel()
        listener.refuse()
        refused = not connects_to(listener.address)
        await listener.listen()
        accepted = connects_to(listener.address)
        listener.close()
        return refused, accepted

    assert asyncio.run(close_while_opening()) == (True, True)
