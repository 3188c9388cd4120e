"""HTTP/2 by hand: the frames that no well-meant client sends."""

from __future__ import annotations

import select
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
END_STREAM, END_HEADERS, ACK = 1, 4, 1


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def literal(name: str, value: str) -> bytes:
    """A header field without indexing and without Huffman coding (RFC 7541, 6.2.2)."""
    return b"\0" + _text(name) + _text(value)


def call_headers(path: str, *more: tuple[str, str]) -> bytes:
    fields = [(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "bayar"), ("te", "trailers")]
    fields += [("content-type", "application/grpc"), *more]
    return b"".join(literal(name, value) for name, value in fields)


def message(payload: bytes, *, compressed: bool = False, length: int | None = None) -> bytes:
    """A gRPC message, with another length than its own where one is given."""
    return struct.pack(">BI", compressed, len(payload) if length is None else length) + payload


@dataclass(slots=True)
class Connection:
    """One connection, and everything that came over it."""

    socket: socket.socket
    received: bytes = b""
    closed: bool = False

    @classmethod
    def to(cls, address: str, *, greets: bool = True, source: str = "127.0.0.1", seconds: float = 30) -> Connection:
        """source: an address of this machine."""
        host, _, port = address.rpartition(":")
        connection = cls(socket.create_connection((host, int(port)), timeout=seconds, source_address=(source, 0)))
        if greets:
            connection.send(PREFACE + frame(SETTINGS, 0, 0))
        return connection

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        """A peer that no longer reads is no failure."""
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            self.closed = True

    def read(self, seconds: float) -> bytes:
        """The bytes that arrive until the peer closes, or until it is silent for so long."""
        deadline = time.monotonic() + seconds
        while not self.closed and (left := deadline - time.monotonic()) > 0:
            readable, _, _ = select.select([self.socket], [], [], left)
            if not readable:
                break
            try:
                data = self.socket.recv(65536)
            except ConnectionResetError:
                data = b""
            self.closed = not data
            self.received += data
        return self.received

    def frames(self) -> list[tuple[int, int, int, bytes]]:
        """Kind, flags, stream and payload of each whole frame that came."""
        found, rest = [], self.received
        while len(rest) >= 9:
            length = int.from_bytes(rest[:3], "big")
            if len(rest) < 9 + length:
                break
            found.append((rest[3], rest[4], int.from_bytes(rest[5:9], "big") & 0x7FFFFFFF, rest[9 : 9 + length]))
            rest = rest[9 + length :]
        return found

    def read_until(self, is_enough: Callable[[], bool], seconds: float) -> None:
        """The bytes that arrive until they suffice, the peer closes, or the time is over."""
        deadline = time.monotonic() + seconds
        while not self.closed and not is_enough() and time.monotonic() < deadline:
            self.read(0.02)

    def wait_closed(self, seconds: float) -> bool:
        """Whether the other end closed within the time."""
        self.read_until(lambda: False, seconds)
        return self.closed


def _text(value: str) -> bytes:
    raw = value.encode()
    length = len(raw)
    if length < 127:
        return bytes([length]) + raw
    rest, encoded = length - 127, bytearray([127])
    while rest >= 128:
        encoded.append(rest % 128 + 128)
        rest //= 128
    encoded.append(rest)
    return bytes(encoded) + raw
