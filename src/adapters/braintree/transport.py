"""Carries the SDK's requests over a bounded pool of connections, and says of each failure whether anything was sent."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any, Final, NoReturn, TypeAlias
from urllib.parse import urlsplit

from urllib3 import BaseHTTPResponse, HTTPConnectionPool, HTTPSConnectionPool, PoolManager, ProxyManager, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.filepost import encode_multipart_formdata

# Braintree drops connections that were idle for a minute. Well before that, so that a request never meets the end.
MAX_IDLE_SECONDS: Final = 45.0
MAX_ANSWER_BYTES: Final = 32 * 1024 * 1024

# XML, or parameters and files to be sent as a form.
Body: TypeAlias = str | bytes | tuple[Mapping[str, Any], Mapping[str, Any]] | None


class RequestNotSent(Exception):
    """No byte of the request left this machine."""


class AnswerLost(Exception):
    """At least a part of the request may have arrived; no readable answer came."""


class _Progress(threading.local):
    """How far the request of this thread has come."""

    sending = False
    # When, by the steady clock, it is too late to begin.
    latest_start = float("inf")


_progress = _Progress()


class _Connection(HTTPConnection):
    """Marks the moment from which a request may have been sent; is not used again once idle for long."""

    last_use = 0.0

    def request(self, *args: Any, **kwargs: Any) -> None:
        if self.is_closed:
            self.connect()
        if time.monotonic() > _progress.latest_start:
            # This process hung while it connected, and others may have given up what is to be sent.
            raise RequestNotSent("it took too long to connect")
        _progress.sending = True
        super().request(*args, **kwargs)

    def getresponse(self) -> Any:
        try:
            return super().getresponse()
        finally:
            self.last_use = time.monotonic()

    @property
    def is_connected(self) -> bool:
        return super().is_connected and time.monotonic() - self.last_use < MAX_IDLE_SECONDS


class _TlsConnection(_Connection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class PooledTransport:
    """An http_strategy for the SDK, shared by all threads. Nothing is ever sent twice.

    Raises RequestNotSent and AnswerLost, whose texts carry no request data. Proxy variables of the environment are not
    followed. `read_timeout_seconds` bounds the silence before an answer, and the whole of its arrival. Nothing is sent
    later than `send_within_seconds` (default: four times the time to connect) after it was asked for.
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
        send_within_seconds: float | None = None,
    ) -> None:
        self._base_url = base_url
        self._connect_timeout_seconds = connect_timeout_seconds
        self._read_timeout_seconds = read_timeout_seconds
        # The wait for a free connection, and some addresses to try.
        self._send_within_seconds = 4 * connect_timeout_seconds if send_within_seconds is None else send_within_seconds
        parts = urlsplit(base_url)
        options: dict[str, Any] = {"maxsize": max_connections, "block": True}
        if parts.scheme == "https":
            options |= {"cert_reqs": "CERT_REQUIRED", "ca_certs": ca_file}
        manager = ProxyManager(proxy_url, **options) if proxy_url else PoolManager(**options)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
        self._pool = manager.connection_from_host(parts.hostname, parts.port, scheme=parts.scheme)

    def http_do(self, http_verb: str, path: str, headers: Mapping[str, Any], request_body: Body) -> list[int | str]:
        """Sends one request; returns its status and text."""
        if not path.startswith(self._base_url):
            raise RequestNotSent("the address is not the gateway's")
        target = path.removeprefix(self._base_url)
        body, form_type = _encoded(request_body)
        header_texts = {name: _header_text(value) for name, value in headers.items()}
        if form_type is not None:
            header_texts["Content-Type"] = form_type
        _progress.sending = False
        _progress.latest_start = time.monotonic() + self._send_within_seconds
        try:
            response = self._open(http_verb, target, header_texts, body)
            return [response.status, self._read(response)]
        except (RequestNotSent, AnswerLost):
            raise
        except Exception as failure:
            # Not chained: the pool's own errors name the address, and with it the thing asked for.
            raise (AnswerLost if _progress.sending else RequestNotSent)(_cause(failure)) from None

    def handle_exception(self, exception: Exception) -> NoReturn:
        raise exception

    def close(self) -> None:
        self._pool.close()

    def _open(self, verb: str, target: str, headers: Mapping[str, str], body: bytes) -> BaseHTTPResponse:
        return self._pool.urlopen(
            verb,
            target,
            body=body or None,
            headers=headers,
            retries=False,
            redirect=False,
            timeout=Timeout(connect=self._connect_timeout_seconds, read=self._read_timeout_seconds),
            # With every connection busy: as long as for a connection of its own, and then it surely was not sent.
            pool_timeout=self._connect_timeout_seconds,  # type: ignore[arg-type]
            preload_content=False,
        )

    def _read(self, response: BaseHTTPResponse) -> str:
        deadline = time.monotonic() + self._read_timeout_seconds
        whole = bytearray()
        try:
            while part := response.read1(65536, decode_content=True):
                whole += part
                if time.monotonic() > deadline:
                    raise AnswerLost("the answer arrives too slowly")
                if len(whole) > MAX_ANSWER_BYTES:
                    raise AnswerLost("the answer is too large")
            text = whole.decode("utf-8")
        except BaseException:
            response.close()
            raise
        finally:
            response.release_conn()
        return text


def _encoded(body: Body) -> tuple[bytes, str | None]:
    """The body as sent, and its type where that is not the SDK's to say."""
    if isinstance(body, tuple):
        fields, files = body
        parts = [*fields.items(), *((name, _file_part(file)) for name, file in files.items())]
        return encode_multipart_formdata(parts)
    return body.encode("utf-8") if isinstance(body, str) else body or b"", None


def _file_part(file: Any) -> Any:
    """A file as urllib3 wants it: name, content, and type where the SDK knows it."""
    if not isinstance(file, tuple):
        return (getattr(file, "name", "file"), file.read())
    name, content, *kind = file
    return (name, content.read() if hasattr(content, "read") else content, *kind)


def _header_text(value: Any) -> str:
    return value.decode("ascii") if isinstance(value, bytes) else str(value)


def _cause(failure: BaseException) -> str:
    """The failure in words that hold nothing of the request: its kind, and what the operating system said."""
    words = type(failure).__name__
    inner: BaseException | None = failure
    while inner is not None:
        if isinstance(inner, OSError) and inner.strerror:
            return f"{words}: {inner.strerror}"
        inner = inner.__cause__ or inner.__context__
    return words
