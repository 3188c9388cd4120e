"""Connection limits against abuse: closes unauthenticated connections that are refused too often or send too much.

When connection slots run short, it closes the oldest unauthenticated connections of the address that has most. An
address that continues gets no new connections for a while.

The gRPC core limits how many connections there are, not whose they are, and reports none of them. So this module looks
at the sockets of the process. The core treats a socket that is shut down as if its peer had left.
"""

import logging
import os
import socket
import stat
import struct
import threading
import time
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Collection
from functools import lru_cache
from typing import Final

from adapters.grpc.connections.connection_filter import IS_HERE, drop_new_connections
from adapters.grpc.token_bucket import TokenBuckets
from domain.networks import network_of

_log = logging.getLogger(__name__)

# A connection is closed after this many calls that were refused unread or for exceeding the open calls.
MOST_REFUSED: Final = 64
# Above the first share of occupied slots, unauthenticated connections are closed until the second share is left.
_FULL, _ENOUGH = 0.75, 0.5
_SCAN_SECONDS: Final = 0.1
# While the process has the same descriptors, and every connection is authenticated, their sockets are looked at this
# seldom: each look takes a few system calls, after which the thread waits for the interpreter again.
_QUIET_SECONDS: Final = 1.0
# The maximum share of time spent on scanning the sockets.
_MAX_SCAN_SHARE: Final = 0.05
# The bytes that an unauthenticated connection may send: an ordinary request and some headers, and a rate per second for
# health checks.
FREE_BYTES: Final = 384 * 1024
FREE_BYTES_A_SECOND: Final = 32 * 1024
# The burst of closed connections that an address may have, and the seconds until one more, before its new ones are
# dropped.
_STRIKES, _STRIKE_SECONDS = 2, 15.0
DROP_SECONDS: Final = 10.0
# The same for an address that strangers share with callers, such as a proxy's: new connections wait for less time.
SHARED_STRIKES: Final = 4
SHARED_DROP_SECONDS: Final = 2.0
# Shared are the addresses that had an authenticated caller this recently,
_KNOWN_SECONDS: Final = 3600.0
# and this machine's own: a proxy may run beside the service.
_LOCAL: Final = frozenset({"127.0.0.1", network_of("::1")})
# From Linux's TCP_INFO: the bytes received.
_BYTES_RECEIVED: Final = 128
_LOG_SECONDS: Final = 60.0
# This process's descriptors, sockets among them. Linux and macOS have this directory.
_DESCRIPTORS: Final = "/dev/fd"
# The placeholder for a missing peer.
_LISTENER: Final = "listener"


@lru_cache(maxsize=4096)
def address_of(peer: str) -> str:
    """The peer's address without its port; for IPv6, the network of one household (/64). peer: in gRPC's notation."""
    kind, _, rest = peer.partition(":")
    if kind not in ("ipv4", "ipv6"):
        return kind
    host = rest.rpartition(":")[0].replace("%5B", "").replace("%5D", "").strip("[]")
    try:
        return network_of(host.partition("%")[0])
    except ValueError:
        return kind


class ConnectionGuard:
    """Peers are in gRPC's notation: address and port. Safe for many threads."""

    def __init__(self, most: int) -> None:
        """most: the maximum number of connections that the core accepts."""
        self._most = most
        self._port = 0
        self._proven: OrderedDict[str, None] = OrderedDict()
        self._refused: Counter[str] = Counter()
        self._to_close: set[str] = set()
        self._closed: OrderedDict[str, None] = OrderedDict()
        self._strikes = TokenBuckets(1 / _STRIKE_SECONDS, _STRIKES, time.monotonic)
        self._shared_strikes = TokenBuckets(1 / _STRIKE_SECONDS, SHARED_STRIKES, time.monotonic)
        # Until when an address's new connections are dropped.
        self._dropped: dict[str, float] = {}
        self._known: dict[str, float] = {}
        self._first_seen: dict[str, float] = {}
        # The descriptors at the last look, if there was nothing to watch, and until when it counts.
        self._quiet: tuple[frozenset[int], float] = frozenset(), 0.0
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run, name="connection guard", daemon=True)
        self._unlogged = 0
        self._next_line = 0.0

    def start(self, port: int) -> None:
        """port: the port on which the core listens."""
        self._port = port
        if os.path.isdir(_DESCRIPTORS):
            self._thread.start()

    def stop(self) -> None:
        self._is_stopping = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()

    def mark_authenticated(self, peer: str) -> None:
        """Records an authenticated caller on the connection."""
        if peer in self._proven:
            return
        with self._lock:
            self._refused.pop(peer, None)
            self._proven[peer] = None
            if len(self._proven) > 2 * self._most:
                self._proven.popitem(last=False)

    def refuse(self, peer: str) -> None:
        """Records a call that was refused for exceeding a limit."""
        with self._lock:
            if peer in self._proven:
                return
            self._refused[peer] += 1
            if self._refused[peer] >= MOST_REFUSED:
                del self._refused[peer]
                self._mark_for_closing(peer)
            elif len(self._refused) > 2 * self._most:
                self._refused.clear()

    def is_closed(self, peer: str) -> bool:
        """Whether the connection was closed or is about to be: nobody reads its answers."""
        return peer in self._closed

    def _mark_for_closing(self, peer: str) -> None:
        self._to_close.add(peer)
        self._closed[peer] = None
        if len(self._closed) > 2 * self._most:
            self._closed.popitem(last=False)
        self._wake.set()

    def _run(self) -> None:
        pause = _SCAN_SECONDS
        while not self._is_stopping:
            self._wake.wait(pause)
            self._wake.clear()
            begin = time.thread_time()
            try:
                self._scan()
            except OSError as failure:
                _log.warning("connections could not be inspected: %s", failure.strerror)
            pause = max(_SCAN_SECONDS, (time.thread_time() - begin) / _MAX_SCAN_SHARE)

    def _scan(self) -> None:
        now = time.monotonic()
        descriptors = frozenset(map(int, os.listdir(_DESCRIPTORS)))
        if not self._to_close and self._quiet[0] == descriptors and now < self._quiet[1]:
            return
        found, listeners = self._connections(descriptors)
        self._first_seen = {peer: self._first_seen.get(peer, now) for peer in found}
        with self._lock:
            for peer in found:
                if peer not in self._proven and self._sends_too_much(found[peer], now - self._first_seen[peer]):
                    self._mark_for_closing(peer)
            condemned, self._to_close = self._to_close, set()
        leaving = [peer for peer in found if peer in condemned]
        self._record_known(found, now)
        self._drop_new(condemned, listeners, now)
        if len(found) > _FULL * self._most:
            leaving += self._strangers(found, len(found) - int(_ENOUGH * self._most))
        for peer in leaving:
            self._on_socket(found[peer], lambda one, peer=peer: _shut_down(one, peer))  # type: ignore[misc]
        self._log_closed(len(leaving))
        is_quiet = not (leaving or self._dropped) and self._proven.keys() >= found.keys()
        self._quiet = (descriptors if is_quiet else frozenset(), now + _QUIET_SECONDS)

    def _connections(self, descriptors: Collection[int]) -> tuple[dict[str, int], list[int]]:
        """The descriptor of each peer, and those of the listeners."""
        found: dict[str, int] = {}
        listeners: list[int] = []
        for number in descriptors:
            peer = self._on_socket(number, _peer_or_listener)
            if peer == _LISTENER:
                listeners.append(number)
            elif peer:
                found[peer] = number
        return found, listeners

    def _sends_too_much(self, descriptor: int, age_seconds: float) -> bool:
        most = FREE_BYTES + age_seconds * FREE_BYTES_A_SECOND
        return bool(self._on_socket(descriptor, lambda one: "yes" if _bytes_received(one) > most else ""))

    def _record_known(self, found: Collection[str], now: float) -> None:
        """Records the addresses with an authenticated caller, now or recently."""
        self._known = {address: until for address, until in self._known.items() if until > now}
        self._known.update({address_of(peer): now + _KNOWN_SECONDS for peer in found if peer in self._proven})

    def _drop_new(self, condemned: set[str], listeners: list[int], now: float) -> None:
        """Lets the kernel drop new connections for a while from addresses with too many closed ones."""
        dropped = {address: until for address, until in self._dropped.items() if until > now}
        for address in map(address_of, condemned):
            is_shared = address in _LOCAL or address in self._known
            if (self._shared_strikes if is_shared else self._strikes).take(address):
                dropped[address] = now + (SHARED_DROP_SECONDS if is_shared else DROP_SECONDS)
        if dropped.keys() != self._dropped.keys() and IS_HERE:
            for number in listeners:
                self._on_socket(number, lambda one: _drop(one, dropped))
        self._dropped = dropped

    def _strangers(self, found: dict[str, int], count: int) -> list[str]:
        """At most `count` connections, each time the oldest of the address that has most."""
        by_address: defaultdict[str, list[str]] = defaultdict(list)
        for peer in sorted(found, key=lambda peer: self._first_seen[peer], reverse=True):
            if peer not in self._proven:
                by_address[address_of(peer)].append(peer)
        leaving: list[str] = []
        while len(leaving) < count and by_address:
            address = max(by_address, key=lambda one: len(by_address[one]))
            leaving.append(by_address[address].pop())
            if not by_address[address]:
                del by_address[address]
        return leaving

    def _on_socket(self, descriptor: int, use: Callable[[socket.socket], str]) -> str:
        """Uses a duplicate of the descriptor: the core may close its own at any time, and the number may be reused."""
        try:
            if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                return ""
            with _copy_of(descriptor) as one:
                return use(one) if one.getsockname()[1] == self._port else ""
        except (OSError, IndexError, TypeError):
            return ""

    def _log_closed(self, count: int) -> None:
        self._unlogged += count
        if self._unlogged and time.monotonic() >= self._next_line:
            _log.warning("%s connections without a valid credential were closed", self._unlogged)
            self._unlogged, self._next_line = 0, time.monotonic() + _LOG_SECONDS


def _copy_of(descriptor: int) -> socket.socket:
    """Raises OSError."""
    copy = os.dup(descriptor)
    try:
        return socket.socket(fileno=copy)
    except OSError:
        os.close(copy)
        raise


def _peer_or_listener(connection: socket.socket) -> str:
    """Raises OSError for a socket that is neither."""
    if connection.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        return _LISTENER
    return _peer(connection)


def _bytes_received(connection: socket.socket) -> int:
    """0 if the system does not report it."""
    if not IS_HERE:
        return 0
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _BYTES_RECEIVED + 8)
    return int(struct.unpack_from("Q", info, _BYTES_RECEIVED)[0]) if len(info) >= _BYTES_RECEIVED + 8 else 0


def _drop(listener: socket.socket, addresses: Collection[str]) -> str:
    drop_new_connections(listener, addresses)
    return _LISTENER


def _peer(connection: socket.socket) -> str:
    """In gRPC's notation. Raises OSError for a socket that is not a connection."""
    host, port = connection.getpeername()[:2]
    if ":" not in host:
        return f"ipv4:{host}:{port}"
    mapped = host.removeprefix("::ffff:")
    return f"ipv4:{mapped}:{port}" if "." in mapped else f"ipv6:%5B{host}%5D:{port}"


def _shut_down(connection: socket.socket, peer: str) -> str:
    if _peer(connection) == peer:
        connection.shutdown(socket.SHUT_RDWR)
    return peer
