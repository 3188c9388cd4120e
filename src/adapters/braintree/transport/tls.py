"""The TLS context for one gateway, with session resumption across connections."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from dataclasses import dataclass
from typing import Any, Final

# The maximum age of a certificate check. A chain of session tickets could otherwise continue for ever without one.
MAX_SESSION_SECONDS: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Handshakes:
    """The number of handshakes: full ones with a certificate, and resumed ones."""

    full: int = 0
    resumed: int = 0


@dataclass(frozen=True, slots=True)
class _SavedSession:
    session: ssl.SSLSession
    # When the certificate behind the session was verified, on the monotonic clock.
    verify_time: float


class TlsSocket(ssl.SSLSocket):
    verify_time = 0.0


class ResumingContext(ssl.SSLContext):
    """Verifies certificate and name, and offers a server the last session that it granted (session resumption).

    A session is offered only under the name for which it was verified. A server that no longer knows it makes a full
    handshake.
    """

    sslsocket_class = TlsSocket

    def __new__(cls, ca_file: str | None) -> ResumingContext:  # noqa: ARG004  (the protocol stands there otherwise)
        # Verifies by default, and requires TLS 1.2 at least.
        return super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)

    def __init__(self, ca_file: str | None) -> None:
        if ca_file:
            self.load_verify_locations(ca_file)
        else:
            self.load_default_certs()
        self._lock = threading.Lock()
        self._sessions: dict[str | None, _SavedSession] = {}
        self._handshakes = Handshakes()

    @property
    def handshakes(self) -> Handshakes:
        return self._handshakes

    def wrap_socket(  # type: ignore[override]
        self, sock: socket.socket, server_hostname: str | None = None, **options: Any
    ) -> ssl.SSLSocket:
        kept = self._offered(server_hostname)
        try:
            wrapped = super().wrap_socket(
                sock, server_hostname=server_hostname, session=kept.session if kept else None, **options
            )
        except OSError:
            # After any failure, the next connection does without the session.
            self._sessions.pop(server_hostname, None)
            raise
        assert isinstance(wrapped, TlsSocket)  # noqa: S101
        resumed = bool(wrapped.session_reused)
        wrapped.verify_time = kept.verify_time if kept and resumed else time.monotonic()
        with self._lock:
            before = self._handshakes
            self._handshakes = Handshakes(before.full + (not resumed), before.resumed + resumed)
        return wrapped

    def keep_session(self, wrapped: TlsSocket) -> None:
        """Call it after an answer was read: with TLS 1.3 the session ticket arrives after the handshake."""
        try:
            session = wrapped.session
        except (ssl.SSLError, ValueError):
            # A failure here must not cost the answer.
            return
        if session is not None:
            self._sessions[wrapped.server_hostname] = _SavedSession(session, wrapped.verify_time)

    def _offered(self, server_hostname: str | None) -> _SavedSession | None:
        kept = self._sessions.get(server_hostname)
        if kept is None or time.monotonic() - kept.verify_time > MAX_SESSION_SECONDS:
            return None
        return kept
