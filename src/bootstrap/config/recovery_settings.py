"""Settings of recovery: when a lost outcome is looked for, when an operation counts as never sent, and the polls."""

from __future__ import annotations

from pydantic import Field

from application.common import not_found_horizon
from bootstrap.config.settings_group import SettingsGroup


class RecoverySettings(SettingsGroup):
    absence_horizon_seconds: float = Field(not_found_horizon.HORIZON_SECONDS, gt=0)
    """The time in seconds for which the gateway must not know an operation before it is FAILED. At least
    BAYAR_BRAINTREE_CONNECT_TIMEOUT_SECONDS + BAYAR_BRAINTREE_READ_TIMEOUT_SECONDS + 105: a margin of 15 s, the 60 s
    that the gateway may work, and 30 s for the lag of its search. The twin takes any.
    """
    first_check_seconds: float = Field(2.0, gt=0)
    """The time in seconds from a lost answer to the resolver's first look. The pause doubles with each look, up to five
    minutes.
    """
    resolver_interval_seconds: float = Field(1.0, gt=0)
    """The pause in seconds between two searches of the database for operations that are due."""
    follow_interval_seconds: float = Field(300.0, gt=0)
    """The shortest pause in seconds between two polls of a payment that has yet to settle or expire. It grows to six
    hours.
    """
    watch_refunds_days: float = Field(180.0, ge=0, le=3650)
    """The number of days after the last change during which settled payments are polled for refunds that somebody else
    made at the gateway. The pause grows from 6 hours to a week. 0: never.
    """
    dispute_poll_seconds: float = Field(3600.0, gt=0)
    """The pause in seconds between two searches of the gateway for disputes without a webhook, and between two polls of
    an open dispute.
    """
