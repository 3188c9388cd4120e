"""Port that sends one event to one endpoint."""

from datetime import datetime
from typing import Protocol

from application.ports.deliveries import Endpoint
from application.ports.feed import FeedItem


class WebhookSender(Protocol):
    def send(self, endpoint: Endpoint, item: FeedItem, time: datetime) -> str:
        """Returns an empty text once the endpoint confirmed receipt; otherwise the error, without the sent content."""
