"""The adapter's dependencies on the machine: clock, connections, condition variables. The simulation replaces them."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final, Protocol

from adapters import cooperation
from adapters.braintree.transport.connection import Address, Connection
from application.common.lease import steady_seconds


class Wire(Protocol):
    """An open connection. See Connection."""

    last_use: float

    @property
    def is_quiet(self) -> bool: ...

    def send(self, request: bytes, timeout_seconds: float) -> None: ...

    def receive(self, timeout_seconds: float) -> tuple[int, bytes, bool]: ...

    def close(self) -> None: ...


class Condition(AbstractContextManager[Any], Protocol):
    """The part of threading.Condition in use."""

    def wait(self, timeout: float | None = None) -> bool: ...

    def notify(self, n: int = 1) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    connect: Callable[[Address], Wire] = Connection
    condition: Callable[[], Condition] = cooperation.Condition
    steady_seconds: Callable[[], float] = steady_seconds


MACHINE: Final = Platform()
