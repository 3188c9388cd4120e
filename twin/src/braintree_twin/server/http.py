"""A request and a response, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING

from braintree_twin.routing import split_merchant

if TYPE_CHECKING:
    from braintree_twin.control_side.request_log import LoggedRequest

# As the recorded answers have them, whatever the answer.
_FIXED = "\r\n".join(
    (
        "X-Frame-Options: SAMEORIGIN",
        "X-Xss-Protection: 1; mode=block",
        "X-Content-Type-Options: nosniff",
        "Strict-Transport-Security: max-age=31536000; includeSubDomains",
    )
)
_REASONS = {status.value: status.phrase for status in HTTPStatus}


@dataclass(slots=True)
class Request:
    method: str
    # Without the query, as it was sent.
    path: str
    query: str
    # Names in lower case.
    headers: dict[str, str]
    body: bytes
    scheme: str = "https"
    keep_alive: bool = True
    # Where it is logged, if it may change something.
    log_entry: LoggedRequest | None = field(default=None, repr=False, compare=False)

    @property
    def merchant_id(self) -> str | None:
        return split_merchant(self.path)[0]

    @property
    def base_url(self) -> str:
        return f"{self.scheme}://{self.headers.get('host', 'localhost')}"


@dataclass(slots=True)
class Response:
    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    # What the request counts as.
    route: str = ""

    def head(self, *, keep_alive: bool) -> bytes:
        """The status line and the headers."""
        reason = _REASONS.get(self.status, "Status")
        lines = [
            f"HTTP/1.1 {self.status} {reason}",
            "Server: nginx",
            f"Date: {formatdate(usegmt=True)}",
            *(f"{name}: {value}" for name, value in self.headers.items()),
            "X-Authentication: basic_auth",
            f"Cache-Control: {'no-cache' if self.status == 404 else 'max-age=0, private, must-revalidate'}",
            _FIXED,
            f"Content-Length: {len(self.body)}",
            f"Connection: {'keep-alive' if keep_alive else 'close'}",
            "\r\n",
        ]
        return "\r\n".join(lines).encode("latin-1", "replace")
