"""Port that sends one event to one endpoint."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from application.events.read_feed import FeedItem
from application.ports.deliveries import Endpoint


class WebhookSender(Protocol):
    def send(self, endpoint: Endpoint, item: FeedItem, time: datetime) -> str:
        """Returns an empty text once the endpoint confirmed receipt; otherwise the error, without the sent content."""
        ...
