"""Closes connections on which nobody has shown a good credential: those that are refused too often, and, when places
run short, the oldest ones of the address that has most.

The gRPC core limits how many connections there are, not whose they are, and tells nobody of them. So this looks at the
sockets of the process: shutting one down is for the core as if its peer had left.
"""

from __future__ import annotations

import logging
import os
import socket
import stat
import threading
import time
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable
from typing import Final

from domain.networks import network_of

_log = logging.getLogger(__name__)

# Calls that were refused unlooked at, or for being one of too many open, before their connection is closed.
MOST_REFUSED: Final = 64
# Of all places, so many may be taken before those of strangers are given back, and as many are taken then.
_FULL, _ENOUGH = 0.75, 0.5
_LOOK_SECONDS: Final = 0.2
_LOG_SECONDS: Final = 60.0
# Descriptors of this process, sockets among them. Linux and macOS have it.
_DESCRIPTORS: Final = "/dev/fd"


def address_of(peer: str) -> str:
    """The address at the other end, without its port; of IPv6, the network of one household. peer: as gRPC names it."""
    kind, _, rest = peer.partition(":")
    if kind not in ("ipv4", "ipv6"):
        return kind
    host = rest.rpartition(":")[0].replace("%5B", "").replace("%5D", "").strip("[]")
    try:
        return network_of(host.partition("%")[0])
    except ValueError:
        return kind


class ConnectionGuard:
    """Peers are named as gRPC names them: address and port. Safe for many threads."""

    def __init__(self, most: int) -> None:
        """most: how many connections the core accepts."""
        self._most = most
        self._port = 0
        self._proven: OrderedDict[str, None] = OrderedDict()
        self._refused: Counter[str] = Counter()
        self._condemned: set[str] = set()
        self._first_seen: dict[str, float] = {}
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run, name="connection guard", daemon=True)
        self._untold = 0
        self._next_line = 0.0

    def start(self, port: int) -> None:
        """port: where the core listens."""
        self._port = port
        if os.path.isdir(_DESCRIPTORS):
            self._thread.start()

    def stop(self) -> None:
        self._is_stopping = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()

    def prove(self, peer: str) -> None:
        """Somebody known calls from there."""
        if peer in self._proven:
            return
        with self._lock:
            self._refused.pop(peer, None)
            self._proven[peer] = None
            if len(self._proven) > 2 * self._most:
                self._proven.popitem(last=False)

    def refuse(self, peer: str) -> None:
        """A call from there was refused for being one of too many."""
        with self._lock:
            if peer in self._proven:
                return
            self._refused[peer] += 1
            if self._refused[peer] >= MOST_REFUSED:
                del self._refused[peer]
                self._condemned.add(peer)
                self._wake.set()
            elif len(self._refused) > 2 * self._most:
                self._refused.clear()

    def _run(self) -> None:
        while not self._is_stopping:
            self._wake.wait(_LOOK_SECONDS)
            self._wake.clear()
            try:
                self._look()
            except OSError as failure:
                _log.warning("connections cannot be looked at: %s", failure.strerror)

    def _look(self) -> None:
        with self._lock:
            condemned, self._condemned = self._condemned, set()
        names = os.listdir(_DESCRIPTORS)
        if not condemned and len(names) < _FULL * self._most:
            self._first_seen.clear()
            return
        found = {peer: number for number in map(int, names) if (peer := self._on_socket(number, _peer))}
        leaving = [peer for peer in found if peer in condemned]
        if len(found) > _FULL * self._most:
            leaving += self._strangers(found, len(found) - int(_ENOUGH * self._most))
        for peer in leaving:
            self._on_socket(found[peer], lambda one, peer=peer: _shut_down(one, peer))  # type: ignore[misc]
        self._tell(len(leaving))

    def _strangers(self, found: dict[str, int], count: int) -> list[str]:
        """So many at most, one by one of the address that has most, its oldest first."""
        now = time.monotonic()
        self._first_seen = {peer: self._first_seen.get(peer, now) for peer in found}
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
        """Uses a copy of it: the core may close its own at any moment, and the number may become another one's."""
        try:
            if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                return ""
            with _copy_of(descriptor) as one:
                return use(one) if one.getsockname()[1] == self._port else ""
        except (OSError, IndexError, TypeError):
            return ""

    def _tell(self, count: int) -> None:
        self._untold += count
        if self._untold and time.monotonic() >= self._next_line:
            _log.warning("%s connections without a good credential were closed", self._untold)
            self._untold, self._next_line = 0, time.monotonic() + _LOG_SECONDS


def _copy_of(descriptor: int) -> socket.socket:
    """Raises OSError."""
    copy = os.dup(descriptor)
    try:
        return socket.socket(fileno=copy)
    except OSError:
        os.close(copy)
        raise


def _peer(connection: socket.socket) -> str:
    """As gRPC names it. Raises OSError for what is no connection."""
    host, port = connection.getpeername()[:2]
    if ":" not in host:
        return f"ipv4:{host}:{port}"
    mapped = host.removeprefix("::ffff:")
    return f"ipv4:{mapped}:{port}" if "." in mapped else f"ipv6:%5B{host}%5D:{port}"


def _shut_down(connection: socket.socket, peer: str) -> str:
    if _peer(connection) == peer:
        connection.shutdown(socket.SHUT_RDWR)
    return peer
