"""HTTP requests and responses as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus

from braintree_twin.routing import split_merchant

# Headers of every recorded answer of the sandbox. Pages that a shop shows in a frame do without the first.
_NO_FRAMES = "X-Frame-Options: SAMEORIGIN"
_FIXED = "\r\n".join(
    (
        "X-Xss-Protection: 1; mode=block",
        "X-Content-Type-Options: nosniff",
        "Strict-Transport-Security: max-age=31536000; includeSubDomains",
    )
)
_REASONS = {status.value: status.phrase for status in HTTPStatus}


@dataclass(slots=True)
class LoggedRequest:
    """One request of a merchant. `outcome` is its status, the fault it met, or None while it runs."""

    number: int
    # Seconds since 1970 by the machine's clock, not the twin's.
    arrived_at: float
    method: str
    # Without /merchants/{merchant_id}.
    path: str
    order_id: str | None
    token: str | None
    amount: str | None
    outcome: int | str | None = None


@dataclass(slots=True)
class Request:
    method: str
    # As it was sent, without the query.
    path: str
    query: str
    # Names in lower case.
    headers: dict[str, str]
    body: bytes
    scheme: str = "https"
    keep_alive: bool = True
    # Its entry in the request log, if it may change something.
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
    # The route that the request is counted under.
    route: str = ""
    # A page of another origin may show it in a frame.
    framed: bool = False

    def _caching(self) -> tuple[str, ...]:
        if "Cache-Control" in self.headers:
            return ()
        return (f"Cache-Control: {'no-cache' if self.status == 404 else 'max-age=0, private, must-revalidate'}",)

    def head(self, *, keep_alive: bool) -> bytes:
        """The status line and the headers."""
        reason = _REASONS.get(self.status, "Status")
        lines = [
            f"HTTP/1.1 {self.status} {reason}",
            "Server: nginx",
            f"Date: {formatdate(usegmt=True)}",
            *(f"{name}: {value}" for name, value in self.headers.items()),
            "X-Authentication: basic_auth",
            *self._caching(),
            *(() if self.framed else (_NO_FRAMES,)),
            _FIXED,
            f"Content-Length: {len(self.body)}",
            f"Connection: {'keep-alive' if keep_alive else 'close'}",
            "\r\n",
        ]
        return "\r\n".join(lines).encode("latin-1", "replace")
