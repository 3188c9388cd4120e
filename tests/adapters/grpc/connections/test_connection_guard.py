"""The guard's look at the sockets: how soon it sees a connection that nobody has authenticated."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from adapters.grpc.connections import connection_guard
from adapters.grpc.connections.connection_guard import ConnectionGuard


class Listener:
    """A server that only accepts connections, and its guard."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._socket = stack.enter_context(closing(socket.create_server(("127.0.0.1", 0))))
        self.guard = ConnectionGuard(most=100)
        # Its own thread looks at sockets at times that no test knows.
        self.guard._port = self._socket.getsockname()[1]

    def prepare(self) -> socket.socket:
        """A client's socket, which is not connected yet."""
        return self._stack.enter_context(closing(socket.socket()))

    def connect(self) -> tuple[socket.socket, socket.socket]:
        """The client's socket, and the server's."""
        client = self.prepare()
        client.connect(self._socket.getsockname())
        return client, self._stack.enter_context(closing(self._socket.accept()[0]))

    def take_over(self, client: socket.socket, former: socket.socket) -> None:
        """Connects the client, with the former connection's descriptor on the server's side."""
        client.connect(self._socket.getsockname())
        with self._socket.accept()[0] as own:
            os.dup2(own.fileno(), former.fileno())

    def authenticate(self, client: socket.socket) -> None:
        host, port = client.getsockname()
        self.guard.mark_authenticated(f"ipv4:{host}:{port}")


@pytest.fixture
def listener(monkeypatch: pytest.MonkeyPatch) -> Iterator[Listener]:
    # A stranger sends too much at once.
    monkeypatch.setattr(connection_guard, "FREE_BYTES", -1)
    monkeypatch.setattr(connection_guard, "FREE_BYTES_A_SECOND", 0)
    with ExitStack() as stack:
        own = Listener(stack)
        known, _ = own.connect()
        own.authenticate(known)
        # Twice: the second look finds nothing new.
        own.guard._scan()
        own.guard._scan()
        yield own


def is_closed(client: socket.socket) -> bool:
    client.setblocking(False)
    try:
        return client.recv(1) == b""
    except BlockingIOError:
        return False


def test_a_new_connection_is_seen_at_the_next_look(listener: Listener) -> None:
    stranger, _ = listener.connect()
    listener.guard._scan()
    assert is_closed(stranger)


def test_a_connection_with_the_descriptor_of_another_is_seen_soon(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_guard, "_QUIET_SECONDS", 0.1)
    known, ours = listener.connect()
    listener.authenticate(known)
    stranger = listener.prepare()
    listener.guard._scan()
    before = set(os.listdir("/dev/fd"))
    listener.take_over(stranger, ours)
    assert set(os.listdir("/dev/fd")) == before, "the guard sees the same descriptors"
    deadline = time.monotonic() + 5
    while not is_closed(stranger):
        assert time.monotonic() < deadline
        listener.guard._scan()


def test_a_connection_that_is_to_be_closed_is_closed_at_the_next_look(listener: Listener) -> None:
    client, _ = listener.connect()
    listener.authenticate(client)
    listener.guard._scan()
    host, port = client.getsockname()
    listener.guard._mark_for_closing(f"ipv4:{host}:{port}")
    listener.guard._scan()
    assert is_closed(client)


def test_a_connection_without_a_caller_is_watched_at_every_look(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_guard, "FREE_BYTES", 1_000)
    stranger, _ = listener.connect()
    listener.guard._scan()
    listener.guard._scan()
    assert not is_closed(stranger)
    stranger.sendall(bytes(2_000))
    listener.guard._scan()
    assert is_closed(stranger)
