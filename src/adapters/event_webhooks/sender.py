"""The webhook sender: posts one event over HTTP and reports whether it was received."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, Timeout
from urllib3.exceptions import HTTPError

from adapters.event_webhooks.addresses import AddressRefused, Resolve, public_address, resolve
from adapters.event_webhooks.signing import signature
from application.ports.deliveries import Endpoint
from application.ports.feed import FeedItem

_TIMEOUT: Final = Timeout(connect=5, read=10)

# The event's type, its subject, and its data.
Encode = Callable[[FeedItem], tuple[str, str, dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class HttpWebhookSender:
    """Follows no redirects, and ignores proxies of the environment. Safe for many threads."""

    encode: Encode
    allow_private: bool = False
    resolve: Resolve = resolve
    # Returns the headers that continue the current trace at the receiver.
    trace_headers: Callable[[], Mapping[str, str]] = dict

    def send(self, endpoint: Endpoint, item: FeedItem, time: datetime) -> str:
        body = self._body(item)
        event_id = str(item.entry.event_id)
        seconds = int(time.timestamp())
        headers = {
            "Content-Type": "application/cloudevents+json; charset=utf-8",
            "User-Agent": "bayar",
            "webhook-id": event_id,
            "webhook-timestamp": str(seconds),
            "webhook-signature": signature(endpoint.secrets, event_id, seconds, body),
            **self.trace_headers(),
        }
        try:
            return _failure_of(self._post(endpoint.url, headers, body))
        except AddressRefused as refused:
            return str(refused)
        except (OSError, HTTPError) as failure:
            # The errors' texts can hold the address with any secret in it.
            return f"no answer: {type(failure).__name__}"

    def _body(self, item: FeedItem) -> bytes:
        """A CloudEvents 1.0 envelope (structured mode)."""
        kind, subject, data = self.encode(item)
        envelope = {
            "specversion": "1.0",
            "id": item.entry.event_id,
            "source": "bayar",
            "type": kind,
            "subject": subject,
            "time": item.entry.time.isoformat().replace("+00:00", "Z"),
            "datacontenttype": "application/json",
            "position": str(item.entry.position),
            "data": data,
        }
        return json.dumps(envelope, ensure_ascii=False, separators=(",", ":")).encode()

    def _post(self, url: str, headers: dict[str, str], body: bytes) -> int:
        parts = urlsplit(url)
        host = parts.hostname or ""
        secure = parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
        address = public_address(host, port, allow_private=self.allow_private, resolve=self.resolve)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        # The connection goes to the checked address; the certificate must still be the host's.
        pool: HTTPConnectionPool = (
            HTTPSConnectionPool(address, port, server_hostname=host, assert_hostname=host)
            if secure
            else HTTPConnectionPool(address, port)
        )
        with pool:
            response = pool.urlopen(
                "POST",
                target,
                body=body,
                headers=headers | {"Host": parts.netloc.rpartition("@")[2]},
                redirect=False,
                retries=False,
                timeout=_TIMEOUT,
                preload_content=False,
            )
            # The rest of the response is not read: it could take for ever.
            response.close()
            return response.status


def _failure_of(status: int) -> str:
    if 200 <= status < 300:
        return ""
    if 300 <= status < 400:
        return f"HTTP {status}: redirects are not followed"
    return f"HTTP {status}"
