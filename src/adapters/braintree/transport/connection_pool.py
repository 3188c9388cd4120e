"""The SDK's HTTP transport over a bounded connection pool. Each failure states whether anything was sent."""

import re
import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn, TypeAlias
from urllib.parse import urlsplit

from urllib3.filepost import encode_multipart_formdata

from adapters.braintree.transport.connection import Address, AnswerLost, RequestNotSent
from adapters.braintree.transport.lease_check import NotAllowedToSend, check_lease
from adapters.braintree.transport.platform import MACHINE, Platform, Wire
from adapters.braintree.transport.tls import Handshakes, ResumingContext
from adapters.cooperation import Semaphore, on_thread

# Braintree closes connections after a minute of idleness. This is well below, so that no request meets the close.
MAX_IDLE_SECONDS: Final = 45.0

_WITH_BODY: Final = frozenset({"POST", "PUT"})
_FIRST_LINE: Final = re.compile(r"[A-Z]+ /[!-~]* HTTP/1\.1")

# XML, or parameters and files to be sent as a form.
Body: TypeAlias = str | bytes | tuple[Mapping[str, Any], Mapping[str, Any]] | None


class _Pool:
    """Holds as many connections as calls ever needed at once, and never more than `size`."""

    def __init__(self, size: int, steady_seconds: Callable[[], float]) -> None:
        self._steady_seconds = steady_seconds
        self._places = Semaphore(size)
        self._lock = threading.Lock()
        # The last used is at the right end, so that unneeded connections age at the left one.
        self._idle: deque[Wire] = deque()
        self._is_closed = False

    def enter(self, timeout_seconds: float) -> None:
        """Takes a slot, to be released. Raises RequestNotSent if none is free in time."""
        if not self._places.acquire(timeout_seconds):
            raise RequestNotSent("every connection is busy")

    def leave(self) -> None:
        self._places.release()

    def take(self) -> Wire | None:
        """An idle connection that is still open, if there is one."""
        while True:
            with self._lock:
                if not self._idle:
                    return None
                connection = self._idle.pop()
            if self._steady_seconds() - connection.last_use < MAX_IDLE_SECONDS and connection.is_quiet:
                return connection
            connection.close()

    def put(self, connection: Wire) -> None:
        """Keeps the connection for the next call, and closes those that were idle for long."""
        unused: list[Wire] = []
        with self._lock:
            if self._is_closed:
                unused.append(connection)
            else:
                self._idle.append(connection)
            while self._idle and connection.last_use - self._idle[0].last_use >= MAX_IDLE_SECONDS:
                unused.append(self._idle.popleft())
        for each in unused:
            each.close()

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
            idle, self._idle = self._idle, deque()
        for connection in idle:
            connection.close()


class PooledTransport:
    """An http_strategy for the SDK, shared by all threads. It never sends a request twice.

    Raises RequestNotSent and AnswerLost, whose texts carry no request data. It ignores the environment's proxy
    variables. `read_timeout_seconds` bounds the silence before an answer, and then the whole of its arrival. The lease,
    if there is one, is checked last, directly before the first byte.
    """

    def __init__(
        self,
        base_url: str,
        *,
        ca_file: str | None,
        connect_timeout_seconds: float,
        read_timeout_seconds: float,
        max_connections: int,
        proxy_url: str = "",
        platform: Platform = MACHINE,
    ) -> None:
        self._base_url = base_url
        self._connect = platform.connect
        self._connect_timeout_seconds = connect_timeout_seconds
        self._read_timeout_seconds = read_timeout_seconds
        parts = urlsplit(base_url)
        is_tls = parts.scheme == "https"
        self._tls = ResumingContext(ca_file) if is_tls else None
        default_port = 443 if is_tls else 80
        self._host = parts.netloc.removesuffix(f":{default_port}")
        self._address = Address(
            host=parts.hostname or "",
            port=parts.port or default_port,
            tls=self._tls,
            connect_timeout_seconds=connect_timeout_seconds,
            proxy_url=proxy_url,
        )
        self._pool = _Pool(max_connections, platform.steady_seconds)

    @property
    def handshakes(self) -> Handshakes:
        return Handshakes() if self._tls is None else self._tls.handshakes

    def http_do(self, http_verb: str, path: str, headers: Mapping[str, Any], request_body: Body) -> list[int | str]:
        """Sends one request; returns its status and text."""
        try:
            request = self._written(http_verb, path, headers, request_body)
        except RequestNotSent:
            raise
        except Exception as failure:
            raise RequestNotSent(_cause(failure)) from None
        self._pool.enter(self._connect_timeout_seconds)
        try:
            connection = self._sent(request)
            # Not held while the call waits.
            del request
            return self._answer(connection)
        finally:
            self._pool.leave()

    def handle_exception(self, exception: Exception) -> NoReturn:
        raise exception

    def close(self) -> None:
        """Closes idle connections; calls under way finish."""
        self._pool.close()

    def _written(self, verb: str, path: str, headers: Mapping[str, Any], request_body: Body) -> bytes:
        if not path.startswith(self._base_url):
            raise RequestNotSent("the address is not the gateway's")
        body, form_type = _encoded(request_body)
        lines = [f"{verb} {path.removeprefix(self._base_url)} HTTP/1.1", f"Host: {self._host}"]
        lines += [f"{name}: {_header_text(value)}" for name, value in headers.items()]
        if form_type is not None:
            lines.append(f"Content-Type: {form_type}")
        if body or verb in _WITH_BODY:
            lines.append(f"Content-Length: {len(body)}")
        head = "\r\n".join(lines)
        ends = len(lines) - 1
        if not _FIRST_LINE.fullmatch(lines[0]) or head.count("\r") != ends or head.count("\n") != ends:
            raise RequestNotSent("an address or a header holds what it must not")
        return head.encode("ascii") + b"\r\n\r\n" + body

    def _sent(self, request: bytes) -> Wire:
        """The connection that took the request: an idle one, or a new one if all idle ones turn out to be closed."""
        connection = self._pool.take()
        if connection is not None:
            try:
                self._send(connection, request)
                return connection
            except NotAllowedToSend:
                raise
            except RequestNotSent:
                # The gateway has just closed it. It certainly took nothing, so the request may go over a new
                # connection.
                pass
        connection = self._opened()
        self._send(connection, request)
        return connection

    def _opened(self) -> Wire:
        check_lease()
        try:
            return on_thread(self._connect, self._address)
        except Exception as failure:
            # Not chained: the errors contain the address, and so the id in it.
            raise RequestNotSent(_cause(failure)) from None

    def _send(self, connection: Wire, request: bytes) -> None:
        try:
            check_lease()
            connection.send(request, self._read_timeout_seconds)
        except BaseException as failure:
            connection.close()
            if isinstance(failure, RequestNotSent) or not isinstance(failure, Exception):
                raise
            raise AnswerLost(_cause(failure)) from None

    def _answer(self, connection: Wire) -> list[int | str]:
        try:
            status, content, may_go_on = connection.receive(self._read_timeout_seconds)
            text = content.decode("utf-8")
        except BaseException as failure:
            connection.close()
            if isinstance(failure, AnswerLost) or not isinstance(failure, Exception):
                raise
            raise AnswerLost(_cause(failure)) from None
        if may_go_on:
            self._pool.put(connection)
        else:
            connection.close()
        return [status, text]


def _encoded(body: Body) -> tuple[bytes, str | None]:
    """The body as sent, and its content type unless the SDK sets that."""
    if isinstance(body, tuple):
        fields, files = body
        parts = [*fields.items(), *((name, _file_part(file)) for name, file in files.items())]
        return encode_multipart_formdata(parts)
    return body.encode("utf-8") if isinstance(body, str) else body or b"", None


def _file_part(file: Any) -> Any:
    """A file as urllib3 wants it: name, content, and type if the SDK knows it."""
    if not isinstance(file, tuple):
        return (getattr(file, "name", "file"), file.read())
    name, content, *kind = file
    return (name, content.read() if hasattr(content, "read") else content, *kind)


def _header_text(value: Any) -> str:
    return value.decode("ascii") if isinstance(value, bytes) else str(value)


def _cause(failure: BaseException) -> str:
    """The failure in words that hold nothing of the request: its kind, and the operating system's message."""
    words = type(failure).__name__
    inner: BaseException | None = failure
    while inner is not None:
        if isinstance(inner, OSError) and inner.strerror:
            return f"{words}: {inner.strerror}"
        inner = inner.__cause__ or inner.__context__
    return words
