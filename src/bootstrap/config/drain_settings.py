"""Settings of the drain at a stop: not ready first, then a delay, then no new calls."""

from __future__ import annotations

from pydantic import Field

from bootstrap.config.settings_group import SettingsGroup


class DrainSettings(SettingsGroup):
    stop_delay_seconds: float = Field(5.0, ge=0, le=600)
    """The time in seconds from SIGTERM, when /readyz turns 503 and gRPC health NOT_SERVING, to the moment from which no
    new calls are accepted: balancers learn of the stop meanwhile. Ctrl-C (SIGINT) does not wait.
    """
    stop_grace_seconds: float = Field(20.0, gt=0, le=600)
    """The time in seconds that a stop then waits for calls under way. Callers of the rest get SERVICE_STOPPING, and the
    resolver finds the outcomes. BAYAR_STOP_DELAY_SECONDS, this and 4 s are the whole stop: Kubernetes waits 30 s.
    """
