"""Settings of the velocity limits, against card testing."""

from __future__ import annotations

from pydantic import Field

from bootstrap.config.settings_group import SettingsGroup


class VelocityLimitSettings(SettingsGroup):
    decline_window_seconds: float = Field(3600.0, ge=60, le=86_400)
    """The window in seconds over which the velocity limits count declines and verifications, against card testing. See
    docs/operate/limits.md.
    """
    declines_per_card: int = Field(10, ge=0)
    """The maximum of declines and verifications of one card within the window. Beyond it: TOO_MANY_DECLINES. 0: no
    limit.
    """
    declines_per_customer: int = Field(10, ge=0)
    """The maximum of declines and verifications of one customer within the window. Beyond it: TOO_MANY_DECLINES. 0: no
    limit.
    """
    declines_per_client_address: int = Field(20, ge=0)
    """The maximum of declines and verifications of one client_address (IPv6: of one /64) within the window. Beyond it:
    TOO_MANY_DECLINES. 0: no limit.
    """
    declines_per_caller: int = Field(10_000, ge=0)
    """The maximum of declines and verifications of one caller within the window. Beyond it all its payments fail with
    TOO_MANY_DECLINES, so keep it far above a bad hour. 0: no limit.
    """
    cards_per_customer: int = Field(5, ge=0)
    """The maximum of different cards of one customer that are declined or verified within the window. Beyond it new
    cards get TOO_MANY_DECLINES. 0: no limit.
    """
    cards_per_client_address: int = Field(10, ge=0)
    """The maximum of different cards of one client_address that are declined or verified within the window. Beyond it
    new cards get TOO_MANY_DECLINES. 0: no limit.
    """
