"""IPC between the supervisor and its worker processes, over a socket whose end reports the other side's death."""

from __future__ import annotations

import json
import socket
from dataclasses import asdict, dataclass
from typing import Final

_MOST_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Ready:
    """The child is ready to serve."""

    address: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The child cannot start; its supervisor reports the reason."""

    text: str
    status: int


@dataclass(frozen=True, slots=True)
class Alive:
    """The child's heartbeat with its metrics. It takes no new calls once it has been asked to stop."""

    is_serving: bool
    metrics: str


@dataclass(frozen=True, slots=True)
class WorkerPoolCount:
    """The number of workers, for the child that serves health and metrics."""

    wanted: int
    ready: int
    replaced: int


@dataclass(frozen=True, slots=True)
class WorkerMetrics:
    """A worker's metrics, for the child that serves them."""

    worker: int
    text: str


Message = Ready | Failed | Alive | WorkerPoolCount | WorkerMetrics

_KINDS: Final = {kind.__name__: kind for kind in (Ready, Failed, Alive, WorkerPoolCount, WorkerMetrics)}


class Ended(Exception):
    """The other end is closed."""


class Channel:
    """One end of the socket. Messages arrive whole or not at all; a slow receiver blocks nobody."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    @classmethod
    def pair(cls) -> tuple[Channel, Channel]:
        one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        return cls(one), cls(other)

    @classmethod
    def inherited(cls, number: int) -> Channel:
        """The end that this process inherited at its start."""
        end = socket.socket(fileno=number)
        end.set_inheritable(False)
        return cls(end)

    def fileno(self) -> int:
        return self._end.fileno()

    def send(self, message: Message) -> None:
        """Drops a message that finds no room: the next one is newer."""
        packed = json.dumps([type(message).__name__, asdict(message)]).encode()
        try:
            self._end.send(packed, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
        except OSError:
            return

    def receive(self) -> Message:
        """Waits for the next message. Raises Ended."""
        try:
            packed = self._end.recv(_MOST_BYTES)
        except OSError:
            packed = b""
        if not packed:
            raise Ended
        kind, fields = json.loads(packed)
        message: Message = _KINDS[kind](**fields)
        return message

    def close(self) -> None:
        self._end.close()
