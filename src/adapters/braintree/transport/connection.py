"""One HTTP connection to the gateway: sends a request, receives a response.

urllib3 opens it (addresses, TLS, proxies) and llhttp parses the responses. The code between them is so small that the
request paths of either library would take more time than all the rest.
"""

from __future__ import annotations

import ssl
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from urllib.parse import unquote

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser
from urllib3.connection import HTTPConnection, HTTPSConnection, ProxyConfig
from urllib3.util import make_headers, parse_url
from urllib3.util.wait import wait_for_read

from adapters.braintree.transport.tls import ResumingContext, TlsSocket
from adapters.cooperation import READABLE, WRITABLE, is_cooperative, wait_for_socket
from application.common.lease import steady_seconds

Argument = TypeVar("Argument")
Result = TypeVar("Result")

MAX_ANSWER_BYTES: Final = 32 * 1024 * 1024
_TOO_SLOW: Final = "the answer arrives too slowly"

# The maximum of one TLS record, and so of one read.
_RECORD_BYTES: Final = 16 * 1024
# Enough for most responses, compressed. Each waiting call holds this much memory.
_ANSWER_BYTES: Final = 4 * 1024
# A socket with a timeout of 0 does not wait at all.
_SHORTEST_SECONDS: Final = 0.001
_GZIP: Final = 16 + zlib.MAX_WBITS
# A proxy that is reached over TLS is verified by the machine's authorities.
_PROXY_CONFIG: Final = ProxyConfig(
    ssl_context=None, use_forwarding_for_https=False, assert_hostname=None, assert_fingerprint=None
)


class RequestNotSent(Exception):
    """No byte of the request left this machine."""


class AnswerLost(Exception):
    """A part of the request may have arrived; no readable answer came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """The gateway's address, and the proxy on the way to it. `tls`: None for plain HTTP."""

    host: str
    port: int
    tls: ResumingContext | None
    connect_timeout_seconds: float
    proxy_url: str = ""

    def connect(self) -> HTTPConnection:
        """An open connection, through the proxy if there is one. Raises OSError and urllib3's HTTPError."""
        opened = self._through_proxy() if self.proxy_url else self._connection(self.host, self.port)
        try:
            opened.connect()
        except BaseException:
            opened.close()
            raise
        return opened

    def _through_proxy(self) -> HTTPConnection:
        proxy = parse_url(self.proxy_url)
        port = proxy.port or (443 if proxy.scheme == "https" else 80)
        opened = self._connection(proxy.host or "", port, proxy=proxy, proxy_config=_PROXY_CONFIG)
        credentials = make_headers(proxy_basic_auth=unquote(proxy.auth)) if proxy.auth else {}
        opened.set_tunnel(self.host, self.port, credentials, scheme=proxy.scheme or "http")
        return opened

    def _connection(self, host: str, port: int, **more: Any) -> HTTPConnection:
        if self.tls is None:
            return HTTPConnection(host, port, timeout=self.connect_timeout_seconds, **more)
        return HTTPSConnection(host, port, timeout=self.connect_timeout_seconds, ssl_context=self.tls, **more)


class Connection:
    """Raises OSError and urllib3's errors if it cannot be opened."""

    def __init__(self, address: Address) -> None:
        # Only the socket is kept: urllib3's object has no more to do.
        self._socket: Any = address.connect().sock
        self._tls = address.tls
        # The first answer brings the session for resumption.
        self._is_new = True
        self.last_use = steady_seconds()

    def close(self) -> None:
        self._socket.close()

    @property
    def is_quiet(self) -> bool:
        """Whether the connection is open and has no unsolicited data."""
        return not wait_for_read(self._socket, timeout=0.0)

    def send(self, request: bytes, timeout_seconds: float) -> None:
        """Raises RequestNotSent if the system took no byte of the request, and OSError."""
        deadline = steady_seconds() + timeout_seconds
        try:
            # One call and at most one TLS record: if it fails because of the connection, nobody can read any part of
            # it. (Python raises an end of file where TLS could not write.)
            sent = self._transfer(self._socket.send, request[:_RECORD_BYTES], timeout_seconds)
        except (ConnectionError, ssl.SSLEOFError):
            raise RequestNotSent("the connection was closed") from None
        while sent < len(request):
            rest = request[sent : sent + _RECORD_BYTES]
            sent += self._transfer(self._socket.send, rest, deadline - steady_seconds())

    def receive(self, timeout_seconds: float) -> tuple[int, bytes, bool]:
        """Status, content, and whether the connection may be used again. Raises AnswerLost and OSError.

        `timeout_seconds` bounds the silence before the answer, and then the whole of its arrival.
        """
        part = self._part(_ANSWER_BYTES, timeout_seconds, "no answer in time")
        # Made only now, so that a call that waits holds nothing of it.
        answer = _Answer()
        try:
            self._read(answer, part, timeout_seconds)
        finally:
            # Answer and parser refer to one another, and so would be left to the garbage collector.
            del answer.parser
        self.last_use = steady_seconds()
        if self._is_new and isinstance(self._socket, TlsSocket) and self._tls is not None:
            self._tls.keep_session(self._socket)
        self._is_new = False
        return answer.status, answer.content(), answer.may_go_on

    def _read(self, answer: _Answer, part: bytes, timeout_seconds: float) -> None:
        """The answer that begins with this part."""
        deadline = steady_seconds() + timeout_seconds
        received_bytes = 0
        while part:
            try:
                answer.parser.feed_data(part)
            except (HttpParserError, HttpParserUpgrade):
                # Data after a complete answer belongs to no request.
                if not answer.is_complete:
                    raise AnswerLost("the answer is no HTTP") from None
                answer.may_go_on = False
            if answer.is_complete:
                return
            received_bytes += len(part)
            if received_bytes > MAX_ANSWER_BYTES:
                raise AnswerLost("the answer is too large")
            remaining = deadline - steady_seconds()
            if remaining <= 0:
                raise AnswerLost(_TOO_SLOW)
            part = self._part(_RECORD_BYTES, remaining, _TOO_SLOW)
        answer.end()

    def _part(self, most_bytes: int, timeout_seconds: float, too_late: str) -> bytes:
        try:
            part: bytes = self._transfer(self._socket.recv, most_bytes, timeout_seconds)
        except TimeoutError:
            raise AnswerLost(too_late) from None
        return part

    def _transfer(self, transfer: Callable[[Argument], Result], argument: Argument, timeout_seconds: float) -> Result:
        """Sends or receives once, and waits until that is possible. Raises TimeoutError, and OSError."""
        if not is_cooperative():
            self._socket.settimeout(max(timeout_seconds, _SHORTEST_SECONDS))
            return transfer(argument)
        if self._socket.gettimeout() != 0:
            self._socket.settimeout(0)
        deadline = steady_seconds() + timeout_seconds
        while True:
            try:
                return transfer(argument)
            except BlockingIOError:
                wanted = READABLE if transfer == self._socket.recv else WRITABLE
            except ssl.SSLWantReadError:
                # Also where it sends: the peer asks for another handshake first.
                wanted = READABLE
            except ssl.SSLWantWriteError:
                wanted = WRITABLE
            remaining = deadline - steady_seconds()
            if remaining <= 0 or not wait_for_socket(self._socket.fileno(), wanted, remaining):
                raise TimeoutError


class _Answer:
    """The llhttp callbacks that collect one answer."""

    def __init__(self) -> None:
        self.parser = HttpResponseParser(self)
        self.status = 0
        self.is_complete = False
        self.may_go_on = False
        self._parts: list[bytes] = []
        self._encoding = b""
        self._has_head = False
        self._has_length = False

    def on_message_begin(self) -> None:
        if self.is_complete:
            # A second answer is unsolicited.
            self.may_go_on = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.is_complete:
            return
        name = name.lower()
        if name == b"content-encoding":
            self._encoding = value.lower()
        elif name in (b"content-length", b"transfer-encoding"):
            self._has_length = True

    def on_headers_complete(self) -> None:
        self._has_head = True

    def on_body(self, part: bytes) -> None:
        if not self.is_complete:
            self._parts.append(part)

    def on_message_complete(self) -> None:
        if self.is_complete:
            return
        self.status = self.parser.get_status_code()
        if self.status < 200:
            # An interim (1xx) response only announces the answer.
            self._has_head = self._has_length = False
            self._encoding = b""
            return
        self.may_go_on = self.parser.should_keep_alive()
        self.is_complete = True

    def end(self) -> None:
        """The end of the connection also ends an answer without a length."""
        if not self._has_head or self._has_length:
            raise AnswerLost("the connection was closed before the answer was complete")
        self.status = self.parser.get_status_code()

    def content(self) -> bytes:
        whole = b"".join(self._parts)
        if self._encoding in (b"", b"identity") or not whole:
            return whole
        if self._encoding not in (b"gzip", b"x-gzip"):
            raise AnswerLost("the answer has a Content-Encoding that was not requested")
        unpacking = zlib.decompressobj(_GZIP)
        try:
            unpacked = unpacking.decompress(whole, MAX_ANSWER_BYTES)
        except zlib.error:
            raise AnswerLost("the answer cannot be unpacked") from None
        if unpacking.unconsumed_tail:
            raise AnswerLost("the answer is too large")
        if not unpacking.eof:
            raise AnswerLost("the answer is cut off")
        return unpacked
