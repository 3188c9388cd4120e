"""Takes one event to one address."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from application.ports.deliveries import Endpoint
from application.read_feed import FeedItem


class Postman(Protocol):
    def send(self, endpoint: Endpoint, item: FeedItem, time: datetime) -> str:
        """Empty once the endpoint has said that it received the event; otherwise why not, without what was sent."""
        ...
