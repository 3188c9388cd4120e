"""Settings of the log."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from bootstrap.config.settings_group import SettingsGroup


class LogFormat(StrEnum):
    TEXT = "text"
    JSON = "json"


class LoggingSettings(SettingsGroup):
    log_level: Annotated[str, Field(pattern="^(debug|info|warning|error)$")] = "info"
    """The lowest level that is logged: debug, info, warning or error. See docs/operate/logs.md."""
    log_format: LogFormat = Field(LogFormat.TEXT, examples=["json"])
    """text: lines for people. json: one JSON object a line."""

    @property
    def log_as_json(self) -> bool:
        return self.log_format is LogFormat.JSON
