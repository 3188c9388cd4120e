"""Settings of webhooks and events: the gateway's webhooks that arrive, and the feed and webhooks that go out."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from bootstrap.config.settings_group import SettingsGroup


class WebhookSettings(SettingsGroup):
    webhook_attempts: int = Field(20, ge=1, le=1000)
    """The maximum of attempts at one incoming webhook. The pauses grow to an hour; after the last attempt it is DEAD,
    and ListWebhookNotifications shows it.
    """
    keep_webhooks_days: int = Field(90, ge=0)
    """The days for which processed incoming webhooks stay in the inbox. 0 keeps them for ever. See
    docs/operate/backup.md.
    """
    feed_interval_seconds: float = Field(0.25, gt=0, le=10)
    """The pause in seconds between two searches of the database for new events, to give them their positions and send
    them to readers.
    """
    indexing_interval_seconds: float = Field(1.0, gt=0, le=60)
    """The pause in seconds between two looks at the feed for payments to index for SearchPayments and to count for
    SummarizePayments. A new payment is found by its names, amounts and metadata about that much later; by ids and
    references at once. A longer pause costs less.
    """
    archive_events_days: int = Field(0, ge=0)
    """The age in days at which the history of a payment at rest is compressed into one row. 0: only `bayar events
    archive` does it.
    """
    event_webhooks_file: Path | None = Field(None, examples=["/etc/bayar/webhooks.toml"])
    """The TOML file of the endpoints that receive events. See docs/integrate/events.md."""
    allow_private_webhooks: bool = Field(False, examples=["true"])
    """Permits event webhooks to this machine, to private networks and without TLS. For tests."""
