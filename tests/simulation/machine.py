"""The machine under the real adapter: connections to the simulated gateway, and waits that let others run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

from adapters.braintree.connection import AnswerLost, RequestNotSent
from adapters.braintree.platform import Platform
from tests.simulation.scheduler import Place
from tests.simulation.wire import Reply, Request

if TYPE_CHECKING:
    from tests.simulation.world import World

# The gateway closes what it hears nothing of for so long. (Braintree: a minute.)
GATEWAY_IDLE_SECONDS: Final = 60.0


def machine_of(world: World) -> Platform:
    return Platform(
        connect=lambda _: SimulatedConnection(world),
        condition=lambda: SimulatedCondition(world),
        steady_seconds=world.clock.steady_seconds,
    )


class SimulatedCondition:
    """Only one actor runs at a time, and none is interrupted between two steps: the lock itself has nothing to do."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._told = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        before = self._told
        self._world.wait(lambda: self._told != before, timeout, Place.QUEUING)
        return self._told != before

    def notify(self, _: int = 1) -> None:
        self._told += 1


class SimulatedConnection:
    """A step before it stands, one between the last look at anything and the first byte, and some until the answer."""

    def __init__(self, world: World) -> None:
        self._world = world
        world.step(Place.CONNECTING)
        world.network.connect()
        self.last_use = self._heard = world.clock.steady_seconds()
        self._reply: Reply | None = None

    @property
    def is_quiet(self) -> bool:
        return not self._is_closed

    @property
    def _is_closed(self) -> bool:
        return self._world.clock.steady_seconds() - self._heard >= GATEWAY_IDLE_SECONDS

    def send(self, request: bytes, timeout_seconds: float) -> None:
        self._world.step(Place.SENDING)
        if self._is_closed:
            # Either the system knows of the end already, or the bytes go where nobody listens.
            if self._world.happens(0.5):
                raise RequestNotSent("the connection was closed")
            self._reply = None
            return
        self._heard = self._world.clock.steady_seconds()
        self._reply = self._world.network.send(Request.read(request, self._world.operation_under_way()))

    def receive(self, timeout_seconds: float) -> tuple[int, bytes, bool]:
        self._world.wait(lambda: False, self._world.network.slowness_seconds(), Place.LISTENING)
        if self._reply is None:
            raise AnswerLost("no answer in time")
        status, content = self._reply
        self.last_use = self._heard = self._world.clock.steady_seconds()
        return status, content, True

    def close(self) -> None:
        self._reply = None
