"""A listening socket that can stop accepting and start again on the same port."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable

BACKLOG = 1024


class Listener:
    def __init__(
        self, address: tuple[str, int], make_protocol: Callable[[], asyncio.Protocol], context: ssl.SSLContext | None
    ) -> None:
        self._make_protocol = make_protocol
        self._context = context
        self._server: asyncio.Server | None = None
        self._socket: socket.socket | None = _bind(address)
        self.address = self._socket.getsockname()[:2]

    async def listen(self) -> None:
        """Accept connections."""
        if self._socket is None:
            return
        # Set before anything waits: a cancellation must find the server that it has to close.
        self._server = await asyncio.get_running_loop().create_server(
            self._make_protocol, sock=self._socket, ssl=self._context, backlog=BACKLOG, start_serving=False
        )
        self._socket = None
        await self._server.start_serving()

    def queue(self) -> None:
        """Let the system queue connections now; `listen` accepts them later."""
        if self._socket is not None:
            self._socket.listen(BACKLOG)

    def refuse(self) -> None:
        """Let the system refuse connections. The port stays bound."""
        self.close()
        self._server, self._socket = None, _bind(self.address)

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
        if self._socket is not None:
            self._socket.close()


def _bind(address: tuple[str, int]) -> socket.socket:
    host, port = address
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    bound.setblocking(False)
    return bound
