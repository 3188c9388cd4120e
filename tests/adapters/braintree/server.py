"""A server on loopback that does to each request what a test tells it to."""

from __future__ import annotations

import contextlib
import gzip
import os
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from tests.adapters.braintree.documents import parsed

Act: TypeAlias = Callable[["Server", socket.socket], None]


@dataclass(frozen=True)
class Received:
    verb: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def xml(self) -> Any:
        return parsed(self.body.decode())


@dataclass
class Server:
    """Requests take the acts in turn, the last one again and again."""

    listener: socket.socket
    acts: list[Act]
    on_accept: Act | None = None
    # Asked anew for each connection.
    tls: Callable[[], ssl.SSLContext] | None = None
    # Of the TLS connections, whether each went on with an earlier session.
    resumed: list[bool] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    open: int = 0
    arrived: threading.Event = field(default_factory=threading.Event)
    closed: threading.Event = field(default_factory=threading.Event)
    stopped: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def port(self) -> int:
        return int(self.listener.getsockname()[1])

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                self.connections += 1
                with self._lock:
                    self.open += 1
                threading.Thread(target=self._serve_and_count, args=(connection,), daemon=True).start()

    def _serve_and_count(self, connection: socket.socket) -> None:
        try:
            self._serve(connection)
        finally:
            with self._lock:
                self.open -= 1

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            stack.enter_context(connection)
            if self.on_accept is not None:
                self.on_accept(self, connection)
            if self.tls is not None:
                connection = stack.enter_context(self.tls().wrap_socket(connection, server_side=True))
                self.resumed.append(bool(connection.session_reused))
            with connection.makefile("rb") as stream:
                while (request := _read(stream)) is not None:
                    self.received.append(request)
                    self.arrived.set()
                    act = self.acts.pop(0) if len(self.acts) > 1 else self.acts[0]
                    act(self, connection)


@contextmanager
def serving(
    *acts: Act, on_accept: Act | None = None, tls: Callable[[], ssl.SSLContext] | None = None
) -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Server(listener, list(acts) or [answer(200, "")], on_accept, tls)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.stopped.set()
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


@contextmanager
def refusing() -> Iterator[str]:
    """An address where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


# Acts ----------------------------------------------------------------------------------------------------------------


def answer(status: int, xml: str = "", *, compressed: bool = True) -> Act:
    body = gzip.compress(xml.encode()) if compressed and xml else xml.encode()
    encoding = "Content-Encoding: gzip\r\n" if compressed and xml else ""
    return raw(_head(status, len(body), encoding) + body)


def in_pieces(*pieces: bytes) -> Act:
    """Each in a packet of its own."""

    def act(_server: Server, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            connection.sendall(piece)

    return act


def raw(data: bytes) -> Act:
    return lambda _server, connection: connection.sendall(data)


def raw_and_close(data: bytes) -> Act:
    def act(server: Server, connection: socket.socket) -> None:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_RDWR)
        server.closed.set()
        raise ConnectionAbortedError

    return act


def answer_and_close(status: int, xml: str) -> Act:
    """Promises to keep the connection, and does not."""
    return raw_and_close(_head(status, len(xml.encode())) + xml.encode())


def truncated(status: int, xml: str, missing: int = 100) -> Act:
    return raw_and_close(_head(status, len(xml.encode()) + missing) + xml.encode())


def reset(_server: Server, connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    os.close(connection.detach())  # close() would wait for the stream that reads from it
    raise ConnectionResetError


def hang(server: Server, _connection: socket.socket) -> None:
    server.stopped.wait()
    raise ConnectionAbortedError


def drip(server: Server, connection: socket.socket) -> None:
    """An answer that never ends, a byte at a time."""
    connection.sendall(_head(200, 1_000_000))
    while not server.stopped.wait(0.02):
        connection.sendall(b"<")


def _head(status: int, length: int, more: str = "") -> bytes:
    kind = "Content-Type: application/xml; charset=utf-8\r\n"
    return f"HTTP/1.1 {status} Said\r\n{kind}{more}Content-Length: {length}\r\n\r\n".encode()


def _read(stream: Any) -> Received | None:
    first = stream.readline().decode("latin-1")
    if not first.strip():
        return None
    verb, path, _ = first.split()
    headers: dict[str, str] = {}
    while line := stream.readline().decode("latin-1").strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return Received(verb, path, headers, stream.read(int(headers.get("content-length", "0"))))
