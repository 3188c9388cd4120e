"""HTTP connection limits: in all, for each address, and in the time that a request may take to arrive.

Anybody may connect. When slots run short, the oldest connection that still owes a whole request is closed for the new
one: first one of the same address, then one of the address that has most. So a peer that sends its request at once is
served, however many others send theirs slowly or never.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any, Final

from aiohttp import web

from domain.networks import network_of

_log = logging.getLogger(__name__)

MOST_CONNECTIONS: Final = 200
MOST_OF_ONE_ADDRESS: Final = 100
# The time from the connection, or from the previous answer, to the end of a request's headers. Also the idle timeout.
HEAD_SECONDS: Final = 10.0
_LOG_SECONDS: Final = 60.0


class Gate:
    """Tracks the open connections. Belongs to one event loop."""

    def __init__(self, most: int = MOST_CONNECTIONS, most_of_one: int = MOST_OF_ONE_ADDRESS) -> None:
        self._most = most
        self._most_of_one = most_of_one
        self._open = 0
        # By address, in order of arrival. The value: whether the peer owes a request.
        self._peers: defaultdict[str, dict[Connection, bool]] = defaultdict(dict)
        self.closed = AbuseCounter("%s connections to the HTTP side were closed for lack of room")
        self.malformed = AbuseCounter("%s requests to the HTTP side were no HTTP")

    def admit(self, connection: Connection) -> bool:
        """Makes room if needed. Returns False if no room can be made."""
        own = self._peers[connection.peer]
        if len(own) >= self._most_of_one:
            has_room = self._evict(own)
        elif self._open >= self._most:
            has_room = any(map(self._evict, sorted(self._peers.values(), key=len, reverse=True)))
        else:
            has_room = True
        if has_room:
            own[connection] = True
            self._open += 1
        else:
            self.closed.add()
            self._forget_empty(connection.peer)
        return has_room

    def note(self, connection: Connection, *, owes: bool) -> None:
        """owes: the peer has yet to send a request, or the rest of one."""
        own = self._peers[connection.peer]
        if own.pop(connection, None) is not None:
            # Moved to the end: the connection that answered last has been idle for the shortest time.
            own[connection] = owes

    def leave(self, connection: Connection) -> None:
        if self._peers[connection.peer].pop(connection, None) is not None:
            self._open -= 1
        self._forget_empty(connection.peer)

    def _evict(self, connections: dict[Connection, bool]) -> bool:
        oldest = next((one for one, owes in connections.items() if owes), None)
        if oldest is None:
            return False
        self.closed.add()
        del connections[oldest]
        self._open -= 1
        oldest.abort()
        return True

    def _forget_empty(self, peer: str) -> None:
        if not self._peers[peer]:
            del self._peers[peer]


def _network(address: str) -> str:
    """For IPv6, the network of one household (/64)."""
    try:
        return network_of(address.partition("%")[0])
    except ValueError:
        return address


class AbuseCounter:
    """Counts abuse by strangers, and logs it in at most one line a minute."""

    def __init__(self, sentence: str, steady_seconds: Callable[[], float] = time.monotonic) -> None:
        self._sentence = sentence
        self._steady_seconds = steady_seconds
        self._unlogged = 0
        self._next_line = 0.0
        self.total = 0

    def add(self) -> None:
        self.total += 1
        self._unlogged += 1
        now = self._steady_seconds()
        if now >= self._next_line:
            _log.warning(self._sentence, self._unlogged)
            self._unlogged, self._next_line = 0, now + _LOG_SECONDS


class Connection(web.RequestHandler):
    """A connection of aiohttp that the gate has admitted."""

    __slots__ = ("_gate", "peer")

    def __init__(self, server: Server, gate: Gate, **options: Any) -> None:
        super().__init__(server, **options)
        self._gate = gate
        self.peer = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        name = transport.get_extra_info("peername")
        self.peer = _network(name[0]) if isinstance(name, tuple) else ""
        super().connection_made(transport)
        if not self._gate.admit(self):
            self.abort()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._gate.leave(self)
        super().connection_lost(exc)

    def abort(self) -> None:
        """Closes the connection now, with any unsent output."""
        transport = self.transport
        self.force_close()
        if isinstance(transport, asyncio.Transport):
            transport.abort()

    def note(self, *, owes: bool) -> None:
        self._gate.note(self, owes=owes)

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """Answers invalid HTTP and internal errors without a word of the input or of the cause.

        A disconnected peer is neither.
        """
        del request, message
        if status < 500:
            self._gate.malformed.add()
        elif not isinstance(exc, ConnectionError):
            _log.error("an HTTP request failed", exc_info=exc)
        answer = web.Response(status=status)
        answer.force_close()
        return answer


class Request(web.BaseRequest):
    async def _prepare_hook(self, response: web.StreamResponse) -> None:
        """Runs immediately before the headers of an answer are written."""
        response.headers.pop("Server", None)


class Server(web.Server):
    """Creates a connection for each accepted socket. No body is decompressed: none needs it, and a bomb would cost
    time.
    """

    def __init__(self, handler: Any, gate: Gate) -> None:
        super().__init__(handler, request_factory=self._request)
        self._gate = gate

    def __call__(self) -> Connection:
        return Connection(
            self,
            self._gate,
            loop=self._loop,
            access_log=None,
            auto_decompress=False,
            keepalive_timeout=HEAD_SECONDS,
            # `refuse` reads the rest of a refused body for a moment.
            lingering_time=0,
        )

    def _request(self, message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> Request:
        return Request(message, payload, protocol, writer, task, self._loop)


def mark_owes(request: web.BaseRequest, *, owes: bool) -> None:
    """Notes whether the peer has yet to send a request, or the rest of one."""
    if isinstance(request.protocol, Connection):
        request.protocol.note(owes=owes)
