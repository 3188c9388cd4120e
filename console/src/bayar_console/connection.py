"""Connections to the service: one for each credential that people have signed in with."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from typing import Final

from bayar import AsyncBayarClient, BayarClient, RetryPolicy
from bayar_console.configuration import Configuration

# A page waits at most this long in seconds: longer than the gateway's 60 s, so that the outcome of an act arrives.
_TIMEOUT_SECONDS: Final = 75.0
# Connections that nobody uses are closed once this many newer ones are open.
_MOST: Final = 200


class Connections:
    """Opens a client for a credential, and keeps it for the next page. Thread-safe."""

    def __init__(self, configuration: Configuration) -> None:
        file = configuration.service_ca_file
        self._address = configuration.service
        self._root_certificates = file.read_bytes() if file else None
        self._clients: OrderedDict[str, BayarClient] = OrderedDict()
        self._lock = threading.Lock()

    def client(self, credential: str) -> BayarClient:
        """The client that shows this credential, an API key or a token."""
        name = hashlib.sha256(credential.encode()).hexdigest()
        with self._lock:
            if name not in self._clients:
                self._clients[name] = self._open(credential)
            self._clients.move_to_end(name)
            if len(self._clients) > _MOST:
                _, eldest = self._clients.popitem(last=False)
                eldest.close()
            return self._clients[name]

    def open_async(self, credential: str) -> AsyncBayarClient:
        """A client for asyncio that shows this credential. The caller closes it."""
        return AsyncBayarClient(self._address, credential=credential, root_certificates=self._root_certificates)

    def close(self) -> None:
        with self._lock:
            while self._clients:
                self._clients.popitem()[1].close()

    def _open(self, credential: str) -> BayarClient:
        return BayarClient(
            self._address,
            credential=credential,
            root_certificates=self._root_certificates,
            timeout_seconds=_TIMEOUT_SECONDS,
            retry=RetryPolicy(),
        )
