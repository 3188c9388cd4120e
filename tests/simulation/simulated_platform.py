"""The platform of the real adapter: connections to the simulated gateway, and waits in which other actors run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

from adapters.braintree.transport.connection import AnswerLost, RequestNotSent
from adapters.braintree.transport.platform import Platform
from tests.simulation.scheduler import YieldPoint
from tests.simulation.xml_gateway import Reply, Request

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

# The gateway closes connections that are idle for so long. (Braintree: a minute.)
GATEWAY_IDLE_SECONDS: Final = 60.0


def simulated_platform(simulation: Simulation) -> Platform:
    return Platform(
        connect=lambda _: SimulatedConnection(simulation),
        condition=lambda: SimulatedCondition(simulation),
        steady_seconds=simulation.clock.steady_seconds,
    )


class SimulatedCondition:
    """A condition variable without a lock: only one actor runs at a time."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._notifications = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        before = self._notifications
        self._simulation.wait(lambda: self._notifications != before, timeout, YieldPoint.BULKHEAD)
        return self._notifications != before

    def notify(self, _: int = 1) -> None:
        self._notifications += 1


class SimulatedConnection:
    """A connection with steps before it opens, before the first byte, and before the answer."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        simulation.step(YieldPoint.CONNECTING)
        simulation.network.connect()
        self.last_use = self._last_byte = simulation.clock.steady_seconds()
        self._reply: Reply | None = None

    @property
    def is_quiet(self) -> bool:
        return not self._is_closed

    @property
    def _is_closed(self) -> bool:
        return self._simulation.clock.steady_seconds() - self._last_byte >= GATEWAY_IDLE_SECONDS

    def send(self, request: bytes, timeout_seconds: float) -> None:
        self._simulation.step(YieldPoint.SENDING)
        if self._is_closed:
            # Either the system knows that the connection is closed, or the bytes are lost.
            if self._simulation.happens(0.5):
                raise RequestNotSent("the connection was closed")
            self._reply = None
            return
        self._last_byte = self._simulation.clock.steady_seconds()
        self._reply = self._simulation.network.send(Request.read(request, self._simulation.current_operation_id()))

    def receive(self, timeout_seconds: float) -> tuple[int, bytes, bool]:
        self._simulation.wait(lambda: False, self._simulation.network.answer_seconds(), YieldPoint.RECEIVING)
        if self._reply is None:
            raise AnswerLost("no answer in time")
        status, content = self._reply
        self.last_use = self._last_byte = self._simulation.clock.steady_seconds()
        return status, content, True

    def close(self) -> None:
        self._reply = None
