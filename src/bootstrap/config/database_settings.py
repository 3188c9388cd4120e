"""Settings of the database."""

from __future__ import annotations

from pydantic import Field

from bootstrap.config.settings_group import SettingsGroup


class DatabaseSettings(SettingsGroup):
    database_url: str = Field("sqlite:///bayar.db", min_length=1)
    """The database of the record: SQLite for one process, PostgreSQL for several."""
    database_connections: int = Field(24, ge=4, le=1000)
    """The maximum of database connections of one process. A call without one waits up to 5 s, then fails with
    STORE_UNAVAILABLE. Calls that wait for Braintree hold none. All processes together need fewer than PostgreSQL's
    max_connections. See docs/operate/scale.md.
    """
