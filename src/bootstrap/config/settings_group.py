"""The base of the groups of settings, one module for each topic."""

from __future__ import annotations

from pydantic_settings import BaseSettings, SettingsConfigDict


class SettingsGroup(BaseSettings):
    """Settings of one topic, each described by the text below it. The example, or else the default, shows its form."""

    model_config = SettingsConfigDict(
        env_prefix="BAYAR_", extra="ignore", hide_input_in_errors=True, use_attribute_docstrings=True
    )
