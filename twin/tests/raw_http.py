"""One raw socket connection to a twin."""

from __future__ import annotations

import base64
import gzip
import http.client
import json
import re
import socket
import ssl
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from braintree_twin.testing import Twin


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: bytes
    headers: http.client.HTTPMessage

    def json(self) -> Any:
        return json.loads(self.body)


class RawHttp:
    """Sends what it is told, with the merchant's keys, and keeps its connection for as long as the twin does."""

    def __init__(self, twin: Twin) -> None:
        context = ssl.create_default_context(cafile=str(twin.ca_file))
        self._connection = http.client.HTTPSConnection(twin.host, twin.port, timeout=10, context=context)
        self.base = f"/merchants/{twin.merchant_id}"
        self.keys = "Basic " + base64.b64encode(f"{twin.public_key}:{twin.private_key}".encode()).decode()
        self._connection.connect()

    def close(self) -> None:
        self._connection.close()

    def ask(self, method: str, path: str, body: bytes | None = None, /, **headers: str | None) -> Reply:
        """Headers are given with underscores; None leaves one of the usual ones out."""
        usual: dict[str, str | None] = {
            "Authorization": self.keys,
            "Content_Type": "application/xml",
            "Accept_Encoding": "gzip",
            "X_ApiVersion": "6",
        }
        named = {name.replace("_", "-"): text for name, text in {**usual, **headers}.items() if text is not None}
        self._connection.request(method, path, body, named)
        response = self._connection.getresponse()
        content = response.read()
        if response.headers["Content-Encoding"] == "gzip":
            content = gzip.decompress(content)
        return Reply(response.status, content, response.headers)

    @property
    def local_port(self) -> int:
        """Changes when the connection had to be made anew."""
        port: int = self._connection.sock.getsockname()[1]
        return port


def assert_in_the_gateways_shape(reply: Reply) -> None:
    """An error element with a list of errors at every level, or the empty body of a 404."""
    if reply.status == 404:
        assert reply.body == b""
        return
    root = ElementTree.fromstring(reply.body)  # noqa: S314
    assert root.tag == "api-error-response"
    levels = [root.find("errors")]
    while levels:
        level = levels.pop()
        assert level is not None
        own = level.find("errors")
        assert own is not None
        assert own.get("type") == "array"
        levels += [inner for inner in level if inner.tag != "errors"]
    assert root.find("message") is not None


def exchange(twin: Twin, data: bytes, *, wait_seconds: float = 10) -> bytes:
    """Everything that comes back for these bytes, until the twin hangs up."""
    context = ssl.create_default_context(cafile=str(twin.ca_file))
    with (
        socket.create_connection((twin.host, twin.port), timeout=wait_seconds) as plain,
        context.wrap_socket(plain, server_hostname=twin.host) as connection,
    ):
        connection.sendall(data)
        received = []
        while True:
            try:
                part = connection.recv(65536)
            except (ConnectionResetError, ssl.SSLError):
                break
            if not part:
                break
            received.append(part)
    return b"".join(received)


def statuses(received: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", received)]
